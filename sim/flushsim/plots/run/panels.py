"""Panels along the time axis: phases, faults and alarms; pulses with verdict and evidence; what each segment holds."""

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
from flushpump.wire.messages import PulseResult
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from flushsim.plots.run.timeline import PulseShown, RunTimeline, SegmentContent, Span
from flushsim.plots.shared.colours import LIGHT, fluid_colour, verdict_colour
from flushsim.plots.shared.style import SMALL, legend_above, title_row

_ROW_IN = 0.235
_PANEL_IN = 9.5
_LETTER_IN = 0.068
"""Average width of a letter of the small size, rounded up."""
_PULSE_ROW_IN = 0.215
_NONE = "-"


def _figure(value: int, unit: float, digits: int) -> str:
    return f"{value / unit:.{digits}f}" if value else _NONE


PULSE_EVIDENCE: tuple[tuple[str, Callable[[PulseResult], str]], ...] = (
    ("peak, kPa", lambda pulse: f"{pulse.peak_pa / 1000:.0f}"),
    ("above model, kPa", lambda pulse: f"{pulse.residual_pa / 1000:+.1f}"),
    ("resistance, kPa s/mL", lambda pulse: _figure(pulse.resistance_pa_s_per_ml, 1000, 1)),
    ("compliance, µL/kPa", lambda pulse: _figure(pulse.compliance_nl_per_kpa, 1000, 1)),
    ("flow lowered, %", lambda pulse: f"{pulse.derated_percent}" if pulse.derated_percent else _NONE),
)
"""The evidence shown for each pulse: label and text."""


def events_height_in(timeline: RunTimeline) -> float:
    """Height of the strip of phases, faults and alarms."""
    return _ROW_IN * (1 + len(timeline.faults) + len(timeline.alarms))


def draw_events(axes: Axes, timeline: RunTimeline) -> None:
    """A row of phases, then a row for each fault and each alarm, so that no words overlap."""
    rows = 1 + len(timeline.faults) + len(timeline.alarms)
    axes.set_ylim(rows, 0)
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    for number, phase in enumerate(timeline.phases):
        _bar(axes, phase, 0.06, 0.88, LIGHT["phase"], f"phase-{number}")
        _inside(axes, timeline, phase, 0.5)
    labels = ["phase"]
    for row, fault in enumerate(timeline.faults, start=1):
        labels.append("fault")
        _bar(axes, fault, row + 0.32, 0.36, LIGHT["fault"], f"fault-{row}")
        _beside(axes, timeline, fault, row + 0.5, LIGHT["fault"])
    for row, alarm in enumerate(timeline.alarms, start=1 + len(timeline.faults)):
        labels.append("alarm")
        (mark,) = axes.plot([alarm.time_s], [row + 0.5], marker="D", markersize=6, color=LIGHT["alarm"], clip_on=False)
        mark.set_gid(f"at-{alarm.time_s:.6f}-alarm{row}")
        _beside(axes, timeline, Span(alarm.time_s, alarm.time_s, alarm.text), row + 0.5, LIGHT["alarm"])
    axes.set_yticks([row + 0.5 for row in range(rows)], labels)
    axes.tick_params(axis="y", length=0)


def draw_onsets(axes: Axes, timeline: RunTimeline) -> None:
    """Upright lines through a panel: dotted where a fault begins, dash-dotted where an alarm came."""
    for number, fault in enumerate(timeline.faults):
        if fault.start_s > timeline.start_s:
            line = axes.axvline(fault.start_s, color=LIGHT["fault"], linewidth=1.1, linestyle=(0, (1, 1.6)), zorder=1.5)
            line.set_gid(f"zoom-{axes.get_label()}-onset{number}")
    for number, alarm in enumerate(timeline.alarms):
        line = axes.axvline(alarm.time_s, color=LIGHT["alarm"], linewidth=1.0, linestyle=(0, (6, 2, 1, 2)), zorder=1.5)
        line.set_gid(f"zoom-{axes.get_label()}-alarm{number}")


def draw_content_of(content: SegmentContent, number: int) -> Callable[[Axes, RunTimeline], None]:
    """A function that draws the content of one segment, as shares stacked from the bottom."""

    def draw(axes: Axes, timeline: RunTimeline) -> None:
        axes.set_ylim(0, 1)
        volume = "" if content.volume_ml is None else f", {content.volume_ml:.2f} mL"
        axes.set_yticks([0.5], [f"{content.segment}{volume}"])
        axes.tick_params(axis="y", length=0)
        axes.grid(False)
        bottom = np.zeros(len(content.times_s))
        for fluid, share in content.shares.items():
            top = bottom + share
            area = axes.fill_between(content.times_s, bottom, top, color=fluid_colour(fluid), linewidth=0)
            area.set_gid(f"zoom-{axes.get_label()}-{fluid}")
            bottom = top
        if number == 0:
            title_row(axes, "content of each segment, share of its volume")
            fluids = dict.fromkeys(fluid for one in timeline.segments for fluid in one.shares)
            for fluid in fluids:
                axes.fill_between([], [], color=fluid_colour(fluid), linewidth=0, label=fluid)
            legend_above(axes, columns=6)

    return draw


def verdict_word(pulse: PulseResult) -> str:
    """The verdict as a word."""
    return pulse.verdict.name.lower().replace("_", " ")


def pulses_height_in(timeline: RunTimeline) -> float:
    """Height of the strip."""
    first_in, each_in = _heights_in(timeline)
    return first_in + each_in * len(PULSE_EVIDENCE)


def pulse_text_interval(timeline: RunTimeline) -> int:
    """The interval of pulses at which there is room for text, at least upright."""
    return max(1, math.ceil(width_s(timeline, "mm") / _column_s(timeline)))


