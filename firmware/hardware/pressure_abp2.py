"""Pressure from a Honeywell ABP2 on I2C: each turn reads the conversion that the turn before started.

A conversion takes just under 5 ms, so it is started at once after reading; one that is not done is read in the next
turn. A bus that is held makes a transfer end by its time-out; it is then freed by clocking SCL, and left alone for some
turns, so that a dead sensor costs the loop little.
"""

from time import sleep_us

from machine import I2C, Pin
from micropython import const

NONE_NEW = const(-1)
FAULT = const(-2)

_FREQUENCY_HZ = const(400_000)
# Five bytes take 115 us.
_TIMEOUT_US = const(500)
_REST_TURNS = const(3)
# Busy for so many turns is no conversion.
_BUSY_TURNS = const(3)
_COMMAND = b"\xaa\x00\x00"
_BUSY = const(0x20)
# Power on; memory whole; arithmetic not saturated.
_JUDGED = const(0x45)
_GOOD = const(0x40)
_HALF_CLOCK_US = const(5)


class Abp2:
    """The port `pressure` of the controller: raw counts of 24 bits, -1 no new conversion, -2 bus or sensor fault."""

    def __init__(self, pins, sensor):
        self._sda = pins["i2c_sda"]
        self._scl = pins["i2c_scl"]
        self._address = sensor["i2c_address"]
        self._reply = bytearray(4)
        self._begin()

    def _begin(self):
        self._bus = I2C(
            self._sda >> 1 & 1, scl=Pin(self._scl), sda=Pin(self._sda), freq=_FREQUENCY_HZ, timeout=_TIMEOUT_US
        )
        self._started = False
        self._busy_turns = 0
        self._rest = 0

    def read(self):
        """Takes under 0.3 ms, 1 ms in the turn in which the bus fails; allocates nothing."""
        if self._rest:
            self._rest -= 1
            return FAULT
        try:
            return self._exchange()
        except OSError:
            self._free_bus()
            self._rest = _REST_TURNS
            return FAULT

    def _exchange(self):
        reply = self._reply
        counts = NONE_NEW
        if self._started:
            self._bus.readfrom_into(self._address, reply)
            status = reply[0]
            if status & _BUSY:
                self._busy_turns += 1
                if self._busy_turns < _BUSY_TURNS:
                    return NONE_NEW
                counts = FAULT
            elif status & _JUDGED != _GOOD:
                counts = FAULT
            else:
                counts = reply[1] << 16 | reply[2] << 8 | reply[3]
            self._busy_turns = 0
            self._started = False
        self._bus.writeto(self._address, _COMMAND)
        self._started = True
        return counts

    def _free_bus(self):
        """Clocks out the byte that the sensor may hold SDA for, ends with a STOP, and sets the bus up anew."""
        scl = Pin(self._scl, Pin.OPEN_DRAIN, value=1)
        sda = Pin(self._sda, Pin.OPEN_DRAIN, value=1)
        for _ in range(9):
            if sda.value():
                break
            scl.value(0)
            sleep_us(_HALF_CLOCK_US)
            scl.value(1)
            sleep_us(_HALF_CLOCK_US)
        scl.value(0)
        sda.value(0)
        sleep_us(_HALF_CLOCK_US)
        scl.value(1)
        sleep_us(_HALF_CLOCK_US)
        sda.value(1)
        self._begin()
