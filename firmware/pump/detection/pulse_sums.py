"""Sums of volume, pressure and modelled flow over a pulse, kept at marks; their differences give the pulse's figures.

A sum over dozens of ticks has little noise where a slope in a large compliance has much. Between two marks the volume
in is the volume out plus what the compliance took: V = g F + C dP, with F the model's flow at the pressures read. The
plateau and the fall after it are two such equations for g and C, so neither is taken from the catalog; the rise at the
pulse's start is a third, and gives C a second time.
"""

from array import array

from flushlink import detection_limits as limits
from flushlink.viper_compat import SIGN, const, micropython, ptr32

from ..line_model import COMPLIANCE, FLOW_MAX_UL_PER_S, LAMINAR, RESISTANCE_MAX, SCALE, TURBULENT, rise_at

# A mark holds tick, steps, area under the pressure (16 Pa ticks), twice the flows (uL/s ticks), pressure.
_TICK = const(0)
_STEPS = const(1)
_AREA = const(2)
_FLOWS = const(3)
_PA = const(4)
# Places of the marks; the first is now. Those of quarter, half and three quarters wait for their tick.
_NOW = const(0)
_START = const(5)
_QUARTER = const(10)
_HALF = const(15)
_THREE = const(20)
_END = const(25)  # 4 to 7 ticks before the last one of driving: the ramp down comes after it
_LAST = const(30)
_FALL = const(35)  # the pressure has fallen to a quarter, or the pause ends
_REST = const(40)
_OUT = const(41)
_FLOW = const(42)
_HELD_TICK = const(43)
_HELD_PA = const(44)
_HELD_FLOWS = const(45)
_HELD = const(46)
_SIZE = const(47)

# Keeps the sums in 31 bits: 100 s.
_TICKS_MAX = const(20_000)
_HALF_MAX = const(8_000)
_HALF_MIN = const(4)
_CHANGE_MIN_PA = const(4_000)
_CHANGE_MAX_PA = const(1_000_000)
_VOLUME_MAX_NL = const(200_000_000)


