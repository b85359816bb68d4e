"""One run as a row of the results: what was drawn, what was told, what was true, and whether the two agree.

All values are plain, so that a row goes from any worker to the table; units stand in the names.
"""

from dataclasses import fields, replace
from typing import Any

from flushpump.planning.detection_limits import detectable
from flushpump.planning.plan import Plan
from flushpump.wire.events import alarm_name
from flushpump.wire.messages import PulseResult

from flushsim.campaign.classification import Said, said_in
from flushsim.campaign.config import CampaignConfig, Group
from flushsim.campaign.sampling import case_of, visit_before
from flushsim.faults.spec import Fault
from flushsim.firmware.image import FirmwareError
from flushsim.scenario import Scenario, ScenarioResult, Stroke, run

Row = dict[str, Any]
FIRMWARE_FAILED = "firmware_failed"
WORDS = ("verdict", "evidence")
"""Fields of a pulse that are words; all others are whole numbers."""
# A catheter that has lost less than this has not torn.
_TORN_ML = 1e-6


def row_of(description: CampaignConfig, index: int) -> Row:
    """Runs the case of this index. A firmware that fails is a result too."""
    group = description.group_of(index)
    case = case_of(description, index)
    try:
        case = prepared(description, index)
        return reported_and_ground_truth(index, group, run(case))
    except FirmwareError as problem:
        failed = " ".join(str(problem).split("\n", 1)[0].split())
        return {**_drawn(index, group, case), "outcome": FIRMWARE_FAILED, "problem": failed}


def prepared(description: CampaignConfig, index: int) -> Scenario:
    """The case of this index, with what the visit before it has left in the records; that is run for it."""
    case = case_of(description, index)
    if description.group_of(index).last_visit:
        return replace(case, visit=run(visit_before(description, index)).visit())
    return case


def reported_and_ground_truth(index: int, group: Group, result: ScenarioResult) -> Row:
    """The row of a case that was run."""
    told, truth, end = result.told, result.truth, result.told.end
    working_kpa = result.settings.working_limit_pa / 1000
    return {
        **_drawn(index, group, result.case),
        "outcome": "unknown" if end is None else end.outcome.name.lower(),
        "verdict": told.verdict.name.lower(),
        "alarms": [alarm_name(alarm.code).lower() for alarm in told.alarms],
        "problem": told.problem,
        "duration_s": result.duration_us / 1e6,
        **_volumes(result),
        "told_peak_kpa": None if end is None else end.peak_pa / 1000,
        "peak_kpa": truth.peak_kpa,
        "working_limit_kpa": working_kpa,
        "hard_limit_kpa": result.settings.hard_limit_pa / 1000,
        "overshoot_kpa": truth.peak_kpa - working_kpa,
        "relief_lowest_kpa": truth.relief_lowest_kpa,
        **_pulse_expected(result),
        "permitted": permitted(result.plan, result.case.faults[0]) if result.case.faults else None,
        **_found(group, result),
        "pulses": _pulses(result),
    }


def permitted(plan: Plan, fault: str | Fault) -> bool | None:
    """Whether a fault of this severity is one that the host says is told on this path; None where it says nothing."""
    flow = plan.pulse_flow_ml_per_s
    if flow is None or not isinstance(fault, Fault):
        return None
    told = detectable(plan.path, flow)
    least = {"partial": told.partial_times, "leak": told.leak_share, "bubble": told.air_ml}
    if fault.name in least:
        from_severity = least[fault.name]
        return from_severity is not None and fault.severity >= from_severity
    return told.line_off if fault.name == "disconnect" else None


def _drawn(index: int, group: Group, case: Scenario) -> Row:
    faults = [fault for fault in case.faults if isinstance(fault, Fault)]
    first = faults[0] if faults else None
    return {
        "case": index,
        "group": group.name,
        "healthy": group.healthy,
        "claimed": bool(group.expect),
        "seed": case.seed,
        "sequence": case.sequence,
        "line": case.line,
        "needle": case.needle,
        "syringe": case.syringe,
        "extension": case.extension,
        "fault": first.name if first is not None else None,
        "severity": first.severity if first is not None else None,
        "faults": [fault.text for fault in faults],
    }


