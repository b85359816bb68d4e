"""One case: what the host is told beside what the plant knows."""

import pytest
from flushpump.access.catalog import UnknownNameError
from flushpump.errors import RefusedError
from flushpump.wire.messages import Outcome, Verdict
from flushsim.faults.spec import FaultError
from flushsim.rig.trace import TraceRow
from flushsim.scenario import Scenario, run


def test_a_case_gives_the_same_run_again_byte_for_byte() -> None:
    case = Scenario(faults=("partial:4@4s",), seed=5)
    first: list[TraceRow] = []
    second: list[TraceRow] = []
    told = run(case, trace=first).told
    assert run(case, trace=second).told == told
    assert first == second
    assert len(first) > 2_000


def test_another_seed_is_another_run() -> None:
    first: list[TraceRow] = []
    second: list[TraceRow] = []
    run(Scenario(seed=1), trace=first)
    run(Scenario(seed=2), trace=second)
    assert first != second


def test_a_healthy_case_gives_what_was_asked_for_and_tells_so() -> None:
    result = run(Scenario())
    assert result.told.end is not None
    assert result.told.end.outcome is Outcome.COMPLETED
    assert result.told.verdict is Verdict.PATENT
    assert len(result.told.pulses) == 10
    assert not result.told.alarms
    assert result.truth.driven_ml == pytest.approx(9.0, abs=0.001)
    assert result.truth.tip_ml == pytest.approx(9.0, abs=0.01)
    assert result.truth.relief_lowest_kpa is None
    assert result.truth.bolus_ml == 0.0


def test_an_occluded_case_tells_its_relief_and_its_bolus() -> None:
    result = run(Scenario(faults=("occlusion@3s",)))
    truth = result.truth
    assert result.told.verdict is Verdict.OCCLUDED
    onset_us = truth.onset_us(result.plant.faults[0])
    assert onset_us is not None
    assert truth.last_forward_us is not None
    assert 0 < truth.last_forward_us - onset_us < 100_000
    assert truth.relief_lowest_kpa is not None
    assert truth.relief_drawn_ml is not None
    assert truth.after_stop_ml < 0.001
    assert 0 < truth.bolus_ml < 0.1


def test_a_line_that_is_other_than_the_host_believes_is_what_the_plant_has() -> None:
    believed = run(Scenario())
    result = run(Scenario(path=Scenario(needle="huber-19g").true_path()))
    assert result.plan == believed.plan
    assert result.truth.peak_kpa < 0.8 * believed.truth.peak_kpa


def test_a_link_that_dies_is_part_of_the_result() -> None:
    result = run(Scenario(faults=("link-loss@4s",)))
    assert result.told.end is None
    assert "lease" in result.told.problem or "answer" in result.told.problem


@pytest.mark.parametrize(
    ("case", "error"),
    [
        (Scenario(line="smartport"), UnknownNameError),
        (Scenario(syringe="bd-3"), RefusedError),
        (Scenario(faults=("oclusion@3s",)), FaultError),
    ],
)
def test_a_case_that_cannot_be_is_refused(case: Scenario, error: type[Exception]) -> None:
    with pytest.raises(error):
        run(case)
