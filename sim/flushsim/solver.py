"""Pressures and flows of the line between plunger and vein: two stored volumes, two tubes, solved implicitly.

    plunger flow -> [syringe: p1, sensor] -> extension -> [connector: p2, bubble, leak] -> needle, catheter -> vein

    d S1(p1)/dt = q - qe                 S1 = c1 p1             p1 - p2 = near(qe)
    d S2(p2)/dt = (1 - leak) qe - qf     S2 = c2 p2 + bubble    p2 - vein = scale far(qf)

The small volume at the connector answers within a tenth of a millisecond while the syringe takes tens of milliseconds,
so the method is TR-BDF2: second order, stiffly stable, and exact in volume because it steps the stored volumes
themselves. Units: mL, s, kPa. Liquid inertia is left out.
"""

from collections.abc import Iterable
from math import exp, sqrt

from flushpump.hydraulics import Drop

from flushsim.curves import curve_of, flow_through
from flushsim.sensor import LAG_S

ATMOSPHERE_KPA = 101.325
# Beyond this factor a growing occlusion is total.
SCALE_MOST = 1e6
# Below this gauge pressure the liquid boils and the syringe fills with vapour instead of pulling harder.
BOILING_KPA = -95.0
BOILING_SOFTNESS = 1e3
# A connector that stores nothing would leave its pressure open while nothing passes either way.
STRETCH_LEAST_ML_PER_KPA = 1e-8

TOLERANCE_KPA = 0.002
STEP_MOST_S = 0.005
STEP_AFTER_EVENT_S = 0.0001
STEP_LEAST_S = 1e-7
# A Newton step below this (mL/s; kPa at a closed line) is the last one. What is left is of its square: measured
# 2e-5 kPa, a hundredth of what the method itself may err.
CLOSE = 3e-3
RESTING_ML_PER_S = 1e-9

_GAMMA = 2 - sqrt(2)
_TR = _GAMMA / 2
_B = sqrt(2) / 4
_NEW_FROM_GAMMA = 1 / (_GAMMA * (2 - _GAMMA))
_NEW_FROM_OLD = (1 - _GAMMA) ** 2 / (_GAMMA * (2 - _GAMMA))
_AHEAD = (1 - _GAMMA) / _GAMMA
_E = 2 * (-3 * _GAMMA**2 + 4 * _GAMMA - 2) / (12 * (2 - _GAMMA))
_E0, _E1, _E2 = _E / _GAMMA, -_E / (_GAMMA * (1 - _GAMMA)), _E / (1 - _GAMMA)


class SolverError(RuntimeError):
    """The equations could not be solved: a defect of the simulator, not of anything simulated."""


