"""Pressures and flows of the line between plunger and vein: two stored volumes, two moving columns, solved implicitly.

    plunger flow -> [syringe: p1, sensor] -> extension -> [connector: p2, bubble, leak] -> needle, catheter -> vein

    d S1(p1)/dt = q - qe                 Le d qe/dt = p1 - p2 - near(qe)              S1 = c1 p1
    d S2(p2)/dt = (1 - leak) qe - qf     Lf d qf/dt = p2 - vein - scale far(qf)       S2 = c2 p2 + bubble

L is the inertia of a column of liquid, rho l / A. The connector's small volume swings within milliseconds while the
syringe takes tens of them, so the method is TR-BDF2: second order, stiffly stable, and exact in volume because it
steps the stored volumes themselves. The pressures follow from the volumes, so each stage has two unknowns, the flows;
a tube without inertia has a flow that follows the pressures at once. Units: mL, s, kPa.
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
# The connector's pressure swings between the columns where no sensor is; it may err by more, in this ratio.
SWING = 0.3
STEP_MOST_S = 0.005
STEP_AFTER_EVENT_S = 0.0001
STEP_LEAST_S = 1e-7
# A Newton step below this (mL/s) is the last one. What is left is of its square: measured 2e-5 kPa, a hundredth of
# what the method itself may err.
CLOSE = 3e-3
# Flows and pressures out of balance below these are none.
RESTING_ML_PER_S = 1e-9
RESTING_KPA = 1e-9

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
    """State and equations of one line. Starts at rest at the vein's pressure. Inertias are in kPa s2/mL."""

    def __init__(
        self,
        near: Iterable[Drop],
        far: Iterable[Drop],
        c1_ml_per_kpa: float,
        c2_ml_per_kpa: float,
        vein_kpa: float,
        near_inertia: float = 0.0,
        far_inertia: float = 0.0,
    ) -> None:
        self._near = curve_of(near)
        self._line = self._far = curve_of(far)
        self._open = curve_of(())
        self._near_inertia = near_inertia
        self._line_inertia = self._far_inertia = far_inertia
        self.c1 = c1_ml_per_kpa
        self.c2 = max(c2_ml_per_kpa, STRETCH_LEAST_ML_PER_KPA)
        self.vein_kpa = self._far_kpa = vein_kpa
        self.p1 = self.p2 = self.port_kpa = self.peak_kpa = vein_kpa
        # Flows through the extension and through what follows it, into vein or room, and their columns' pressures:
        # what is left of the difference to speed the column up.
        self.qe = self._y = 0.0
        self._push_e = self._push_y = 0.0
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
        self._s1, self._s2 = self.c1 * vein_kpa, self.c2 * vein_kpa
        self._at_rest_ml = self._s1 + self._s2

    @property
    def qf(self) -> float:
        """Flow through needle and catheter in mL/s; what runs into the room is not in it."""
        return 0.0 if self.open else self._y

    @property
    def stored_ml(self) -> float:
        """Liquid that the stretched line holds more than at rest."""
        return self._s1 + self._s2 - self._at_rest_ml

    def _syringe_kpa(self, s1: float) -> tuple[float, float]:
        """Pressure of a syringe that holds this much more than at zero gauge, and its slope."""
        kpa = s1 / self.c1
        if kpa > BOILING_KPA:
            return kpa, 1 / self.c1
        return BOILING_KPA + (kpa - BOILING_KPA) / BOILING_SOFTNESS, 1 / (self.c1 * BOILING_SOFTNESS)

    def _connector_kpa(self, s2: float) -> tuple[float, float]:
        """Pressure of a connector that holds this much more than at zero gauge, and its slope.

        Stretch of the tube and the place that the air's (isothermal) shrinking makes: S2 = c2 p2 + V0 (1 - P0 / P).
        """
        if not self.bubble_ml:
            return s2 / self.c2, 1 / self.c2
        b = self.bubble_ml - self.c2 * ATMOSPHERE_KPA - s2
        root = sqrt(b * b + 4 * self.c2 * self.bubble_ml * ATMOSPHERE_KPA)
        # Of the two ways to write the root the one that does not cancel.
        absolute = (root - b) / (2 * self.c2) if b < 0 else 2 * self.bubble_ml * ATMOSPHERE_KPA / (root + b)
        return absolute - ATMOSPHERE_KPA, 1 / (self.c2 + self.bubble_ml * ATMOSPHERE_KPA / absolute**2)

    def _connector_ml(self, p2: float) -> float:
        """S2 of a pressure; liquid boils before it pulls the air apart."""
        absolute = max(p2, BOILING_KPA) + ATMOSPHERE_KPA
        return self.c2 * p2 + self.bubble_ml * (1 - ATMOSPHERE_KPA / absolute)

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
        """Puts the line into another condition; volumes go on, and columns keep their flow where they are not cut."""
        was_open = self.open
        self.bubble_ml = bubble_ml
        before_ml, self._s2 = self._s2, self._connector_ml(self.p2)
        self._at_rest_ml += self._s2 - before_ml
        self.scale, self.growth_per_s, self.leak_share = scale, growth_per_s, leak_share
        self.closed, self.open = closed and not open_end, open_end
        self._far, self._far_kpa = (self._open, 0.0) if open_end else (self._line, self.vein_kpa)
        self._far_inertia = 0.0 if open_end else self._line_inertia
        if open_end:
            # The connector empties into the room at once.
            self.scale, self.growth_per_s = 1.0, 0.0
            at_room_ml = self._connector_ml(0.0)
            self.leak_ml += self._s2 - at_room_ml
            self._s2 = at_room_ml
        self.p2, _ = self._connector_kpa(self._s2)
        if not self._near_inertia:
            self.qe = flow_through(self._near, self.p1 - self.p2)
        if self.closed or was_open:
            self._y = 0.0
        if not self._far_inertia and not self.closed:
            self._y = flow_through(self._far, (self.p2 - self._far_kpa) / self.scale)
        self._push_e = self.p1 - self.p2 - self._near(self.qe)[0] if self._near_inertia else 0.0
        self._push_y = self.p2 - self._far_kpa - self.scale * self._far(self._y)[0] if self._far_inertia else 0.0
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
        if abs(self.qe) > RESTING_ML_PER_S or abs(self._push_e) > RESTING_KPA or self.growth_per_s:
            return False
        return self.closed or self.open or (abs(self._y) < RESTING_ML_PER_S and abs(self._push_y) < RESTING_KPA)

    def _step(self, h: float, q: float) -> bool:
        """One TR-BDF2 step; False if it was too long: nothing has changed but `step_s`."""
        keep = 1.0 - self.leak_share
        s1, s2, qe, y = self._s1, self._s2, self.qe, self._y
        hb = _TR * h
        old_scale = self.scale
        # Momentum is inertia times flow.
        e_inertia, y_inertia = self._near_inertia, self._far_inertia
        # First stage: trapezoid to GAMMA h, beginning at the last step's trend.
        if self.growth_per_s:
            self.scale = old_scale * exp(self.growth_per_s * _GAMMA * h)
        ahead = _GAMMA * h
        qe1, y1, s1_mid, s2_mid, _, _ = self._solve(
            s1 + hb * (2 * q - qe),
            s2 + hb * (keep * qe - y),
            e_inertia * qe + hb * self._push_e,
            y_inertia * y + hb * self._push_y,
            hb,
            keep,
            qe + ahead * self._qe_trend,
            y + ahead * self._y_trend,
        )
        # Second stage: backward differences over old, GAMMA h and h; its implicit weight is the same.
        if self.growth_per_s:
            self.scale = old_scale * exp(self.growth_per_s * h)
        e_momentum = e_inertia * (_NEW_FROM_GAMMA * qe1 - _NEW_FROM_OLD * qe)
        y_momentum = y_inertia * (_NEW_FROM_GAMMA * y1 - _NEW_FROM_OLD * y)
        qe2, y2, s1_new, s2_new, p1, p2 = self._solve(
            _NEW_FROM_GAMMA * s1_mid - _NEW_FROM_OLD * s1 + hb * q,
            _NEW_FROM_GAMMA * s2_mid - _NEW_FROM_OLD * s2,
            e_momentum,
            y_momentum,
            hb,
            keep,
            qe1 + _AHEAD * (qe1 - qe),
            y1 + _AHEAD * (y1 - y),
        )
        error_kpa = abs(h * (_E0 * qe + _E1 * qe1 + _E2 * qe2)) / self.c1
        if e_inertia and y_inertia:
            swing_ml = abs(h * (_E0 * (keep * qe - y) + _E1 * (keep * qe1 - y1) + _E2 * (keep * qe2 - y2)))
            # As far as the method itself does not damp it.
            swing_kpa = swing_ml / (self.c2 + hb * hb * (1 / e_inertia + 1 / y_inertia))
            if SWING * swing_kpa > error_kpa:
                error_kpa = SWING * swing_kpa
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
            through_ml = h * (_B * (y + y1) + _TR * y2)
            if self.open:
                self.leak_ml += through_ml
            else:
                self.tip_ml += through_ml
        if self.leak_share:
            self.leak_ml += self.leak_share * h * (_B * (qe + qe1) + _TR * qe2)
        self._qe_trend, self._y_trend = (qe2 - qe1) / (h - ahead), (y2 - y1) / (h - ahead)
        self._push_e = (e_inertia * qe2 - e_momentum) / hb
        self._push_y = (y_inertia * y2 - y_momentum) / hb
        self._s1, self._s2, self.qe, self._y = s1_new, s2_new, qe2, y2
        self._follow(self.p1, p1, h)
        self.p1, self.p2 = p1, p2
        if p1 > self.peak_kpa:
            self.peak_kpa = p1
        if self.scale > SCALE_MOST:
            self.scale, self.growth_per_s, self.closed = 1.0, 0.0, True
            self._y = self._y_trend = self._push_y = 0.0
        return True

    def _solve(
        self, a1: float, a2: float, e_momentum: float, y_momentum: float, hb: float, keep: float, qe: float, y: float
    ) -> tuple[float, float, float, float, float, float]:
        """Newton on the flows qe and y of a stage; returns them, S1, S2, p1, p2.

        S1 = a1 - hb qe, S2 = a2 + hb (keep qe - y), inertia qe - momentum = hb (p1 - p2 - near(qe)), likewise y.
        Volumes and pressures returned fit the flows exactly, so no liquid is lost to an unfinished iteration.
        """
        near, far, closed, scale, base = self._near, self._far, self.closed, self.scale, self._far_kpa
        e_inertia, y_inertia, bubbly = self._near_inertia, self._far_inertia, self.bubble_ml > 0.0
        c1, c2 = self.c1, self.c2
        boiling_ml = BOILING_KPA * c1
        soft1 = 1 / c1
        p1_slope, p2_slope = soft1, 1 / c2
        # What is left at the needle is the square of its last step times the scale.
        close = CLOSE if scale == 1.0 else CLOSE / sqrt(scale)
        done = False
        if closed:
            y = 0.0
        for turn in range(100):
            s1 = a1 - hb * qe
            s2 = a2 + hb * (keep * qe - y)
            if s1 > boiling_ml:
                p1, p1_slope = s1 / c1, soft1
            else:
                p1, p1_slope = self._syringe_kpa(s1)
            if bubbly:
                p2, p2_slope = self._connector_kpa(s2)
            else:
                p2 = s2 / c2
            if done:
                return qe, y, s1, s2, p1, p2
            drop, slope = near(qe)
            f1 = e_inertia * qe - e_momentum + hb * (drop - p1 + p2)
            j11 = e_inertia + hb * (slope + hb * (p1_slope + keep * p2_slope))
            if closed:
                d_qe = f1 / j11
                d_y = 0.0
            else:
                drop, slope = far(y)
                f2 = y_inertia * y - y_momentum + hb * (base + scale * drop - p2)
                j12 = -hb * hb * p2_slope
                j22 = y_inertia + hb * scale * slope - j12
                j21 = keep * j12
                determinant = j11 * j22 - j12 * j21
                d_qe = (f1 * j22 - f2 * j12) / determinant
                d_y = (f2 * j11 - f1 * j21) / determinant
            if -CLOSE < d_qe < CLOSE and -close < d_y < close:
                # Newton squares the error, so what is left is of the order of CLOSE squared.
                done = True
                part = 1.0
            else:
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
