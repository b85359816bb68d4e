"""The arithmetic of a turn in machine code: the path's model, the limiter, the live judgement, over arrays of integers.

As bytecode it took a third of a control turn on an RP2040. What the figures mean stands where they are kept: in
`hydraulics`, `limiter` and `judge`, whose arrays these are. Every product stays in 31 bits.
"""

from flushlink.viper_compat import SIGN, const, micropython, ptr32

# Places in a path's array.
LAMINAR = const(0)
TURBULENT = const(1)  # a sixteenth of R_T
SCALE = const(2)
COMPLIANCE = const(3)
MODEL = const(4)
OUT = const(5)
STEP_NL = const(6)
STEP_PL = const(7)
RATE_PER_SLOPE = const(8)
RATE_PER_PA = const(9)
LEARNT = const(10)
MEASURED = const(11)  # whether the compliance is one that was measured
PATH_SIZE = const(12)

# Places in a limiter's array.
WORKING = const(0)
WANTED = const(1)
ALLOWED = const(2)
LEAVING = const(3)
READING = const(4)
_MADE = const(5)
LIMITER_SIZE = const(6)

# Places in a judge's array.
REST = const(0)
WATCH_OPEN = const(1)  # 0 while an open line is primed, which may find no resistance
FIRST = const(2)
SECOND = const(3)
THIRD = const(4)
CLOSED = const(5)
_THROTTLED = const(6)
_OPEN = const(7)
SEEN = const(8)  # permille that made it say something
_MADE_FIRST = const(9)
_MADE_SECOND = const(10)
JUDGE_SIZE = const(11)

# Places in a sensor's array.
ZERO = const(0)
SHIFT = const(1)
GAIN = const(2)
BITS = const(3)
OFFSET = const(4)
LOWEST = const(5)
HIGHEST = const(6)
FINE = const(7)  # 1 where noise shows in every sample
RAW = const(8)
_EQUAL = const(9)
_MISSING = const(10)
VALUE = const(11)
SLOPE = const(12)
SENSOR_SIZE = const(13)

GOOD = const(0)
SILENT = const(1)
RANGE = const(2)
STUCK = const(3)
# Two missing conversions are 10 ms; one may be missed when two 200 Hz clocks beat.
_SILENT_TURNS = const(2)
# A sensor of more than 16 bits shows noise in every sample: four equal ones (20 ms) are no measurement.
_STUCK_TURNS = const(3)

SAYS_NOTHING = const(0)
SAYS_CLOSED = const(1)
SAYS_THROTTLED = const(2)
SAYS_OPEN = const(3)

FLOW_MAX_UL_PER_S = const(10_000)
FLOW_FLOOR_UL_PER_S = const(20)
# What keeps products with a scale of 2000 below 2**30; a path of 500 kPa s/mL passes no flush.
RESISTANCE_MAX = const(500_000)
_MODEL_STEP_PA = const(200_000)
_NEWTON_STEPS = const(8)

_GAP_MAX_PA = const(30_000)
# Flow may rise again by 1/16 of the wanted flow per turn.
_RECOVERY_SHIFT = const(4)

_LIVE_TURNS = const(3)
# A cough in a wide line, with the swinging of the liquid, comes to 15 kPa.
_SLOPE_RESIDUAL_PA = const(18_000)
# Before the path has been learnt: at 30 kPa a line five times as narrow already passes more than a fifth of the flow.
_SLOPE_RESIDUAL_UNLEARNT_PA = const(30_000)
# Longer than the liquid's swinging keeps the pressure down in a wide line, half a period of up to 0.3 s.
_OPEN_TURNS = const(40)
_RISE_MIN_PA = const(15_000)
_THROTTLED_TURNS = const(8)


@micropython.viper
def clear(values, first: int, end: int):
    """values[first:end] = 0."""
    place = ptr32(values)
    for index in range(first, end):
        place[index] = 0


@micropython.viper
def read(sensor, raw: int) -> int:
    """Takes one reading, negative for none, into VALUE and SLOPE (per turn); the fault now, or -1: as before."""
    state = ptr32(sensor)
    sign = int(SIGN)
    missed = state[_MISSING]
    if raw < 0 and raw >= -2:
        state[_MISSING] = missed + 1
        if missed + 1 >= _SILENT_TURNS:
            return SILENT
        return -1
    state[_MISSING] = 0
    if raw < state[LOWEST] << sign >> sign or raw > state[HIGHEST]:
        return RANGE
    if raw == state[RAW]:
        state[_EQUAL] = state[_EQUAL] + 1
    else:
        state[RAW] = raw
        state[_EQUAL] = 0
    if state[FINE] and state[_EQUAL] >= _STUCK_TURNS:
        return STUCK
    value_pa = (raw - (state[ZERO] << sign >> sign) >> state[SHIFT]) * (state[GAIN] << sign >> sign) >> state[BITS]
    value_pa = value_pa + (state[OFFSET] << sign >> sign)
    slope_pa = value_pa - (state[VALUE] << sign >> sign)
    if missed:
        # After a missing conversion the difference is that of two turns.
        slope_pa = slope_pa >> 1
    state[SLOPE] = slope_pa
    state[VALUE] = value_pa
    return GOOD


