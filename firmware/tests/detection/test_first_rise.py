"""The first rise of pressure shows the compliance of every path in the catalog, though the liquid has inertia."""

from dataclasses import replace

import pytest
from flushpump.access import catalog
from flushpump.access.access_path import AccessPath
from flushpump.planning.plan import path_settings
from flushpump.wire.messages import Fluid
from flushsim.plant.flow_paths import Condition
from flushsim.plant.parameters import PlantPath
from flushsim.plant.solver import LineSolver
from pump.detection.detector import Detector
from pump.limiter import Limiter
from pump.line_model import LineModel

KNOWN = catalog.load()
PATHS = [
    (line.name, needle) for line in KNOWN.lines.values()
    for needle in ([name for name in KNOWN.needles if name != "none"] if line.needle_required else ["none"])
]  # fmt: skip
STEP_PL = 102_214
# 600 mm/s2 with 1600 steps/mm, in a tick of 5 ms.
RAMP_PER_TICK = 4_800
RISE_TICKS = 25


def measured_over_true(line: str, needle: str, flow_ml_per_s: float, closed: bool) -> float | None:
    """What the first 125 ms of a flow show of the compliance, over the line's own; None when they are not taken."""
    path = AccessPath.of(line, needle, "bd-10")
    wire = path_settings(path, Fluid.SALINE, 10.0)
    real = replace(PlantPath.from_catalog(path.line, path.needle, path.syringe, path.extension), inertia=True)
    far_ul_per_kpa = real.extension_compliance_ul_per_kpa + real.line_compliance_ul_per_kpa
    near_ml_per_kpa, far_ml_per_kpa = real.syringe_compliance_ul_per_kpa / 1000, far_ul_per_kpa / 1000
    liquid = LineSolver(*real.flow_paths(), near_ml_per_kpa, far_ml_per_kpa, real.vein_kpa, real.damping())
    if closed:
        liquid.change(Condition(closed=True))
    model = LineModel()
    # Twice the true compliance is assumed, so that the value in force shows its origin.
    assumed = wire.compliance_nl_per_kpa * 2
    model.configure(STEP_PL, wire.resistance_pa_s_per_ml, wire.turbulence_pa_s2_per_ml2, assumed)
    limiter = Limiter(model)
    limiter.working_pa = wire.working_limit_pa
    detector = Detector(model, limiter)
    rest_pa = round(real.vein_kpa * 1000)
    detector.start_run(rest_pa)
    detector.start_pulse(rest_pa, 90)
    wanted = round(flow_ml_per_s * 1e9 / STEP_PL)
    limiter.start_burst(wanted)
    last_pa = rest_pa
    for tick in range(1, RISE_TICKS):
        rate = min(wanted, tick * RAMP_PER_TICK - RAMP_PER_TICK // 2)
        # A reading is half a tick old.
        liquid.advance(0.0025, rate * STEP_PL / 1e9)
        value_pa = round(liquid.port_kpa * 1000)
        liquid.advance(0.0025, rate * STEP_PL / 1e9)
        limiter.allowed_rate(value_pa, value_pa - last_pa, rate)
        detector.drive_tick(value_pa, rate)
        last_pa = value_pa
        if model.compliance_measured:
            return model.compliance / 1000 / (real.syringe_compliance_ul_per_kpa + far_ul_per_kpa)
    return None


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("flow_ml_per_s", [0.5, 1.0, 2.0])
def test_the_first_rise_shows_the_compliance_of_every_path_or_nothing(flow_ml_per_s: float, closed: bool) -> None:
    found = {path: measured_over_true(*path, flow_ml_per_s, closed) for path in PATHS}
    shown = {path: over for path, over in found.items() if over is not None}
    # In a wide line nearly all leaves at once at a low flow, and nothing is shown.
    assert len(shown) >= 17
    # As if the liquid had no mass it would be 0.6 to 1.0, and a closed line would seem to pass a part of the flow.
    assert {path: over for path, over in shown.items() if not 0.85 < over < 1.25} == {}
