"""The path as the firmware sees it: P = P0 + R_L Q + R_T Q^2 behind a compliance, in integers.

Flow inside is in uL/s, resistance R_L in Pa s/mL, R_T in Pa s2/mL2, compliance in nL/kPa (which is pL/Pa).
The model's R is scaled by `scale_permille`, learnt in the first pulse, because a needle's bore is only
known to 30-50 % in resistance.
"""

TURN_US = 5_000
SCALE_MIN = 400
SCALE_MAX = 2_000
# What keeps every product below 2**30; a path of 500 kPa s/mL passes no flush.
LAMINAR_MAX = 500_000
TURBULENT_MAX = 1_000_000
_FLOW_MAX_UL_PER_S = 10_000
_FLOW_FLOOR_UL_PER_S = 20
_MODEL_STEP_PA = 200_000
_NEWTON_STEPS = 8
_STORED_MAX_PA = 560_000


class Hydraulics:
    def __init__(self):
        self.volume_per_step_pl = 100_000
        self.laminar = 0
        self.turbulent = 0
        self.compliance_nl_per_kpa = 2_000
        self.compliance = 2_000
        self.compliance_measured = False
        self.scale_permille = 1_000
        self.learnt = False
        self.model_pa = 0
        self._out_ul_per_s = _FLOW_FLOOR_UL_PER_S
        self._nl = 100
        self._pl = 0
        self._rate_per_slope = 0
        self.rate_per_pa = 0

    def configure(self, volume_per_step_pl, laminar, turbulent, compliance_nl_per_kpa):
        """Sets the path; may allocate, so only while nothing moves."""
        self.volume_per_step_pl = volume_per_step_pl
        self.laminar = min(laminar, LAMINAR_MAX)
        self.turbulent = min(turbulent, TURBULENT_MAX)
        self.compliance_nl_per_kpa = compliance_nl_per_kpa
        self._nl = volume_per_step_pl // 1000
        self._pl = volume_per_step_pl % 1000
        self.forget()

    def forget(self):
        """Back to the catalogue's figures: needle or line may have been changed."""
        self.scale_permille = 1_000
        self.learnt = False
        self.take_compliance(self.compliance_nl_per_kpa)
        self.compliance_measured = False

    def take_compliance(self, compliance_nl_per_kpa):
        """Puts a compliance in force, from the catalogue or as measured; 100 to 60,000 nL/kPa."""
        self.compliance = compliance_nl_per_kpa
        self.compliance_measured = True
        per_step = max(self.volume_per_step_pl // 100, 1)
        # Steps/s that 1 Pa per turn of 5 ms means in the compliance, x 1024.
        self._rate_per_slope = min(compliance_nl_per_kpa * 2048 // per_step, 100_000)
        # Steps/s that fill the compliance by 1 Pa within the limiter's horizon of 24 ms, x 1024.
        self.rate_per_pa = min(compliance_nl_per_kpa * 427 // per_step, 30_000)

    def volume_nl(self, steps):
        """Volume of steps, exact; they must not hold more than 1 L."""
        return steps * self._nl + steps // 1000 * self._pl + steps % 1000 * self._pl // 1000

    def steps_of(self, volume_nl):
        """Whole steps nearest to a volume; may allocate."""
        return (volume_nl * 1000 + self.volume_per_step_pl // 2) // self.volume_per_step_pl

    def steps_per_ul(self):
        return 1_000_000 // self.volume_per_step_pl + 1

    def flow_ul_per_s(self, rate):
        """uL/s of a step rate up to 400,000/s."""
        return (rate >> 2) * self._nl // 250 + (rate >> 2) * self._pl // 250_000

    def rise_pa(self, flow_ul_per_s):
        """Pressure above P0 that the path needs at a flow, by the scaled model."""
        if flow_ul_per_s <= 0:
            return 0
        if flow_ul_per_s > _FLOW_MAX_UL_PER_S:
            flow_ul_per_s = _FLOW_MAX_UL_PER_S
        # R in Pa s/mL times uL/s is mPa x 1000: R is used to 1/64 so that the product stays in 31 bits.
        resistance = self.laminar + (self.turbulent >> 4) * (flow_ul_per_s >> 2) // 250 * 16
        if resistance > 6_000_000:
            resistance = 6_000_000
        rise = (resistance >> 6) * flow_ul_per_s // 1000 * 64
        if rise > 500_000:
            rise = 500_000
        return rise * self.scale_permille // 1000

    def slope_rate(self, slope_pa):
        """Steps/s that go into the compliance at a slope in Pa per turn."""
        if slope_pa > 8_000:
            slope_pa = 8_000
        elif slope_pa < -8_000:
            slope_pa = -8_000
        return (slope_pa * self._rate_per_slope) >> 10

    def stored_nl(self, pressure_above_rest_pa):
        """Volume held by the compliance above its rest pressure."""
        if pressure_above_rest_pa <= 0:
            return 0
        if pressure_above_rest_pa > _STORED_MAX_PA:
            pressure_above_rest_pa = _STORED_MAX_PA
        return (pressure_above_rest_pa >> 5) * self.compliance // 1000 * 32

    def settle(self, pressure_pa):
        """Puts the model where the reading is."""
        self.model_pa = pressure_pa
        self._out_ul_per_s = _FLOW_FLOOR_UL_PER_S

    def advance(self, flow_ul_per_s, rest_pa):
        """Moves the model by one turn at a plunger flow: C dP/dt = Q - q(P), semi-implicit, so that it cannot ring."""
        above = self.model_pa - rest_pa
        out = self._out_ul_per_s
        resistance = self._resistance(out)
        # One Newton step per turn towards R_L q + R_T q^2 = P.
        leaving = min(min(above, 500_000) * 1000 // resistance, _FLOW_MAX_UL_PER_S)
        out = (out + leaving) >> 1 if above > 0 else 0
        self._out_ul_per_s = max(out, _FLOW_FLOOR_UL_PER_S)
        gained = (flow_ul_per_s - out) * 5_000 // (self.compliance + 5_000_000 // resistance)
        if gained > _MODEL_STEP_PA:
            gained = _MODEL_STEP_PA
        self.model_pa += gained

    def flow_at_ul_per_s(self, rise_pa):
        """Flow that a pressure above P0 pushes through the path, by the scaled model; in eight Newton steps."""
        out = _FLOW_FLOOR_UL_PER_S
        above = min(max(rise_pa, 0), 500_000) * 1000
        for _ in range(_NEWTON_STEPS):
            out = max((out + min(above // self._resistance(out), _FLOW_MAX_UL_PER_S)) >> 1, _FLOW_FLOOR_UL_PER_S)
        return out

    def _resistance(self, flow_ul_per_s):
        """R_L + R_T Q in Pa s/mL, scaled."""
        resistance = self.laminar + (self.turbulent >> 4) * (flow_ul_per_s >> 2) // 250 * 16
        return max(min(resistance, 1_000_000) * self.scale_permille // 1000, 100)
