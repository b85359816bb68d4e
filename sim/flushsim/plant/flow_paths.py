"""Where the liquid goes behind the connector, and what it meets there: the line's condition as the solver takes it."""

from dataclasses import dataclass
from enum import Enum
from math import exp

from flushsim.plant.pressure_drop import Curve

# Flow in mL/s at which a valve, or another slit, resists with half of its opening pressure: it weeps below.
WEEPING_ML_PER_S = 1e-4
# Liquid in tissue is taken up within this time (R-l: minutes to tens of minutes for saline under the skin).
ABSORBED_S = 600.0


class Outlet(Enum):
    """What the needle, or the hub where there is none, leads to."""

    VEIN = "through the catheter into the vein"
    ROOM = "the extension set has come off and runs out into the room"
    BURST = "through the needle and a torn catheter into the tissue, which does not resist"
    TIP_IN_TISSUE = "through the catheter into the tissue around its tip"
    NEEDLE_IN_TISSUE = "through the needle alone into the tissue around the port"


@dataclass(frozen=True)
class Condition:
    """What is the matter with the line; the default is nothing.

    `scale` is how many times needle and catheter resist, `growth_per_s` the growth of its logarithm, `back` how many
    times more they resist backwards. `bubble_ml` is air in the extension set at atmospheric pressure, `leak_share` the
    share of the flow that is lost at the connector. `tissue_kpa_per_ml` counts on the routes that end in tissue.
    """

    scale: float = 1.0
    growth_per_s: float = 0.0
    back: float = 1.0
    bubble_ml: float = 0.0
    leak_share: float = 0.0
    closed: bool = False
    route: Outlet = Outlet.VEIN
    tissue_kpa_per_ml: float = 0.0


SOUND = Condition()


@dataclass(frozen=True)
class FlowPath:
    """A way for the liquid behind the connector: drop over flow, inertia (kPa s2/mL), valve's opening pressures (kPa).

    A valve opens outwards, into the vein, when the pressure inside is `opens_out_kpa` above that outside, and inwards
    likewise; 0: there is none.
    """

    drop: Curve
    inertia: float = 0.0
    opens_out_kpa: float = 0.0
    opens_in_kpa: float = 0.0

    def one_way(self, back: float) -> "FlowPath":
        """The same with `back` times the drop backwards."""
        if back == 1.0:
            return self
        drop = self.drop

        def flapped(flow: float) -> tuple[float, float]:
            kpa, slope = drop(flow)
            return (kpa, slope) if flow >= 0 else (back * kpa, back * slope)

        return FlowPath(flapped, self.inertia, self.opens_out_kpa, self.opens_in_kpa)


def valve_kpa(flow_ml_per_s: float, opens_out_kpa: float, opens_in_kpa: float) -> tuple[float, float]:
    """What a slit valve holds back at a flow, and its slope: nothing passes below the opening pressure but weeping."""
    if flow_ml_per_s == 0:
        return 0.0, max(opens_out_kpa, opens_in_kpa) / WEEPING_ML_PER_S
    if flow_ml_per_s > 0:
        past = flow_ml_per_s + WEEPING_ML_PER_S
        return opens_out_kpa * flow_ml_per_s / past, opens_out_kpa * WEEPING_ML_PER_S / (past * past)
    past = WEEPING_ML_PER_S - flow_ml_per_s
    return opens_in_kpa * flow_ml_per_s / past, opens_in_kpa * WEEPING_ML_PER_S / (past * past)


def unabsorbed(time_s: float) -> float:
    """Share of the liquid in tissue that is still there after this time."""
    return exp(-time_s / ABSORBED_S)
