"""The path as the firmware sees it: P = P0 + R_L Q + R_T Q^2 behind a compliance, in integers.

Flow inside is in uL/s, resistance R_L in Pa s/mL, R_T in Pa s2/mL2, compliance in nL/kPa (which is pL/Pa).
The model's R is scaled by what was learnt in the first pulse, because a needle's bore is only
known to 30-50 % in resistance.
"""

from array import array

from flushlink.viper_compat import const

from .detection.kernels import (
    COMPLIANCE,
    FLOW_FLOOR_UL_PER_S,
    LAMINAR,
    LEARNT,
    MEASURED,
    MODEL,
    OUT,
    PATH_SIZE,
    RATE_PER_PA,
    RATE_PER_SLOPE,
    RESISTANCE_MAX,
    SCALE,
    STEP_NL,
    STEP_PL,
    TURBULENT,
    flow_at,
    rise_at,
)

TURBULENT_MAX = 1_000_000
_STORED_MAX_PA = const(560_000)


class LineModel:
    def __init__(self):
        # Places in it: turn_math.
        self.line = array("i", [0] * PATH_SIZE)
        self.volume_per_step_pl = 100_000
        self.compliance_nl_per_kpa = 2_000
        self.compliance = 2_000
        self.compliance_measured = False
        self.learnt = False
        self.visited = False
        self.known_permille = 0
        self.known_compliance = 0
        self.open_permille = 0
        self.configure(100_000, 0, 0, 2_000)

    def know(self, resistance_permille, compliance_nl_per_kpa, open_permille):
        """What the last visit found, before `configure`: resistance over the catalogue's, compliance; 0 not known.

        `open_permille` is the share of the pressure that is left when the line is off.
        """
        self.known_permille = resistance_permille
        self.known_compliance = compliance_nl_per_kpa
        self.open_permille = open_permille

    def configure(self, volume_per_step_pl, laminar, turbulent, compliance_nl_per_kpa):
        """Sets the path; may allocate, so only while nothing moves."""
        self.volume_per_step_pl = volume_per_step_pl
        line = self.line
        line[LAMINAR] = min(laminar, RESISTANCE_MAX)
        line[TURBULENT] = min(turbulent, TURBULENT_MAX) >> 4
        self.compliance_nl_per_kpa = compliance_nl_per_kpa
        self._nl = volume_per_step_pl // 1000
        self._pl = volume_per_step_pl % 1000
        line[STEP_NL] = self._nl
        line[STEP_PL] = self._pl
        self.settle(0)
        self.forget()

    def forget(self):
        """Back to what is known beforehand: needle or line may have been changed."""
        self.line[SCALE] = min(max(self.known_permille, 400), 2_000) if self.known_permille else 1_000
        self.visited = self.known_permille > 0
        self.line[LEARNT] = 0
        self.learnt = False
        self.take_compliance(self.known_compliance or self.compliance_nl_per_kpa)
        self.measure_again()

    def begin_run(self):
        """What an earlier run has taught is now what the last visit found."""
        if self.learnt:
            self.visited = True
            self.learnt = False
            self.line[LEARNT] = 0

    def measure_again(self):
        """The compliance in force is what is known beforehand, until a rise has shown it."""
        self.compliance_measured = False
        self.line[MEASURED] = 0

    def learn(self, ratio_permille):
        """The path has shown to resist by this much of the model's: its scale follows, from 400 to 2000."""
        line = self.line
        line[SCALE] = min(max(line[SCALE] * ratio_permille // 1000, 400), 2_000)
        line[LEARNT] = 1
        self.learnt = True

    def take_compliance(self, compliance_nl_per_kpa):
        """Puts a compliance in force, from the catalogue or as measured; 100 to 60,000 nL/kPa."""
        self.compliance = compliance_nl_per_kpa
        self.compliance_measured = True
        line = self.line
        line[MEASURED] = 1
        line[COMPLIANCE] = compliance_nl_per_kpa
        per_step = max(self.volume_per_step_pl // 100, 1)
        # Steps/s that 1 Pa per turn of 5 ms means in the compliance, x 1024.
        line[RATE_PER_SLOPE] = min(compliance_nl_per_kpa * 2048 // per_step, 100_000)
        # Steps/s that fill the compliance by 1 Pa within the limiter's horizon of 24 ms, x 1024.
        line[RATE_PER_PA] = min(compliance_nl_per_kpa * 427 // per_step, 30_000)

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
        return rise_at(self.line, flow_ul_per_s)

    def slope_rate(self, slope_pa):
        """Steps/s that go into the compliance at a slope in Pa per turn."""
        if slope_pa > 8_000:
            slope_pa = 8_000
        elif slope_pa < -8_000:
            slope_pa = -8_000
        return (slope_pa * self.line[RATE_PER_SLOPE]) >> 10

    def stored_nl(self, pressure_above_rest_pa):
        """Volume held by the compliance above its rest pressure."""
        if pressure_above_rest_pa <= 0:
            return 0
        if pressure_above_rest_pa > _STORED_MAX_PA:
            pressure_above_rest_pa = _STORED_MAX_PA
        return (pressure_above_rest_pa >> 5) * self.compliance // 1000 * 32

    def model_pa(self):
        """Where the model stands."""
        return self.line[MODEL]

    def settle(self, pressure_pa):
        """Puts the model where the reading is."""
        self.line[MODEL] = pressure_pa
        self.line[OUT] = FLOW_FLOOR_UL_PER_S

    def flow_at_ul_per_s(self, rise_pa):
        """Flow that a pressure above P0 pushes through the path, by the scaled model."""
        return flow_at(self.line, rise_pa)
