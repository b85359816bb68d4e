"""Draws the fluids of docs/simulator.md: `python -m tools.draw_fluids` writes docs/pictures/model-fluids.svg."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from flushpump.access.parts import lumen_ml
from flushsim.fluids.deposit import GUIFFANT, removal
from flushsim.fluids.history import Charge, follow
from flushsim.fluids.line import BEFORE, SEGMENTS
from flushsim.fluids.mixing import SHAPES, Tube
from flushsim.plant.flow_record import FlowRecord
from flushsim.plant.parameters import PlantPath
from flushsim.plots.shared.colours import LIGHT
from flushsim.plots.shared.style import new_figure, plot_style, title_row
from matplotlib.axes import Axes

TARGET = Path(__file__).parents[1] / "docs" / "pictures" / "model-fluids.svg"
PORT = PlantPath()


def spill(axes: Axes) -> None:
    """A lock pushed into a straight catheter: what has gone past the tip, against what has gone in."""
    old, lock = np.eye(2)
    into = np.linspace(0.0, 1.6, 161)
    for flow_ml_per_s, dashes, colour in ((0.1, "-", "tip"), (0.5, "--", "pressure"), (2.0, ":", "plunger")):
        tube = Tube(PORT.catheter_bore_mm, PORT.catheter_length_mm, 40, old)
        step_ml = float(into[1]) * tube.volume_ml
        out = [0.0]
        for _ in into[1:]:
            out.append(out[-1] + tube.move(step_ml, lock, flow_ml_per_s)[1] / tube.volume_ml)
            tube.rest(step_ml / flow_ml_per_s)
        axes.plot(into, out, dashes, color=LIGHT[colour], label=f"{flow_ml_per_s:g} mL/s")
    theory = np.where(into > 0.5, into - 0.5 - 0.25 * (2 - 1 / np.maximum(into, 0.5)), 0.0)
    axes.plot(into, theory, color=LIGHT["faint"], linewidth=0.8, label="parabola alone")
    axes.plot([1, 1], [0.20, 0.25], color=LIGHT["hard"], linewidth=4, label="measured (Polaschegg)")
    axes.set_xlabel("lock pushed in, volumes of the catheter")
    title_row(axes, "lock past the tip, volumes of the catheter")
    axes.legend(frameon=False)


def wash_out(axes: Axes) -> None:
    """What is left of the old content while ten pulses go in."""
    record = FlowRecord.of_flows([(2.0, 0.45), (0.0, 0.4)] * 10)
    for shape, dashes in zip(SHAPES, ("-", "--"), strict=True):
        history = follow(record, replace(PORT, chamber_shape=shape), [Charge(0, "saline", 10.0)])
        given_ml = np.interp(history.time_us, record.time_us, record.line_ml)
        for segment, colour in (("chamber", "pressure"), ("catheter", "plunger")):
            held_ml = history.held_ml[:, SEGMENTS.index(segment)]
            left = held_ml[:, BEFORE] / held_ml[0].sum()
            axes.semilogy(given_ml, left, dashes, color=LIGHT[colour], label=f"{segment}, chamber {shape}")
    axes.set_ylim(1e-8, 1.2)
    axes.set_xlabel("saline given, mL")
    title_row(axes, "share of the old content that is left")
    axes.legend(frameon=False, loc="lower left")


def deposit(axes: Axes) -> None:
    """The model beside the study; bolus and slow infusion were fitted, the pulses are predicted."""
    places = np.arange(len(GUIFFANT))
    model = [100 * removal(FlowRecord.of_flows(flows), PORT).removed for flows, _ in GUIFFANT.values()]
    study = [100 * removed for _, removed in GUIFFANT.values()]
    spread = [[3, 0, 0], [3, 0, 0]]
    axes.errorbar(places - 0.1, study, yerr=spread, fmt="o", capsize=4, color=LIGHT["pressure"], label="Guiffant 2012")
    axes.plot(places + 0.1, model, "D", color=LIGHT["plunger"], label="model")
    axes.set_xticks(places, ["10 x 1 mL\n(predicted)", "1 x 10 mL\n(fitted)", "500 mL in 24 h\n(fitted)"])
    axes.set_xlim(-0.5, 2.5)
    axes.set_ylim(70, 100)
    title_row(axes, "deposit removed, %")
    axes.legend(frameon=False)


def main() -> None:
    with plot_style():
        figure = new_figure(3.6)
        volume_ml = lumen_ml(PORT.catheter_bore_mm, PORT.catheter_length_mm)
        for place, draw in enumerate((spill, wash_out, deposit), start=1):
            draw(figure.add_subplot(1, 3, place))
        figure.text(0.01, 0.01, f"8F port, catheter {volume_ml:.2f} mL, chamber {PORT.chamber_ml:g} mL")
        figure.tight_layout(rect=(0, 0.04, 1, 1))
        figure.savefig(TARGET, metadata={"Date": None})


if __name__ == "__main__":
    main()
