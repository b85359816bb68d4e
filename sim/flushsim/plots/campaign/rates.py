"""Rates of a campaign drawn with their 95 % intervals: what was found, by fault and by severity, and false alarms.

The rates are those of `flushsim.campaign.statistics`, so that plots and tables cannot differ.
"""

import textwrap
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from flushsim.campaign.statistics import Rate
from flushsim.campaign.text_report import ANY_DETECTION, percent
from flushsim.faults.spec import KINDS
from flushsim.plots.shared.colours import LIGHT
from flushsim.plots.shared.style import SMALL, WIDTH_IN, Box, legend_above, new_figure, placed, shortened, title_row

Statistics = dict[str, Any]

RATES = (
    ("in_the_pulse", "in the pulse that it hit", "pressure", "o"),
    ("within_two_pulses", "within two pulses", "tip", "s"),
    ("found", "at any time", "plunger", "D"),
)
"""Kinds of detection: name in the statistics, label, colour, marker."""
GOAL_FALSE_ALARMS = 1e-4
_ROW_IN = 0.62
_PATHS_MOST = 15
# Panels in a row; fewer where a panel has many severities.
_COLUMNS = 3
_CLASSES_MOST = 4
_CELL_IN = 2.35
_CELL_GAP_IN = 1.1


def detection(statistics: Statistics) -> Figure:
    """The detection rates of each fault, below each other, with their counts beside them."""
    faults = statistics["faults"]
    high_in = _ROW_IN * len(faults)
    figure = new_figure(high_in + 0.8)
    axes = placed(figure, Box(left_in=2.1, top_in=0.4, wide_in=6.3, high_in=high_in))
    title_row(axes, "share of faults found, %, with 95 % intervals")
    axes.set_ylim(len(faults), 0)
    names = ["\n".join(textwrap.wrap(shortened(fault["group"], 60), 24)) for fault in faults]
    for row, fault in enumerate(faults):
        if not fault["claimed"]:
            names[row] += f":\n{ANY_DETECTION}"
    axes.set_yticks([row + 0.5 for row in range(len(faults))], names)
    least = min((fault[kind]["low"] for fault in faults for kind, *_ in RATES if fault[kind]["of"]), default=0.0)
    axes.set_xlim(min(0.9, int(least * 10) / 10) - 0.005, 1.005)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=""))
    axes.grid(axis="y", visible=False)
    for row, fault in enumerate(faults):
        if row:
            axes.axhline(row, color=LIGHT["grid"], linewidth=0.6)
        for number, (kind, words, colour, mark) in enumerate(RATES):
            y = row + 0.22 + 0.28 * number
            _dot(axes, fault[kind], y, colour, mark)
            axes.annotate(
                f"{words}: {rate_words(fault[kind])}", (1.0, y), (8, 0), xycoords=("axes fraction", "data"),
                textcoords="offset points", va="center", fontsize=SMALL, color=LIGHT[colour],
            )  # fmt: skip
    axes.tick_params(axis="y", length=0)
    return figure


def severity(statistics: Statistics) -> Figure | None:
    """Rates by severity, a panel for each fault with more than one; None where there is none."""
    faults = [fault for fault in statistics["faults"] if fault["by_severity"]]
    if not faults:
        return None
    columns = _COLUMNS if max(len(fault["by_severity"]) for fault in faults) <= _CLASSES_MOST else _COLUMNS - 1
    rows = -(-len(faults) // columns)
    figure = new_figure(0.5 + rows * (_CELL_IN + _CELL_GAP_IN))
    wide_in = (WIDTH_IN - 0.9 - 0.35) / columns - 0.45
    for number, fault in enumerate(faults):
        left_in = 0.9 + (number % columns) * (wide_in + 0.6)
        top_in = 0.62 + (number // columns) * (_CELL_IN + _CELL_GAP_IN)
        axes = placed(figure, Box(left_in, top_in, wide_in, _CELL_IN))
        words = "found" if fault["claimed"] else ANY_DETECTION
        title_row(axes, f"{shortened(fault['group'], 33 - len(words))}: {words}, %")
        classes = fault["by_severity"]
        for place, (kind, label, colour, mark) in enumerate(RATES):
            _points(axes, classes, kind, (place - 1) * 0.14, colour, mark, label)
        # A range is wider than its column.
        ranges = [one["severity"].replace(" to ", "\nto ") for one in classes]
        counts = [one["found"]["of"] for one in classes]
        axes.set_xticks(
            range(len(classes)), [f"{range_}\nn = {count}" for range_, count in zip(ranges, counts, strict=True)]
        )
        axes.set_xlim(-0.5, len(classes) - 0.5)
        axes.set_ylim(-0.03, 1.03)
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=""))
        axes.grid(axis="x", visible=False)
        axes.set_xlabel(_severity_words(fault["fault"]), fontsize=SMALL)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="upper right", ncols=len(RATES), frameon=False, fontsize=SMALL,
        bbox_to_anchor=(1 - 0.3 / WIDTH_IN, 1.0),
    )  # fmt: skip
    return figure


