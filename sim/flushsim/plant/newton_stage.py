"""One stage of the line's solver: Newton's method for two flows, for a line in one condition."""

from collections.abc import Callable
from math import sqrt

from flushsim.plant.compliance import BOILING_KPA, connector_kpa, syringe_kpa
from flushsim.plant.flow_paths import WEEPING_ML_PER_S, Condition, FlowPath, valve_kpa
from flushsim.plant.pressure_drop import Curve

# A Newton step below this is the last one. The remaining error is of its square: measured 2e-5 kPa, a hundredth of
# the tolerance of the method.
LAST_STEP_ML_PER_S = 3e-3


class SolverError(RuntimeError):
    """The equations have no solution: a defect of the simulator, not of the simulated pump."""


NewtonStage = Callable[
    [float, float, float, float, float, float, float, float, float], tuple[float, float, float, float, float, float]
]


def newton_stage(
    near: Curve,
    flow_path: FlowPath,
    inertias: tuple[float, float],
    stretches: tuple[float, float],
    damping_kpa_s_per_ml: float,
    condition: Condition,
    closed: bool,
) -> NewtonStage:
    """The solution of a stage for a line in a condition: a function of what changes from stage to stage.

    Newton on the flows qe and y, of which it is given a guess; it returns them, S1, S2, p1, p2. With a stage's weight
    hb: S1 = a1 - hb qe, S2 = a2 + hb (keep qe - y), inertia qe - momentum = hb (p1 - p2 - near(qe)), likewise y.
    Air stretches without loss, parallel to the tube, which takes its share of the flow.
    Volumes and pressures returned fit the flows exactly, so no liquid is lost to an unfinished iteration.
    """
    far, opens_out_kpa, opens_in_kpa = flow_path.drop, flow_path.opens_out_kpa, flow_path.opens_in_kpa
    e_inertia, y_inertia = inertias
    c1, c2 = stretches
    keep, air_ml = 1.0 - condition.leak_share, condition.bubble_ml
    valved = opens_out_kpa > 0.0 or opens_in_kpa > 0.0
    kinked = valved or condition.back != 1.0
    boiling_ml = BOILING_KPA * c1
    soft1, soft2 = 1 / c1, 1 / c2

    def stage(
        a1: float,
        a2: float,
        e_momentum: float,
        y_momentum: float,
        hb: float,
        qe: float,
        y: float,
        end_kpa: float,
        scale: float,
    ) -> tuple[float, float, float, float, float, float]:
        p1_slope, p2_slope, damping = soft1, soft2, damping_kpa_s_per_ml
        # The remaining error at the needle is the square of its last step times the scale.
        last_step = LAST_STEP_ML_PER_S if scale == 1.0 else LAST_STEP_ML_PER_S / sqrt(scale)
        if valved:
            last_step = min(last_step, WEEPING_ML_PER_S / 10)
        done = False
        if closed:
            y = 0.0
        for iteration in range(100):
            held2 = keep * qe - y
            s1 = a1 - hb * qe
            s2 = a2 + hb * held2
            if s1 > boiling_ml:
                p1, p1_slope = s1 / c1, soft1
            else:
                p1, p1_slope = syringe_kpa(s1, c1)
            if air_ml:
                p2, p2_slope = connector_kpa(s2, c2, air_ml)
                damping = damping_kpa_s_per_ml * (c2 * p2_slope) ** 2
            else:
                p2 = s2 / c2
            p2 += damping * held2
            if done:
                return qe, y, s1, s2, p1, p2
            drop, slope = near(qe)
            f1 = e_inertia * qe - e_momentum + hb * (drop - p1 + p2)
            stretch2 = hb * p2_slope + damping
            j11 = e_inertia + hb * (slope + hb * p1_slope + keep * stretch2)
            if closed:
                d_qe = f1 / j11
                d_y = 0.0
            else:
                drop, slope = far(y)
                drop *= scale
                slope *= scale
                if valved:
                    held, steep = valve_kpa(y, opens_out_kpa, opens_in_kpa)
                    drop += held
                    slope += steep
                f2 = y_inertia * y - y_momentum + hb * (end_kpa + drop - p2)
                j12 = -hb * stretch2
                j22 = y_inertia + hb * slope - j12
                j21 = keep * j12
                determinant = j11 * j22 - j12 * j21
                d_qe = (f1 * j22 - f2 * j12) / determinant
                d_y = (f2 * j11 - f1 * j21) / determinant
            if -LAST_STEP_ML_PER_S < d_qe < LAST_STEP_ML_PER_S and -last_step < d_y < last_step:
                # Newton squares the error, so what is left is of the order of LAST_STEP_ML_PER_S squared.
                done = True
                share = 1.0
            else:
                # At a kink (boiling, onset of turbulence) full steps may oscillate for ever.
                share = 1.0 if iteration < 15 else 0.4
            qe -= share * d_qe
            before, y = y, y - share * d_y
            if kinked and y * before < 0:
                # A valve or flap is steepest at rest: Newton's steps from there are too short, others jump over it.
                y = 0.0
                done = False
        raise SolverError(f"no solution at qe {qe} mL/s, p1 {p1} kPa, step {hb} s")

    return stage
