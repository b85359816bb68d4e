"""Pressures and flows of the line between plunger and vein: two stored volumes, two moving columns, solved implicitly.

    plunger flow -> [syringe: p1, sensor] -> extension -> [connector: p2, bubble, leak] -> needle, catheter -> end

    d S1/dt = q - qe                 Le d qe/dt = p1 - p2 - near(qe)           p1 = S1 / c1
    d S2/dt = (1 - leak) qe - qf     Lf d qf/dt = p2 - end - scale far(qf)     p2 = S2 / c2 + r d S2/dt, and air

The end is the vein, whose pressure the caller gives, or another `Outlet`. L is the inertia of a column of
liquid, rho l / A; r the viscous resistance of the tubes to stretch. The connector's small volume oscillates within
milliseconds while the syringe takes tens of them, so the method is TR-BDF2: second order, stiffly stable, and exact in
volume because it steps the stored volumes themselves. The pressures follow from the volumes, so each stage has two
unknowns, the flows; a tube without inertia has a flow that follows the pressures at once. Units: mL, s, kPa; inertias
kPa s2/mL.
"""

from dataclasses import replace
from math import exp, sqrt

from flushsim.plant.compliance import connector_kpa, connector_ml
from flushsim.plant.flow_paths import SOUND, Condition, FlowPath, Outlet, unabsorbed, valve_kpa
from flushsim.plant.newton_stage import newton_stage
from flushsim.plant.pressure_drop import drop_curve, flow_through
from flushsim.plant.sensor import LAG_S

# Above this factor a growing occlusion is total.
SCALE_MOST = 1e6
# The compliance of the liquid itself in a stiff line, 0.45e-6 of its volume by a kPa, for at least 2 mL.
STRETCH_LEAST_ML_PER_KPA = 1e-6

TOLERANCE_KPA = 0.002
# The connector has no sensor, so its pressure may have a larger error, in this ratio.
SWING = 0.3
STEP_MOST_S = 0.005
STEP_AFTER_EVENT_S = 0.0001
STEP_LEAST_S = 1e-7
# Flows and pressure differences below these count as zero.
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


