"""What the pump said of each pulse: a column for each, its verdict as a word on a coloured box, its evidence below."""

import math
from collections.abc import Callable
from itertools import pairwise

from flushpump.wire.messages import PulseResult
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from flushsim.plots.colours import LIGHT, of_verdict
from flushsim.plots.run.panels import moving_text, upright_in, width_s
from flushsim.plots.run.timeline import PulseShown, RunTimeline
from flushsim.plots.style import SMALL, title_row

_ROW_IN = 0.215
_NONE = "-"


def _figure(value: int, unit: float, digits: int) -> str:
    return f"{value / unit:.{digits}f}" if value else _NONE


EVIDENCE: tuple[tuple[str, Callable[[PulseResult], str]], ...] = (
    ("peak, kPa", lambda pulse: f"{pulse.peak_pa / 1000:.0f}"),
    ("above model, kPa", lambda pulse: f"{pulse.residual_pa / 1000:+.1f}"),
    ("resistance, kPa s/mL", lambda pulse: _figure(pulse.resistance_pa_s_per_ml, 1000, 1)),
    ("compliance, µL/kPa", lambda pulse: _figure(pulse.compliance_nl_per_kpa, 1000, 1)),
    ("flow lowered, %", lambda pulse: f"{pulse.derated_percent}" if pulse.derated_percent else _NONE),
)
"""What is shown of each pulse, and how."""


def word(pulse: PulseResult) -> str:
    """The verdict as a word."""
    return pulse.verdict.name.lower().replace("_", " ")


def height_in(story: RunTimeline) -> float:
    """Height of the strip."""
    first_in, each_in = _heights_in(story)
    return first_in + each_in * len(EVIDENCE)


def every(story: RunTimeline) -> int:
    """Every how many pulses there is room for text, be it upright."""
    return max(1, math.ceil(width_s(story, "mm") / _column_s(story)))


def draw(axes: Axes, story: RunTimeline, all_texts: bool = False) -> None:
    """The strip. Where the columns are narrow, words and then figures stand upright; where even that has no room, only
    every few columns have their text. With `all_texts` the others are there too, marked for the page as `thin`."""
    title_row(axes, "what the pump said of each pulse")
    first, each = _heights_in(story)
    bottoms = [first + each * row for row in range(len(EVIDENCE) + 1)]
    middles = [first / 2, *(bottom + each / 2 for bottom in bottoms[:-1])]
    axes.set_ylim(bottoms[-1], 0)
    axes.set_yticks(middles, ["verdict", *(label for label, _ in EVIDENCE)])
    axes.tick_params(axis="y", length=0)
    axes.grid(False)
    axes.spines["left"].set_visible(False)
    column_s = _column_s(story)
    told_each, edge = every(story), min(1.5, 0.1 * column_s / width_s(story, "m") * SMALL)
    for pulse in story.pulses:
        end_s = min(max(pulse.end_s, pulse.start_s + column_s), story.end_s)
        box = Rectangle(
            (pulse.start_s, 0), end_s - pulse.start_s, first,
            facecolor=of_verdict(pulse.told.verdict), edgecolor=LIGHT["paper"], linewidth=edge,
        )  # fmt: skip
        box.set_gid(f"zoom-pulses-{pulse.told.index}")
        axes.add_patch(box)
        thin = pulse.told.index % told_each != 0
        if thin and not all_texts:
            continue
        middle_s = (pulse.start_s + end_s) / 2
        for row, (y, text) in enumerate(zip(middles, _texts(pulse), strict=True)):
            turned = 90 if (first if row == 0 else each) > _ROW_IN else 0
            name = f"{pulse.told.index}-{row}"
            moving_text(axes, middle_s, y, text, name, thin, ha="center", va="center", rotation=turned)


def _texts(pulse: PulseShown) -> list[str]:
    return [word(pulse.told), *(tell(pulse.told) for _, tell in EVIDENCE)]


def _heights_in(story: RunTimeline) -> tuple[float, float]:
    """Height of the verdicts' row and of each row below: that of a line, or of its longest text standing upright."""
    texts = [_texts(pulse) for pulse in story.pulses]
    words = [row[0] for row in texts]
    figures = [text for row in texts for text in row[1:]]
    column_s = _column_s(story)

    def row_in(texts: list[str]) -> float:
        return _ROW_IN if max(width_s(story, text) for text in texts) < column_s else upright_in(texts)

    return row_in(words), row_in(figures)


def _column_s(story: RunTimeline) -> float:
    """The least time from one pulse to the next; of a single pulse, all that is drawn of it."""
    starts = [pulse.start_s for pulse in story.pulses]
    if len(starts) == 1:
        return min(story.pulses[0].end_s, story.end_s) - starts[0]
    return min(after - before for before, after in pairwise(starts))
