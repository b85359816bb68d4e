"""Draws the plant of docs/simulator.md: `python -m tools.draw_plant` writes docs/pictures/model-plant.svg."""

import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

from flushsim.plant.plant import Plant, PlantPath
from flushsim.plant.variation import drawn
from flushsim.plots.shared.colours import LIGHT
from flushsim.plots.shared.style import SMALL, new_figure, plot_style, title_row
from matplotlib.axes import Axes

TARGET = Path(__file__).parents[1] / "docs" / "pictures" / "model-plant.svg"
BOARD = tomllib.loads((Path(__file__).parents[1] / "boards" / "rpi_pico.toml").read_text(encoding="utf-8"))
STEP_US = 1000
PORT = PlantPath(inertia=True)
WIDE = replace(PORT, needle_length_mm=0.0, catheter_bore_mm=1.6, catheter_length_mm=600.0)


def pressures(
    path: PlantPath,
    faults: list[str],
    flow_ml_per_s: float,
    volume_ml: float,
    until_ms: int,
    of: Callable[[Plant], float] = lambda plant: plant.line.p1,
) -> tuple[list[float], list[float]]:
    """Times in s and what is asked of the plant, over one pulse with ramps of 20 ms."""
    plant = Plant(path, BOARD, faults, noise_kpa=0.0)
    rate = flow_ml_per_s / plant.plunger.ml_per_step
    ramp = [max(round(rate * share * 0.005), 1) for share in (0.125, 0.375, 0.625, 0.875)]
    middle = round(volume_ml / plant.plunger.ml_per_step) - 2 * sum(ramp)
    ticks_per_s = plant.ticks_per_us * 1_000_000
    slices = [(count, 0.005) for count in ramp] + [(middle, middle / rate)] + [(count, 0.005) for count in ramp[::-1]]
    for count, seconds in slices:
        plant.stepper.queue(round(seconds * ticks_per_s / (2 * count)), count, 1)
    times_s, values = [], []
    for step in range(1, until_ms + 1):
        plant.advance(step * STEP_US)
        times_s.append(step * STEP_US / 1e6)
        values.append(of(plant))
    return times_s, values


def key(axes: Axes, place: str, columns: int = 1) -> None:
    """The legend, where no curve is."""
    axes.legend(frameon=False, loc=place, ncols=columns, fontsize=SMALL, handlelength=1.6, columnspacing=1.0)


def inertia(axes: Axes) -> None:
    """What the columns' mass changes."""
    for path, colour, name in ((PORT, "pressure", "8F port, 20G"), (WIDE, "plunger", "tunneled 9.6F")):
        for with_mass, dashes in ((True, "-"), (False, ":")):
            label = name if with_mass else f"{name}, no mass"
            curve = pressures(replace(path, inertia=with_mass), [], 2.0, 0.9, 850)
            axes.plot(*curve, dashes, color=LIGHT[colour], label=label)
    title_row(axes, "outlet, kPa: a pulse of 0.9 mL at 2 mL/s")
    axes.set_ylim(-22, 130)
    key(axes, "upper right")


def with_faults(axes: Axes, plot_style: dict[str, tuple[str, str]]) -> None:
    """The outlet's pressure in 0.5 mL at 1 mL/s with each fault, in its dashes and colour, and without one."""
    for fault, (dashes, colour) in {**plot_style, "": ("-", "faint")}.items():
        curve = pressures(PORT, [fault] if fault else [], 1.0, 0.5, 800)
        axes.plot(*curve, dashes, color=LIGHT[colour], label=fault or "sound", linewidth=1.2)


def narrow(axes: Axes) -> None:
    """Faults that raise the pressure."""
    with_faults(
        axes,
        {
            "occlusion@200ms": ("-", "hard"),
            "partial:3@200ms": ("--", "hard"),
            "growing:30@100ms": (":", "hard"),
            "fibrin-flap:50@0s": ("-", "plunger"),
        },
    )
    title_row(axes, "outlet, kPa: 0.5 mL at 1 mL/s, narrowed")
    axes.set_ylim(-5, 220)
    key(axes, "upper left")


def lost(axes: Axes) -> None:
    """Faults that lower or soften it."""
    with_faults(
        axes,
        {
            "leak:0.3@200ms": ("-", "leaked"),
            "disconnect@200ms": ("--", "leaked"),
            "dislodged:1@0s": (":", "leaked"),
            "bubble:0.5@0s": ("-", "pressure"),
            "extravasation:5@0s": ("-", "plunger"),
        },
    )
    title_row(axes, "outlet, kPa: the same, lost or softened")
    axes.set_ylim(-22, 28)
    key(axes, "lower left", columns=2)


def friction(axes: Axes) -> None:
    """How friction comes through a drive that gives."""
    real = replace(PORT, drive_n_per_mm=200.0, friction_break_n=8.0)
    for path, faults, colour, label in (
        (PORT, [], "faint", "stiff drive"),
        (real, [], "pressure", "8 N to break loose, 200 N/mm"),
        (real, ["stiction:20@0s"], "hard", "dry plunger, 20 N"),
    ):
        axes.plot(*pressures(path, faults, 0.3, 0.15, 700), color=LIGHT[colour], label=label)
    title_row(axes, "outlet, kPa: 0.15 mL at 0.3 mL/s")
    axes.set_ylim(-1, 13)
    key(axes, "upper right")


def vein(axes: Axes) -> None:
    """What the sensor sees of the patient while nothing moves but a first drop."""
    alive = replace(PORT, breath_kpa=0.3, beat_kpa=0.15, vein_phase=0.2)
    for faults, colour, label in (
        (["cough:8@2s"], "pressure", "with three coughs"),
        ([], "plunger", "breath and heartbeat"),
    ):
        axes.plot(*pressures(alive, faults, 0.1, 0.01, 6000), color=LIGHT[colour], label=label)
    title_row(axes, "outlet, kPa: at rest")
    axes.set_ylim(-1, 13)
    key(axes, "upper right")


def spread(axes: Axes) -> None:
    """Forty paths that all are "8F port, 20G, 10 mL"."""
    random = Random(1)
    for _ in range(40):
        axes.plot(*pressures(drawn(PORT, random), [], 1.0, 0.5, 800), color=LIGHT["pressure"], linewidth=0.4)
    axes.plot(*pressures(PORT, [], 1.0, 0.5, 800), color=LIGHT["ink"], label="the catalog's")
    title_row(axes, "outlet, kPa: one path within its tolerances")
    key(axes, "lower left")


def main() -> None:
    with plot_style():
        figure = new_figure(6.6)
        for place, draw in enumerate((inertia, narrow, lost, friction, vein, spread), start=1):
            axes = figure.add_subplot(2, 3, place)
            draw(axes)
            axes.set_xlabel("s")
        figure.tight_layout()
        figure.savefig(TARGET, metadata={"Date": None})


if __name__ == "__main__":
    main()