class LineSolver:
    """State and equations of one line. Starts at rest at the pressure `far_kpa`, the vein's at the sensor's height.

    `near` is the extension set, `line` needle and catheter, `needle` the needle alone.
    """

    # More attributes than a plain object looks up quickly.
    __slots__ = (
        "_at_rest_ml",
        "_damping",
        "_ends_in_vein",
        "_far_inertia",
        "_flow_path",
        "_flow_paths",
        "_keep",
        "_near",
        "_near_inertia",
        "_newton_stage",
        "_push_e",
        "_push_y",
        "_qe_trend",
        "_s1",
        "_s1_at_first_ml",
        "_s2",
        "_stiffness",
        "_vein_per_s",
        "_y",
        "_y_trend",
        "beside_ml",
        "c1",
        "c2",
        "closed",
        "condition",
        "leak_ml",
        "p1",
        "p2",
        "peak_kpa",
        "port_kpa",
        "qe",
        "scale",
        "step_s",
        "tip_ml",
        "tissue_ml",
        "torn_ml",
        "vein_kpa",
    )  # fmt: skip

    def __init__(
        self,
        near: FlowPath,
        line: FlowPath,
        needle: FlowPath,
        c1_ml_per_kpa: float,
        c2_ml_per_kpa: float,
        far_kpa: float,
        damping_kpa_s_per_ml: float = 0.0,
    ) -> None:
        self._near = near.drop
        self._near_inertia = near.inertia
        self._flow_paths = {
            Outlet.VEIN: line,
            Outlet.ROOM: FlowPath(drop_curve(())),
            Outlet.BURST: needle,
            Outlet.TIP_IN_TISSUE: line,
            Outlet.NEEDLE_IN_TISSUE: needle,
        }
        self.c1 = c1_ml_per_kpa
        self.c2 = max(c2_ml_per_kpa, STRETCH_LEAST_ML_PER_KPA)
        self._damping = damping_kpa_s_per_ml
        # Pressure of the vein, and how fast it changes; it continues where the vein is not the end.
        self.vein_kpa = far_kpa
        self._vein_per_s = 0.0
        self.p1 = self.p2 = self.port_kpa = self.peak_kpa = far_kpa
        # Flows through the extension and through the path behind it; and the pressure that accelerates each column.
        self.qe = self._y = 0.0
        self._push_e = self._push_y = 0.0
        # Volumes: delivered (into vein or tissue), of that through the needle alone into tissue, out of a tear, lost in
        # all; and what the tissue still holds.
        self.tip_ml = self.beside_ml = self.torn_ml = self.leak_ml = self.tissue_ml = 0.0
        self.scale = 1.0
        self.condition = SOUND
        self.closed = False
        self._prepare_flow_path(line)
        self.step_s = STEP_AFTER_EVENT_S
        self._qe_trend = self._y_trend = 0.0
        self._s1, self._s2 = self.c1 * far_kpa, self.c2 * far_kpa
        self._at_rest_ml = self._s1 + self._s2
        self._s1_at_first_ml = self._s1

    def _prepare_flow_path(self, flow_path: FlowPath) -> None:
        """Prepares what is constant from step to step on this flow path, in this condition."""
        self._flow_path, self._far_inertia = flow_path, flow_path.inertia
        self._keep = 1.0 - self.condition.leak_share
        self._ends_in_vein = self.condition.outlet is Outlet.VEIN
        inertias = self._near_inertia, self._far_inertia
        # Of both columns against the connector, 0 without oscillation.
        self._stiffness = 1 / inertias[0] + 1 / inertias[1] if all(inertias) else 0.0
        self._newton_stage = newton_stage(
            self._near, flow_path, inertias, (self.c1, self.c2), self._damping, self.condition, self.closed
        )  # fmt: skip

    @property
    def qf(self) -> float:
        """Flow through needle and catheter in mL/s; without the flow into the room."""
        return 0.0 if self.condition.outlet is Outlet.ROOM else self._y

    @property
    def line_ml(self) -> float:
        """Volume that has passed needle or hub."""
        return self.tip_ml + self.torn_ml

    @property
    def stored_ml(self) -> float:
        """Liquid that the stretched line holds more than at rest."""
        return self._s1 + self._s2 - self._at_rest_ml

    @property
    def barrel_ml(self) -> float:
        """Liquid that the stretched syringe holds more than at first."""
        return self._s1 - self._s1_at_first_ml

    def change(self, condition: Condition) -> None:
        """Changes the line's condition; volumes continue, and columns keep their flow where they are not cut."""
        before, self.condition = self.condition, condition
        air_ml = condition.bubble_ml
        stretched_kpa, _ = connector_kpa(self._s2, self.c2, before.bubble_ml)
        before_ml, self._s2 = self._s2, connector_ml(stretched_kpa, self.c2, air_ml)
        self._at_rest_ml += self._s2 - before_ml
        self.scale, self.closed = condition.scale, condition.closed or condition.scale > SCALE_MOST
        self._prepare_flow_path(self._flow_paths[condition.outlet].one_way(condition.back))
        if condition.outlet is Outlet.ROOM:
            # The connector empties into the room at once.
            at_room_ml = connector_ml(0.0, self.c2, air_ml)
            self.leak_ml += self._s2 - at_room_ml
            self._s2 = at_room_ml
        self.p2, soft = connector_kpa(self._s2, self.c2, air_ml)
        end_kpa = self._end()
        if not self._near_inertia:
            self.qe = flow_through(self._near, self.p1 - self.p2)
        if self.closed or self._flow_paths[before.outlet] is not self._flow_paths[condition.outlet]:
            self._y = 0.0
        if not self._far_inertia and not self.closed:
            self._y = flow_through(self._far_drop, self.p2 - end_kpa)
        share = soft * self.c2
        self.p2 += self._damping * share * share * ((1.0 - condition.leak_share) * self.qe - self._y)
        self._push_e = self.p1 - self.p2 - self._near(self.qe)[0] if self._near_inertia else 0.0
        self._push_y = self.p2 - end_kpa - self._far_drop(self._y)[0] if self._far_inertia else 0.0
        self._qe_trend = self._y_trend = 0.0
        self.step_s = STEP_AFTER_EVENT_S

    def _far_drop(self, flow: float) -> tuple[float, float]:
        """Drop of the flow path behind the connector now, and its slope."""
        drop, slope = self._flow_path.drop(flow)
        held, steep = valve_kpa(flow, self._flow_path.opens_out_kpa, self._flow_path.opens_in_kpa)
        return self.scale * drop + held, self.scale * slope + steep

    def _end(self, later_s: float = 0.0, flow: float = 0.0) -> float:
        """Pressure at the end of the flow path: of the vein now, of tissue after a time with this flow."""
        outlet = self.condition.outlet
        if outlet is Outlet.VEIN:
            return self.vein_kpa
        if outlet is Outlet.ROOM or outlet is Outlet.BURST:
            return 0.0
        return self.condition.tissue_kpa_per_ml * (self.tissue_ml + later_s * flow)

    def advance(self, dt_s: float, q_ml_per_s: float, vein_kpa: float | None = None) -> None:
        """Advances by `dt_s` with this plunger flow, while the vein changes linearly to `vein_kpa`."""
        if vein_kpa is None or vein_kpa == self.vein_kpa:
            if q_ml_per_s == 0.0 and self._resting():
                self._follow_port(self.p1, self.p1, dt_s)
                return
            vein_kpa = self.vein_kpa
            self._vein_per_s = 0.0
        else:
            self._vein_per_s = (vein_kpa - self.vein_kpa) / dt_s
        left = dt_s
        while left > 0:
            # Two equal steps rather than a long and a tiny one.
            h = left if left <= self.step_s else (left / 2 if left < 2 * self.step_s else self.step_s)
            if self._step(h, q_ml_per_s):
                left = left - h if left > h else 0.0
        self.vein_kpa = vein_kpa

    def _resting(self) -> bool:
        if abs(self.qe) > RESTING_ML_PER_S or abs(self._push_e) > RESTING_KPA or self.condition.growth_per_s:
            return False
        outlet = self.condition.outlet
        if self.closed or outlet is Outlet.ROOM:
            return True
        if outlet is not Outlet.VEIN and self.tissue_ml:
            return False
        return abs(self._y) < RESTING_ML_PER_S and abs(self._push_y) < RESTING_KPA

    def _step(self, h: float, q: float) -> bool:
        """One TR-BDF2 step; False if it was too long: nothing has changed but `step_s`."""
        condition = self.condition
        stage, keep, ends_in_vein = self._newton_stage, self._keep, self._ends_in_vein
        s1, s2, qe, y = self._s1, self._s2, self.qe, self._y
        hb = _TR * h
        # Momentum is inertia times flow.
        e_inertia, y_inertia = self._near_inertia, self._far_inertia
        # First stage: trapezoid to GAMMA h, beginning at the last step's trend.
        ahead = _GAMMA * h
        scale = old_scale = self.scale
        growth_per_s = condition.growth_per_s
        if growth_per_s:
            scale = old_scale * exp(growth_per_s * ahead)
        vein_kpa, vein_per_s = self.vein_kpa, self._vein_per_s
        end_kpa = vein_kpa + ahead * vein_per_s if ends_in_vein else self._end(ahead, y)
        qe1, y1, s1_mid, s2_mid, _, _ = stage(
            s1 + hb * (2 * q - qe),
            s2 + hb * (keep * qe - y),
            e_inertia * qe + hb * self._push_e,
            y_inertia * y + hb * self._push_y,
            hb,
            qe + ahead * self._qe_trend,
            y + ahead * self._y_trend,
            end_kpa,
            scale,
        )
        # Second stage: backward differences over old, GAMMA h and h; its implicit weight is the same.
        if growth_per_s:
            scale = old_scale * exp(growth_per_s * h)
        end_kpa = vein_kpa + h * vein_per_s if ends_in_vein else self._end(h, (y + y1) / 2)
        e_momentum = e_inertia * (_NEW_FROM_GAMMA * qe1 - _NEW_FROM_OLD * qe)
        y_momentum = y_inertia * (_NEW_FROM_GAMMA * y1 - _NEW_FROM_OLD * y)
        qe2, y2, s1_new, s2_new, p1, p2 = stage(
            _NEW_FROM_GAMMA * s1_mid - _NEW_FROM_OLD * s1 + hb * q,
            _NEW_FROM_GAMMA * s2_mid - _NEW_FROM_OLD * s2,
            e_momentum,
            y_momentum,
            hb,
            qe1 + _AHEAD * (qe1 - qe),
            y1 + _AHEAD * (y1 - y),
            end_kpa,
            scale,
        )
        error_kpa = abs(h * (_E0 * qe + _E1 * qe1 + _E2 * qe2)) / self.c1
        if self._stiffness:
            swing_ml = abs(h * (_E0 * (keep * qe - y) + _E1 * (keep * qe1 - y1) + _E2 * (keep * qe2 - y2)))
            # The part that the method does not damp.
            swing_kpa = swing_ml / (self.c2 + hb * hb * self._stiffness)
            if SWING * swing_kpa > error_kpa:
                error_kpa = SWING * swing_kpa
        if error_kpa > 4 * TOLERANCE_KPA and h > STEP_LEAST_S:
            self.step_s = h * max(0.2, 0.8 * (TOLERANCE_KPA / error_kpa) ** (1 / 3))
            return False
        if error_kpa < TOLERANCE_KPA / 8:
            if self.step_s < STEP_MOST_S:
                self.step_s = min(STEP_MOST_S, 2 * max(self.step_s, h))
        elif error_kpa > TOLERANCE_KPA:
            self.step_s = 0.8 * h
        self.scale = scale
        if not self.closed:
            through_ml = h * (_B * (y + y1) + _TR * y2)
            if ends_in_vein:
                self.tip_ml += through_ml
            else:
                self._book_volume(through_ml, h)
        if keep != 1.0:
            self.leak_ml += condition.leak_share * h * (_B * (qe + qe1) + _TR * qe2)
        self.vein_kpa = vein_kpa + h * vein_per_s
        since = h - ahead
        self._qe_trend, self._y_trend = (qe2 - qe1) / since, (y2 - y1) / since
        self._push_e = (e_inertia * qe2 - e_momentum) / hb
        self._push_y = (y_inertia * y2 - y_momentum) / hb
        self._s1, self._s2, self.qe, self._y = s1_new, s2_new, qe2, y2
        self._follow_port(self.p1, p1, h)
        self.p1, self.p2 = p1, p2
        if p1 > self.peak_kpa:
            self.peak_kpa = p1
        if scale > SCALE_MOST:
            self.scale, self.closed = 1.0, True
            self.condition = replace(condition, growth_per_s=0.0)
            self._prepare_flow_path(self._flow_path)
            self._y = self._y_trend = self._push_y = 0.0
        return True

    def _book_volume(self, through_ml: float, h: float) -> None:
        """Books the volume of a step that passed the needle, or ran into the room, without reaching the vein."""
        outlet = self.condition.outlet
        if outlet is Outlet.ROOM:
            self.leak_ml += through_ml
        elif outlet is Outlet.BURST:
            self.torn_ml += through_ml
            self.leak_ml += through_ml
        else:
            self.tip_ml += through_ml
            if outlet is Outlet.NEEDLE_IN_TISSUE:
                self.beside_ml += through_ml
            self.tissue_ml = (self.tissue_ml + through_ml) * unabsorbed(h)

    def _follow_port(self, before_kpa: float, after_kpa: float, h: float) -> None:
        """The sensor's port follows the outlet, whose pressure changes linearly, with a first-order lag."""
        fade = exp(-h / LAG_S)
        behind = (after_kpa - before_kpa) / h * LAG_S
        self.port_kpa = after_kpa - behind + (self.port_kpa - before_kpa + behind) * fade