def _volumes(result: ScenarioResult) -> Row:
    truth, end = result.truth, result.told.end
    return {
        "planned_ml": result.plan.dose_ml,
        "told_driven_ml": None if end is None else end.driven_nl / 1e6,
        "told_delivered_ml": None if end is None else end.delivered_nl / 1e6,
        "told_uncertain_ml": None if end is None else end.uncertain_nl / 1e6,
        "told_relieved_ml": None if end is None else end.relieved_nl / 1e6,
        "told_aspirated_ml": None if end is None else end.aspirated_nl / 1e6,
        "driven_ml": truth.driven_ml,
        "tip_ml": truth.tip_ml,
        "leaked_ml": truth.leaked_ml,
        # Delivered as told, less what was drawn back before, against what is in the vein.
        "volume_error_ml": None if end is None else (end.delivered_nl - end.aspirated_nl) / 1e6 - truth.tip_ml,
        "after_stop_ml": truth.after_stop_ml,
        "bolus_ml": truth.bolus_ml,
        "relief_drawn_ml": truth.relief_drawn_ml,
    }


def _pulse_expected(result: ScenarioResult) -> Row:
    """What the pump was told to expect of a pulse."""
    settings = result.settings
    flow = result.plan.pulse_flow_ml_per_s or 0.0
    linear, square = settings.resistance_pa_s_per_ml / 1000, settings.turbulence_pa_s2_per_ml2 / 1000
    return {
        "flow_ml_per_s": flow,
        "expected_resistance_kpa_s_per_ml": linear + square * flow,
        "expected_compliance_ul_per_kpa": settings.compliance_nl_per_kpa / 1000,
    }


def _found(group: Group, result: ScenarioResult) -> Row:
    """Whether and when the fault was found, or a false alarm given.

    `hit_pulse` is the pulse under way when the fault began, or the next one; `found_pulse` the one in which it was
    found; `whole_pulses` those that began after the onset up to and with that one, 0 if it was the pulse that was hit.
    """
    note = result.report().to_json()["syringe_note"] if result.case.visit is not None else None
    said = said_in(result.told, note or "")
    row: Row = {
        "said": said[0].name if said else None,
        "false_alarm": None, "onset_s": None, "hit_pulse": None, "pulses_left": None, "found": None, "found_as": None,
        "found_after_s": None, "found_pulse": None, "whole_pulses": None,
    }  # fmt: skip
    if group.healthy:
        row["false_alarm"] = row["said"]
        return row
    first_us, fault = result.truth.first_step_us, result.case.faults[0]
    assert isinstance(fault, Fault)
    if first_us is None:
        return row
    onset_us = first_us + fault.at_us
    before = [one for one in said if one.time_us < onset_us]
    after = [one for one in said if one.time_us >= onset_us]
    strokes = _pulse_strokes(result)
    whole = [index for index, stroke in strokes.items() if stroke.first_us >= onset_us]
    hit = min((index for index, stroke in strokes.items() if stroke.last_us >= onset_us), default=None)
    row["false_alarm"] = before[0].name if before else None
    row["onset_s"] = fault.at_us / 1e6
    row["said"] = after[0].name if after else None
    row["hit_pulse"] = hit
    row["pulses_left"] = len(whole)
    # A fault that the run did not live to see, or a catheter that held, is neither found nor missed.
    came = result.duration_us > onset_us and (fault.name != "rupture" or result.truth.leaked_ml > _TORN_ML)
    if came:
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
    """The motion in each pulse that was told of, by its index; the pump counts its times from the first step."""
    first_us = result.truth.first_step_us
    strokes = {}
    if first_us is not None:
        for pulse in result.told.pulses:
            begun_us = first_us + pulse.start_us
            strokes[pulse.index] = Stroke(begun_us, begun_us + pulse.duration_us, 0.0, 1)
    return strokes


def _pulse_of(found: Said, strokes: dict[int, Stroke]) -> int | None:
    """The pulse in which something was said: the one whose result said it, else the last begun by then."""
    if found.pulse is not None:
        return found.pulse
    return max((index for index, stroke in strokes.items() if stroke.first_us <= found.time_us), default=None)


def _pulses(result: ScenarioResult) -> list[Row]:
    """Every pulse as it was told, with what it says of itself beside what is true of it.

    `after_onset` is None without a fault or before it, 0 in the pulse that it hit, then the number of whole pulses.
    """
    truth = result.truth
    fault = result.case.faults[0] if result.case.faults else None
    onset_us = truth.onset_us(fault) if isinstance(fault, Fault) else None
    rows = []
    after = 0
    for pulse in sorted(result.told.pulses, key=lambda pulse: pulse.index):
        begun_us = (truth.first_step_us or 0) + pulse.start_us
        hit = onset_us is not None and begun_us + pulse.duration_us >= onset_us
        if onset_us is not None and begun_us >= onset_us:
            after += 1
        rows.append({**_as_told(pulse), "after_onset": after if hit else None})
    return rows


def _as_told(pulse: PulseResult) -> Row:
    values = {field.name: getattr(pulse, field.name) for field in fields(pulse)}
    return {name: value.name.lower() if name in WORDS else int(value) for name, value in values.items()}
