"""The HTML page of a campaign: every picture with the words to read it by, and the figures behind it as tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from matplotlib.figure import Figure

from flushsim.campaign.text_report import detection_rows, volume_rows
from flushsim.plots.shared import page
from flushsim.plots.shared.svg import inline_svg

Figures = dict[str, Any]


@dataclass(frozen=True)
class Picture:
    """A picture of a campaign: the name of its files, what it shows, and how to read it."""

    name: str
    title: str
    description: str
    figure: Figure


def campaign_page(title: str, figures: Figures, pictures: Sequence[Picture]) -> str:
    """The page. To be called within `style.looks`."""
    healthy = figures["healthy"]["false_alarms"]
    body = (
        f"<h1>{escape(title)}</h1>\n"
        f"<p>{figures['runs']} runs, {healthy['of']} of them without a fault; {healthy['count']} false alarms: with "
        f"95 % confidence at most {healthy['high']:.2g} per run. {_failed(figures)}</p>\n"
    )
    for picture in pictures:
        svg = inline_svg(picture.figure, picture.title, picture.description, picture.name)
        body += (
            f'<h2>{escape(picture.title)}</h2>\n<p class="faint">{escape(picture.description)}</p>\n'
            f'<div class="wide">{svg}</div>\n'
        )
    return page.page(title, f"{body}{_detection(figures)}{_amounts(figures)}")


def _failed(figures: Figures) -> str:
    count = figures["firmware_failed"]
    return f"In {count} runs the firmware failed." if count else "The firmware failed in none."


def _detection(figures: Figures) -> str:
    faults = figures["faults"]
    if not faults:
        return ""
    text = f"<h2>Detection in figures</h2>\n{page.table(detection_rows(faults), words=(0, 1))}"
    said = [[fault["group"], what, str(count)] for fault in faults for what, count in fault["said_first"].items()]
    text += f"<h2>What was said first</h2>\n{page.table([['group', 'said', 'runs'], *said], words=(0, 1))}"
    weak = [
        [fault["group"], path, share] for fault in faults for path, share in fault["paths_below_95_percent"].items()
    ]
    if weak:
        heading = ["group", "path", "found within two pulses"]
        text += "<h2>Paths on which less than 95 % are found within two pulses</h2>\n"
        text += page.table([heading, *weak], words=(0, 1))
    return text


def _amounts(figures: Figures) -> str:
    return f"<h2>Volumes and pressures in figures</h2>\n{page.table(volume_rows(figures))}"
