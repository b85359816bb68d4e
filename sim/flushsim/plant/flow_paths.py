"""The flow paths behind the connector, and the condition of the line, as inputs of the solver."""

from dataclasses import dataclass
from enum import Enum
from math import exp

from flushsim.plant.pressure_drop import Curve

# Flow in mL/s at which a slit valve has half of its opening pressure: below it weeps.
WEEPING_ML_PER_S = 1e-4
# Time constant of the absorption of liquid in tissue (R-l: minutes to tens of minutes for saline under the skin).
ABSORBED_S = 600.0


class Outlet(Enum):
    """Where the needle, or the hub without a needle, leads to."""

    VEIN = "through the catheter into the vein"
    ROOM = "out of the disconnected extension set into the room"
    BURST = "through the needle and a torn catheter into the tissue, which does not resist"
    TIP_IN_TISSUE = "through the catheter into the tissue around its tip"
    NEEDLE_IN_TISSUE = "through the needle alone into the tissue around the port"


@dataclass(frozen=True)
class Condition:
    """The condition of the line; the default has no fault.

    `scale` multiplies the resistance of needle and catheter, `growth_per_s` is the growth of its logarithm, `back`
    multiplies the resistance backwards. `bubble_ml` is air in the extension set at atmospheric pressure, `leak_share`
    the share of the flow that is lost at the connector. `tissue_kpa_per_ml` is for outlets in tissue.
    """

    scale: float = 1.0
    growth_per_s: float = 0.0
    back: float = 1.0
    bubble_ml: float = 0.0
    leak_share: float = 0.0
    closed: bool = False
    outlet: Outlet = Outlet.VEIN
    tissue_kpa_per_ml: float = 0.0


SOUND = Condition()


@dataclass(frozen=True)
class FlowPath:
    """A path for the liquid behind the connector: drop over flow, inertia (kPa s2/mL), valve's opening pressures (kPa).

    A valve opens outwards, into the vein, when the pressure inside is `opens_out_kpa` above that outside, and inwards
    likewise; 0: no valve.
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

        def with_flap(flow: float) -> tuple[float, float]:
            kpa, slope = drop(flow)
            return (kpa, slope) if flow >= 0 else (back * kpa, back * slope)

        return FlowPath(with_flap, self.inertia, self.opens_out_kpa, self.opens_in_kpa)


def valve_kpa(flow_ml_per_s: float, opens_out_kpa: float, opens_in_kpa: float) -> tuple[float, float]:
    """The drop of a slit valve at a flow, and its slope: below the opening pressure it only weeps."""
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
