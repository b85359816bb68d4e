"""Strips along the time axis: phases, faults and alarms as bars and marks with words, and what each segment held."""

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from flushsim.plots.colours import LIGHT, of_fluid
from flushsim.plots.run.timeline import Filling, RunTimeline, Span
from flushsim.plots.style import SMALL, legend_above, title_row

_ROW_IN = 0.235
_PANEL_IN = 9.5
_LETTER_IN = 0.068
"""Width of a letter of the small size, on average; on the generous side."""


def events_height_in(story: RunTimeline) -> float:
    """Height of the strip of phases, faults and alarms."""
    return _ROW_IN * (1 + len(story.faults) + len(story.alarms))


def draw_events(axes: Axes, story: RunTimeline) -> None:
    """A row of phases, then a row for each fault and each alarm, so that no word meets another."""
    rows = 1 + len(story.faults) + len(story.alarms)
    axes.set_ylim(rows, 0)
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    for number, phase in enumerate(story.phases):
        _bar(axes, phase, 0.06, 0.88, LIGHT["phase"], f"phase-{number}")
        _inside(axes, story, phase, 0.5)
    labels = ["phase"]
    for row, fault in enumerate(story.faults, start=1):
        labels.append("fault")
        _bar(axes, fault, row + 0.32, 0.36, LIGHT["fault"], f"fault-{row}")
        _beside(axes, story, fault, row + 0.5, LIGHT["fault"])
    for row, alarm in enumerate(story.alarms, start=1 + len(story.faults)):
        labels.append("alarm")
        (mark,) = axes.plot([alarm.time_s], [row + 0.5], marker="D", markersize=6, color=LIGHT["alarm"], clip_on=False)
        mark.set_gid(f"at-{alarm.time_s:.6f}-alarm{row}")
        _beside(axes, story, Span(alarm.time_s, alarm.time_s, alarm.text), row + 0.5, LIGHT["alarm"])
    axes.set_yticks([row + 0.5 for row in range(rows)], labels)
    axes.tick_params(axis="y", length=0)


def draw_onsets(axes: Axes, story: RunTimeline) -> None:
    """Upright lines through a panel: dotted where a fault begins, dash-dotted where an alarm came."""
    for number, fault in enumerate(story.faults):
        if fault.start_s > story.start_s:
            line = axes.axvline(fault.start_s, color=LIGHT["fault"], linewidth=1.1, linestyle=(0, (1, 1.6)), zorder=1.5)
            line.set_gid(f"zoom-{axes.get_label()}-onset{number}")
    for number, alarm in enumerate(story.alarms):
        line = axes.axvline(alarm.time_s, color=LIGHT["alarm"], linewidth=1.0, linestyle=(0, (6, 2, 1, 2)), zorder=1.5)
        line.set_gid(f"zoom-{axes.get_label()}-alarm{number}")


def filling(filled: Filling, number: int) -> Callable[[Axes, RunTimeline], None]:
    """The function that draws what one segment held, as shares stacked from the bottom."""

    def draw(axes: Axes, story: RunTimeline) -> None:
        axes.set_ylim(0, 1)
        volume = "" if filled.volume_ml is None else f", {filled.volume_ml:.2f} mL"
        axes.set_yticks([0.5], [f"{filled.segment}{volume}"])
        axes.tick_params(axis="y", length=0)
        axes.grid(False)
        bottom = np.zeros(len(filled.times_s))
        for fluid, share in filled.shares.items():
            top = bottom + share
            area = axes.fill_between(filled.times_s, bottom, top, color=of_fluid(fluid), linewidth=0)
            area.set_gid(f"zoom-{axes.get_label()}-{fluid}")
            bottom = top
        if number == 0:
            title_row(axes, "what each segment holds, share of its volume")
            fluids = dict.fromkeys(fluid for one in story.fillings for fluid in one.shares)
            for fluid in fluids:
                axes.fill_between([], [], color=of_fluid(fluid), linewidth=0, label=fluid)
            legend_above(axes, columns=6)

    return draw


def moving_text(axes: Axes, time_s: float, y: float, text: str, name: str, thin: bool = False, **looks: object) -> Text:
    """A text that keeps its size and goes with its time when the page is zoomed; `thin`: seen only then."""
    written = axes.text(time_s, y, text, fontsize=SMALL, clip_on=True, **looks)  # type: ignore[arg-type]
    written.set_gid(f"{'thin' if thin else 'at'}-{time_s:.6f}-{axes.get_label()}-{name}")
    return written


def width_s(story: RunTimeline, text: str) -> float:
    """About how many seconds of the time axis a text of the small size covers."""
    return len(text) * _LETTER_IN / _PANEL_IN * (story.end_s - story.start_s)


def upright_in(texts: list[str]) -> float:
    """Height of a row in which the longest of these texts stands upright."""
    return (max(map(len, texts)) + 2) * _LETTER_IN


def _bar(axes: Axes, span: Span, top: float, height: float, colour: str, name: str) -> None:
    bar = Rectangle(
        (span.start_s, top), span.end_s - span.start_s, height, facecolor=colour, edgecolor=LIGHT["paper"], linewidth=1
    )
    bar.set_gid(f"zoom-{axes.get_label()}-{name}")
    axes.add_patch(bar)


def _inside(axes: Axes, story: RunTimeline, span: Span, y: float) -> None:
    """The longest beginning of the words that the bar has room for: all, the part before the colon, or none."""
    room_s = span.end_s - span.start_s - width_s(story, "m")
    for words in (span.text, span.text.partition(":")[0]):
        if width_s(story, words) <= room_s:
            middle_s = (span.start_s + span.end_s) / 2
            moving_text(axes, middle_s, y, words, f"in{span.start_s:.3f}", ha="center", va="center")
            return


def _beside(axes: Axes, story: RunTimeline, span: Span, y: float, colour: str) -> None:
    """The words left of the bar or mark where they have room, else right of its end, else over it on paper."""
    gap_s = width_s(story, "n" if span.end_s > span.start_s else "mm")
    if span.start_s - gap_s - width_s(story, span.text) >= story.start_s:
        at_s, side = span.start_s - gap_s, "right"
    elif span.end_s + gap_s + width_s(story, span.text) <= story.end_s:
        at_s, side = span.end_s + gap_s, "left"
    else:
        at_s, side = span.start_s + gap_s, "left"
    written = moving_text(axes, at_s, y, span.text, f"by{y:.1f}", ha=side, va="center", color=colour)
    written.set_bbox({"facecolor": LIGHT["paper"], "edgecolor": "none", "pad": 1.0})
