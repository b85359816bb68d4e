"""Pressure from a Honeywell ABP2 on I2C: each tick reads the conversion that the tick before started.

A conversion takes just under 5 ms, so it is started at once after reading; one that is not done is read in the next
tick. The command that starts it is left to the chip's FIFO, nobody waits for its bits; a sensor that does not take it
is found by the next reading. A bus that is held makes a transfer end by its time-out; it is freed by clocking SCL, at
the start too, and left alone for some ticks, so that a dead sensor costs the loop little.
"""

from machine import I2C, Pin, mem32
from micropython import const

NONE_NEW = const(-1)
FAULT = const(-2)

_FREQUENCY_HZ = const(400_000)
# Five bytes take 115 us.
_TIMEOUT_US = const(250)
_REST_TICKS = const(3)
# Busy for so many ticks is no conversion.
_BUSY_TICKS = const(3)
_COMMAND = const(b"\xaa\x00\x00")
# RP2040: DATA_CMD of the two I2C blocks; its bit that ends a transfer. TAR is what the last transfer has set.
_DATA_CMD = (0x40044010, 0x40048010)
_STOP = const(0x200)
_BUSY = const(0x20)
# Power on; memory whole; arithmetic not saturated.
_CHECKED = const(0x45)
_GOOD = const(0x40)


class Abp2:
    """The port `pressure` of the controller: raw counts of 24 bits, -1 no new conversion, -2 bus or sensor fault."""

    def __init__(self, pins, sensor):
        self._sda = pins["i2c_sda"]
        self._scl = pins["i2c_scl"]
        self._block = self._sda >> 1 & 1
        self._data_cmd = _DATA_CMD[self._block]
        self._address = sensor["i2c_address"]
        self._reply = bytearray(4)
        # A reset may have come in the middle of a byte.
        self._free_bus()
        self._begin()

    def _begin(self):
        self._bus = I2C(self._block, scl=Pin(self._scl), sda=Pin(self._sda), freq=_FREQUENCY_HZ, timeout=_TIMEOUT_US)
        self._started = False
        self._busy_ticks = 0
        self._rest = 0

    def read(self):
        """Takes under 0.2 ms, 0.45 ms in a tick in which the bus fails; allocates nothing."""
        if self._rest:
            self._recover()
            return FAULT
        try:
            return self._exchange()
        except OSError:
            self._rest = _REST_TICKS
            return FAULT

    def _recover(self):
        """A tick of rest: the first one frees the bus, the last one sets it up anew."""
        rest = self._rest
        self._rest = rest - 1
        if rest == _REST_TICKS:
            self._free_bus()
        elif rest == 1:
            self._begin()

    def _exchange(self):
        reply = self._reply
        counts = NONE_NEW
        if not self._started:
            self._bus.writeto(self._address, _COMMAND)
            self._started = True
            return NONE_NEW
        self._bus.readfrom_into(self._address, reply)
        status = reply[0]
        if status & _BUSY:
            self._busy_ticks += 1
            if self._busy_ticks < _BUSY_TICKS:
                return NONE_NEW
            counts = FAULT
        elif status & _CHECKED != _GOOD:
            counts = FAULT
        else:
            counts = reply[1] << 16 | reply[2] << 8 | reply[3]
        self._busy_ticks = 0
        place = self._data_cmd
        mem32[place] = 0xAA
        mem32[place] = 0
        mem32[place] = _STOP
        return counts

    def _free_bus(self):
        """Clocks out the byte that the sensor may hold SDA for, and ends with a STOP; 0.2 ms."""
        # A call takes the 5 us of half a clock by itself.
        scl = Pin(self._scl, Pin.OPEN_DRAIN, value=1)
        sda = Pin(self._sda, Pin.OPEN_DRAIN, value=1)
        clocks = 9
        while clocks and not sda.value():
            scl.value(0)
            scl.value(1)
            clocks -= 1
        scl.value(0)
        sda.value(0)
        scl.value(1)
        sda.value(1)
