"""The pictures of a campaign: each as SVG and PNG, and all of them with their tables on one HTML page."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flushsim.campaign.results import Results
from flushsim.campaign.statistics import figures_of
from flushsim.plots.campaign import rates, roc, spreads
from flushsim.plots.campaign.page import Picture, campaign_page
from flushsim.plots.shared.saving import write
from flushsim.plots.shared.style import looks
from flushsim.plots.shared.svg import svg_text

PAGE = "campaign.html"


def draw(results: Results, folder: Path, title: str = "campaign") -> list[Path]:
    """Draws a campaign's results into files of a folder that is there, and names the files, the page first.

    PictureError if one of them cannot be written; those before it are kept.
    """
    files = []
    with looks():
        figures = figures_of(results)
        pictures = list(_pictures(results, figures))
        page = folder / PAGE
        write(page, campaign_page(title, figures, pictures).encode())
        files.append(page)
        for picture in pictures:
            files += _save(picture, folder)
    return files


def _save(picture: Picture, folder: Path) -> list[Path]:
    drawn = io.BytesIO()
    picture.figure.savefig(drawn, format="png", metadata={"Software": None})
    svg, png = folder / f"{picture.name}.svg", folder / f"{picture.name}.png"
    write(svg, svg_text(picture.figure, picture.title, picture.description).encode())
    write(png, drawn.getvalue())
    return [svg, png]


def _pictures(results: Results, figures: dict[str, Any]) -> Iterator[Picture]:
    """Those that the campaign has something for."""
    if figures["faults"]:
        yield Picture(
            "detection",
            "Detection by fault",
            "For each group of runs with a fault: the share in which it was found, with its exact 95 % interval; of a "
            "fault that the pump does not claim to find, the share in which it said something. Within two pulses "
            "counts the pulses that began after the onset, and only runs that had two of them left.",
            rates.detection(figures),
        )
        by_severity = rates.severity(figures)
        if by_severity is not None:
            yield Picture(
                "severity",
                "Detection by severity",
                "The same rates for each severity, or class of severities, with n runs in each.",
                by_severity,
            )
        yield Picture(
            "time",
            "Time to detection",
            "From the onset of the fault, which may lie in a pause, until the pump told of it. A box holds the middle "
            "half, its line the median, the whiskers 5 to 95 %; dots lie outside of them. Faults that the pump does "
            "not claim to find are left out.",
            spreads.time_to_detection(results.runs),
        )
    if results.runs["healthy"].any():
        yield Picture(
            "false-alarms",
            "False alarms",
            "Runs without a fault in which anything was said. A line ends where the rate lies below it with 95 % "
            "confidence; a dot is the rate itself. Paths are named where there was one.",
            rates.false_alarms(results.runs),
        )
    yield Picture(
        "amounts",
        "Volumes and pressures",
        "Volume that the pump told of against the one in the vein, highest true pressure against the working limit, "
        "and what flows when a blocked line opens again after relief. Boxes as above.",
        spreads.amounts(results.runs),
    )
    curves = roc.curves(results)
    if curves is not None:
        yield Picture(
            "roc",
            "ROC curves",
            "For each threshold on a score of a pulse: the share of runs that reach it in the pulse that was hit or "
            "the two after it, over the share of healthy pulses that reach it too, on a logarithmic scale.",
            curves,
        )
