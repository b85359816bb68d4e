"""`flush` does a whole run in one call, and its result or its error holds what was delivered."""

import subprocess
import sys
from pathlib import Path as FilePath

import flushpump
import pytest
from flushpump import AccessPath, flush, load_sequence
from flushpump.errors import NoDeviceError, RefusedError, StoppedByAlarmError, UsageError
from flushpump.records.store import Records
from flushpump.wire.messages import Question

PORT = {"line": "smartport-ct-8f", "needle": "huber-20g", "syringe": "bd-10"}
SIM = "flushsim://?target=native"


@pytest.fixture(autouse=True)
def records(tmp_path: FilePath, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLUSHPUMP_RECORDS", str(tmp_path / "records.sqlite"))


def test_a_run_in_one_call_gives_its_volumes_pulses_and_record():
    asked: list[Question] = []

    def yes(question: Question) -> bool:
        asked.append(question)
        return True

    result = flush("port-maintenance", **PORT, port=SIM, answer=yes, operator="Ana", label="left")
    assert result.outcome == "completed"
    assert result.delivered_ml == pytest.approx(9.5, abs=0.1)
    assert len(result.pulses) == 10
    assert result.pulses[0].peak_kpa > 20
    assert asked == [Question.BLOOD_RETURN]
    found = Records().all()[0]
    assert result.record_id == found.record_id
    assert (found.body["operator"], found.body["label"], found.body["confirmed_by"]) == (
        "Ana",
        "left",
        "answer function",
    )
    assert result.to_dict() == {**found.body, "record_id": result.record_id}
    table = result.to_dataframe()
    assert list(table["delivered_ml"]) == [pulse.delivered_ml for pulse in result.pulses]


def test_without_pandas_a_table_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch):
    path = AccessPath.of("picc-4f", "none", "bd-10")
    result = flush(load_sequence("picc-flush"), path, port=SIM, answer="yes", record=False)
    assert result.record_id is None
    assert Records().all() == []
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UsageError, match="pip install pandas"):
        result.to_dataframe()


def test_an_occluded_run_raises_with_its_result_and_is_recorded():
    with pytest.raises(StoppedByAlarmError, match="occluded: the line is blocked") as stopped:
        flush("port-maintenance", **PORT, port=f"{SIM}&fault=occlusion@3s", answer="yes")
    assert stopped.value.result.outcome == "occluded"
    assert 0 < stopped.value.result.delivered_ml < 9.5
    assert Records().all()[0].body["outcome"] == "occluded"


def test_an_answer_of_no_and_an_answer_that_fails_end_the_run_before_a_pulse():
    with pytest.raises(StoppedByAlarmError) as stopped:
        flush("port-maintenance", **PORT, port=SIM, answer=lambda question: False)
    assert stopped.value.result.pulses == ()

    def broken(question: Question) -> bool:
        raise LookupError("no answer")

    with pytest.raises(LookupError, match="no answer"):
        flush("port-maintenance", **PORT, port=SIM, answer=broken)
    assert Records().all()[1].body["pulses"] == []


def test_what_cannot_be_run_is_refused_before_anything_moves():
    with pytest.raises(UsageError, match="needs a path"):
        flush("port-maintenance", port=SIM, answer="yes")
    with pytest.raises(UsageError, match="is no answer"):
        flush("port-maintenance", **PORT, port=SIM, answer="no")  # type: ignore[arg-type]
    with pytest.raises(NoDeviceError):
        flush("port-maintenance", **PORT, port="/dev/no-such-port", answer="yes")
    with pytest.raises(RefusedError):
        flush("port-maintenance", **PORT, port=SIM, loaded_ml=1.0, answer="yes")
    assert Records().all() == []


def test_every_public_name_is_there_and_importing_the_package_imports_no_other_module():
    for name in flushpump.__all__:
        assert getattr(flushpump, name).__name__ == name
    code = "import sys, flushpump; print([name for name in sys.modules if name.startswith('flushpump.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    with pytest.raises(AttributeError, match="no attribute 'flsh'"):
        flushpump.flsh  # noqa: B018
