"""The spread of times, volumes and pressures of a campaign: boxes by fault, with the worst cases as dots.

A box is the middle half, its line the median, its whiskers 5 to 95 %; values outside of them are dots.
"""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flushsim.plots.shared.colours import LIGHT
from flushsim.plots.shared.style import Box, legend_above, new_figure, placed, shortened, title_row

BUDGET_ABOVE_KPA = 15.0
BUDGET_BOLUS_ML = 0.1
_ROW_IN = 0.32
_GAP_IN = 0.85
# More dots than this outside of the whiskers show nothing new.
_DOTS_MOST = 200


def time_to_detection(runs: pd.DataFrame) -> Figure:
    """Time from the onset of a fault to its detection, by fault; of found faults that the pump claims to find."""
    rows = _by_group(runs[runs["found"].eq(True) & runs["claimed"].eq(True)], "found_after_s", _order(runs))
    figure = new_figure(_ROW_IN * max(1, len(rows)) + 0.8)
    axes = _panel(figure, rows, 0.4, "time from onset to detection, s (found faults)")
    if rows:
        axes.set_xscale("symlog", linthresh=0.1)
        axes.set_xlim(left=0)
        ticks = [0, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100]
        right = axes.get_xlim()[1]
        axes.set_xticks([tick for tick in ticks if tick <= right], [f"{tick:g}" for tick in ticks if tick <= right])
        axes.minorticks_off()
    return figure


def amounts(runs: pd.DataFrame) -> Figure:
    """Volume error, pressure above the working limit, and the bolus after relief, by group."""
    order = _order(runs)
    errors = _by_group(runs, "volume_error_ml", order)
    above = _by_group(runs, "overshoot_kpa", order)
    bolus = _by_group(runs[runs["told_relieved_ml"] > 0], "bolus_ml", order)
    heights_in = [_ROW_IN * max(1, len(rows)) for rows in (errors, above, bolus)]
    figure = new_figure(sum(heights_in) + 3 * _GAP_IN)
    top_in = 0.4
    axes = _panel(figure, errors, top_in, "reported volume less volume in the vein, mL")
    # With a line open to the room the error is a thousand times that of the others: no measurement shows what reached
    # the vein.
    axes.set_xscale("symlog", linthresh=0.01, linscale=0.5)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.axvline(0, color=LIGHT["faint"], linewidth=0.8)
    top_in += heights_in[0] + _GAP_IN
    axes = _panel(figure, above, top_in, "highest true pressure less the working limit, kPa")
    _budget(axes, BUDGET_ABOVE_KPA, f"budget {BUDGET_ABOVE_KPA:g} kPa above")
    axes.axvline(0, color=LIGHT["faint"], linewidth=0.8)
    top_in += heights_in[1] + _GAP_IN
    axes = _panel(figure, bolus, top_in, "out of the tip when the line opens again after relief, mL")
    _budget(axes, BUDGET_BOLUS_ML, f"budget {BUDGET_BOLUS_ML:g} mL")
    return figure


def _order(runs: pd.DataFrame) -> list[str]:
    return [str(name) for name in runs.sort_values("healthy", ascending=False, kind="stable")["group"].unique()]


def _by_group(runs: pd.DataFrame, column: str, order: list[str]) -> list[tuple[str, Any]]:
    """Values of each group that has any, in the order of the campaign."""
    grouped = runs.dropna(subset=column).groupby("group")[column]
    found = {str(name): values.to_numpy() for name, values in grouped}
    return [(f"{shortened(name, 26)} (n = {len(found[name])})", found[name]) for name in order if name in found]


def _panel(figure: Figure, rows: list[tuple[str, Any]], top_in: float, title: str) -> Axes:
    axes = placed(figure, Box(left_in=2.6, top_in=top_in, wide_in=8.9, high_in=_ROW_IN * max(1, len(rows))))
    title_row(axes, title)
    axes.set_ylim(max(1, len(rows)), 0)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    axes.set_yticks([row + 0.5 for row in range(len(rows))], [name for name, _ in rows])
    if not rows:
        axes.set_xticks([])
        axes.text(0.5, 0.5, "no run had one", transform=axes.transAxes, ha="center", va="center", color=LIGHT["faint"])
    for row, (_, values) in enumerate(rows):
        _box(axes, values, row + 0.5)
    return axes


def _box(axes: Axes, values: Any, y: float) -> None:
    low, first, median, third, high = np.quantile(values, (0.05, 0.25, 0.5, 0.75, 0.95))
    axes.plot([low, high], [y, y], color=LIGHT["pressure"], linewidth=1.2)
    axes.barh(y, third - first, 0.5, first, color=LIGHT["saline"], edgecolor=LIGHT["pressure"], linewidth=1)
    axes.plot([median, median], [y - 0.25, y + 0.25], color=LIGHT["ink"], linewidth=1.6)
    beyond = values[(values < low) | (values > high)]
    beyond = beyond[np.argsort(-np.abs(beyond - median))][:_DOTS_MOST]
    axes.plot(
        beyond, np.full(len(beyond), y), marker="o", markersize=3, linestyle="none", color=LIGHT["fault"],
        markerfacecolor="none", markeredgewidth=0.8,
    )  # fmt: skip


def _budget(axes: Axes, value: float, words: str) -> None:
    axes.axvline(value, color=LIGHT["working"], linewidth=1.3, dashes=(6, 3), label=words)
    legend_above(axes)
