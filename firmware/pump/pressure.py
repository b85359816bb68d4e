"""Pressure in pascal from raw counts, with calibration, slope and the four ways in which a sensor fails.

A reading is `(raw - zero >> shift) * gain >> bits`, with a gain of at most 12 bits so that the product
stays in 31; its error is below 0.03 % of the reading, a tenth of what the sensors promise.
"""

from array import array

from flushlink.viper_compat import const

from .detection.kernels import (
    BITS,
    FINE,
    GAIN,
    GOOD,
    HIGHEST,
    LOWEST,
    OFFSET,
    RANGE,
    RAW,
    SENSOR_SIZE,
    SHIFT,
    SILENT,
    SLOPE,
    STUCK,
    VALUE,
    ZERO,
    read,
)

__all__ = ["GOOD", "RANGE", "SILENT", "STUCK", "Pressure"]

_FINE_COUNTS = const(60_000)
# A coarse one must follow the motion: a model that moved by 12 kPa while the reading moved by under 0.5.
_STUCK_MODEL_PA = const(12_000)
_STUCK_READING_PA = const(500)
_REST_SAMPLES = const(16)
# A line that still relaxes is not at rest: 16 samples (80 ms) lie within this or are no average.
_REST_SPREAD_PA = const(1_000)


class Pressure:
    """Reads the port `sensor` once per turn; `value_pa`, `slope_pa` (per turn of 5 ms) and `fault` are the result."""

    def __init__(self, board, sensor):
        self._sensor = sensor
        self._board = board
        self.value_pa = 0
        self.slope_pa = 0
        self.rest_pa = 0
        self.fault = GOOD
        # Places in it: turn_math.
        self._state = array("i", [0] * SENSOR_SIZE)
        self._state[RAW] = -1
        self._mark_model_pa = 0
        self._mark_pa = 0
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
        state[LOWEST] = min(board.raw_min, board.raw_max) - margin
        state[HIGHEST] = max(board.raw_min, board.raw_max) + margin
        shift = 0
        while abs(counts) >> shift > 0x1FFFF:
            shift += 1
        bits = 0
        while (abs(span_pa * gain_ppm) << (bits + 1 + shift)) // (abs(counts) * 1_000_000) < 4096:
            bits += 1
        state[SHIFT] = shift
        state[BITS] = bits
        # Rounded to the nearest: a gain of 11 bits cut off would be 0.05 % low.
        scale = counts * 1_000_000
        state[GAIN] = ((span_pa * gain_ppm << (bits + shift + 1)) + scale) // (2 * scale)
        state[ZERO] = board.raw_min - board.range_min_pa * counts // span_pa
        state[OFFSET] = offset_pa
        self.fine = abs(counts) > _FINE_COUNTS
        state[FINE] = 1 if self.fine else 0

    def sample(self):
        """Takes one reading; leaves value and slope as they were when there is none."""
        state = self._state
        fault = read(state, self._sensor.read())
        if fault == GOOD:
            self.slope_pa = state[SLOPE]
            self.value_pa = state[VALUE]
        if fault >= 0:
            self.fault = fault

    def rest(self):
        """Averages the reading at rest into `rest_pa`; called once per turn while nothing moves."""
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

    def mark(self, model_pa):
        """Remembers where reading and model stand; called when a burst begins."""
        self._mark_model_pa = model_pa
        self._mark_pa = self.value_pa

    def follows(self, model_pa):
        """Whether a coarse reading has moved since `mark` when the model says that it should have."""
        if self.fine:
            return True
        moved = self.value_pa - self._mark_pa
        if moved > _STUCK_READING_PA or moved < -_STUCK_READING_PA:
            self.mark(model_pa)
            return True
        expected = model_pa - self._mark_model_pa
        return -_STUCK_MODEL_PA < expected < _STUCK_MODEL_PA
