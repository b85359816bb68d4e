"""The numbers of the table, held against results whose answer is known."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from flushpump.errors import FlushPumpError
from flushpump.wire.messages import Alarm, Outcome, ProgramEnd, PulseResult, Verdict
from flushsim.campaign import rows
from flushsim.campaign.classification import detections_in
from flushsim.campaign.config import CampaignConfig, parse
from flushsim.campaign.results import Results, area_under, read, roc
from flushsim.campaign.rows import Row, row_of
from flushsim.campaign.schema import SCHEMA
from flushsim.campaign.statistics import Rate, statistics_of
from flushsim.campaign.text_report import lines_of
from flushsim.cli import campaign
from flushsim.faults.spec import parse_fault
from flushsim.firmware.image import FirmwareError
from flushsim.scenario import Reported, Scenario, run

PULSE = {
    "verdict": "patent", "derated_percent": 0, "phase_index": 1, "intended_nl": 900_000, "driven_nl": 900_000,
    "delivered_nl": 900_000, "start_us": 0, "duration_us": 470_000, "pause_us": 400_000, "peak_pa": 80_000,
    "resistance_pa_s_per_ml": 40_000, "compliance_nl_per_kpa": 3_000, "residual_pa": 0, "evidence": "resistance",
    "seen_permille": 1000, "limit_permille": 1500, "after_onset": None,
}  # fmt: skip


def a_run(case: int, pulses: list[dict[str, Any]], **values: Any) -> Row:
    healthy: Row = {
        "case": case, "group": "healthy", "healthy": True, "claimed": False, "line": "picc-4f", "needle": "none",
        "outcome": "completed", "verdict": "patent", "tip_ml": 9.0, "leaked_ml": 0.0, "volume_error_ml": 0.0,
        "told_uncertain_ml": 0.0, "told_relieved_ml": 0.0, "bolus_ml": 0.0, "peak_kpa": 80.0,
        "working_limit_kpa": 137.6, "hard_limit_kpa": 172.0, "overshoot_kpa": -57.6,
        "expected_resistance_kpa_s_per_ml": 40.0,
    }  # fmt: skip
    numbered = [{**PULSE, "index": index, **pulse} for index, pulse in enumerate(pulses)]
    return {**healthy, **values, "pulses": numbered}


def faulty(case: int, **values: Any) -> Row:
    fault: Row = {
        "group": "partial", "healthy": False, "claimed": True, "fault": "partial", "severity": 3.0, "onset_s": 4.0,
        "hit_pulse": 3, "pulses_left": 6, "found": True, "found_as": "partial", "found_after_s": 0.5, "found_pulse": 3,
        "whole_pulses": 0, "said": "partial",
    }  # fmt: skip
    resisting = {"resistance_pa_s_per_ml": 120_000}
    pulses = [{}, {}, {}, {**resisting, "after_onset": 0}, {**resisting, "after_onset": 1}]
    return a_run(case, pulses, **{**fault, **values})


@pytest.fixture
def results_of(tmp_path: Path) -> Callable[[list[Row]], Results]:
    def make(given: list[Row]) -> Results:
        file = tmp_path / "part-0000000-0000001.parquet"
        pq.write_table(pa.Table.from_pylist(given, schema=SCHEMA), file)
        return read([file])

    return make


def test_a_rate_has_the_interval_of_clopper_and_pearson() -> None:
    # Values of Clopper and Pearson's tables.
    assert Rate.of_counts(0, 10).high == pytest.approx(0.3085, abs=1e-4)
    ten = Rate.of_counts(10, 100)
    assert (ten.low, ten.high) == (pytest.approx(0.0490, abs=1e-4), pytest.approx(0.1762, abs=1e-4))
    assert Rate.of_counts(0, 36_887).high < 1e-4 < Rate.of_counts(0, 36_886).high
    assert Rate.of_counts(0, 0) == Rate(0, 0, 0.0, 1.0)


def test_rates_count_runs_by_fault_and_severity(results_of: Callable[[list[Row]], Results]) -> None:
    unfound: Row = {"found": False, "found_as": None, "found_after_s": None, "found_pulse": None, "whole_pulses": None}
    statistics = statistics_of(results_of([
        *(a_run(case, [{}] * 5) for case in range(8)),
        a_run(8, [{}] * 5, false_alarm="bubble"),
        faulty(10),
        faulty(11, found_pulse=4, whole_pulses=1, severity=5.0),
        faulty(12, found_pulse=6, whole_pulses=3, severity=5.0, peak_kpa=180.0),
        faulty(13, **{**unfound, "said": None}),
        # A run with less than two pulses left does not show how many pulses detection takes.
        faulty(14, **{**unfound, "said": None, "pulses_left": 1}),
    ]))  # fmt: skip
    assert statistics["healthy"]["false_alarms"]["count"] == 1
    assert statistics["healthy"]["false_alarms"]["of"] == 9
    assert statistics["healthy"]["paths_with_false_alarms"] == {"picc-4f": 1}
    (partial,) = statistics["faults"]
    assert (partial["found"]["count"], partial["found"]["of"]) == (3, 5)
    assert (partial["in_the_pulse"]["count"], partial["in_the_pulse"]["of"]) == (1, 5)
    assert (partial["within_two_pulses"]["count"], partial["within_two_pulses"]["of"]) == (2, 4)
    assert (partial["before_hard_limit"]["count"], partial["before_hard_limit"]["of"]) == (2, 5)
    assert partial["said_first"] == {"partial": 3, "nothing": 2}
    assert [(part["severity"], part["found"]["of"]) for part in partial["by_severity"]] == [("3", 3), ("5", 2)]
    assert partial["paths_below_95_percent"] == {"picc-4f": "2 of 4"}


def test_a_path_that_does_not_show_a_fault_is_named_and_not_counted(
    results_of: Callable[[list[Row]], Results],
) -> None:
    unfound: Row = {"found": False, "found_pulse": None, "whole_pulses": None, "permitted": False}
    unfound["line"] = "picc-6f-dual"
    statistics = statistics_of(results_of([faulty(1, permitted=True), faulty(2, permitted=True), faulty(3, **unfound)]))
    (partial,) = statistics["faults"]
    assert (partial["where_permitted"]["count"], partial["where_permitted"]["of"]) == (2, 2)
    assert (partial["within_two_pulses"]["count"], partial["within_two_pulses"]["of"]) == (2, 3)
    assert partial["paths_not_permitting"] == ["picc-6f-dual"]
    assert partial["paths_below_95_percent"] == {}


def test_what_a_path_permits_is_what_its_plan_lists() -> None:
    wide = Scenario(sequence="tunneled-flush", line="tunneled-9.6f", needle="none").plan()
    port = Scenario(needle="huber-22g").plan()
    assert rows.permitted(port, parse_fault("leak:0.5@3s")) is True
    assert rows.permitted(wide, parse_fault("leak:0.01@3s")) is False
    assert rows.permitted(port, parse_fault("occlusion@3s")) is None


def test_the_worst_volumes_and_pressures_are_listed_by_group(results_of: Callable[[list[Row]], Results]) -> None:
    statistics = statistics_of(results_of([
        a_run(0, [{}], volume_error_ml=0.01),
        faulty(1, overshoot_kpa=2.5, volume_error_ml=-0.3, told_uncertain_ml=0.1),
        faulty(2, outcome="occluded", bolus_ml=0.04, relief_lowest_kpa=1.5, relief_drawn_ml=0.001),
    ]))  # fmt: skip
    healthy, partial = statistics["by_group"]
    assert healthy["volume_error_ml"]["worst"] == pytest.approx(0.01)
    assert partial["volume_error_ml"]["worst"] == pytest.approx(-0.3)
    assert partial["beyond_uncertain_ml"]["worst"] == pytest.approx(0.2)
    assert partial["above_working_limit_kpa"]["worst"] == pytest.approx(2.5)
    assert partial["lowest_in_relief_kpa"] == pytest.approx(1.5)
    assert statistics["bolus_ml"]["worst"] == pytest.approx(0.04)
    assert statistics["drawn_in_relief_ml"]["worst"] == pytest.approx(0.001)


def test_a_score_that_separates_every_pulse_has_an_area_of_one(results_of: Callable[[list[Row]], Results]) -> None:
    results = results_of([*(a_run(case, [{}] * 5) for case in range(4)), *(faulty(case) for case in range(10, 14))])
    assert area_under(roc(results, "partial", "resistance_change")) == 1.0
    assert area_under(roc(results, "partial", "residual_share")) == 0.5
    assert area_under(roc(results, "nothing like it", "residual_share")) is None


def test_the_report_names_what_is_in_the_figures(results_of: Callable[[list[Row]], Results]) -> None:
    statistics = statistics_of(results_of([a_run(0, [{}] * 3), faulty(1)]))
    report = "\n".join(lines_of("a title", 7, statistics))
    assert "a title: 2 runs, seed 7" in report
    assert "without a fault: 0 false alarms in 1 runs, 0 (0-97.5) of runs" in report
    assert "partial" in report
    assert "100 (2.5-100)" in report


def test_a_fault_that_never_came_is_neither_found_nor_missed(text: str) -> None:
    torn = text.replace('"occlusion"', '"rupture"\nseverity = { choice = [20, 1000] }').replace("[1, 2]", "[4, 5]")
    config = parse(torn.replace("smartport-ct-8f", "picc-4f"), "torn", "torn.toml")
    found = {row["severity"]: row["found"] for row in (row_of(config, case) for case in range(1, 22, 3))}
    assert found == {20.0: True, 1000.0: None}


def test_a_detection_has_a_name_a_time_and_a_pulse() -> None:
    reported = run(Scenario(faults=("partial:5@3s",))).reported
    detections = detections_in(reported)
    assert {one.name for one in detections} == {"partial"}
    assert detections == sorted(detections, key=lambda one: one.time_us)
    assert detections[0].time_us > 3_000_000


def test_a_healthy_run_has_no_detection() -> None:
    assert detections_in(run(Scenario()).reported) == []


def test_a_lost_pump_is_a_detection() -> None:
    reported = run(Scenario(faults=("link-loss@4s",))).reported
    assert [one.name for one in detections_in(reported)] == ["link_lost"]
    assert 4_200_000 < detections_in(reported)[0].time_us < 8_000_000


def test_an_end_without_a_verdict_is_a_detection_too() -> None:
    end = dict.fromkeys(ProgramEnd.__dataclass_fields__, 0) | {"outcome": Outcome.ALARM, "verdict": Verdict.PATENT}
    alarm = dict.fromkeys(Alarm.__dataclass_fields__, 0) | {"code": 11, "device_time_ms": 5}
    pulse = dict.fromkeys(PulseResult.__dataclass_fields__, 0) | {"verdict": Verdict.BUBBLE, "index": 4}
    reported = Reported(events=[(10, Alarm(**alarm)), (20, PulseResult(**pulse)), (30, ProgramEnd(**end))])
    # A syringe that is nearly empty is reported in every healthy run too.
    found = [(one.name, one.time_us, one.pulse) for one in detections_in(reported)]
    assert found == [("bubble", 20, 4), ("alarm", 30, None)]


def test_a_firmware_that_fails_is_a_result_and_is_in_the_report(
    config: CampaignConfig,
    monkeypatch: pytest.MonkeyPatch,
    results_of: Callable[[list[Row]], Results],
    tmp_path: Path,
) -> None:
    def fails(*given: object, **more: object) -> None:
        raise FirmwareError("the firmware failed: MemoryError: no\nTraceback")

    monkeypatch.setattr(rows, "run", fails)
    row = row_of(config, 0)
    assert row["problem"] == "the firmware failed: MemoryError: no"
    report = lines_of("a title", 1, statistics_of(results_of([a_run(5, [{}]), row])))
    assert "THE FIRMWARE FAILED in 1 runs; see `problem` in the results" in report
    monkeypatch.setattr("flushsim.scenario.run", fails)
    with pytest.raises(FlushPumpError, match="the firmware failed in case 0"):
        campaign._run_case(config, 0, tmp_path / "x.trace", as_json=False)
