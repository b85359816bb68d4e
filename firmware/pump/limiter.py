"""Lowers the flow so that pressure stays under the working limit.

The allowed flow is what leaves the line now (plunger flow minus what goes into the compliance) plus what would bring
the pressure to the working limit within the horizon. In a closed line that is an exponential approach; in a narrow one
it ends at the flow whose pressure is the working limit. The horizon, 24 ms, is four times the delay of the loop
(sample, tick and step), so the approach does not ring.
"""

from array import array

from flushlink.viper_compat import SIGN, const, micropython, ptr32

from .line_model import RATE_PER_PA, RATE_PER_SLOPE

# Places in the limiter's array; rates are steps/s.
_WORKING_PA = const(0)
WANTED = const(1)
ALLOWED = const(2)
_OUTFLOW = const(3)
_READING_PA = const(4)
MADE = const(5)
_SIZE = const(6)

_GAP_MAX_PA = const(30_000)
# Flow may rise again by 1/16 of the wanted flow per tick.
_RECOVERY_SHIFT = const(4)


# Viper takes a constant of another module as an object: `int` makes it a number of the machine.
@micropython.viper
def throttle(limiter, model, rate: int, slope_pa: int) -> int:
    """The step rate that is allowed now, at the rate made and a slope in Pa per tick; the reading is in the array."""
    state = ptr32(limiter)
    line = ptr32(model)
    sign = int(SIGN)
    state[MADE] = rate
    if slope_pa > 8_000:
        slope_pa = 8_000
    if slope_pa < -8_000:
        slope_pa = -8_000
    out = rate - (slope_pa * line[int(RATE_PER_SLOPE)] >> 10)
    outflow = state[_OUTFLOW] << sign >> sign
    outflow = outflow + ((out - outflow) >> 1)
    state[_OUTFLOW] = outflow
    gap = state[_WORKING_PA] - (state[_READING_PA] << sign >> sign)
    if gap > _GAP_MAX_PA:
        gap = _GAP_MAX_PA
    if gap < -_GAP_MAX_PA:
        gap = -_GAP_MAX_PA
    if outflow < 0:
        outflow = 0
    wanted = state[WANTED]
    allowed = outflow + (gap * line[int(RATE_PER_PA)] >> 10)
    most = state[ALLOWED] + (wanted >> _RECOVERY_SHIFT) + 1
    if allowed > most:
        allowed = most
    if allowed > wanted:
        allowed = wanted
    if allowed < 1:
        allowed = 1
    state[ALLOWED] = allowed
    return allowed


class Limiter:
    """`state` is the array of the places above; it stays the same object."""

    def __init__(self, line_model):
        self._model = line_model.state
        self.state = array("i", [0] * _SIZE)
        self.working_pa = 0
        self.lowest = 0

    def start_burst(self, wanted):
        state = self.state
        state[_WORKING_PA] = self.working_pa
        state[WANTED] = state[ALLOWED] = wanted
        state[_OUTFLOW] = 0
        self.lowest = wanted

    def allowed_rate(self, value_pa, slope_pa, rate):
        """The step rate that is allowed now, at the rate made; once per tick of a burst."""
        state = self.state
        state[_READING_PA] = value_pa
        allowed = throttle(state, self._model, rate, slope_pa)
        # No derating as long as the flow is still on its way up to what is allowed.
        if allowed < self.lowest and allowed - rate < rate >> 3:
            self.lowest = allowed
        return allowed

    def derated_percent(self, wanted):
        """Largest derating since `start_burst`, rounded up, 0..100."""
        return ((wanted - self.lowest) * 100 + wanted - 1) // wanted if self.lowest < wanted - (wanted >> 6) else 0
