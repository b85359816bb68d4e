"""The style of every plot: size, fonts, grid, and curves that a page can zoom."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flushsim.plots.shared.colours import LIGHT

WIDTH_IN = 12.0
DPI = 100
LEFT_IN = 1.75
RIGHT_IN = 0.75
SMALL = 8.5
NORMAL = 9.5

SETTINGS: Any = {
    # Verdana and DejaVu Sans are equally wide, so text without overlap here has none there.
    "font.family": ["DejaVu Sans"],
    "font.size": NORMAL,
    "svg.fonttype": "none",
    "svg.hashsalt": "flushpump",
    "axes.facecolor": "none",
    "figure.facecolor": LIGHT["paper"],
    "axes.edgecolor": LIGHT["faint"],
    "axes.labelcolor": LIGHT["ink"],
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": LIGHT["grid"],
    "grid.linewidth": 0.6,
    "text.color": LIGHT["ink"],
    "xtick.color": LIGHT["ink"],
    "ytick.color": LIGHT["ink"],
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "path.simplify": True,
    "path.simplify_threshold": 0.2,
}
DASHES: dict[str, Any] = {"plunger": (4, 1.5), "leaked": (1.5, 1.5)}


def new_figure(height_in: float, width_in: float = WIDTH_IN) -> Figure:
    """An empty figure; draw and save it within `plot_style`."""
    return Figure(figsize=(width_in, height_in), dpi=DPI)


@dataclass(frozen=True)
class Box:
    """The place of a panel in its figure, inches from the top left."""

    left_in: float
    top_in: float
    wide_in: float
    high_in: float


def placed(figure: Figure, box: Box, **options: Any) -> Axes:
    """A panel at that place."""
    width_in, height_in = (float(inches) for inches in figure.get_size_inches())
    bottom_in = height_in - box.top_in - box.high_in
    return figure.add_axes(
        (box.left_in / width_in, bottom_in / height_in, box.wide_in / width_in, box.high_in / height_in), **options
    )


def plot_style() -> Any:
    """The context in which plots are drawn and saved."""
    return matplotlib.rc_context(SETTINGS)


def shortened(name: str, letters: int) -> str:
    """A name from a user, with at most so many letters."""
    return name if len(name) <= letters else name[: letters - 1].rstrip() + "…"


def title_row(axes: Axes, text: str) -> None:
    """The title of a panel with its unit, above it at the left."""
    axes.set_title(text, loc="left", fontsize=NORMAL, fontweight="bold", pad=4)


def curve(axes: Axes, x: Sequence[float] | Any, y: Sequence[float] | Any, name: str, label: str, width: float) -> None:
    """A curve in the colour and the dashes of its name."""
    (line,) = axes.plot(x, y, color=LIGHT[name], linewidth=width, label=label, solid_joinstyle="round")
    if name in DASHES:
        line.set_dashes(DASHES[name])
    line.set_gid(f"zoom-{axes.get_label()}-{name}")


def legend_above(axes: Axes, columns: int = 4) -> None:
    """The legend above the panel, at its right, on the line of its title: no curve runs there."""
    axes.legend(
        loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=columns, frameon=False, fontsize=SMALL, borderaxespad=0.1,
        columnspacing=1.4, handletextpad=0.5,
    )  # fmt: skip
