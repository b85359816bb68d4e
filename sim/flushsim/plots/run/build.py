"""The timeline of a scenario's result: the reports of the pump over the ground truth of the plant."""

import numpy as np
from flushpump.cli.live_view import phase_words
from flushpump.planning.plan import Plan
from flushpump.wire.events import alarm_happened
from flushpump.wire.messages import Alarm, PhaseChange, PhaseKind, PulseResult, Question
from numpy.typing import NDArray

from flushsim.faults.routing import RIG
from flushsim.faults.spec import KINDS, LINE, LINK, SENSOR, Fault, parse_faults
from flushsim.fluids.history import FluidHistory
from flushsim.fluids.line import SEGMENTS
from flushsim.fluids.summary import FluidSummary
from flushsim.plant.sensor import PressureSensor
from flushsim.plots.run.timeline import SHOWN_LEAST_ML, Curve, Mark, PulseShown, RunTimeline, SegmentContent, Span
from flushsim.rig.trace import TraceRow
from flushsim.scenario import ScenarioResult

SHOWN_LEAST_BOLUS_ML = 0.0005
VISIBLE_SHARE = 0.004
"""A smaller change of a segment's content is a tenth of a pixel."""
# Faults that are there from power-on, whatever time is written.
_BUILT_IN = ("sensor-offset", "sensor-gain", "wrong-syringe")
_BEFORE_US = 100_000
BEFORE_RUN = "old lock"
"""The name for the old content of chamber and catheter, to distinguish it from a new lock."""


def timeline_of(result: ScenarioResult) -> RunTimeline:
    """The timeline of a case that was run with a list for its trace and with its flows. ValueError for one without."""
    rows, flows = result.trace, result.flows
    if not rows or flows is None:
        raise ValueError("a plot needs a run with a list for its trace, and with flows=True")
    zero_us = result.ground_truth.first_step_us or 0
    rows = [row for row in rows if row.now_us >= zero_us - _BEFORE_US]
    times_s = np.array([(row.now_us - zero_us) / 1e6 for row in rows])
    us = np.array([row.now_us for row in rows])
    driven_ml = np.interp(us, flows.time_us, flows.driven_ml)
    fluids = result.fluid_history(before=BEFORE_RUN)
    case, settings = result.scenario, result.settings
    names = (case.line, case.needle, case.syringe, case.extension)
    return RunTimeline(
        title=f"{result.plan.sequence.name} on {case.line}",
        path_text=f"{', '.join(name for name in names[1:] if name != 'none')}, seed {case.seed}",
        zero_text="power-on" if result.ground_truth.first_step_us is None else "the pump's first step",
        reported_text=result.report().sentence(),
        ground_truth_text=_ground_truth_text(result),
        fluid_texts=FluidSummary.of(fluids).sentences(),
        times_s=times_s,
        pressure_kpa=np.array([row.pressure_pa / 1000 for row in rows]),
        reading_kpa=_readings(rows, result.plant.sensor),
        sensor_faulty=any(fault.where == SENSOR for fault in parse_faults(case.faults)),
        flow_in_ml_per_s=_slope(times_s, driven_ml),
        flow_out_ml_per_s=np.array([row.flow_ul_per_s / 1000 for row in rows]),
        driven_ml=driven_ml,
        out_ml=np.array([row.delivered_ul / 1000 for row in rows]),
        leaked_ml=np.interp(us, flows.time_us, flows.leaked_ml),
        ml_per_step=result.plant.plunger.ml_per_step,
        working_kpa=settings.working_limit_pa / 1000,
        hard_kpa=settings.hard_limit_pa / 1000,
        phases=_phases(result, zero_us),
        pulses=_pulses(result.reported.pulses),
        faults=tuple(_fault(fault, times_s) for fault in parse_faults(case.faults) if _occurred(fault, result)),
        alarms=_alarms(result, zero_us),
        segments=_segments(fluids, zero_us, float(times_s[0])),
    )


def _ground_truth_text(result: ScenarioResult) -> str:
    ground_truth = result.ground_truth
    drawn_ml = 0.0 if result.reported.end is None else result.reported.end.aspirated_nl / 1e6
    beyond = f" beyond the {drawn_ml:.2f} mL drawn in" if drawn_ml >= SHOWN_LEAST_ML else ""
    words = f"{ground_truth.tip_ml:.2f} mL left the tip{beyond}, highest pressure {ground_truth.peak_kpa:.0f} kPa"
    if ground_truth.leaked_ml >= SHOWN_LEAST_ML:
        words += f", {ground_truth.leaked_ml:.2f} mL leaked"
    line_fault = any(fault.where == LINE for fault in parse_faults(result.scenario.faults))
    if ground_truth.bolus_ml >= SHOWN_LEAST_BOLUS_ML and line_fault:
        words += f"; {ground_truth.bolus_ml:.3f} mL more leave it when the fault ends"
    missed = [_fault_words(fault) for fault in parse_faults(result.scenario.faults) if not _occurred(fault, result)]
    return words + (f"; the run ended before: {', '.join(missed)}" if missed else "")


def _slope(times_s: Curve, driven_ml: Curve) -> Curve:
    """Flow in mL/s: the volume driven in each tick, over its time."""
    if len(times_s) < 2:
        return np.zeros(len(times_s))
    flow = np.diff(driven_ml) / np.diff(times_s)
    return np.concatenate((flow[:1], flow))