def false_alarms(runs: pd.DataFrame) -> Figure:
    """False alarms per run without a fault: over all, and for the paths with most of them."""
    healthy = runs[runs["healthy"]].assign(false=lambda table: table["false_alarm"].notna())
    paths = [(str(path), Rate.counted(one["false"])) for path, one in healthy.groupby("path")]
    paths = sorted((path for path in paths if path[1].count), key=lambda path: -path[1].low)
    rows = [("all paths", Rate.counted(healthy["false"])), *paths[:_PATHS_MOST]]
    high_in = 0.3 * len(rows)
    figure = new_figure(high_in + 0.8)
    axes = placed(figure, Box(left_in=3.3, top_in=0.4, wide_in=5.9, high_in=high_in))
    title_row(axes, "false alarms per run without a fault, with 95 % intervals")
    axes.set_ylim(len(rows), 0)
    axes.set_yticks([row + 0.5 for row in range(len(rows))], [name for name, _ in rows])
    axes.set_xscale("log")
    least = min(rate.high for _, rate in rows)
    axes.set_xlim(min(GOAL_FALSE_ALARMS, least) / 5, 1.0)
    axes.axvline(GOAL_FALSE_ALARMS, color=LIGHT["working"], linewidth=1.3, dashes=(6, 3), label="goal: 1 in 10,000")
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    for row, (_, rate) in enumerate(rows):
        low = max(rate.low, axes.get_xlim()[0])
        axes.plot([low, rate.high], [row + 0.5] * 2, color=LIGHT["pressure"], linewidth=1.6)
        axes.plot(rate.high, row + 0.5, marker="|", markersize=7, color=LIGHT["pressure"])
        if rate.count:
            axes.plot(rate.count / rate.of, row + 0.5, marker="o", markersize=5.5, color=LIGHT["pressure"])
        axes.annotate(
            f"{rate.count} of {rate.of}, at most {rate.high:.2g}", (1.0, row + 0.5), (8, 0),
            xycoords=("axes fraction", "data"), textcoords="offset points", va="center", fontsize=SMALL,
        )  # fmt: skip
    legend_above(axes)
    return figure


def rate_words(rate: dict[str, Any]) -> str:
    """A rate in words: per cent, its interval, and of how many."""
    if not rate["of"]:
        return "no run could show it"
    return f"{percent(rate)} of {rate['of']}"


def _dot(axes: Axes, rate: dict[str, Any], y: float, colour: str, mark: str) -> None:
    if rate["of"]:
        axes.plot([rate["low"], rate["high"]], [y, y], color=LIGHT[colour], linewidth=1.6, solid_capstyle="butt")
        axes.plot(rate["count"] / rate["of"], y, marker=mark, markersize=5.5, color=LIGHT[colour], clip_on=False)


def _points(
    axes: Axes, classes: list[dict[str, Any]], kind: str, aside: float, colour: str, mark: str, words: str
) -> None:
    there = [(place + aside, one[kind]) for place, one in enumerate(classes) if one[kind]["of"]]
    shares = [rate["count"] / rate["of"] for _, rate in there]
    below = [share - rate["low"] for share, (_, rate) in zip(shares, there, strict=True)]
    above = [rate["high"] - share for share, (_, rate) in zip(shares, there, strict=True)]
    axes.errorbar(
        [x for x, _ in there], shares, [below, above], color=LIGHT[colour], marker=mark, markersize=5,
        linewidth=0, elinewidth=1.4, label=words, clip_on=False,
    )  # fmt: skip


def _severity_words(fault: str) -> str:
    kind = KINDS.get(fault)
    return "severity" if kind is None or not kind.unit else f"severity, {kind.unit}"
