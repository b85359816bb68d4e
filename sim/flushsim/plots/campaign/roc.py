"""ROC curves of a campaign: for each score of a pulse the share of faults that it finds, over its false alarms.

Each threshold applies to every pulse, so the false alarm rate is per healthy pulse. Its scale is logarithmic, because
useful rates are far below 0.01.
"""

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from flushsim.campaign.results import Results, area_under, roc, scores_of
from flushsim.plots.shared.colours import LIGHT
from flushsim.plots.shared.style import SMALL, WIDTH_IN, Box, new_figure, placed, shortened, title_row

_COLUMNS = 3
_CELL_IN = 2.7
# Below a panel are its ticks, its label, and a legend of up to four lines, clear of the curves.
_GAP_IN = 1.7
_STYLES = (("pressure", "-"), ("plunger", (0, (4, 1.5))), ("leaked", (0, (1.5, 1.5))), ("tip", (0, (6, 1.5, 1.5, 1.5))))


def curves(results: Results) -> Figure | None:
    """A panel for each group with a fault; None where no pulse has a score after an onset."""
    groups = [
        (str(name), str(group["fault"].iloc[0]))
        for name, group in results.runs[~results.runs["healthy"]].groupby("group", sort=False)
    ]
    shown = []
    for name, fault in groups:
        found = [(score, roc(results, name, score)) for score in scores_of(fault)]
        found = [(score, curve) for score, curve in found if len(curve) > 1 and curve["true_rate"].iloc[-1] > 0]
        if found:
            shown.append((name, found))
    if not shown:
        return None
    healthy = results.pulses[results.pulses["healthy"] & (results.pulses["index"] > 0)]
    least = 1 / max(10, len(healthy))
    figure = new_figure(0.4 + -(-len(shown) // _COLUMNS) * (_CELL_IN + _GAP_IN))
    wide_in = (WIDTH_IN - 0.9 - 0.35) / _COLUMNS - 0.45
    for number, (name, found) in enumerate(shown):
        left_in = 0.9 + (number % _COLUMNS) * (wide_in + 0.6)
        top_in = 0.4 + (number // _COLUMNS) * (_CELL_IN + _GAP_IN)
        axes = placed(figure, Box(left_in, top_in, wide_in, _CELL_IN))
        title_row(axes, f"{shortened(name, 26)}: runs found, %")
        for (score, curve), (colour, dashes) in zip(found, _STYLES, strict=False):
            false = [least / 2, *curve["false_rate"].clip(lower=least / 2), 1.0]
            area = area_under(curve)
            label = f"{score.replace('_', ' ')}, area {'-' if area is None else f'{area:.3f}'}"
            axes.step(false, [0.0, *curve["true_rate"], 1.0], where="post", color=LIGHT[colour], linestyle=dashes,
                      linewidth=1.5, label=label)  # fmt: skip
        axes.set_xscale("log")
        axes.set_xlim(least / 2, 1)
        axes.set_ylim(-0.02, 1.02)
        axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=""))
        axes.set_xlabel("false alarms per pulse", fontsize=SMALL)
        axes.legend(
            loc="upper left", bbox_to_anchor=(0, -0.18), fontsize=SMALL, frameon=False, borderaxespad=0, handlelength=3
        )
    return figure
