"""The last visit of a labelled line is the first baseline of the next run on the same path, and of no other."""

from typing import Any

import pytest
from flushpump.access.access_path import AccessPath
from flushpump.planning.plan import Plan
from flushpump.planning.prior_visit import last_visit, syringe_note
from flushpump.planning.sequence import load_sequence
from flushpump.records.store import Record

PATH = AccessPath.of("smartport-ct-8f", "huber-20g", "bd-10")


def record(
    number: int = 1, times: float = 1.0, compliance: float = 2.4, path: AccessPath = PATH, **changes: Any
) -> Record:
    plan = Plan.of(load_sequence("port-maintenance"), path)
    expected = (path.predict_kpa(2.0) - 1.07) / 2
    pulse = {
        "verdict": "patent", "derated_percent": 0, "resistance_kpa_s_per_ml": times * expected,
        "compliance_ul_per_kpa": compliance, "intended_ml": 9.0, "duration_s": 4.5, "pause_s": 0.4,
    }  # fmt: skip
    body = {
        "label": "left", "outcome": "completed", "verdict": "patent", "pulses": [pulse] * 10, "plan": plan.to_json(),
        **changes,
    }  # fmt: skip
    return Record(number, "2026-01-02T03:04:05+00:00", body, f"{number:064x}")


def test_the_newest_good_run_of_the_label_counts():
    visit = last_visit([record(1, 0.8), record(2, 1.2), record(3, 1.5, label="right")], "left", PATH)
    assert visit is not None
    assert visit.times == pytest.approx(1.2)
    assert visit.compliance_ul_per_kpa == 2.4
    settings = Plan.of(load_sequence("port-maintenance"), PATH, visit=visit).settings()
    assert (settings.known_permille, settings.known_compliance_nl_per_kpa) == (1_200, 2_400)


@pytest.mark.parametrize("changes", [
    {"outcome": "occluded"}, {"verdict": "partial"}, {"pulses": []}, {"pulses": None}, {"plan": 7}, {"label": None},
])  # fmt: skip
def test_a_run_without_patent_pulses_on_the_line_is_skipped(changes: dict[str, Any]):
    assert last_visit([record(**changes)], "left", PATH) is None
    visit = last_visit([record(1, 0.9), record(2, **changes)], "left", PATH)
    assert visit is not None
    assert visit.times == pytest.approx(0.9)


def test_with_another_needle_or_line_nothing_is_known():
    other = AccessPath.of("smartport-ct-8f", "huber-19g", "bd-10")
    assert last_visit([record(1), record(2, path=other)], "left", PATH) is None
    assert last_visit([record(1)], "left", other) is None
    assert last_visit([record(1)], "", PATH) is None


def test_the_compliance_with_another_syringe_is_not_known():
    visit = last_visit([record(path=AccessPath.of("smartport-ct-8f", "huber-20g", "terumo-10"))], "left", PATH)
    assert visit is not None
    assert visit.compliance_ul_per_kpa is None


def test_the_compliance_of_a_line_whose_liquid_oscillates_is_not_known():
    wide = AccessPath.of("tunneled-9.6f", "none", "bd-10")
    visit = last_visit([record(path=wide)], "left", wide)
    assert visit is not None
    assert visit.compliance_ul_per_kpa is None
    assert "compliance" not in visit.sentence()


@pytest.mark.parametrize("times", [0.2, 3.0])
def test_a_resistance_that_no_line_has_is_no_hint(times: float):
    assert last_visit([record(1, times)], "left", PATH) is None


@pytest.mark.requirement("REQ-PATH-2")
def test_a_run_like_that_of_a_wider_barrel_gets_a_note_and_one_like_the_last_visit_gets_none():
    visit = last_visit([record()], "left", PATH)
    assert "as if 1.8 x the volume" in syringe_note(visit, record(2, 1.9, 1.4).body, PATH)
    assert syringe_note(visit, record(2, 0.5, 4.4).body, PATH)
    for times, compliance in ((1.0, 2.4), (1.6, 2.4), (1.0, 1.2), (1.25, 2.0)):
        assert syringe_note(visit, record(2, times, compliance).body, PATH) == ""
    assert syringe_note(None, record(2, 1.9, 1.4).body, PATH) == ""


@pytest.mark.requirement("REQ-PATH-2")
def test_much_more_resistance_than_at_the_last_visit_gets_a_note_with_all_possible_causes():
    visit = last_visit([record()], "left", PATH)
    for changes in ({}, {"verdict": "partial"}, {"outcome": "stopped"}):
        note = syringe_note(visit, record(2, 2.6, 2.4, **changes).body, PATH)
        assert "2.60 x that of the last visit" in note
        assert "barrel is wider" in note
        assert "narrower" in note
