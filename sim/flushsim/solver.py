"""Pressures and flows of the line between plunger and vein: two stored volumes, two tubes, solved implicitly.

    plunger flow -> [syringe: p1, sensor] -> extension -> [connector: p2, bubble, leak] -> needle, catheter -> vein

    d S1(p1)/dt = q - qe                 S1 = c1 p1             p1 - p2 = near(qe)
    d S2(p2)/dt = (1 - leak) qe - qf     S2 = c2 p2 + bubble    p2 - vein = scale far(qf)

The small volume at the connector answers within a tenth of a millisecond while the syringe takes tens of milliseconds,
so the method is TR-BDF2: second order, stiffly stable, and exact in volume because it steps the stored volumes
themselves. Units: mL, s, kPa. Liquid inertia is left out.
"""

from collections.abc import Callable, Iterable
from math import exp, sqrt

from flushpump.hydraulics import Drop

from flushsim.sensor import LAG_S

ATMOSPHERE_KPA = 101.325
# Resistance of a connector that hangs open, kPa s/mL: too little to matter, enough to keep the equations regular.
OPEN_KPA_S_PER_ML = 1e-3
# Beyond this factor a growing occlusion is total.
SCALE_MOST = 1e6
# Below this gauge pressure the liquid boils and the syringe fills with vapour instead of pulling harder.
BOILING_KPA = -95.0
BOILING_SOFTNESS = 1e4

TOLERANCE_KPA = 0.002
STEP_MOST_S = 0.005
STEP_AFTER_EVENT_S = 0.0001
STEP_LEAST_S = 1e-7
RESTING_ML_PER_S = 1e-9

_GAMMA = 2 - sqrt(2)
_TR = _GAMMA / 2
_B = sqrt(2) / 4
_NEW_FROM_GAMMA = 1 / (_GAMMA * (2 - _GAMMA))
_NEW_FROM_OLD = (1 - _GAMMA) ** 2 / (_GAMMA * (2 - _GAMMA))
_E = 2 * (-3 * _GAMMA**2 + 4 * _GAMMA - 2) / (12 * (2 - _GAMMA))
_E0, _E1, _E2 = _E / _GAMMA, -_E / (_GAMMA * (1 - _GAMMA)), _E / (1 - _GAMMA)

Curve = Callable[[float], tuple[float, float]]


class SolverError(RuntimeError):
    """The equations could not be solved: a defect of the simulator, not of anything simulated."""


def curve_of(drops: Iterable[Drop]) -> Curve:
    """Drop and its slope as a function of the flow for tubes in series, from their piecewise formulas."""
    tubes = tuple(drops)
    if not tubes:
        return lambda flow: (OPEN_KPA_S_PER_ML * flow, OPEN_KPA_S_PER_ML)
    edges = sorted({edge for tube in tubes for edge in (tube.laminar_ml_per_s, tube.turbulent_ml_per_s)})
    pieces = []
    for low, high in zip([0.0, *edges], [*edges, float("inf")], strict=True):
        a = b = c = t = 0.0
        for tube in tubes:
            b += tube.square
            if high <= tube.laminar_ml_per_s:
                a += tube.linear
            elif low >= tube.turbulent_ml_per_s:
                t += tube.blasius
            else:
                b += tube.blend_square
                c += tube.blend_cube
        pieces.append((high, a, b, c, t))
    table = tuple(pieces)

    def curve(flow: float) -> tuple[float, float]:
        size = flow if flow >= 0 else -flow
        for high, a, b, c, t in table:  # noqa: B007 - the figures of the piece are used after the loop
            if size <= high:
                break
        drop = size * (a + size * (b + size * c))
        slope = a + size * (2 * b + size * 3 * c)
        if t:
            power = t * size**0.75
            drop += size * power
            slope += 1.75 * power
        return (drop, slope) if flow >= 0 else (-drop, slope)

    return curve


def flow_through(curve: Curve, drop_kpa: float) -> float:
    """The flow that has this drop: the curve's inverse, by bisection and Newton steps."""
    target = abs(drop_kpa)
    low, high = 0.0, 1.0
    while curve(high)[0] < target:
        low, high = high, high * 2
    flow = (low + high) / 2
    for _ in range(200):
        value, slope = curve(flow)
        if value < target:
            low = flow
        else:
            high = flow
        better = flow - (value - target) / slope if slope else low
        better = better if low <= better <= high else (low + high) / 2
        if abs(better - flow) <= 1e-15 + 1e-14 * flow:
            break
        flow = better
    return flow if drop_kpa >= 0 else -flow


