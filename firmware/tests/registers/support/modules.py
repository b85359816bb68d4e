"""Stand-ins for MicroPython's modules, over an emulated chip: the firmware's hardware files run on them unchanged.

`use(chip)` sets the chip that they act on. What they set up goes through the chip's registers, as MicroPython does it.
"""

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from firmware.tests.registers.support.assembler import PIO, Program, asm_pio, encode
from firmware.tests.registers.support.chip import Chip

HARDWARE = Path(__file__).resolve().parents[3] / "hardware"

PIO_BASES = (0x5020_0000, 0x5030_0000)
DMA_BASE = 0x5000_0000
IO_BANK0 = 0x4001_4000
PADS_BANK0 = 0x4001_C000
SRAM = 0x2000_0000
SIO_SET, SIO_CLEAR, SIO_OUTPUT = 0xD000_0014, 0xD000_0018, 0xD000_0024

_chip = Chip()
_programs: dict[int, list[tuple[Program, int]]] = {}
_channels = 0


def use(chip: Chip) -> None:
    """From now on the modules speak of this chip, which is fresh from reset."""
    global _chip, _channels
    _chip = chip
    _channels = 0
    _programs.clear()


def _write(address: int, value: int) -> None:
    _chip.rp.write_uint32(address, value & 0xFFFF_FFFF)


class _Mem32:
    def __getitem__(self, address: int) -> int:
        value = _chip.access(address)
        # A larger one would be allocated, which the firmware may not.
        assert value < 1 << 30, f"{value:#x} read at {address:#x} is no small integer"
        return value

    def __setitem__(self, address: int, value: int) -> None:
        _chip.access(address, value)


class Ptr32:
    """Viper's pointer to words."""

    def __init__(self, address: int) -> None:
        self._address = address

    def __getitem__(self, index: int) -> int:
        return _chip.access(self._address + 4 * index)

    def __setitem__(self, index: int, value: int) -> None:
        _chip.access(self._address + 4 * index, value)


class Pin:
    OUT = 1

    def __init__(self, number: int, mode: int | None = None, value: int | None = None) -> None:
        self.number = number
        if mode == Pin.OUT:
            self.value(value or 0)
            _write(SIO_OUTPUT, 1 << number)
            _function(number, 5)

    def value(self, level: int) -> None:
        _write(SIO_SET if level else SIO_CLEAR, 1 << self.number)


def _function(pin: int, function: int) -> None:
    """Gives a pin to a block, with its input on."""
    _write(PADS_BANK0 + 4 + 4 * pin, 0x56)
    _write(IO_BANK0 + 4 + 8 * pin, function)


class StateMachine:
    """MicroPython's, at the system clock: it takes the program from the top of the memory and begins disabled."""

    def __init__(
        self,
        number: int,
        program: Program,
        sideset_base: Pin | None = None,
        out_base: Pin | None = None,
        in_base: Pin | None = None,
        jmp_pin: Pin | None = None,
    ) -> None:
        block, self._index = divmod(number, 4)
        self._base = PIO_BASES[block]
        self._machine = self._base + 0x18 * self._index
        offset = self._load(block, program)
        options = program.options
        side, out = (pin.number if pin else 0 for pin in (sideset_base, out_base))
        self.active(0)
        for pin in (sideset_base, out_base):
            if pin is not None:
                self._drive_low(pin.number, 6 + block)
        _write(self._machine + 0xC8, 1 << 16)
        jump = jmp_pin.number << 24 if jmp_pin else 0
        _write(self._machine + 0xCC, jump | program.wrap + offset << 12 | program.wrap_target + offset << 7)
        shift = options.get("out_shiftdir", 0) << 19 | options.get("in_shiftdir", 0) << 18
        _write(self._machine + 0xD0, shift)
        pins = program.side_count << 29 | (1 << 20 if out_base else 0) | side << 10 | out
        _write(self._machine + 0xDC, pins | (in_base.number << 15 if in_base else 0))
        # Restart of the machine and of its divider.
        _write(self._base + 0x2000, 0x110 << self._index)
        _write(self._machine + 0xD8, offset)

    def _load(self, block: int, program: Program) -> int:
        programs = _programs.setdefault(block, [])
        offset = (programs[-1][1] if programs else 32) - len(program.words)
        for index, word in enumerate(program.at(offset)):
            _write(self._base + 0x48 + 4 * (offset + index), word)
        programs.append((program, offset))
        return offset

    def _drive_low(self, pin: int, function: int) -> None:
        _write(self._machine + 0xDC, 1 << 26 | pin << 5)
        self.exec("set(pins, 0)")
        self.exec("set(pindirs, 1)")
        _function(pin, function)

    def exec(self, instruction: str) -> None:
        _write(self._machine + 0xD8, encode(instruction))

    def active(self, on: int) -> None:
        _write(self._base + (0x2000 if on else 0x3000), 1 << self._index)


class DMA:
    def __init__(self) -> None:
        global _channels
        self.channel = _channels
        _channels += 1

    def pack_ctrl(self, **fields: int) -> int:
        places = {"enable": 0, "size": 2, "inc_read": 4, "inc_write": 5, "ring_size": 6, "ring_sel": 10}
        places |= {"chain_to": 11, "treq_sel": 15, "irq_quiet": 21}
        values = {"enable": 1, "size": 2, "inc_read": 1, "inc_write": 1, "treq_sel": 0x3F, "irq_quiet": 1}
        values |= {"chain_to": self.channel, **fields}
        return sum(int(value) << places[name] for name, value in values.items())

    def config(self, read: int, write: int, count: int, ctrl: int) -> None:
        place = DMA_BASE + 0x40 * self.channel
        _write(place, read)
        _write(place + 4, write)
        _write(place + 8, count)
        _write(place + 0x10, ctrl)


def _addressof(buffer: bytearray) -> int:
    # At any word, as a heap would give it.
    address = SRAM + 0x1234 + _chip.memory_used
    _chip.memory_used += len(buffer) + 4 & ~3
    return address


def _module(name: str, **names: Any) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(names)
    return module


def _modules() -> dict[str, ModuleType]:
    return {
        "machine": _module("machine", Pin=Pin, ADC=lambda pin: None, mem32=_Mem32(), freq=lambda: 125_000_000),
        "rp2": _module("rp2", PIO=PIO, DMA=DMA, StateMachine=StateMachine, asm_pio=asm_pio),
        "uctypes": _module("uctypes", addressof=_addressof),
        "micropython": _module("micropython", const=lambda value: value, viper=lambda function: function),
    }


@contextmanager
def installed() -> Iterator[Callable[[str], ModuleType]]:
    """While this lasts, imports find the stand-ins; it gives what imports `hardware.NAME`."""
    with pytest.MonkeyPatch.context() as patch:
        for name, module in _modules().items():
            patch.setitem(sys.modules, name, module)
        before = {name: sys.modules.pop(name) for name in list(sys.modules) if name.startswith("hardware.")}
        # The package by its path alone: its __init__ wants the whole board.
        package = _module("hardware", __path__=[str(HARDWARE)])
        patch.setitem(sys.modules, "hardware", package)

        def load(name: str) -> ModuleType:
            module = importlib.import_module(f"hardware.{name}")
            vars(module)["ptr32"] = Ptr32
            return module

        yield load
        for name in [name for name in sys.modules if name.startswith("hardware.")]:
            del sys.modules[name]
        sys.modules.update(before)
