"""Model of the line, in integers: P = P0 + R_L Q + R_T Q^2 behind a compliance.

Flow is in uL/s, resistance R_L in Pa s/mL, R_T in Pa s2/mL2, compliance in nL/kPa (which is pL/Pa). The baseline scales
R_L and R_T, because a needle's bore gives its resistance to 30-50 % only. What runs in every tick is machine code over
an array; its products stay in 31 bits.
"""

from array import array

from flushlink.viper_compat import SIGN, const, micropython, ptr32

# Places in the model's array.
LAMINAR = const(0)
TURBULENT = const(1)  # a sixteenth of R_T
SCALE = const(2)  # permille
COMPLIANCE = const(3)
MODEL_PA = const(4)
OUTFLOW = const(5)
_STEP_NL = const(6)
_STEP_PL = const(7)
RATE_PER_SLOPE = const(8)
RATE_PER_PA = const(9)
BASELINE = const(10)  # 1 while this run's own pulses have scaled the model
MEASURED = const(11)  # 1 while the compliance is a measured one
_SIZE = const(12)

FLOW_MAX_UL_PER_S = const(10_000)
_FLOW_MIN_UL_PER_S = const(20)
# Keeps products with a scale of 2000 below 2**30; a line of 500 kPa s/mL passes no flush.
RESISTANCE_MAX = const(500_000)
_TURBULENCE_MAX = const(1_000_000)
_MODEL_STEP_PA = const(200_000)
_STORED_MAX_PA = const(560_000)
_NEWTON_STEPS = const(8)
_SCALE_MIN = const(400)
_SCALE_MAX = const(2_000)


@micropython.viper
def step_model(model, rate: int, rest_pa: int):
    """Advances the model by a tick at a step rate: C dP/dt = Q - q(P), semi-implicit, so that it cannot ring."""
    line = ptr32(model)
    sign = int(SIGN)
    model_pa = line[MODEL_PA] << sign >> sign
    flow = (rate >> 2) * line[_STEP_NL] // 250 + (rate >> 2) * line[_STEP_PL] // 250_000
    out = line[OUTFLOW]
    # R_L + R_T q in Pa s/mL, scaled.
    resistance = line[LAMINAR] + line[TURBULENT] * (out >> 2) // 250 * 16
    if resistance > RESISTANCE_MAX:
        resistance = RESISTANCE_MAX
    resistance = resistance * line[SCALE] // 1000
    if resistance < 100:
        resistance = 100
    above = model_pa - rest_pa
    if above > 0:
        if above > 500_000:
            above = 500_000
        # One Newton step per tick towards R_L q + R_T q^2 = P.
        newton = above * 1000 // resistance
        if newton > FLOW_MAX_UL_PER_S:
            newton = FLOW_MAX_UL_PER_S
        out = (out + newton) >> 1
    else:
        out = 0
    gained = (flow - out) * 5_000 // (line[COMPLIANCE] + 5_000_000 // resistance)
    if out < _FLOW_MIN_UL_PER_S:
        out = _FLOW_MIN_UL_PER_S
    line[OUTFLOW] = out
    if gained > _MODEL_STEP_PA:
        gained = _MODEL_STEP_PA
    line[MODEL_PA] = model_pa + gained


@micropython.viper
def flow_at(model, rise_pa: int) -> int:
    """Flow in uL/s that a pressure above P0 pushes through the line, by the scaled model; in eight Newton steps."""
    line = ptr32(model)
    out = _FLOW_MIN_UL_PER_S
    above = rise_pa
    if above < 0:
        above = 0
    if above > 500_000:
        above = 500_000
    above = above * 1000
    for _ in range(_NEWTON_STEPS):
        resistance = line[LAMINAR] + line[TURBULENT] * (out >> 2) // 250 * 16
        if resistance > RESISTANCE_MAX:
            resistance = RESISTANCE_MAX
        resistance = resistance * line[SCALE] // 1000
        if resistance < 100:
            resistance = 100
        newton = above // resistance
        if newton > FLOW_MAX_UL_PER_S:
            newton = FLOW_MAX_UL_PER_S
        out = (out + newton) >> 1
        if out < _FLOW_MIN_UL_PER_S:
            out = _FLOW_MIN_UL_PER_S
    return out


@micropython.viper
def rise_at(model, flow_ul_per_s: int) -> int:
    """Pressure above P0 that the line needs at a flow, by the scaled model; 0 for a flow backwards."""
    line = ptr32(model)
    flow = flow_ul_per_s
    if flow < 0:
        flow = 0
    if flow > FLOW_MAX_UL_PER_S:
        flow = FLOW_MAX_UL_PER_S
    # R in Pa s/mL times uL/s is mPa x 1000: R is used to 1/64 so that the product stays in 31 bits.
    resistance = line[LAMINAR] + line[TURBULENT] * (flow >> 2) // 250 * 16
    if resistance > 6_000_000:
        resistance = 6_000_000
    rise = (resistance >> 6) * flow // 1000 * 64
    if rise > 500_000:
        rise = 500_000
    return rise * line[SCALE] // 1000


