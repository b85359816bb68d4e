"""One run as a row of the results: what was drawn, what was reported, the ground ground_truth, and how they compare.

All values are plain, so that any worker can send a row; the names have the units. Column names stay as in earlier
results: `told_` is what the pump reported, `said` its first detection.
"""

from dataclasses import fields, replace
from typing import Any

from flushpump.planning.detection_limits import detectable
from flushpump.planning.plan import Plan
from flushpump.wire.events import alarm_name
from flushpump.wire.messages import PulseResult

from flushsim.campaign.classification import Detection, detections_in
from flushsim.campaign.config import CampaignConfig, Group
from flushsim.campaign.sampling import scenario_of, visit_before
from flushsim.faults.spec import Fault
from flushsim.firmware.image import FirmwareError
from flushsim.scenario import Scenario, ScenarioResult, Stroke, run

Row = dict[str, Any]
FIRMWARE_FAILED = "firmware_failed"
TEXT_FIELDS = ("verdict", "evidence")
"""Fields of a pulse that are words; all others are whole numbers."""
# A catheter that leaked less than this is not torn.
_TORN_ML = 1e-6


def row_of(config: CampaignConfig, index: int) -> Row:
    """Runs the scenario of this index. A failure of the firmware is a result too."""
    group = config.group_of(index)
    scenario = scenario_of(config, index)
    try:
        scenario = scenario_with_visit(config, index)
        return row_of_result(index, group, run(scenario))
    except FirmwareError as problem:
        failed = " ".join(str(problem).split("\n", 1)[0].split())
        return {**_drawn(index, group, scenario), "outcome": FIRMWARE_FAILED, "problem": failed}


def scenario_with_visit(config: CampaignConfig, index: int) -> Scenario:
    """The scenario of this index, with its last visit, which is run for it where the group has one."""
    scenario = scenario_of(config, index)
    if config.group_of(index).last_visit:
        return replace(scenario, visit=run(visit_before(config, index)).visit())
    return scenario


def row_of_result(index: int, group: Group, result: ScenarioResult) -> Row:
    """The row of a scenario's result."""
    reported, ground_truth, end = result.reported, result.ground_truth, result.reported.end
    working_kpa = result.settings.working_limit_pa / 1000
    return {
        **_drawn(index, group, result.scenario),
        "outcome": "unknown" if end is None else end.outcome.name.lower(),
        "verdict": reported.verdict.name.lower(),
        "alarms": [alarm_name(alarm.code).lower() for alarm in reported.alarms],
        "problem": reported.problem,
        "duration_s": result.duration_us / 1e6,
        **_volumes(result),
        "told_peak_kpa": None if end is None else end.peak_pa / 1000,
        "peak_kpa": ground_truth.peak_kpa,
        "working_limit_kpa": working_kpa,
        "hard_limit_kpa": result.settings.hard_limit_pa / 1000,
        "overshoot_kpa": ground_truth.peak_kpa - working_kpa,
        "relief_lowest_kpa": ground_truth.relief_lowest_kpa,
        **_pulse_expected(result),
        "permitted": permitted(result.plan, result.scenario.faults[0]) if result.scenario.faults else None,
        **_found(group, result),
        "pulses": _pulses(result),
    }


def permitted(plan: Plan, fault: str | Fault) -> bool | None:
    """Whether the host claims to detect a fault of this severity on this path; None where it claims nothing."""
    flow = plan.pulse_flow_ml_per_s
    if flow is None or not isinstance(fault, Fault):
        return None
    limits = detectable(plan.path, flow)
    least_severity = {"partial": limits.partial_times, "leak": limits.leak_share, "bubble": limits.air_ml}
    if fault.name in least_severity:
        from_severity = least_severity[fault.name]
        return from_severity is not None and fault.severity >= from_severity
    return limits.line_off if fault.name == "disconnect" else None


def _drawn(index: int, group: Group, scenario: Scenario) -> Row:
    faults = [fault for fault in scenario.faults if isinstance(fault, Fault)]
    first = faults[0] if faults else None
    return {
        "case": index,
        "group": group.name,
        "healthy": group.healthy,
        "claimed": bool(group.expect),
        "seed": scenario.seed,
        "sequence": scenario.sequence,
        "line": scenario.line,
        "needle": scenario.needle,
        "syringe": scenario.syringe,
        "extension": scenario.extension,
        "fault": first.name if first is not None else None,
        "severity": first.severity if first is not None else None,
        "faults": [fault.text for fault in faults],
    }


def _volumes(result: ScenarioResult) -> Row:
    ground_truth, end = result.ground_truth, result.reported.end
    return {
        "planned_ml": result.plan.dose_ml,
        "told_driven_ml": None if end is None else end.driven_nl / 1e6,
        "told_delivered_ml": None if end is None else end.delivered_nl / 1e6,
        "told_uncertain_ml": None if end is None else end.uncertain_nl / 1e6,
        "told_relieved_ml": None if end is None else end.relieved_nl / 1e6,
        "told_aspirated_ml": None if end is None else end.aspirated_nl / 1e6,
        "driven_ml": ground_truth.driven_ml,
        "tip_ml": ground_truth.tip_ml,
        "leaked_ml": ground_truth.leaked_ml,
        # Reported delivered volume, less the reported aspirated volume, less what is in the vein.
        "volume_error_ml": None if end is None else (end.delivered_nl - end.aspirated_nl) / 1e6 - ground_truth.tip_ml,
        "after_stop_ml": ground_truth.after_stop_ml,
        "bolus_ml": ground_truth.bolus_ml,
        "relief_drawn_ml": ground_truth.relief_drawn_ml,
    }


