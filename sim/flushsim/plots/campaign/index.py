"""The plots of a campaign: each as SVG and PNG, and all of them with their tables on one HTML page."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flushsim.campaign.results import Results
from flushsim.campaign.statistics import statistics_of
from flushsim.plots.campaign import rates, roc, spreads
from flushsim.plots.campaign.page import CampaignPlot, campaign_page
from flushsim.plots.shared.saving import write
from flushsim.plots.shared.style import plot_style
from flushsim.plots.shared.svg import svg_text

PAGE = "campaign.html"


def draw(results: Results, folder: Path, title: str = "campaign") -> list[Path]:
    """Draws a campaign's results into files of an existing folder; returns the files, the page first.

    PlotError if one of them cannot be written; earlier ones are kept.
    """
    files = []
    with plot_style():
        statistics = statistics_of(results)
        plots = list(_plots(results, statistics))
        page = folder / PAGE
        write(page, campaign_page(title, statistics, plots).encode())
        files.append(page)
        for plot in plots:
            files += _save(plot, folder)
    return files


def _save(plot: CampaignPlot, folder: Path) -> list[Path]:
    drawn = io.BytesIO()
    plot.figure.savefig(drawn, format="png", metadata={"Software": None})
    svg, png = folder / f"{plot.name}.svg", folder / f"{plot.name}.png"
    write(svg, svg_text(plot.figure, plot.title, plot.description).encode())
    write(png, drawn.getvalue())
    return [svg, png]


def _plots(results: Results, statistics: dict[str, Any]) -> Iterator[CampaignPlot]:
    """The plots for which the campaign has results."""
    if statistics["faults"]:
        yield CampaignPlot(
            "detection",
            "Detection by fault",
            "For each group of runs with a fault: the share in which it was found, with its exact 95 % interval; of a "
            "fault that the pump does not claim to find, the share with any detection. Within two pulses "
            "counts the pulses that began after the onset, and only runs that had two of them left.",
            rates.detection(statistics),
        )
        by_severity = rates.severity(statistics)
        if by_severity is not None:
            yield CampaignPlot(
                "severity",
                "Detection by severity",
                "The same rates for each severity, or class of severities, with n runs in each.",
                by_severity,
            )
        yield CampaignPlot(
            "time",
            "Time to detection",
            "From the onset of the fault, which may be in a pause, to its detection. A box is the middle half, its "
            "line the median, the whiskers 5 to 95 %; dots are outside of them. Faults that the pump does not claim "
            "to find are left out.",
            spreads.time_to_detection(results.runs),
        )
    if results.runs["healthy"].any():
        yield CampaignPlot(
            "false-alarms",
            "False alarms",
            "Runs without a fault but with a detection. A line ends at the upper 95 % confidence limit of the rate; "
            "a dot is the rate itself. Only paths with a false alarm are named.",
            rates.false_alarms(results.runs),
        )
    yield CampaignPlot(
        "amounts",
        "Volumes and pressures",
        "Reported volume against the volume in the vein, highest true pressure against the working limit, "
        "and the bolus when a blocked line opens again after relief. Boxes as above.",
        spreads.amounts(results.runs),
    )
    curves = roc.curves(results)
    if curves is not None:
        yield CampaignPlot(
            "roc",
            "ROC curves",
            "For each threshold on a score of a pulse: the share of runs that reach it in the pulse that was hit or "
            "the two after it, over the share of healthy pulses that reach it too, on a logarithmic scale.",
            curves,
        )