@micropython.viper
def advance(path, rate: int, rest_pa: int):
    """Moves the model by one turn at a step rate: C dP/dt = Q - q(P), semi-implicit, so that it cannot ring."""
    line = ptr32(path)
    sign = int(SIGN)
    model_pa = line[MODEL] << sign >> sign
    flow = (rate >> 2) * line[STEP_NL] // 250 + (rate >> 2) * line[STEP_PL] // 250_000
    out = line[OUT]
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
        # One Newton step per turn towards R_L q + R_T q^2 = P.
        leaving = above * 1000 // resistance
        if leaving > FLOW_MAX_UL_PER_S:
            leaving = FLOW_MAX_UL_PER_S
        out = (out + leaving) >> 1
    else:
        out = 0
    gained = (flow - out) * 5_000 // (line[COMPLIANCE] + 5_000_000 // resistance)
    if out < FLOW_FLOOR_UL_PER_S:
        out = FLOW_FLOOR_UL_PER_S
    line[OUT] = out
    if gained > _MODEL_STEP_PA:
        gained = _MODEL_STEP_PA
    line[MODEL] = model_pa + gained


@micropython.viper
def flow_at(path, rise_pa: int) -> int:
    """Flow in uL/s that a pressure above P0 pushes through the path, by the scaled model; in eight Newton steps."""
    line = ptr32(path)
    out = FLOW_FLOOR_UL_PER_S
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
        leaving = above // resistance
        if leaving > FLOW_MAX_UL_PER_S:
            leaving = FLOW_MAX_UL_PER_S
        out = (out + leaving) >> 1
        if out < FLOW_FLOOR_UL_PER_S:
            out = FLOW_FLOOR_UL_PER_S
    return out


@micropython.viper
def rise_at(path, flow_ul_per_s: int) -> int:
    """Pressure above P0 that the path needs at a flow, by the scaled model; 0 for a flow backwards."""
    line = ptr32(path)
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


@micropython.viper
def throttle(limiter, path, rate: int, slope_pa: int) -> int:
    """The step rate that the limiter allows now, at a rate made and a slope in Pa per turn; READING comes before."""
    state = ptr32(limiter)
    line = ptr32(path)
    sign = int(SIGN)
    state[_MADE] = rate
    if slope_pa > 8_000:
        slope_pa = 8_000
    if slope_pa < -8_000:
        slope_pa = -8_000
    out = rate - (slope_pa * line[RATE_PER_SLOPE] >> 10)
    leaving = state[LEAVING] << sign >> sign
    leaving = leaving + ((out - leaving) >> 1)
    state[LEAVING] = leaving
    gap = state[WORKING] - (state[READING] << sign >> sign)
    if gap > _GAP_MAX_PA:
        gap = _GAP_MAX_PA
    if gap < -_GAP_MAX_PA:
        gap = -_GAP_MAX_PA
    if leaving < 0:
        leaving = 0
    wanted = state[WANTED]
    allowed = leaving + (gap * line[RATE_PER_PA] >> 10)
    most = state[ALLOWED] + (wanted >> _RECOVERY_SHIFT) + 1
    if allowed > most:
        allowed = most
    if allowed > wanted:
        allowed = wanted
    if allowed < 1:
        allowed = 1
    state[ALLOWED] = allowed
    return allowed


@micropython.viper
def live(judge, path, limiter, value_pa: int) -> int:
    """What one turn of driving says at once; the limiter's turn comes before."""
    state = ptr32(judge)
    line = ptr32(path)
    limits = ptr32(limiter)
    sign = int(SIGN)
    rate = limits[_MADE] << sign >> sign
    model_pa = line[MODEL] << sign >> sign
    rest_pa = state[REST] << sign >> sign
    wanted = limits[WANTED]
    allowed = limits[ALLOWED]
    # Over three turns, because a big compliance makes much of a little noise.
    slope_pa = (value_pa - (state[THIRD] << sign >> sign)) // 3
    if slope_pa > 8_000:
        slope_pa = 8_000
    if slope_pa < -8_000:
        slope_pa = -8_000
    into_compliance = slope_pa * line[RATE_PER_SLOPE] >> 10
    state[THIRD] = state[SECOND]
    state[SECOND] = state[FIRST]
    state[FIRST] = value_pa
    # The flow of the same three turns: at the end of a burst that of the last one alone is little.
    flow_rate = (rate + state[_MADE_FIRST] + state[_MADE_SECOND]) // 3
    state[_MADE_SECOND] = state[_MADE_FIRST]
    state[_MADE_FIRST] = 0
    if rate > 0:
        state[_MADE_FIRST] = rate
    # A closed line takes all the flow into its compliance.
    least_pa = _SLOPE_RESIDUAL_UNLEARNT_PA
    if line[LEARNT]:
        least_pa = _SLOPE_RESIDUAL_PA
    closed = state[CLOSED] + 1
    if not (into_compliance * 5 > flow_rate * 4 and flow_rate > 0 and value_pa - model_pa > least_pa):
        closed = 0
    if line[MEASURED] == 0:
        closed = 0
    state[CLOSED] = closed
    if closed >= _LIVE_TURNS:
        share = (into_compliance << 6) // flow_rate
        if share > 4_096:
            share = 4_096
        state[SEEN] = share * 1000 >> 6
        return SAYS_CLOSED
    # Pressure holds the flow below a fifth: nothing worth the name goes through.
    throttled = state[_THROTTLED] + 1
    if allowed * 5 >= wanted:
        throttled = 0
    state[_THROTTLED] = throttled
    if throttled >= _THROTTLED_TURNS:
        state[SEEN] = (allowed << 10) // wanted * 1000 >> 10
        return SAYS_THROTTLED
    rise = model_pa - rest_pa
    opened = state[_OPEN] + 1
    if not (state[WATCH_OPEN] and rise > _RISE_MIN_PA and (value_pa - rest_pa) * 4 < rise):
        opened = 0
    state[_OPEN] = opened
    if opened >= _OPEN_TURNS:
        state[SEEN] = (value_pa - rest_pa) * 1000 // rise
        return SAYS_OPEN
    return SAYS_NOTHING