def _pulse_expected(result: ScenarioResult) -> Row:
    """The settings by which the pump predicts a pulse."""
    settings = result.settings
    flow = result.plan.pulse_flow_ml_per_s or 0.0
    linear, square = settings.resistance_pa_s_per_ml / 1000, settings.turbulence_pa_s2_per_ml2 / 1000
    return {
        "flow_ml_per_s": flow,
        "expected_resistance_kpa_s_per_ml": linear + square * flow,
        "expected_compliance_ul_per_kpa": settings.compliance_nl_per_kpa / 1000,
    }


def _found(group: Group, result: ScenarioResult) -> Row:
    """Whether and when the fault was found, or a false alarm came.

    `hit_pulse` is the pulse in which the fault began, or the next one; `found_pulse` the one in which it was found;
    `whole_pulses` counts those from the onset up to and including that one, 0 if it is the pulse that was hit.
    """
    note = result.report().to_json()["syringe_note"] if result.scenario.visit is not None else None
    detections = detections_in(result.reported, note or "")
    row: Row = {
        "said": detections[0].name if detections else None,
        "false_alarm": None, "onset_s": None, "hit_pulse": None, "pulses_left": None, "found": None, "found_as": None,
        "found_after_s": None, "found_pulse": None, "whole_pulses": None,
    }  # fmt: skip
    if group.healthy:
        row["false_alarm"] = row["said"]
        return row
    first_us, fault = result.ground_truth.first_step_us, result.scenario.faults[0]
    assert isinstance(fault, Fault)
    if first_us is None:
        return row
    onset_us = first_us + fault.at_us
    before = [one for one in detections if one.time_us < onset_us]
    after = [one for one in detections if one.time_us >= onset_us]
    strokes = _pulse_strokes(result)
    whole = [index for index, stroke in strokes.items() if stroke.first_us >= onset_us]
    hit = min((index for index, stroke in strokes.items() if stroke.last_us >= onset_us), default=None)
    row["false_alarm"] = before[0].name if before else None
    row["onset_s"] = fault.at_us / 1e6
    row["said"] = after[0].name if after else None
    row["hit_pulse"] = hit
    row["pulses_left"] = len(whole)
    # A fault after the end of the run, or a catheter that did not tear, is neither found nor missed.
    occurred = result.duration_us > onset_us and (fault.name != "rupture" or result.ground_truth.leaked_ml > _TORN_ML)
    if occurred:
        found = next((one for one in after if not group.expect or one.name in group.expect), None)
        row["found"] = found is not None
        if found is not None:
            pulse = _pulse_of(found, strokes)
            row["found_as"] = found.name
            row["found_after_s"] = (found.time_us - onset_us) / 1e6
            row["found_pulse"] = pulse
            row["whole_pulses"] = None if pulse is None else sum(1 for index in whole if index <= pulse)
    return row


def _pulse_strokes(result: ScenarioResult) -> dict[int, Stroke]:
    """The motion of each reported pulse, by its index. The pump counts times from the first step."""
    first_us = result.ground_truth.first_step_us
    strokes = {}
    if first_us is not None:
        for pulse in result.reported.pulses:
            begun_us = first_us + pulse.start_us
            strokes[pulse.index] = Stroke(begun_us, begun_us + pulse.duration_us, 0.0, 1)
    return strokes


def _pulse_of(found: Detection, strokes: dict[int, Stroke]) -> int | None:
    """The pulse of a detection: the one whose result reported it, else the last begun by then."""
    if found.pulse is not None:
        return found.pulse
    return max((index for index, stroke in strokes.items() if stroke.first_us <= found.time_us), default=None)


def _pulses(result: ScenarioResult) -> list[Row]:
    """Every pulse as reported, with its place after the onset of the fault.

    `after_onset` is None without a fault or before it, 0 in the pulse that it hit, then the number of whole pulses.
    """
    ground_truth = result.ground_truth
    fault = result.scenario.faults[0] if result.scenario.faults else None
    onset_us = ground_truth.onset_us(fault) if isinstance(fault, Fault) else None
    rows = []
    after = 0
    for pulse in sorted(result.reported.pulses, key=lambda pulse: pulse.index):
        begun_us = (ground_truth.first_step_us or 0) + pulse.start_us
        hit = onset_us is not None and begun_us + pulse.duration_us >= onset_us
        if onset_us is not None and begun_us >= onset_us:
            after += 1
        rows.append({**_pulse_values(pulse), "after_onset": after if hit else None})
    return rows


def _pulse_values(pulse: PulseResult) -> Row:
    values = {field.name: getattr(pulse, field.name) for field in fields(pulse)}
    return {name: value.name.lower() if name in TEXT_FIELDS else int(value) for name, value in values.items()}
