"""Pressure in pascal from raw counts, with calibration, slope and the four ways in which a sensor fails.

A reading is `(raw - zero >> shift) * gain >> bits`, with a gain of at most 12 bits so that the product
stays in 31; its error is below 0.03 % of the reading, a tenth of what the sensors promise.
"""

from array import array

from flushlink.viper_compat import SIGN, const, micropython, ptr32

# Places in the sensor's array.
ZERO = const(0)
SHIFT = const(1)
GAIN = const(2)
_BITS = const(3)
_OFFSET = const(4)
_LOWEST = const(5)
_HIGHEST = const(6)
_FINE = const(7)  # 1 where every sample has noise
_RAW = const(8)
_EQUAL = const(9)
_MISSING = const(10)
_VALUE = const(11)
_SLOPE = const(12)
_SIZE = const(13)

GOOD = const(0)
SILENT = const(1)
RANGE = const(2)
STUCK = const(3)
_UNCHANGED = const(-1)
# Two missing conversions are 10 ms; one may be missed when two 200 Hz clocks beat.
_SILENT_TICKS = const(2)
# A sensor of more than 16 bits has noise in every sample: four equal ones (20 ms) are no measurement.
_STUCK_TICKS = const(3)

_FINE_COUNTS = const(60_000)
# A coarse one has to follow the motion: stuck is a model that moved by 12 kPa while the reading moved by under 0.5.
_STUCK_MODEL_PA = const(12_000)
_STUCK_READING_PA = const(500)
_REST_SAMPLES = const(16)
# A line that still relaxes is not at rest: the 16 samples (80 ms) of an average are within this.
_REST_SPREAD_PA = const(1_000)


@micropython.viper
def take_reading(sensor, raw: int) -> int:
    """Takes one reading, negative for none, into _VALUE and _SLOPE (per tick); the fault now, or _UNCHANGED."""
    state = ptr32(sensor)
    sign = int(SIGN)
    missed = state[_MISSING]
    if raw < 0 and raw >= -2:
        state[_MISSING] = missed + 1
        if missed + 1 >= _SILENT_TICKS:
            return SILENT
        return _UNCHANGED
    state[_MISSING] = 0
    if raw < state[_LOWEST] << sign >> sign or raw > state[_HIGHEST]:
        return RANGE
    if raw == state[_RAW]:
        state[_EQUAL] = state[_EQUAL] + 1
    else:
        state[_RAW] = raw
        state[_EQUAL] = 0
    if state[_FINE] and state[_EQUAL] >= _STUCK_TICKS:
        return STUCK
    value_pa = (raw - (state[ZERO] << sign >> sign) >> state[SHIFT]) * (state[GAIN] << sign >> sign) >> state[_BITS]
    value_pa = value_pa + (state[_OFFSET] << sign >> sign)
    slope_pa = value_pa - (state[_VALUE] << sign >> sign)
    if missed:
        # After a missing conversion the difference is that of two ticks.
        slope_pa = slope_pa >> 1
    state[_SLOPE] = slope_pa
    state[_VALUE] = value_pa
    return GOOD


class Pressure:
    """Reads the port `sensor` once per tick; `value_pa`, `slope_pa` (per tick of 5 ms) and `fault` are the result."""

    def __init__(self, board, sensor):
        self._sensor = sensor
        self._board = board
        self.value_pa = 0
        self.slope_pa = 0
        self.rest_pa = 0
        self.fault = GOOD
        self._state = array("i", [0] * _SIZE)
        self._state[_RAW] = -1
        self._reference_model_pa = 0
        self._reference_pa = 0
        self._rest_sum = 0
        self._rest_count = 0
        self._rest_low_pa = 0
        self._rest_high_pa = 0
        self.calibrate(0, 1_000_000)

    def calibrate(self, offset_pa, gain_ppm):
        """Sets the calibration; may allocate, so only while nothing moves."""
        board = self._board
        counts = board.raw_max - board.raw_min
        span_pa = board.range_max_pa - board.range_min_pa
        margin = abs(counts) // 20
        state = self._state
        state[_LOWEST] = min(board.raw_min, board.raw_max) - margin
        state[_HIGHEST] = max(board.raw_min, board.raw_max) + margin
        shift = 0
        while abs(counts) >> shift > 0x1FFFF:
            shift += 1
        bits = 0
        while (abs(span_pa * gain_ppm) << (bits + 1 + shift)) // (abs(counts) * 1_000_000) < 4096:
            bits += 1
        state[SHIFT] = shift
        state[_BITS] = bits
        # Rounded to the nearest: a gain of 11 bits cut off would be 0.05 % low.
        scale = counts * 1_000_000
        state[GAIN] = ((span_pa * gain_ppm << (bits + shift + 1)) + scale) // (2 * scale)
        state[ZERO] = board.raw_min - board.range_min_pa * counts // span_pa
        state[_OFFSET] = offset_pa
        self.fine = abs(counts) > _FINE_COUNTS
        state[_FINE] = 1 if self.fine else 0

    def sample(self):
        """Takes one reading; without one, value and slope stay as they are."""
        state = self._state
        fault = take_reading(state, self._sensor.read())
        if fault == GOOD:
            self.slope_pa = state[_SLOPE]
            self.value_pa = state[_VALUE]
        if fault != _UNCHANGED:
            self.fault = fault

    def average_rest(self):
        """Averages the reading at rest into `rest_pa`; called once per tick while nothing moves."""
        value_pa = self.value_pa
        if self._rest_count == 0:
            self._rest_sum = 0
            self._rest_low_pa = self._rest_high_pa = value_pa
        elif value_pa < self._rest_low_pa:
            self._rest_low_pa = value_pa
        elif value_pa > self._rest_high_pa:
            self._rest_high_pa = value_pa
        self._rest_sum += value_pa
        self._rest_count += 1
        if self._rest_count == _REST_SAMPLES:
            self._rest_count = 0
            if self._rest_high_pa - self._rest_low_pa <= _REST_SPREAD_PA:
                self.rest_pa = self._rest_sum // _REST_SAMPLES

    def set_reference(self, model_pa):
        """Keeps reading and model at the start of a burst."""
        self._reference_model_pa = model_pa
        self._reference_pa = self.value_pa

    def follows_model(self, model_pa):
        """Whether a coarse reading has moved since `set_reference` where the model has."""
        if self.fine:
            return True
        moved = self.value_pa - self._reference_pa
        if moved > _STUCK_READING_PA or moved < -_STUCK_READING_PA:
            self.set_reference(model_pa)
            return True
        expected = model_pa - self._reference_model_pa
        return -_STUCK_MODEL_PA < expected < _STUCK_MODEL_PA
