"""The power-on self-test: memory, configuration, sensor, driver, step counter, indicators; nothing moves in it."""

from flushlink.frames import crc16
from flushlink.messages import (
    TEST_CONFIGURATION,
    TEST_COUNTER,
    TEST_DRIVER,
    TEST_INDICATORS,
    TEST_MEMORY,
    TEST_SENSOR,
)
from flushlink.viper_compat import const

# Gauge pressure of a pump at rest: a vein's, a cough's, a head of water's; not a sensor's rail.
_REST_LIMIT_PA = const(30_000)
_TICKS = const(20)
_CHECK = bytearray(b"123456789")
_CHECK_CRC = const(0x29B1)


class SelfTest:
    """`tick` is called once per tick until it returns True; then `passed` and `failed` hold TEST bits."""

    def __init__(self, steps, counter, pressure, indicators, settings):
        self._steps = steps
        self._counter = counter
        self._pressure = pressure
        self._indicators = indicators
        self._settings = settings
        self._memory = bytearray(256)
        self.restart()

    def restart(self):
        self.passed = 0
        self.failed = 0
        self._ticks = 0
        self._position = self._counter.position()
        self._good_readings = 0
        self._steps.enable(False)

    def tick(self):
        self._ticks += 1
        if self._ticks <= 3:
            self._indicators.show(self._ticks, 0)
        if self.plausible():
            self._good_readings += 1
        if self._ticks < _TICKS:
            return False
        self.check_all(self._good_readings >= _TICKS // 2, self._counter.position() == self._position)
        return True

    def check_all(self, readings_good, counter_still):
        """Tests everything at once, given whether the readings so far were plausible and no step has been counted."""
        self.passed = 0
        self.failed = 0
        self._record(TEST_MEMORY, self._memory_holds() and crc16(_CHECK, 0, 9) == _CHECK_CRC)
        self._record(TEST_CONFIGURATION, self._settings.good)
        self._record(TEST_SENSOR, self._pressure.fault == 0 and readings_good)
        self._steps.stop()
        self._record(TEST_DRIVER, self._steps.ready() and self._steps.queued_us() == 0)
        self._record(TEST_COUNTER, counter_still)
        self._indicators.show(0, 0)
        self._record(TEST_INDICATORS, self._indicators.inputs() >= 0)

    def plausible(self):
        """Whether the sensor reads what a pump at rest can have."""
        return self._pressure.fault == 0 and -_REST_LIMIT_PA <= self._pressure.value_pa <= _REST_LIMIT_PA

    def _memory_holds(self):
        memory = self._memory
        for pattern in (0x55, 0xAA):
            for index in range(len(memory)):
                memory[index] = pattern ^ (index & 0xFF)
            for index in range(len(memory)):
                if memory[index] != pattern ^ (index & 0xFF):
                    return False
        return True

    def _record(self, bit, good):
        if good:
            self.passed |= bit
        else:
            self.failed |= bit
