"""What one pulse measures: sums of volume, pressure and modelled flow, kept at marks, and figures from the differences.

A sum over dozens of turns is quiet where a slope in a big compliance is not. Between two marks what went in is what
left and what the compliance took: V = g F + C dP, with F the flow that the model lets through at the pressures read.
The plateau and the fall after it are two such equations for g and C, so neither is taken from the catalogue; the rise
at the pulse's beginning is a third, and gives C a second time.
"""

from array import array

from flushlink.viper_compat import SIGN, const, micropython, ptr32

from .kernels import COMPLIANCE, FLOW_MAX_UL_PER_S, LAMINAR, RESISTANCE_MAX, SCALE, TURBULENT, rise_at

# A mark holds turn, steps, area under the pressure (16 Pa turns), twice the flows (uL/s turns), pressure.
_TURN = const(0)
_STEPS = const(1)
_AREA = const(2)
_FLOWS = const(3)
_PA = const(4)
# Places of the marks; the first is now. Those of quarter, half and three quarters wait for the turn that they hold.
_NOW = const(0)
_START = const(5)
_QUARTER = const(10)
_HALF = const(15)
_THREE = const(20)
_END = const(25)  # 4 to 7 turns before the last one of driving: the ramp down comes after it
_LAST = const(30)
_FALL = const(35)  # the pressure has fallen to a quarter, or the pause ends
_REST = const(40)
_OUT = const(41)
_FLOW = const(42)
_HELD_TURN = const(43)
_HELD_PA = const(44)
_HELD_FLOWS = const(45)
_HELD = const(46)
_SIZE = const(47)

# What keeps the sums in 31 bits: 100 s.
_TURNS_MAX = const(20_000)
_HALF_MAX = const(8_000)
_TURNS_LEAST = const(4)

# A fall that an open line would have shown by now is missed: looked for as often as 4 kPa of it are due, above what a
# cough in a wide line, liquid swinging, can hold up, and twice, because a cough may begin in between.
_DUE_PA = const(4_000)
_HELD_ABOVE_PA = const(25_000)
_HELD_TIMES = const(2)
_CHANGE_LEAST_PA = const(4_000)
_CHANGE_MOST_PA = const(1_000_000)
_VOLUME_MOST_NL = const(200_000_000)


