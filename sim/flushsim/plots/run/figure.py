"""The plot of one run: panels under each other on one time axis, 1200 px wide.

From the top: phases, faults and alarms; flow in and out; pressure with its limits; volumes and steps; verdict and
evidence of each pulse; content of each segment. Empty panels are left out. Every text has its own place, beside or
above its object, so that no text covers a curve or another text.
"""

import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from flushsim.plots.run import panels
from flushsim.plots.run.timeline import SHOWN_LEAST_ML, RunTimeline
from flushsim.plots.shared.colours import LIGHT
from flushsim.plots.shared.style import (
    LEFT_IN,
    RIGHT_IN,
    WIDTH_IN,
    Box,
    curve,
    legend_above,
    new_figure,
    placed,
    title_row,
)

WITH_GRID = ("flow", "pressure", "volume")
_TITLE_IN, _LINE_IN, _UNDER_IN = 0.37, 0.21, 0.09
_TOP_BARE_IN = 0.06
_BOTTOM_IN = 0.5
_GAP_IN = 0.36
# The average number of letters in a line of the heading, with a reserve.
_LINE_LETTERS = 168
# Spaces at a line's beginning would be lost in SVG.
_INDENT = "\u00a0" * 4
_STEPS = [1, 2, 2.5, 5, 10]


@dataclass(frozen=True)
class _Panel:
    name: str
    height_in: float
    gap_in: float
    draw: Callable[[Axes, RunTimeline], None]


def draw(timeline: RunTimeline, heading: bool = True) -> Figure:
    """The figure; without `heading` for a page, which has one and can be zoomed. Call it within `plot_style`."""
    shown = _panels(timeline, whole=heading)
    lines = _heading(timeline) if heading else []
    above_in = _TITLE_IN + _LINE_IN * len(lines) + _UNDER_IN if heading else _TOP_BARE_IN
    height_in = above_in + sum(panel.gap_in + panel.height_in for panel in shown) + _BOTTOM_IN
    figure = new_figure(height_in)
    top_in = above_in
    axes: list[Axes] = []
    for panel in shown:
        top_in += panel.gap_in
        box = Box(LEFT_IN, top_in, WIDTH_IN - LEFT_IN - RIGHT_IN, panel.height_in)
        one = placed(figure, box, sharex=axes[0] if axes else None, label=panel.name)
        one.set_xlim(timeline.start_s, timeline.end_s)
        axes.append(one)
        top_in += panel.height_in
    for one, panel in zip(axes, shown, strict=True):
        panel.draw(one, timeline)
        if panel.name in WITH_GRID:
            panels.draw_onsets(one, timeline)
        _time_axis(one, timeline, last=one is axes[-1])
    if heading:
        left = 0.2 / WIDTH_IN
        figure.text(left, 1 - 0.1 / height_in, title(timeline), va="top", fontsize=12, fontweight="bold")
        for number, line in enumerate(lines):
            figure.text(left, 1 - (_TITLE_IN + number * _LINE_IN) / height_in, line, va="top")
    return figure


def _panels(timeline: RunTimeline, whole: bool) -> list[_Panel]:
    shown = [
        _Panel("events", panels.events_height_in(timeline), 0.0, panels.draw_events),
        _Panel("flow", 1.35, _GAP_IN, _flow),
        _Panel("pressure", 2.0, _GAP_IN, _pressure),
        _Panel("volume", 1.5, _GAP_IN, _volume),
    ]
    if timeline.pulses:
        draw_pulses = partial(panels.draw_pulses, all_texts=not whole)
        shown.append(_Panel("pulses", panels.pulses_height_in(timeline), _GAP_IN, draw_pulses))
    for number, content in enumerate(timeline.segments):
        gap_in = 0.09 if number else _GAP_IN
        shown.append(_Panel(f"content {number}", 0.42, gap_in, panels.draw_content_of(content, number)))
    return shown


def title(timeline: RunTimeline) -> str:
    """The run in one line."""
    return f"{timeline.title}: {timeline.path_text}"