def draw_pulses(axes: Axes, timeline: RunTimeline, all_texts: bool = False) -> None:
    """The strip. Where the columns are narrow, words and then numbers are upright; where even that has no room, only
    every few columns have their text. With `all_texts` the others are there too, marked for the page as `thin`."""
    title_row(axes, "verdict on each pulse")
    first, each = _heights_in(timeline)
    bottoms = [first + each * row for row in range(len(PULSE_EVIDENCE) + 1)]
    middles = [first / 2, *(bottom + each / 2 for bottom in bottoms[:-1])]
    axes.set_ylim(bottoms[-1], 0)
    axes.set_yticks(middles, ["verdict", *(label for label, _ in PULSE_EVIDENCE)])
    axes.tick_params(axis="y", length=0)
    axes.grid(False)
    axes.spines["left"].set_visible(False)
    column_s = _column_s(timeline)
    interval, edge = pulse_text_interval(timeline), min(1.5, 0.1 * column_s / width_s(timeline, "m") * SMALL)
    for pulse in timeline.pulses:
        end_s = min(max(pulse.end_s, pulse.start_s + column_s), timeline.end_s)
        box = Rectangle(
            (pulse.start_s, 0), end_s - pulse.start_s, first,
            facecolor=verdict_colour(pulse.result.verdict), edgecolor=LIGHT["paper"], linewidth=edge,
        )  # fmt: skip
        box.set_gid(f"zoom-pulses-{pulse.result.index}")
        axes.add_patch(box)
        thin = pulse.result.index % interval != 0
        if thin and not all_texts:
            continue
        middle_s = (pulse.start_s + end_s) / 2
        for row, (y, text) in enumerate(zip(middles, _texts(pulse), strict=True)):
            rotation = 90 if (first if row == 0 else each) > _PULSE_ROW_IN else 0
            name = f"{pulse.result.index}-{row}"
            moving_text(axes, middle_s, y, text, name, thin, ha="center", va="center", rotation=rotation)


def _texts(pulse: PulseShown) -> list[str]:
    return [verdict_word(pulse.result), *(text_of(pulse.result) for _, text_of in PULSE_EVIDENCE)]


def _heights_in(timeline: RunTimeline) -> tuple[float, float]:
    """Height of the verdicts' row and of each row below: that of a line, or of its longest text standing upright."""
    texts = [_texts(pulse) for pulse in timeline.pulses]
    words = [row[0] for row in texts]
    figures = [text for row in texts for text in row[1:]]
    column_s = _column_s(timeline)

    def row_in(texts: list[str]) -> float:
        return _PULSE_ROW_IN if max(width_s(timeline, text) for text in texts) < column_s else upright_in(texts)

    return row_in(words), row_in(figures)


def _column_s(timeline: RunTimeline) -> float:
    """The least time from one pulse to the next; of a single pulse, all that is drawn of it."""
    starts = [pulse.start_s for pulse in timeline.pulses]
    if len(starts) == 1:
        return min(timeline.pulses[0].end_s, timeline.end_s) - starts[0]
    return min(after - before for before, after in pairwise(starts))


def moving_text(
    axes: Axes, time_s: float, y: float, text: str, name: str, thin: bool = False, **options: object
) -> Text:
    """A text that keeps its size and goes with its time when the page is zoomed; `thin`: visible only then."""
    written = axes.text(time_s, y, text, fontsize=SMALL, clip_on=True, **options)  # type: ignore[arg-type]
    written.set_gid(f"{'thin' if thin else 'at'}-{time_s:.6f}-{axes.get_label()}-{name}")
    return written


def width_s(timeline: RunTimeline, text: str) -> float:
    """About how many seconds of the time axis a text of the small size covers."""
    return len(text) * _LETTER_IN / _PANEL_IN * (timeline.end_s - timeline.start_s)


def upright_in(texts: list[str]) -> float:
    """Height of a row in which the longest of these texts is upright."""
    return (max(map(len, texts)) + 2) * _LETTER_IN


def _bar(axes: Axes, span: Span, top: float, height: float, colour: str, name: str) -> None:
    bar = Rectangle(
        (span.start_s, top), span.end_s - span.start_s, height, facecolor=colour, edgecolor=LIGHT["paper"], linewidth=1
    )
    bar.set_gid(f"zoom-{axes.get_label()}-{name}")
    axes.add_patch(bar)


def _inside(axes: Axes, timeline: RunTimeline, span: Span, y: float) -> None:
    """The longest beginning of the words that the bar has room for: all, the part before the colon, or none."""
    room_s = span.end_s - span.start_s - width_s(timeline, "m")
    for words in (span.text, span.text.partition(":")[0]):
        if width_s(timeline, words) <= room_s:
            middle_s = (span.start_s + span.end_s) / 2
            moving_text(axes, middle_s, y, words, f"in{span.start_s:.3f}", ha="center", va="center")
            return


def _beside(axes: Axes, timeline: RunTimeline, span: Span, y: float, colour: str) -> None:
    """The words left of the bar or mark where they have room, else right of its end, else over it on paper."""
    gap_s = width_s(timeline, "n" if span.end_s > span.start_s else "mm")
    if span.start_s - gap_s - width_s(timeline, span.text) >= timeline.start_s:
        at_s, side = span.start_s - gap_s, "right"
    elif span.end_s + gap_s + width_s(timeline, span.text) <= timeline.end_s:
        at_s, side = span.end_s + gap_s, "left"
    else:
        at_s, side = span.start_s + gap_s, "left"
    written = moving_text(axes, at_s, y, span.text, f"by{y:.1f}", ha=side, va="center", color=colour)
    written.set_bbox({"facecolor": LIGHT["paper"], "edgecolor": "none", "pad": 1.0})
