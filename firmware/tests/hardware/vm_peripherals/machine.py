"""Replaces `machine` in the MicroPython VM: registers, pins and a sensor that answers, fails and holds the bus.

What it does allocates nothing, so that an allocation observed under the locked heap is the firmware's own.
"""

import select
from array import array

_nothing = select.poll()


class Registers:
    """Some registers by their addresses; a value of 2**30 or more would be allocated on the board, so none is given."""

    def __init__(self):
        self.addresses = []
        self.values = array("I", [0] * 32)

    def place(self, address):
        if address not in self.addresses:
            self.addresses.append(address)
        return self.addresses.index(address)

    def __getitem__(self, address):
        value = self.values[self.place(address)]
        if value >= 1 << 30:
            raise ValueError("no small integer")
        return value

    def __setitem__(self, address, value):
        # An address of this machine's memory has more bits than the board's.
        self.values[self.place(address)] = value & 0x3FFFFFFF


class Endpoint:
    """The buffer control of the USB endpoint: its data toggle ticks at every look, as if a packet went each time."""

    def __init__(self):
        self.stuck = False
        self._toggle = 0

    def __getitem__(self, address):
        self._toggle ^= 1 << 13
        return 1 << 10 | 61 if self.stuck else self._toggle


mem32 = Registers()
mem16 = Endpoint()


class _Pin:
    def value(self, level=0):
        return 0


class _Data:
    """SDA, which the sensor may hold."""

    def value(self, level=0):
        return 0 if bus.held else 1


class _Clock:
    """SCL, each rise of which lets a sensor that holds SDA go on."""

    def value(self, level=0):
        if level and bus.held:
            bus.held -= 1
        return 1


_pins = [_Pin() for _ in range(20)] + [_Data(), _Clock()] + [_Pin() for _ in range(8)]


class _PinFactory:
    """Called like the class Pin; gives the pin that is there, as the rp2 port does."""

    IN, OUT, OPEN_DRAIN, PULL_UP = range(4)

    def __call__(self, number, mode=0, pull=0, value=0):
        return _pins[number]


Pin = _PinFactory()


def fail():
    """An OSError as MicroPython's own functions raise it, with the heap locked too."""
    _nothing.modify(bus, 1)


class _Bus:
    def __init__(self):
        self.status = 0x40
        self.fails = False
        self.held = 0
        self.counts = 0

    def readfrom_into(self, address, buffer):
        if self.fails or self.held:
            fail()
        self.counts = self.counts + 1 & 0xFF
        buffer[0] = self.status
        buffer[1] = buffer[2] = buffer[3] = self.counts

    def writeto(self, address, data):
        if self.fails or self.held:
            fail()


bus = _Bus()


def I2C(number, scl=None, sda=None, freq=0, timeout=0):  # noqa: N802 - MicroPython's name
    return bus


class _Tone:
    def duty_u16(self, duty):
        pass


_tone = _Tone()


def PWM(pin, freq=0, duty_u16=0):  # noqa: N802 - MicroPython's name
    return _tone


def ADC(pin):  # noqa: N802 - MicroPython's name
    return None
