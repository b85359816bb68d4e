"""The detector's arithmetic of every tick, as machine code over arrays of integers: bytecode would take too long.

Every product stays in 31 bits. Viper takes a constant of another module as an object: `int` makes it a number of the
machine.
"""

from flushlink import detection_limits as limits
from flushlink.viper_compat import SIGN, const, micropython, ptr32

from ..limiter import ALLOWED, MADE, WANTED
from ..line_model import BASELINE, MEASURED, MODEL_PA, RATE_PER_SLOPE

# Places in the detector's array.
REST_PA = const(0)
CHECK_OPEN = const(1)  # 0 while an open line is primed, which may have no resistance
FIRST_PA = const(2)
SECOND_PA = const(3)
THIRD_PA = const(4)
CLOSED = const(5)  # ticks in a row, as the next two
_THROTTLED = const(6)
_OPEN = const(7)
OBSERVED = const(8)  # permille
_MADE_FIRST = const(9)
_MADE_SECOND = const(10)
DETECTOR_SIZE = const(11)

NO_FINDING = const(0)
LINE_CLOSED = const(1)
FLOW_THROTTLED = const(2)
LINE_OPEN = const(3)


@micropython.viper
def clear(values, first: int, end: int):
    """values[first:end] = 0."""
    place = ptr32(values)
    for index in range(first, end):
        place[index] = 0


@micropython.viper
def evaluate_tick(detector, model, limiter, value_pa: int) -> int:
    """What one tick of driving shows at once; `throttle` and `step_model` come before."""
    state = ptr32(detector)
    line = ptr32(model)
    limit = ptr32(limiter)
    sign = int(SIGN)
    rate = limit[int(MADE)] << sign >> sign
    model_pa = line[int(MODEL_PA)] << sign >> sign
    rest_pa = state[REST_PA] << sign >> sign
    wanted = limit[int(WANTED)]
    allowed = limit[int(ALLOWED)]
    # Over three ticks: a large compliance amplifies noise.
    slope_pa = (value_pa - (state[THIRD_PA] << sign >> sign)) // 3
    if slope_pa > 8_000:
        slope_pa = 8_000
    if slope_pa < -8_000:
        slope_pa = -8_000
    into_compliance = slope_pa * line[int(RATE_PER_SLOPE)] >> 10
    state[THIRD_PA] = state[SECOND_PA]
    state[SECOND_PA] = state[FIRST_PA]
    state[FIRST_PA] = value_pa
    # The flow of the same three ticks: at the end of a burst that of the last one alone is small.
    flow_rate = (rate + state[_MADE_FIRST] + state[_MADE_SECOND]) // 3
    state[_MADE_SECOND] = state[_MADE_FIRST]
    state[_MADE_FIRST] = 0
    if rate > 0:
        state[_MADE_FIRST] = rate
    # A closed line takes all the flow into its compliance; 5 to 4 is the limit SLOPE.
    least_pa = int(limits.SLOPE_RESIDUAL_FIRST_PA)
    if line[int(BASELINE)]:
        least_pa = int(limits.SLOPE_RESIDUAL_PA)
    closed = state[CLOSED] + 1
    if not (into_compliance * 5 > flow_rate * 4 and flow_rate > 0 and value_pa - model_pa > least_pa):
        closed = 0
    if line[int(MEASURED)] == 0:
        closed = 0
    state[CLOSED] = closed
    if closed >= int(limits.SLOPE_TICKS):
        share = (into_compliance << 6) // flow_rate
        if share > 4_096:
            share = 4_096
        state[OBSERVED] = share * 1000 >> 6
        return LINE_CLOSED
    # A fifth is the limit THROTTLED.
    throttled = state[_THROTTLED] + 1
    if allowed * 5 >= wanted:
        throttled = 0
    state[_THROTTLED] = throttled
    if throttled >= int(limits.THROTTLED_TICKS):
        state[OBSERVED] = (allowed << 10) // wanted * 1000 >> 10
        return FLOW_THROTTLED
    # A quarter is the limit OPEN_LINE.
    rise = model_pa - rest_pa
    opened = state[_OPEN] + 1
    if not (state[CHECK_OPEN] and rise > int(limits.PLATEAU_MIN_PA) and (value_pa - rest_pa) * 4 < rise):
        opened = 0
    state[_OPEN] = opened
    if opened >= int(limits.OPEN_LINE_TICKS):
        state[OBSERVED] = (value_pa - rest_pa) * 1000 // rise
        return LINE_OPEN
    return NO_FINDING