class LineSolver:
    """State and equations of one line. Starts at rest at the vein's pressure."""

    def __init__(
        self, near: Iterable[Drop], far: Iterable[Drop], c1_ml_per_kpa: float, c2_ml_per_kpa: float, vein_kpa: float
    ) -> None:
        self._near = curve_of(near)
        self._line = self._far = curve_of(far)
        self._open = curve_of(())
        self.c1 = c1_ml_per_kpa
        self.c2 = max(c2_ml_per_kpa, STRETCH_LEAST_ML_PER_KPA)
        self.vein_kpa = self._far_kpa = vein_kpa
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
        self._qe_trend = self._y_trend = 0.0
        self._s1, self._s2 = self._syringe(vein_kpa)[0], self._connector(vein_kpa)[0]
        self._at_rest_ml = self._s1 + self._s2

    @property
    def qf(self) -> float:
        """Flow through needle and catheter in mL/s; what runs into the room is not in it."""
        return 0.0 if self.closed or self.open else self.y

    @property
    def stored_ml(self) -> float:
        """Liquid that the stretched line holds more than at rest."""
        return self._s1 + self._s2 - self._at_rest_ml

    def _syringe(self, p1: float) -> tuple[float, float]:
        """S1 and its slope, the compliance."""
        if p1 > BOILING_KPA:
            return self.c1 * p1, self.c1
        return self.c1 * (BOILING_KPA + BOILING_SOFTNESS * (p1 - BOILING_KPA)), self.c1 * BOILING_SOFTNESS

    def _connector(self, p2: float) -> tuple[float, float]:
        """S2 and its slope: the tube's stretch, and the air's place that liquid has taken (isothermal)."""
        # Below boiling a straight line goes on, so that iterations may pass there.
        absolute = max(p2, BOILING_KPA) + ATMOSPHERE_KPA
        slope = self.c2 + self.bubble_ml * ATMOSPHERE_KPA / absolute**2
        stored = self.c2 * p2 + self.bubble_ml * (1 - ATMOSPHERE_KPA / absolute)
        if p2 < BOILING_KPA:
            stored += (slope - self.c2) * (p2 - BOILING_KPA)
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
        self.bubble_ml = bubble_ml
        before_ml, self._s2 = self._s2, self._connector(self.p2)[0]
        self._at_rest_ml += self._s2 - before_ml
        self.scale, self.growth_per_s, self.leak_share = scale, growth_per_s, leak_share
        self.closed, self.open = closed and not open_end, open_end
        self._far, self._far_kpa = (self._open, 0.0) if open_end else (self._line, self.vein_kpa)
        if open_end:
            # The connector empties into the room at once.
            self.scale, self.growth_per_s = 1.0, 0.0
            self.leak_ml += self._s2 - self._connector(0.0)[0]
            self._s2 = self._connector(0.0)[0]
            self.p2 = self.y = 0.0
        elif closed:
            self.y = self.p2
        else:
            self.y = flow_through(self._far, (self.p2 - self.vein_kpa) / scale)
        self.qe = flow_through(self._near, self.p1 - self.p2)
        self._qe_trend = self._y_trend = 0.0
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
        s1, s2, qe, y = self._s1, self._s2, self.qe, self.y
        qf = 0.0 if self.closed else y
        hb = _TR * h
        old_scale = self.scale
        # First stage: trapezoid to GAMMA h, beginning at the last step's trend.
        if self.growth_per_s:
            self.scale = old_scale * exp(self.growth_per_s * _GAMMA * h)
        ahead = _GAMMA * h
        qe1, y1, s1_mid, s2_mid, _, _ = self._solve(
            s1 + hb * (2 * q - qe),
            s2 + hb * (keep * qe - qf),
            hb,
            keep,
            qe + ahead * self._qe_trend,
            y + ahead * self._y_trend,
        )
        # Second stage: backward differences over old, GAMMA h and h; its implicit weight is the same.
        if self.growth_per_s:
            self.scale = old_scale * exp(self.growth_per_s * h)
        qe2, y2, s1_new, s2_new, p1, p2 = self._solve(
            _NEW_FROM_GAMMA * s1_mid - _NEW_FROM_OLD * s1 + hb * q,
            _NEW_FROM_GAMMA * s2_mid - _NEW_FROM_OLD * s2,
            hb,
            keep,
            qe1 + _AHEAD * (qe1 - qe),
            y1 + _AHEAD * (y1 - y),
        )
        error_kpa = abs(h * (_E0 * qe + _E1 * qe1 + _E2 * qe2)) / self.c1
        if error_kpa > 4 * TOLERANCE_KPA and h > STEP_LEAST_S:
            self.scale = old_scale
            self.step_s = h * max(0.2, 0.8 * (TOLERANCE_KPA / error_kpa) ** (1 / 3))
            return False
        if error_kpa < TOLERANCE_KPA / 8:
            if self.step_s < STEP_MOST_S:
                self.step_s = min(STEP_MOST_S, 2 * max(self.step_s, h))
        elif error_kpa > TOLERANCE_KPA:
            self.step_s = 0.8 * h
        if not self.closed:
            through_ml = h * (_B * (qf + y1) + _TR * y2)
            if self.open:
                self.leak_ml += through_ml
            else:
                self.tip_ml += through_ml
        if self.leak_share:
            self.leak_ml += self.leak_share * h * (_B * (qe + qe1) + _TR * qe2)
        self._qe_trend, self._y_trend = (qe2 - qe1) / (h - ahead), (y2 - y1) / (h - ahead)
        self._s1, self._s2, self.qe, self.y = s1_new, s2_new, qe2, y2
        self._follow(self.p1, p1, h)
        self.p1, self.p2 = p1, p2
        if p1 > self.peak_kpa:
            self.peak_kpa = p1
        if self.scale > SCALE_MOST:
            self.scale, self.growth_per_s, self.closed, self.y = 1.0, 0.0, True, p2
        return True

    def _solve(
        self, a1: float, a2: float, hb: float, keep: float, qe: float, y: float
    ) -> tuple[float, float, float, float, float, float]:
        """Newton on S1 + hb qe = a1, S2 - hb (keep qe - qf) = a2; returns qe, y, S1, S2, p1, p2.

        The volumes returned fulfil the equations exactly, so no liquid is lost to an unfinished iteration.
        """
        near, far, closed, scale = self._near, self._far, self.closed, self.scale
        bubbly, c1, c2, base = self.bubble_ml > 0.0, self.c1, self.c2, self._far_kpa
        p2, p2_slope, qf, qf_slope = y, 1.0, 0.0, 0.0
        # What is left at the needle is the square of its last step times the scale.
        close = CLOSE if scale == 1.0 else CLOSE / sqrt(scale)
        for turn in range(100):
            if closed:
                p2 = y
            else:
                drop, p2_slope = far(y)
                p2 = base + scale * drop
                p2_slope *= scale
                qf, qf_slope = y, 1.0
            drop, near_slope = near(qe)
            p1 = p2 + drop
            if p1 > BOILING_KPA:
                s1, c1 = self.c1 * p1, self.c1
            else:
                s1, c1 = self._syringe(p1)
            if bubbly:
                s2, c2 = self._connector(p2)
            else:
                s2 = c2 * p2
            f1 = s1 + hb * qe - a1
            f2 = s2 - hb * (keep * qe - qf) - a2
            j11 = c1 * near_slope + hb
            j12 = c1 * p2_slope
            j21 = hb * keep
            j22 = c2 * p2_slope + hb * qf_slope
            determinant = j11 * j22 + j12 * j21
            d_qe = (f1 * j22 - f2 * j12) / determinant
            d_y = (f2 * j11 + f1 * j21) / determinant
            if -CLOSE < d_qe < CLOSE and -close < d_y < close:
                # Newton squares the error, so what is left is of the order of CLOSE squared.
                qe -= d_qe
                y -= d_y
                p2 -= p2_slope * d_y
                p1 -= near_slope * d_qe + p2_slope * d_y
                return qe, y, a1 - hb * qe, a2 + hb * (keep * qe - (0.0 if closed else y)), p1, p2
            # At a kink (boiling, onset of turbulence) full steps may jump to and fro for ever.
            part = 1.0 if turn < 15 else 0.4
            qe -= part * d_qe
            y -= part * d_y
        raise SolverError(f"no solution at qe {qe} mL/s, p1 {self.p1} kPa, step {hb} s")

    def _follow(self, before_kpa: float, after_kpa: float, h: float) -> None:
        """The sensor's port follows the outlet, which goes in a straight line, with a first-order lag."""
        fade = exp(-h / LAG_S)
        behind = (after_kpa - before_kpa) / h * LAG_S
        self.port_kpa = after_kpa - behind + (self.port_kpa - before_kpa + behind) * fade