@micropython.viper
def tally(sums, path, value_pa: int, rate: int, pausing: int):
    """Takes one turn's pressure and the step rate that was made in it."""
    state = ptr32(sums)
    line = ptr32(path)
    sign = int(SIGN)
    turn = state[_TURN] + 1
    if turn <= _TURNS_MAX:
        rest_pa = state[_REST] << sign >> sign
        above = value_pa - rest_pa
        size = above
        if above < 0:
            size = 0 - above
        if size > 500_000:
            size = 500_000
        out = state[_OUT]
        scale = line[int(SCALE)]
        straight = line[int(LAMINAR)] * scale // 1000
        rough = line[int(TURBULENT)]
        most = int(RESISTANCE_MAX)
        fastest = int(FLOW_MAX_UL_PER_S)
        # Newton's steps towards R_L q + R_T q^2 = P, from the last turn's flow.
        for _ in range(2):
            bent = rough * (out >> 2) // 250 * 16
            if bent > most:
                bent = most
            bent = bent * scale // 1000
            steep = straight + 2 * bent
            if steep < 100:
                steep = 100
            out = (bent * 1024 // steep * out >> 10) + size * 1000 // steep
            if out > fastest:
                out = fastest
        state[_OUT] = out
        if above < 0:
            out = 0 - out
        before = out
        if turn > 1:
            before = state[_FLOW] << sign >> sign
        state[_FLOW] = out
        state[_TURN] = turn
        state[_STEPS] = state[_STEPS] + (rate + 100) // 200
        state[_AREA] = state[_AREA] + (above + (state[_PA] << sign >> sign) - rest_pa >> 5)
        state[_FLOWS] = state[_FLOWS] + out + before
        state[_PA] = value_pa
        mark = _QUARTER
        while mark <= _THREE:
            if state[mark] == turn:
                for place in range(1, 5):
                    state[mark + place] = state[place]
            mark += 5
        if not pausing and turn & 3 == 0:
            for place in range(5):
                state[_END + place] = state[_LAST + place]
                state[_LAST + place] = state[place]


@micropython.viper
def held(sums, path, value_pa: int) -> int:
    """In a pause, after `tally`: 1 when the pressure stays where an open line would let it fall."""
    state = ptr32(sums)
    sign = int(SIGN)
    turn = state[_TURN]
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
    line = ptr32(path)
    due_pa = passed * 2_500 // line[int(COMPLIANCE)]
    fresh = state[_HELD_TURN] == 0
    if fresh or (due_pa > _DUE_PA and turn - state[_HELD_TURN] > 5):
        missed = 0
        if not fresh and above > _HELD_ABOVE_PA and ((state[_HELD_PA] << sign >> sign) - value_pa) * 6 < due_pa:
            missed = state[_HELD] + 1
        state[_HELD] = missed
        state[_HELD_TURN] = turn
        state[_HELD_PA] = value_pa
        state[_HELD_FLOWS] = flows
        if missed >= _HELD_TIMES:
            return 1
    return 0


class PulseSums:
    """The sums of one pulse. `state` is handed to `tally` and `held` in every turn."""

    def __init__(self, hydraulics):
        self._path = hydraulics
        self.state = array("i", [0] * _SIZE)
        # What `look` found: mean flows in and out, pressure above rest and above what the path needs for that flow.
        self.turns = 1
        self.into_ul_per_s = 0
        self.out_ul_per_s = 0
        self.rise_pa = 0
        self.residual_pa = 0

    def begin(self, value_pa, rest_pa, turns):
        """A pulse that should last for `turns` begins at this pressure."""
        state = self.state
        for place in range(_SIZE):
            state[place] = 0
        half = min(turns >> 1, _HALF_MAX)
        state[_QUARTER] = half >> 1
        state[_HALF] = half
        state[_THREE] = half + (half >> 1)
        state[_REST] = rest_pa
        state[_PA] = state[_START + _PA] = value_pa

    def whole(self):
        """Whether the pulse was long enough to be looked at."""
        state = self.state
        return state[_HALF] >= _TURNS_LEAST and state[_END] >= state[_THREE] + 2

    @micropython.native
    def look(self, part, compliance):
        """Looks at a quarter of the pulse: 0 is its second one, 1 the third, 2 what follows."""
        state = self.state
        path = self._path
        first = _QUARTER + 5 * part
        last = first + 5
        self.turns = turns = state[last] - state[first]
        into = path.volume_nl(state[last + _STEPS] - state[first + _STEPS])
        taken = (state[last + _PA] - state[first + _PA] >> 5) * compliance // 1000 * 32
        turns_5ms = turns * 5
        self.into_ul_per_s = into // turns_5ms
        self.out_ul_per_s = out = (into - taken) // turns_5ms
        self.rise_pa = rise = (state[last + _AREA] - state[first + _AREA]) * 16 // turns
        self.residual_pa = rise - rise_at(path.line, out)

    def rested(self):
        """Whether the pause has lasted so much longer than the fall to a quarter that nothing flows any more."""
        state = self.state
        return state[_FALL] and (state[_NOW] - state[_END]) * 2 > 5 * (state[_FALL] - state[_END])

    def fall_turns(self):
        """How long the fall to a quarter lasted after the last step, in turns; at least 1."""
        state = self.state
        return max((state[_FALL] or state[_NOW]) - state[_END] - 7, 1)

    def now_pa(self):
        """The last pressure taken."""
        return self.state[_PA]

    def flow_ul_per_s(self):
        """What the model lets through at the last pressure taken."""
        return self.state[_FLOW]

    def pushed_nl(self, less):
        """Volume that went in so far, `less` steps less."""
        return self._path.volume_nl(max(self.state[_STEPS] - less, 0))

    def stored_nl(self, less):
        """What of it the model has not let through."""
        return self.pushed_nl(less) - self.state[_FLOWS] * 5 // 2

    def rise_compliance(self):
        """C in nL/kPa from the pulse's first quarter, 0 when too little of the flow went into it."""
        return self._compliance(_START, _QUARTER)

    def fall_compliance(self):
        """C in nL/kPa from the fall after the plateau, 0 when there is too little of it."""
        return self._compliance(_END, _FALL if self.state[_FALL] else _NOW)

    @micropython.native
    def _compliance(self, first, last):
        """C between two marks, with the plateau's g put in: (V - V2 F / F2) / (dP - dP2 F / F2)."""
        state = self.state
        path = self._path
        flows = state[_END + _FLOWS] - state[_HALF + _FLOWS]
        if flows < 100:
            return 0
        share = state[last + _FLOWS] - state[first + _FLOWS]
        while flows > 30_000 and (flows > 130_000 or not -130_000 < share < 130_000):
            flows >>= 1
            share >>= 1
        share = min(max(min(max(share, -130_000), 130_000) * 8_192 // flows, -32_000), 32_000)
        plateau = path.volume_nl(state[_END + _STEPS] - state[_HALF + _STEPS])
        shift = 0
        while plateau >> shift > 32_000:
            shift += 1
        passed = (plateau >> shift) * share >> 13
        if not -_VOLUME_MOST_NL >> shift < passed < _VOLUME_MOST_NL >> shift:
            return 0
        stored = path.volume_nl(state[last + _STEPS] - state[first + _STEPS]) - (passed << shift)
        change = state[last + _PA] - state[first + _PA]
        change -= (state[_END + _PA] - state[_HALF + _PA] >> 5) * share >> 8
        if change < 0:
            change = -change
            stored = -stored
        if not _CHANGE_LEAST_PA <= change <= _CHANGE_MOST_PA or stored <= 0:
            return 0
        return min(stored // change * 1_000 + stored % change * 1_000 // change, 65_535)