def _readings(rows: list[TraceRow], sensor: PressureSensor) -> Curve:
    """The readings of the sensor, kPa; NaN without one."""
    zero, full = sensor.counts(0.0), sensor.counts(100.0)
    counts = np.array([row.reading for row in rows], dtype=float)
    return np.where(counts < 0, np.nan, (counts - zero) * 100.0 / (full - zero))


def _phases(result: ScenarioResult, zero_us: int) -> tuple[Span, ...]:
    """The time of each phase, and of each question to the operator."""
    changes = [(time_us, event) for time_us, event in result.reported.events if isinstance(event, PhaseChange)]
    spans = []
    for number, (time_us, change) in enumerate(changes):
        end_us = changes[number + 1][0] if number + 1 < len(changes) else result.duration_us
        if change.question is Question.NONE and change.phase_kind is PhaseKind.WAIT:
            continue
        words = _phase_words(result.plan, change)
        spans.append(Span(max(0.0, (time_us - zero_us) / 1e6), (end_us - zero_us) / 1e6, words))
    return tuple(spans)


def _phase_words(plan: Plan, change: PhaseChange) -> str:
    if change.question is not Question.NONE:
        return f"asks: {change.question.name.lower().replace('_', ' ')}"
    # Without "phase 1 of 3": the figure shows the order.
    return phase_words(plan, change.phase_index).partition(", ")[2] or f"phase {change.phase_index + 1}"


def _pulses(results: list[PulseResult]) -> tuple[PulseShown, ...]:
    pulses = sorted(results, key=lambda pulse: pulse.index)
    shown = []
    for number, pulse in enumerate(pulses):
        start_s = pulse.start_us / 1e6
        driven_s = start_s + pulse.duration_us / 1e6
        end_s = driven_s + pulse.pause_us / 1e6
        if number + 1 < len(pulses):
            end_s = min(end_s, pulses[number + 1].start_us / 1e6)
        shown.append(PulseShown(start_s, driven_s, max(driven_s, end_s), pulse))
    return tuple(shown)


def _from_power_on(fault: Fault) -> bool:
    """Whether the fault is there before the first step."""
    return fault.name in _BUILT_IN or (fault.at_us == 0 and fault.where in (LINK, RIG))


def _occurred(fault: Fault, result: ScenarioResult) -> bool:
    """Whether the fault began before the end of the run."""
    if _from_power_on(fault):
        return True
    first_us = result.ground_truth.first_step_us
    return first_us is not None and first_us + fault.at_us <= result.duration_us


def _fault_words(fault: Fault) -> str:
    kind = KINDS[fault.name]
    return fault.name if kind.default is None else f"{fault.name} {fault.severity:g} {kind.unit}".rstrip()


def _fault(fault: Fault, times_s: Curve) -> Span:
    begin_s, end_s = float(times_s[0]), float(times_s[-1])
    at_s = begin_s if _from_power_on(fault) else fault.at_us / 1e6
    return Span(at_s, end_s if fault.ends_us is None else min(end_s, fault.ends_us / 1e6), _fault_words(fault))


def _alarms(result: ScenarioResult, zero_us: int) -> tuple[Mark, ...]:
    marks: dict[int, Mark] = {}
    for time_us, event in result.reported.events:
        if isinstance(event, Alarm) and event.code and event.occurrence not in marks:
            marks[event.occurrence] = Mark((time_us - zero_us) / 1e6, f"alarm: {alarm_happened(event.code)}")
    return tuple(marks[occurrence] for occurrence in sorted(marks))


def _segments(fluids: FluidHistory, zero_us: int, start_s: float) -> tuple[SegmentContent, ...]:
    """What each segment of the line held, from syringe to tip, and what was at the tip."""
    times_s = (fluids.time_us - zero_us) / 1e6
    first = max(0, int(np.searchsorted(times_s, start_s, "right")) - 1)
    times_s = np.maximum(times_s[first:], start_s)

    def content(segment: str, volume_ml: float | None, shares: dict[str, Curve]) -> SegmentContent:
        visible = {fluid: share[first:] for fluid, share in shares.items() if share[first:].max() > VISIBLE_SHARE}
        rows = _rows_to_draw(np.stack(list(visible.values()), axis=1))
        return SegmentContent(
            segment, volume_ml, times_s[rows], {fluid: share[rows] for fluid, share in visible.items()}
        )

    # Without the syringe: it holds its own fluid, or what was drawn back, which the text reports.
    parts = [(segment, fluids.volume_ml(segment)) for segment in SEGMENTS if segment != "syringe"]
    segments = [content(name, volume_ml, fluids.shares(name)) for name, volume_ml in parts if volume_ml > 0]
    tip: dict[str, Curve] = {}
    for label, fluid in enumerate(fluids.fluids):
        tip[fluid] = tip.get(fluid, np.zeros(len(fluids.time_us))) + fluids.at_tip[:, label]
    return (*segments, content("at the tip", None, tip))


def _rows_to_draw(shares: Curve) -> NDArray[np.int64]:
    """The rows to draw: the first and the last, and those around a visible change of a share."""
    kept = [0]
    for row in range(1, len(shares)):
        if np.abs(shares[row] - shares[kept[-1]]).max() > VISIBLE_SHARE:
            kept += [row - 1, row] if row - 1 > kept[-1] else [row]
    return np.array(sorted({*kept, len(shares) - 1}))