@micropython.viper
def add_sample(sums, model, value_pa: int, rate: int, pausing: int):
    """Adds one tick's pressure and the step rate made in it."""
    state = ptr32(sums)
    line = ptr32(model)
    sign = int(SIGN)
    tick = state[_TICK] + 1
    if tick <= _TICKS_MAX:
        rest_pa = state[_REST] << sign >> sign
        above = value_pa - rest_pa
        above_abs = above
        if above < 0:
            above_abs = 0 - above
        if above_abs > 500_000:
            above_abs = 500_000
        out = state[_OUT]
        scale = line[int(SCALE)]
        laminar = line[int(LAMINAR)] * scale // 1000
        turbulent = line[int(TURBULENT)]
        resistance_max = int(RESISTANCE_MAX)
        flow_max = int(FLOW_MAX_UL_PER_S)
        # Two Newton steps towards R_L q + R_T q^2 = P, from the last tick's flow.
        for _ in range(2):
            turbulent_q = turbulent * (out >> 2) // 250 * 16
            if turbulent_q > resistance_max:
                turbulent_q = resistance_max
            turbulent_q = turbulent_q * scale // 1000
            derivative = laminar + 2 * turbulent_q
            if derivative < 100:
                derivative = 100
            out = (turbulent_q * 1024 // derivative * out >> 10) + above_abs * 1000 // derivative
            if out > flow_max:
                out = flow_max
        state[_OUT] = out
        if above < 0:
            out = 0 - out
        before = out
        if tick > 1:
            before = state[_FLOW] << sign >> sign
        state[_FLOW] = out
        state[_TICK] = tick
        state[_STEPS] = state[_STEPS] + (rate + 100) // 200
        state[_AREA] = state[_AREA] + (above + (state[_PA] << sign >> sign) - rest_pa >> 5)
        state[_FLOWS] = state[_FLOWS] + out + before
        state[_PA] = value_pa
        mark = _QUARTER
        while mark <= _THREE:
            if state[mark] == tick:
                for place in range(1, 5):
                    state[mark + place] = state[place]
            mark += 5
        if not pausing and tick & 3 == 0:
            for place in range(5):
                state[_END + place] = state[_LAST + place]
                state[_LAST + place] = state[place]


@micropython.viper
def pressure_held(sums, model, value_pa: int) -> int:
    """In a pause, after `add_sample`: 1 when the pressure stays where an open line would let it fall."""
    state = ptr32(sums)
    sign = int(SIGN)
    tick = state[_TICK]
    rest_pa = state[_REST] << sign >> sign
    above = value_pa - rest_pa
    if state[_FALL] == 0 and above * 4 < (state[_END + _PA] << sign >> sign) - rest_pa:
        for place in range(5):
            state[_FALL + place] = state[place]
    flows = state[_FLOWS] << sign >> sign
    passed = flows - (state[_HELD_FLOWS] << sign >> sign)
    if passed > 400_000:
        passed = 400_000
    if passed < 0:
        passed = 0
    line = ptr32(model)
    # Six to one is the limit PAUSE_FALL.
    due_pa = passed * 2_500 // line[int(COMPLIANCE)]
    first = state[_HELD_TICK] == 0
    if first or (due_pa > int(limits.PAUSE_DUE_PA) and tick - state[_HELD_TICK] > 5):
        missed = 0
        fallen_pa = (state[_HELD_PA] << sign >> sign) - value_pa
        if not first and above > int(limits.PAUSE_FROM_PA) and fallen_pa * 6 < due_pa:
            missed = state[_HELD] + 1
        state[_HELD] = missed
        state[_HELD_TICK] = tick
        state[_HELD_PA] = value_pa
        state[_HELD_FLOWS] = flows
        if missed >= int(limits.PAUSE_TIMES):
            return 1
    return 0


class PulseSums:
    """The sums of one pulse. `state` goes to `add_sample` and `pressure_held` in every tick."""

    def __init__(self, line_model):
        self._model = line_model
        self.state = array("i", [0] * _SIZE)
        # Of the window evaluated last: mean flows in and out, pressure above rest, and above the model's for that flow.
        self.ticks = 1
        self.inflow_ul_per_s = 0
        self.outflow_ul_per_s = 0
        self.rise_pa = 0
        self.residual_pa = 0

    def start_pulse(self, value_pa, rest_pa, ticks):
        """A pulse that should last for `ticks` begins at this pressure."""
        state = self.state
        for place in range(_SIZE):
            state[place] = 0
        half = min(ticks >> 1, _HALF_MAX)
        state[_QUARTER] = half >> 1
        state[_HALF] = half
        state[_THREE] = half + (half >> 1)
        state[_REST] = rest_pa
        state[_PA] = state[_START + _PA] = value_pa

    def long_enough(self):
        """Whether the pulse was long enough for its windows."""
        state = self.state
        return state[_HALF] >= _HALF_MIN and state[_END] >= state[_THREE] + 2

    @micropython.native
    def evaluate_window(self, part, compliance):
        """Evaluates a quarter of the pulse: 0 is its second one, 1 the third, 2 what follows."""
        state = self.state
        model = self._model
        first = _QUARTER + 5 * part
        last = first + 5
        self.ticks = ticks = state[last] - state[first]
        volume_in = model.volume_nl(state[last + _STEPS] - state[first + _STEPS])
        stored = (state[last + _PA] - state[first + _PA] >> 5) * compliance // 1000 * 32
        time_ms = ticks * 5
        self.inflow_ul_per_s = volume_in // time_ms
        self.outflow_ul_per_s = out = (volume_in - stored) // time_ms
        self.rise_pa = rise = (state[last + _AREA] - state[first + _AREA]) * 16 // ticks
        self.residual_pa = rise - rise_at(model.state, out)

    def line_relaxed(self):
        """Whether the pause has lasted so much longer than the fall to a quarter that nothing flows any more."""
        state = self.state
        return state[_FALL] and (state[_NOW] - state[_END]) * 2 > 5 * (state[_FALL] - state[_END])

    def fall_ticks(self):
        """Ticks from the last step until the pressure had fallen to a quarter; at least 1."""
        state = self.state
        return max((state[_FALL] or state[_NOW]) - state[_END] - 7, 1)

    def last_pa(self):
        """The last pressure added."""
        return self.state[_PA]

    def model_flow_ul_per_s(self):
        """The model's flow at the last pressure added."""
        return self.state[_FLOW]

    def volume_in_nl(self, less):
        """Volume driven so far, `less` steps less."""
        return self._model.volume_nl(max(self.state[_STEPS] - less, 0))

    def stored_nl(self, less):
        """The part of it that the model has not let through."""
        return self.volume_in_nl(less) - self.state[_FLOWS] * 5 // 2

    def rise_compliance(self):
        """C in nL/kPa from the pulse's first quarter, 0 when too little of the flow went into it."""
        return self._compliance(_START, _QUARTER)

    def fall_compliance(self):
        """C in nL/kPa from the fall after the plateau, 0 when there is too little of it."""
        return self._compliance(_END, _FALL if self.state[_FALL] else _NOW)

    @micropython.native
    def _compliance(self, first, last):
        """C between two marks, with the plateau's g inserted: (V - V2 F / F2) / (dP - dP2 F / F2)."""
        state = self.state
        model = self._model
        flows = state[_END + _FLOWS] - state[_HALF + _FLOWS]
        if flows < 100:
            return 0
        share = state[last + _FLOWS] - state[first + _FLOWS]
        while flows > 30_000 and (flows > 130_000 or not -130_000 < share < 130_000):
            flows >>= 1
            share >>= 1
        share = min(max(min(max(share, -130_000), 130_000) * 8_192 // flows, -32_000), 32_000)
        plateau = model.volume_nl(state[_END + _STEPS] - state[_HALF + _STEPS])
        shift = 0
        while plateau >> shift > 32_000:
            shift += 1
        passed = (plateau >> shift) * share >> 13
        if not -_VOLUME_MAX_NL >> shift < passed < _VOLUME_MAX_NL >> shift:
            return 0
        stored = model.volume_nl(state[last + _STEPS] - state[first + _STEPS]) - (passed << shift)
        change = state[last + _PA] - state[first + _PA]
        change -= (state[_END + _PA] - state[_HALF + _PA] >> 5) * share >> 8
        if change < 0:
            change = -change
            stored = -stored
        if not _CHANGE_MIN_PA <= change <= _CHANGE_MAX_PA or stored <= 0:
            return 0
        return min(stored // change * 1_000 + stored % change * 1_000 // change, 65_535)
