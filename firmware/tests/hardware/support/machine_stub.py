"""Stand-ins for pins, PWM, I2C, ADC and registers, laid over the stand-in for `machine` of modules.py."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from firmware.tests.hardware.support.modules import hardware_modules

GPIO_IN = 0xD0000004
ENDPOINT = 0x50100090
FRAME = 0x50110048
DATA_CMD = 0x40044010
AVAILABLE = 1 << 10


class Bench:
    """What the stand-ins show and take: `levels` of the pins, the tone, the sensor on the bus, the USB host."""

    def __init__(self, machine: Any, load: Callable[[str], Any]) -> None:
        self.machine = machine
        self.load = load
        self.levels = dict.fromkeys(range(30), 1)
        self.duty = 0
        self.tone_hz = 0
        self.sensor = Sensor()
        self.bus_made = 0
        self.clocks = 0
        self.interrupt_character = 3

    def gpio_in(self) -> int:
        return sum(level << number for number, level in self.levels.items())


class Sensor:
    """An ABP2: converts a command into `counts`, busy for `busy` reads; `holds` SDA for so many clocks of SCL."""

    def __init__(self) -> None:
        self.counts = 0x800000
        self.status = 0x40
        self.busy = 0
        self.absent = False
        self.holds = 0
        self.commands: list[bytes] = []
        self._waiting = bytearray()
        self._refused = False

    def _answer(self, address: int) -> None:
        assert address == 0x28
        if self._refused:
            self._refused = False
            raise OSError(5)
        if self.absent:
            raise OSError(5)
        if self.holds:
            raise OSError(110)

    def command(self, address: int, data: bytes) -> None:
        self._answer(address)
        self.commands.append(bytes(data))

    def data_cmd(self, value: int) -> None:
        """A word for the chip's FIFO, which ends a transfer with bit 9; the next one reports a failure."""
        self._waiting.append(value & 0xFF)
        if value & 0x200:
            try:
                self.command(0x28, bytes(self._waiting))
            except OSError:
                self._refused = True
            self._waiting.clear()

    def reply(self, address: int, buffer: bytearray) -> None:
        self._answer(address)
        if self.busy:
            self.busy -= 1
            buffer[:] = bytes((0x60, 1, 2, 3))
            return
        buffer[:] = bytes((self.status,)) + self.counts.to_bytes(3, "big")


def _pin_class(bench: Bench) -> type:
    class Pin:
        IN, OUT, OPEN_DRAIN, PULL_UP = range(4)

        def __init__(self, number: int, mode: int = 0, pull: int = 0, value: int | None = None) -> None:
            self.number = number
            self.mode = mode
            if value is not None:
                self.value(value)

        def value(self, level: int | None = None) -> int | None:
            if level is not None:
                assert level in (0, 1)
                if self.mode == Pin.OPEN_DRAIN and level and not bench.levels[self.number] and self.number == 21:
                    bench.clocks += 1
                    bench.sensor.holds = max(bench.sensor.holds - 1, 0)
                bench.levels[self.number] = level
                return None
            if self.number == 20 and bench.sensor.holds:
                return 0
            return bench.levels[self.number]

    return Pin


@contextmanager
def bench() -> Iterator[Bench]:
    """The hardware layer's own modules on these stand-ins: `bench.load("indicators")` imports one."""
    with hardware_modules() as (machine, load):
        made = Bench(machine, load)

        class Registers(dict[int, int]):
            def __missing__(self, address: int) -> int:
                return made.gpio_in() if address == GPIO_IN else 0

            def __setitem__(self, address: int, value: int) -> None:
                if address == DATA_CMD:
                    made.sensor.data_cmd(value)
                super().__setitem__(address, value)

        class Bus:
            def __init__(self, number: int, scl: Any, sda: Any, freq: int, timeout: int) -> None:
                assert (number, scl.number, sda.number) == (0, 21, 20)
                made.bus_made += 1
                # Five bytes at 400 kHz take 115 us; what is held may not cost the loop more than 0.5 ms.
                assert 115 < timeout <= 300

            def readfrom_into(self, address: int, buffer: bytearray) -> None:
                made.sensor.reply(address, buffer)

            def writeto(self, address: int, data: bytes) -> None:
                made.sensor.command(address, data)

        class Tone:
            def __init__(self, pin: Any, freq: int, duty_u16: int) -> None:
                made.tone_hz, made.duty = freq, duty_u16

            def duty_u16(self, duty: int) -> None:
                made.duty = duty

        machine.mem32 = Registers()
        machine.mem16 = machine.mem32
        machine.Pin = _pin_class(made)
        machine.I2C, machine.PWM, machine.ADC = Bus, Tone, lambda pin: None
        micropython: Any = sys.modules["micropython"]
        micropython.kbd_intr = lambda code: setattr(made, "interrupt_character", code)

        yield made
