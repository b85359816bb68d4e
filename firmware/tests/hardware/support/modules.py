"""The hardware layer's own modules in CPython, on a stand-in for `machine`; nothing of them stays imported."""

import importlib
import sys
import traceback
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[3] / "hardware"

REASON = 0x40058008
SCRATCH = (0x4005800C, 0x40058010, 0x40058014, 0x40058018)
CHIP_RESET = 0x40064008


class Registers(dict[int, int]):
    """machine.mem32: 0 where nothing has been written."""

    def __missing__(self, address: int) -> int:
        return 0


class Timer:
    """machine.WDT: `fed` counts."""

    def __init__(self, timeout: int) -> None:
        self.timeout = timeout
        self.fed = 0

    def feed(self) -> None:
        self.fed += 1


class Machine(types.ModuleType):
    def __init__(self) -> None:
        super().__init__("machine")
        self.mem32 = Registers()
        self.timers: list[Timer] = []
        self.now_us = 0

    def WDT(self, timeout: int) -> Timer:  # noqa: N802 - MicroPython's name
        self.timers.append(Timer(timeout))
        return self.timers[-1]

    def unique_id(self) -> bytes:
        return b"\xe6\x61\x38\x52\x83\x12\x34\x56"


def _micropython() -> types.ModuleType:
    """What a compiler without machine code makes of MicroPython's own words."""
    module = types.ModuleType("micropython")
    for name in ("const", "native", "viper"):
        setattr(module, name, lambda thing: thing)
    return module


def _print_exception(error: BaseException, file: Any) -> None:
    traceback.print_exception(error, file=file)


@contextmanager
def hardware_modules() -> Iterator[tuple[Machine, Callable[[str], Any]]]:
    """The stand-in, and what imports `hardware.NAME` on it."""
    with pytest.MonkeyPatch.context() as patch:
        machine = Machine()
        patch.setitem(sys.modules, "machine", machine)
        patch.setitem(sys.modules, "micropython", _micropython())
        patch.setattr(sys, "print_exception", _print_exception, raising=False)
        patch.setattr("time.ticks_us", lambda: machine.now_us & 0x3FFFFFFF, raising=False)
        patch.setattr("time.ticks_add", lambda ticks, delta: (ticks + delta) & 0x3FFFFFFF, raising=False)
        patch.setattr(
            "time.ticks_diff", lambda end, start: ((end - start + 0x20000000) & 0x3FFFFFFF) - 0x20000000, raising=False
        )
        kept = {name: sys.modules.pop(name) for name in list(sys.modules) if name.startswith("hardware.")}
        # The package by its path alone: its __init__ is for a board.
        package = types.ModuleType("hardware")
        package.__path__ = [str(FOLDER)]
        patch.setitem(sys.modules, "hardware", package)
        yield machine, lambda name: importlib.import_module(f"hardware.{name}")
        for name in [name for name in sys.modules if name.startswith("hardware.")]:
            del sys.modules[name]
        sys.modules.update(kept)