def _heading(timeline: RunTimeline) -> list[str]:
    texts = [f"The pump: {timeline.reported_text}", f"The plant: {timeline.ground_truth_text}"]
    texts += [text if number else f"The fluids: {text}" for number, text in enumerate(timeline.fluid_texts)]
    lines = []
    for text in texts:
        begins = "" if text.startswith("The ") else _INDENT
        # A number stays with its unit.
        whole = re.sub(r"(?<=\d) (?=[%a-zA-Z])", "\u00a0", text)
        lines += textwrap.wrap(whole, _LINE_LETTERS, initial_indent=begins, subsequent_indent=_INDENT)
    return lines


def _time_axis(axes: Axes, timeline: RunTimeline, last: bool) -> None:
    axes.set_xlim(timeline.start_s, timeline.end_s)
    axes.xaxis.set_major_locator(MaxNLocator(14, steps=[1, 2, 5, 10]))
    axes.tick_params(axis="x", labelbottom=last, length=3 if last else 0)
    axes.xaxis.set_gid(f"axis-{axes.get_label()}")
    if last:
        # Not the axis' own label, which a page hides with the ticks.
        axes.annotate(
            f"time since {timeline.zero_text}, s", (0.5, 0), (0, -22), xycoords="axes fraction",
            textcoords="offset points", ha="center", va="top",
        )  # fmt: skip


def _flow(axes: Axes, timeline: RunTimeline) -> None:
    title_row(axes, "flow, mL/s")
    curve(axes, timeline.times_s, timeline.flow_in_ml_per_s, "plunger", "into the line, by the plunger", width=1.0)
    curve(axes, timeline.times_s, timeline.flow_out_ml_per_s, "tip", "out of the tip", width=1.4)
    axes.axhline(0, color=LIGHT["faint"], linewidth=0.6)
    legend_above(axes)
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=_STEPS))


def _pressure(axes: Axes, timeline: RunTimeline) -> None:
    title_row(axes, "pressure at the syringe, kPa")
    axes.axhline(timeline.hard_kpa, color=LIGHT["hard"], linewidth=1.3, label=f"hard limit {timeline.hard_kpa:.0f}")
    axes.axhline(
        timeline.working_kpa, color=LIGHT["working"], linewidth=1.3, dashes=(6, 3),
        label=f"working limit {timeline.working_kpa:.0f}",
    )  # fmt: skip
    if timeline.sensor_faulty:
        curve(axes, timeline.times_s, timeline.reading_kpa, "reading", "sensor reading", width=2.6)
    curve(axes, timeline.times_s, timeline.pressure_kpa, "pressure", "true pressure", width=1.4)
    axes.axhline(0, color=LIGHT["faint"], linewidth=0.6)
    top = max(timeline.hard_kpa, float(np.max(timeline.pressure_kpa))) * 1.06
    axes.set_ylim(min(-8.0, float(np.min(timeline.pressure_kpa)) * 1.15), top)
    legend_above(axes)
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=_STEPS))


def _volume(axes: Axes, timeline: RunTimeline) -> None:
    title_row(axes, "volume, mL")
    curve(axes, timeline.times_s, timeline.driven_ml, "plunger", "driven, by the steps made", width=1.0)
    curve(axes, timeline.times_s, timeline.out_ml, "tip", "out of the tip", width=1.6)
    if float(np.max(timeline.leaked_ml)) >= SHOWN_LEAST_ML:
        curve(axes, timeline.times_s, timeline.leaked_ml, "leaked", "leaked", width=1.6)
    axes.axhline(0, color=LIGHT["faint"], linewidth=0.6)
    legend_above(axes)
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=_STEPS))
    thousand_ml = 1000 * timeline.ml_per_step

    def in_steps(ml: Any) -> Any:
        return ml / thousand_ml

    def in_ml(thousand_steps: Any) -> Any:
        return thousand_steps * thousand_ml

    steps = axes.secondary_yaxis("right", functions=(in_steps, in_ml))
    steps.set_ylabel("thousand steps", fontsize="small", color=LIGHT["faint"])
    steps.tick_params(colors=LIGHT["faint"], length=3)
    steps.yaxis.set_major_locator(MaxNLocator(6, steps=_STEPS))
    steps.spines["right"].set_color(LIGHT["grid"])