class LineModel:
    """`state` is the array of the places above; it stays the same object."""

    def __init__(self):
        self.state = array("i", [0] * _SIZE)
        self.volume_per_step_pl = 100_000
        self.compliance_nl_per_kpa = 2_000
        self.compliance = 2_000
        self.compliance_measured = False
        self.baseline_known = False
        self.prior_known = False
        self._prior_permille = 0
        self.prior_compliance = 0
        self.open_permille = 0
        self.configure(100_000, 0, 0, 2_000)

    def set_prior(self, resistance_permille, compliance_nl_per_kpa, open_permille):
        """Result of the prior visit, before `configure`: resistance over the catalog's, compliance; 0 not known.

        `open_permille` is the share of the pressure that is left when the line is off.
        """
        self._prior_permille = resistance_permille
        self.prior_compliance = compliance_nl_per_kpa
        self.open_permille = open_permille

    def configure(self, volume_per_step_pl, laminar, turbulent, compliance_nl_per_kpa):
        """Sets the line; may allocate, so only while nothing moves."""
        self.volume_per_step_pl = volume_per_step_pl
        state = self.state
        state[LAMINAR] = min(laminar, RESISTANCE_MAX)
        state[TURBULENT] = min(turbulent, _TURBULENCE_MAX) >> 4
        self.compliance_nl_per_kpa = compliance_nl_per_kpa
        self._nl = volume_per_step_pl // 1000
        self._pl = volume_per_step_pl % 1000
        state[_STEP_NL] = self._nl
        state[_STEP_PL] = self._pl
        self.set_model(0)
        self.reset_baseline()

    def reset_baseline(self):
        """Back to the prior visit or the catalog: needle or line may have been changed."""
        state = self.state
        state[SCALE] = min(max(self._prior_permille, _SCALE_MIN), _SCALE_MAX) if self._prior_permille else 1_000
        self.prior_known = self._prior_permille > 0
        state[BASELINE] = 0
        self.baseline_known = False
        self.set_compliance(self.prior_compliance or self.compliance_nl_per_kpa)
        self.discard_measurement()

    def start_run(self):
        """The baseline of an earlier run counts as a prior visit from now on."""
        if self.baseline_known:
            self.prior_known = True
            self.baseline_known = False
            self.state[BASELINE] = 0

    def discard_measurement(self):
        """The compliance in force is an assumption, until the next rise of pressure shows it."""
        self.compliance_measured = False
        self.state[MEASURED] = 0

    def scale_resistance(self, ratio_permille):
        """The line has this resistance over the model's: the model's scale follows, from 400 to 2000."""
        state = self.state
        state[SCALE] = min(max(state[SCALE] * ratio_permille // 1000, _SCALE_MIN), _SCALE_MAX)
        state[BASELINE] = 1
        self.baseline_known = True

    def set_compliance(self, compliance_nl_per_kpa):
        """Puts a compliance in force, from the catalog or as measured; 100 to 60,000 nL/kPa."""
        self.compliance = compliance_nl_per_kpa
        self.compliance_measured = True
        state = self.state
        state[MEASURED] = 1
        state[COMPLIANCE] = compliance_nl_per_kpa
        per_step = max(self.volume_per_step_pl // 100, 1)
        # Steps/s that 1 Pa per tick of 5 ms means in the compliance, x 1024.
        state[RATE_PER_SLOPE] = min(compliance_nl_per_kpa * 2048 // per_step, 100_000)
        # Steps/s that fill the compliance by 1 Pa within the limiter's horizon of 24 ms, x 1024.
        state[RATE_PER_PA] = min(compliance_nl_per_kpa * 427 // per_step, 30_000)

    def volume_nl(self, steps):
        """Volume of steps, exact; at most 1 L."""
        return steps * self._nl + steps // 1000 * self._pl + steps % 1000 * self._pl // 1000

    def steps_of(self, volume_nl):
        """Whole steps nearest to a volume; may allocate."""
        return (volume_nl * 1000 + self.volume_per_step_pl // 2) // self.volume_per_step_pl

    def steps_per_ul(self):
        return 1_000_000 // self.volume_per_step_pl + 1

    def rate_into_compliance(self, slope_pa):
        """Steps/s that go into the compliance at a slope in Pa per tick."""
        if slope_pa > 8_000:
            slope_pa = 8_000
        elif slope_pa < -8_000:
            slope_pa = -8_000
        return (slope_pa * self.state[RATE_PER_SLOPE]) >> 10

    def stored_nl(self, pressure_above_rest_pa):
        """Volume in the compliance at a pressure above the one at rest."""
        if pressure_above_rest_pa <= 0:
            return 0
        if pressure_above_rest_pa > _STORED_MAX_PA:
            pressure_above_rest_pa = _STORED_MAX_PA
        return (pressure_above_rest_pa >> 5) * self.compliance // 1000 * 32

    def model_pa(self):
        """Pressure of the model."""
        return self.state[MODEL_PA]

    def set_model(self, pressure_pa):
        """Puts the model to a reading."""
        self.state[MODEL_PA] = pressure_pa
        self.state[OUTFLOW] = _FLOW_MIN_UL_PER_S
