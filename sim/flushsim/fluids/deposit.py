"""A protein deposit on the catheter's wall, and how much of it a flush removes: by volume and by starts of flow.

Two parts. The loose one goes with the impulse of wall shear, integral of |tau| dt, which in laminar flow depends on the
volume alone. The bound one goes only when a flow starts: each rise of the wall shear removes the share LOST_A_START of
the rest, times the depth of the rise, (peak - valley) / peak. A slow infusion has no start that counts, a bolus
one, ten pulses ten; where the line's compliance fills the pauses, starts become shallow.

LOOSE and LOST_A_START are fitted to two of the three figures of Guiffant 2012 (10.5301/JVA.2011.8487): slow infusion
77 %, one bolus 79.1 %. The third, ten pulses 90 +- 3 %, is predicted by the model (91 %).

What it does not show: why a pause of 0.4 s was the best of those tried; any effect of flow rate on the bound part;
chamber, fibrin, biofilm, blood, ageing of a deposit; anything about patients. It ranks flush techniques, in vitro.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

import numpy as np
from flushpump.access.hydraulics import drop
from numpy.typing import NDArray

from flushsim.plant.flow_record import JUMP_S, FlowRecord
from flushsim.plant.parameters import PlantPath

Floats = NDArray[np.float64]

# C from 77 % of the slow infusion, which has no start; and from 79.1 % = 77 % + 23 % x LOST_A_START.
LOOSE = 0.77
LOST_A_START = 0.0913
# An assumption: 10 mL through an 8F catheter are 30 Pa s and leave 1/400 of the loose part. The study bounds it only
# from below, as all three techniques removed the loose part.
LOOSENED_PER_PA_S = 0.2
# An assumption: a smaller rise is not a start. 500 mL in 24 h are 0.02 Pa, pulses 6 Pa and more.
START_PA = 1.0
# The three techniques of the study, as pieces of (mL/s, s), with the share that each removed.
GUIFFANT = {
    "10 x 1 mL in 0.5 s each, 0.4 s apart": (((2.0, 0.5), (0.0, 0.4)) * 10, 0.90),
    "10 mL in 2.5 s": (((4.0, 2.5),), 0.791),
    "500 mL in 24 h": (((500 / 86_400, 86_400.0),), 0.77),
}


@dataclass(frozen=True)
class Removal:
    """What a flush removed from the wall: shares of the whole deposit, the shear's impulse in Pa s, starts by depth."""

    removed: float
    loose_left: float
    bound_left: float
    impulse_pa_s: float
    starts: float


def removal(record: FlowRecord, path: PlantPath) -> Removal:
    """What the flows of a record remove from a fresh deposit in the path's catheter."""
    time_s = record.time_us / 1e6
    dt_s = np.diff(time_s)
    moves = dt_s > JUMP_S
    dt_s = dt_s[moves]
    shear_pa = _wall_shear_pa(np.abs(np.diff(record.tip_ml))[moves] / dt_s, path)
    impulse_pa_s = float((shear_pa * dt_s).sum())
    depths = _starts(shear_pa.tolist())
    loose = LOOSE * exp(-LOOSENED_PER_PA_S * impulse_pa_s)
    bound = (1 - LOOSE) * float(np.prod([1 - LOST_A_START * depth for depth in depths]))
    return Removal(1 - loose - bound, loose, bound, impulse_pa_s, sum(depths))


def _wall_shear_pa(flow_ml_per_s: Floats, path: PlantPath) -> Floats:
    """dP d / 4 L of each flow, from friction alone, with the piecewise formulas of `hydraulics.Drop`."""
    tube = drop(path.catheter_bore_mm, path.catheter_length_mm, path.fluid)
    laminar = tube.linear * flow_ml_per_s
    blended = (tube.blend_square + tube.blend_cube * flow_ml_per_s) * flow_ml_per_s**2
    turbulent = tube.blasius * flow_ml_per_s**1.75
    below = [flow_ml_per_s <= tube.laminar_ml_per_s, flow_ml_per_s <= tube.turbulent_ml_per_s]
    kpa = np.select(below, [laminar, blended], turbulent)
    shear: Floats = 1000 * kpa * path.catheter_bore_mm / (4 * path.catheter_length_mm)
    return shear


def _starts(shear_pa: Sequence[float]) -> list[float]:
    """Depth, from 0 to 1, of each rise by START_PA or more from a valley to the peak after it; rest comes first."""
    depths = []
    valley = peak = 0.0
    rising = False
    for shear in shear_pa:
        if rising:
            if shear > peak:
                peak = shear
            elif peak - shear >= START_PA:
                depths.append((peak - valley) / peak)
                valley, rising = shear, False
        elif shear < valley:
            valley = shear
        elif shear - valley >= START_PA:
            peak, rising = shear, True
    if rising:
        depths.append((peak - valley) / peak)
    return depths
