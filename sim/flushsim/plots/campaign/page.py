"""The HTML page of a campaign: every plot with an explanation, and its statistics as tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from matplotlib.figure import Figure

from flushsim.campaign.text_report import detection_rows, volume_rows
from flushsim.plots.shared import page
from flushsim.plots.shared.svg import inline_svg

Statistics = dict[str, Any]


@dataclass(frozen=True)
class CampaignPlot:
    """A plot of a campaign: the name of its files, its title, and how to read it."""

    name: str
    title: str
    description: str
    figure: Figure


def campaign_page(title: str, statistics: Statistics, plots: Sequence[CampaignPlot]) -> str:
    """The page. Call it within `plot_style`."""
    healthy = statistics["healthy"]["false_alarms"]
    body = (
        f"<h1>{escape(title)}</h1>\n"
        f"<p>{statistics['runs']} runs, {healthy['of']} of them without a fault; {healthy['count']} false alarms: with "
        f"95 % confidence at most {healthy['high']:.2g} per run. {_failed(statistics)}</p>\n"
    )
    for plot in plots:
        svg = inline_svg(plot.figure, plot.title, plot.description, plot.name)
        body += (
            f'<h2>{escape(plot.title)}</h2>\n<p class="faint">{escape(plot.description)}</p>\n'
            f'<div class="wide">{svg}</div>\n'
        )
    return page.page(title, f"{body}{_detection(statistics)}{_amounts(statistics)}")


def _failed(statistics: Statistics) -> str:
    count = statistics["firmware_failed"]
    return f"In {count} runs the firmware failed." if count else "The firmware failed in no run."


def _detection(statistics: Statistics) -> str:
    faults = statistics["faults"]
    if not faults:
        return ""
    text = f"<h2>Detection in numbers</h2>\n{page.table(detection_rows(faults), words=(0, 1))}"
    first = [[fault["group"], what, str(count)] for fault in faults for what, count in fault["said_first"].items()]
    text += f"<h2>Detected first</h2>\n{page.table([['group', 'detected', 'runs'], *first], words=(0, 1))}"
    weak = [
        [fault["group"], path, share] for fault in faults for path, share in fault["paths_below_95_percent"].items()
    ]
    if weak:
        heading = ["group", "path", "found within two pulses"]
        text += "<h2>Paths on which less than 95 % are found within two pulses</h2>\n"
        text += page.table([heading, *weak], words=(0, 1))
    return text


def _amounts(statistics: Statistics) -> str:
    return f"<h2>Volumes and pressures in numbers</h2>\n{page.table(volume_rows(statistics))}"