class LineSolver:
    """State and equations of one line. Starts at rest at the vein's pressure."""

    def __init__(
        self, near: Iterable[Drop], far: Iterable[Drop], c1_ml_per_kpa: float, c2_ml_per_kpa: float, vein_kpa: float
    ) -> None:
        self.near = curve_of(near)
        self.far = curve_of(far)
        self.c1 = c1_ml_per_kpa
        self.c2 = c2_ml_per_kpa
        self.vein_kpa = vein_kpa
        self.p1 = self.p2 = self.port_kpa = self.peak_kpa = vein_kpa
        self.qe = 0.0
        # qf, or the connector's pressure while nothing passes the needle: the second unknown of the equations.
        self.y = 0.0
        self.tip_ml = 0.0
        self.leak_ml = 0.0
        self.scale = 1.0
        self.growth_per_s = 0.0
        self.bubble_ml = 0.0
        self.leak_share = 0.0
        self.closed = False
        self.open = False
        self.step_s = STEP_AFTER_EVENT_S
        self._at_rest_ml = self._stored()

    @property
    def qf(self) -> float:
        """Flow through needle and catheter in mL/s; what runs into the room is not in it."""
        return 0.0 if self.closed or self.open else self.y

    @property
    def stored_ml(self) -> float:
        """Liquid that the stretched line holds more than at rest."""
        return self._stored() - self._at_rest_ml

    def _stored(self) -> float:
        return self._s1(self.p1)[0] + self._s2(self.p2)[0]

    def _s1(self, p1: float) -> tuple[float, float]:
        if p1 > BOILING_KPA:
            return self.c1 * p1, self.c1
        return self.c1 * (BOILING_KPA + BOILING_SOFTNESS * (p1 - BOILING_KPA)), self.c1 * BOILING_SOFTNESS

    def _s2(self, p2: float) -> tuple[float, float]:
        stored, slope = self.c2 * p2, self.c2
        if self.bubble_ml:
            absolute = max(p2 + ATMOSPHERE_KPA, 1.0)
            stored += self.bubble_ml * (1 - ATMOSPHERE_KPA / absolute)
            slope += self.bubble_ml * ATMOSPHERE_KPA / absolute**2
        return stored, slope

    def change(
        self,
        *,
        scale: float = 1.0,
        growth_per_s: float = 0.0,
        bubble_ml: float = 0.0,
        leak_share: float = 0.0,
        closed: bool = False,
        open_end: bool = False,
    ) -> None:
        """Puts the line into another condition; pressures go on, flows follow them."""
        before_ml = self._s2(self.p2)[0]
        self.bubble_ml = bubble_ml
        self._at_rest_ml += self._s2(self.p2)[0] - before_ml
        self.scale, self.growth_per_s, self.leak_share = scale, growth_per_s, leak_share
        self.closed, self.open = closed, open_end
        if open_end:
            # The connector empties into the room at once.
            self.leak_ml += self._s2(self.p2)[0] - self._s2(0.0)[0]
            self.p2 = self.y = 0.0
        elif closed:
            self.y = self.p2
        else:
            self.y = flow_through(self.far, (self.p2 - self.vein_kpa) / scale)
        self.qe = flow_through(self.near, self.p1 - self.p2)
        self.step_s = STEP_AFTER_EVENT_S

    def advance(self, dt_s: float, q_ml_per_s: float) -> None:
        """Goes on by `dt_s` with the plunger pushing this flow all the time."""
        if q_ml_per_s == 0.0 and self._resting():
            self._follow(self.p1, self.p1, dt_s)
            return
        left = dt_s
        while left > 0:
            # Two equal steps rather than a long one and a crumb.
            h = left if left <= self.step_s else (left / 2 if left < 2 * self.step_s else self.step_s)
            if self._step(h, q_ml_per_s):
                left = left - h if left > h else 0.0

    def _resting(self) -> bool:
        if abs(self.qe) > RESTING_ML_PER_S or self.growth_per_s:
            return False
        return self.closed or self.open or abs(self.y) < RESTING_ML_PER_S

    def _step(self, h: float, q: float) -> bool:
        """One TR-BDF2 step; False if it was too long: nothing has changed but `step_s`."""
        keep = 1.0 - self.leak_share
        p1, p2, qe, y = self.p1, self.p2, self.qe, self.y
        s1, s2 = self._s1(p1)[0], self._s2(p2)[0]
        qf = 0.0 if self.closed else y
        old_scale = self.scale
        # First stage: trapezoid to GAMMA h.
        hb = _TR * h
        if self.growth_per_s:
            self.scale = old_scale * exp(self.growth_per_s * _GAMMA * h)
        qe1, y1, s1_mid, s2_mid, _, _ = self._solve(
            s1 + hb * (2 * q - qe), s2 + hb * (keep * qe - qf), hb, keep, qe, y
        )
        qf1 = 0.0 if self.closed else y1
        # Second stage: backward differences over old, GAMMA h and h; its implicit weight is the same.
        if self.growth_per_s:
            self.scale = old_scale * exp(self.growth_per_s * h)
        guess = (1 - _GAMMA) / _GAMMA
        qe2, y2, _, _, p1_new, p2_new = self._solve(
            _NEW_FROM_GAMMA * s1_mid - _NEW_FROM_OLD * s1 + hb * q,
            _NEW_FROM_GAMMA * s2_mid - _NEW_FROM_OLD * s2,
            hb,
            keep,
            qe1 + guess * (qe1 - qe),
            y1 + guess * (y1 - y),
        )
        error_kpa = abs(h * (_E0 * qe + _E1 * qe1 + _E2 * qe2)) / self.c1
        if error_kpa > 4 * TOLERANCE_KPA and h > STEP_LEAST_S:
            self.scale = old_scale
            self.step_s = h * max(0.2, 0.8 * (TOLERANCE_KPA / error_kpa) ** (1 / 3))
            return False
        if error_kpa < TOLERANCE_KPA / 8:
            self.step_s = min(STEP_MOST_S, 2 * max(self.step_s, h))
        elif error_kpa > TOLERANCE_KPA:
            self.step_s = 0.8 * h
        qf2 = 0.0 if self.closed else y2
        through_ml = h * (_B * (qf + qf1) + _TR * qf2)
        if self.open:
            self.leak_ml += through_ml
        else:
            self.tip_ml += through_ml
        if self.leak_share:
            self.leak_ml += self.leak_share * h * (_B * (qe + qe1) + _TR * qe2)
        self.p1, self.p2, self.qe, self.y = p1_new, p2_new, qe2, y2
        if p1_new > self.peak_kpa:
            self.peak_kpa = p1_new
        self._follow(p1, p1_new, h)
        if self.scale > SCALE_MOST:
            self.scale, self.growth_per_s, self.closed, self.y = 1.0, 0.0, True, p2_new
        return True

    def _solve(
        self, a1: float, a2: float, hb: float, keep: float, qe: float, y: float
    ) -> tuple[float, float, float, float, float, float]:
        """Newton on S1 + hb qe = a1, S2 - hb (keep qe - qf) = a2; returns qe, y, S1, S2, p1, p2."""
        near, far, scale, closed, open_end = self.near, self.far, self.scale, self.closed, self.open
        vein, c1, c2, bubble = self.vein_kpa, self.c1, self.c2, self.bubble_ml
        for _ in range(60):
            if closed:
                p2, p2_slope, qf, qf_slope = y, 1.0, 0.0, 0.0
            elif open_end:
                p2, p2_slope, qf, qf_slope = OPEN_KPA_S_PER_ML * y, OPEN_KPA_S_PER_ML, y, 1.0
            else:
                drop, p2_slope = far(y)
                p2, p2_slope, qf, qf_slope = vein + scale * drop, scale * p2_slope, y, 1.0
            drop, near_slope = near(qe)
            p1 = p2 + drop
            if p1 > BOILING_KPA:
                s1, s1_slope = c1 * p1, c1
            else:
                s1, s1_slope = self._s1(p1)
            if bubble:
                s2, s2_slope = self._s2(p2)
            else:
                s2, s2_slope = c2 * p2, c2
            f1 = s1 + hb * qe - a1
            f2 = s2 - hb * (keep * qe - qf) - a2
            j11 = s1_slope * near_slope + hb
            j12 = s1_slope * p2_slope
            j21 = -hb * keep
            j22 = s2_slope * p2_slope + hb * qf_slope
            determinant = j11 * j22 - j12 * j21
            if -1e-16 < f1 < 1e-16 and -1e-16 < f2 < 1e-16:
                return qe, y, s1, s2, p1, p2
            d_qe = (f1 * j22 - f2 * j12) / determinant
            d_y = (f2 * j11 - f1 * j21) / determinant
            qe -= d_qe
            y -= d_y
            if -1e-8 < d_qe < 1e-8 and -1e-8 < d_y < 1e-8:
                # Quadratic convergence has made what is left far smaller; the volumes follow from the equations.
                p1 -= near_slope * d_qe + p2_slope * d_y
                p2 -= p2_slope * d_y
                return qe, y, a1 - hb * qe, a2 + hb * (keep * qe - (0.0 if closed else y)), p1, p2
        raise SolverError(f"no solution at qe {qe} mL/s, p1 {self.p1} kPa, step {hb} s")

    def _follow(self, before_kpa: float, after_kpa: float, h: float) -> None:
        """The sensor's port follows the outlet, which goes in a straight line, with a first-order lag."""
        fade = exp(-h / LAG_S)
        behind = (after_kpa - before_kpa) / h * LAG_S
        self.port_kpa = after_kpa - behind + (self.port_kpa - before_kpa + behind) * fade
