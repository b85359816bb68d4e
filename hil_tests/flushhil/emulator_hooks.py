"""A firmware that can be looked into and disturbed by pins that no board uses; the pump's own files are as they are.

`boot.py` wraps calls of the control loop. The wrapper of a step costs some 20 us of each turn, and those of parts more,
and heap, so these are there only when they are asked for.
"""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from flushsim.emulator.board import EmulatedBoard
from flushsim.emulator.chip import Chip
from flushsim.firmware import image

# Inputs. FAIL raises in each turn while it is high; COLLECT collects garbage in the next turn, HEAP tells of the heap.
FAIL, COLLECT, HEAP = 0, 1, 28
# Outputs, high while a call lasts.
STEP = 19
_ARGUMENTS = {"link.readinto": 1, "link.write": 2, "indicators.show": 2, "steps.queue": 3}
PART_PINS = {
    "pressure.read": 5,
    "link.readinto": 6,
    "link.write": 7,
    "indicators.inputs": 23,
    "indicators.show": 24,
    "steps.queue": 25,
    "counter.position": 29,
}
_TURN_US = 5_000

# Names of the module, because a call with more than a few of a closure allocates.
_BOOT = """

import gc, micropython
# As main.py does while modules are loaded.
gc.threshold(8192)
from machine import Pin, mem32
from pump.controller import Controller

for _pin in (%(fail)d, %(collect)d, %(heap)d):
    Pin(_pin, Pin.IN, Pin.PULL_DOWN)
Pin(%(step)d, Pin.OUT, value=0)
_inner = Controller.tick
_seen = bytearray(2)

# SIO: all inputs; outputs to set; outputs to clear.
def _step(self, now_us):
    pins = mem32[0xD0000004]
    if pins & %(asked)d:
        if pins & 1 << %(fail)d:
            raise ValueError("a hand on the pin")
        if pins & 1 << %(collect)d and not _seen[0]:
            _seen[0] = 1
            gc.collect()
        if pins & 1 << %(heap)d and not _seen[1]:
            _seen[1] = 1
            gc.collect()
            print("free", gc.mem_free())
            micropython.mem_info()
    else:
        _seen[0] = _seen[1] = 0
    mem32[0xD0000014] = 1 << %(step)d
    _inner(self, now_us)
    mem32[0xD0000018] = 1 << %(step)d

Controller.tick = _step
"""


_PARTS = """
%(wrappers)s
def _wrap_parts():
    from hardware.indicators import Indicators
    from hardware.pressure_abp2 import Abp2
    from hardware.step_counter import StepCounter
    from hardware.step_generator import StepGenerator
    from hardware.usb_link import UsbLink
    kinds = {"pressure": Abp2, "link": UsbLink, "indicators": Indicators}
    kinds.update({"steps": StepGenerator, "counter": StepCounter})
    for path, pin in %(pins)r.items():
        Pin(pin, Pin.OUT, value=0)
        part, name = path.split(".")
        name_of_both = path.replace(".", "_")
        globals()["inner_" + name_of_both] = getattr(kinds[part], name)
        setattr(kinds[part], name, globals()["part_" + name_of_both])

_wrap_parts()
"""


def _wrapper(path: str, pin: int) -> str:
    """A function around a method, with as many arguments: to take any number of them allocates, and no heap is open."""
    arguments = ", ".join(["part", *(f"given_{number}" for number in range(_ARGUMENTS.get(path, 0)))])
    name = path.replace(".", "_")
    return f"""
def part_{name}({arguments}):
    mem32[0xD0000014] = {1 << pin}
    result = inner_{name}({arguments})
    mem32[0xD0000018] = {1 << pin}
    return result
"""


def hooked_board(parts: bool = False, uf2: Path | None = None) -> EmulatedBoard:
    """A board with that firmware, not yet started."""
    asked = 1 << FAIL | 1 << COLLECT | 1 << HEAP
    text = _BOOT % {"fail": FAIL, "collect": COLLECT, "heap": HEAP, "step": STEP, "asked": asked}
    if parts:
        wrappers = "".join(_wrapper(path, pin) for path, pin in PART_PINS.items())
        text += _PARTS % {"wrappers": wrappers, "pins": PART_PINS}
    with TemporaryDirectory() as folder:
        root = Path(folder) / "firmware"
        shutil.copytree(image.firmware_root(), root, ignore=shutil.ignore_patterns("tests", "__pycache__"))
        with open(root / "boot.py", "a") as file:
            file.write(text)
        return EmulatedBoard(image_file=uf2, firmware_root=root)


@dataclass
class Times:
    """How long each call took, us."""

    us: list[float] = field(default_factory=list)

    @property
    def worst_ms(self) -> float:
        return max(self.us, default=0.0) / 1000

    @property
    def mean_ms(self) -> float:
        return sum(self.us) / len(self.us) / 1000 if self.us else 0.0


def _always() -> bool:
    return True


class Stopwatch:
    """Times of the calls that a pin shows; `counts` says at the begin of each whether it does."""

    def __init__(self, chip: Chip, pin: int = STEP, counts: Callable[[], bool] = _always) -> None:
        self._began_ns: int | None = None
        self._times: Times | None = None
        self._counts = counts
        chip.watch(pin, self._changed)

    @contextmanager
    def running(self) -> Iterator[Times]:
        """Collects the calls that end within the block."""
        self._times = times = Times()
        try:
            yield times
        finally:
            self._times = None

    def _changed(self, now_ns: int, level: bool | None) -> None:
        if level:
            self._began_ns = now_ns if self._counts() else None
        elif self._began_ns is not None:
            if self._times is not None:
                self._times.us.append((now_ns - self._began_ns) / 1000)
            self._began_ns = None


@dataclass(frozen=True)
class Heap:
    """Bytes that are free after a collection, and the largest block of them."""

    free: int
    largest: int


def heap_of(rig: Any) -> Heap:
    """Asks a hooked board at rest; the hooks' own memory counts as used."""
    rig.run_until(rig.now_us + 20_000)
    rig.from_device()
    rig.chip.drive(HEAP, True)
    text = b""
    while b"max free sz" not in text or not text.endswith(b"\n"):
        rig.run_until(rig.now_us + 10_000)
        text += rig.from_device()
    rig.chip.drive(HEAP, None)
    free = re.search(rb"free (\d+)", text)
    blocks = re.search(rb"max free sz: (\d+)", text)
    assert free is not None
    assert blocks is not None
    # A block of MicroPython's heap has 16 bytes on 32 bits.
    return Heap(int(free[1]), 16 * int(blocks[1]))


def collect_in_the_next_turn(rig: Any, wait: Callable[[float], None]) -> None:
    """One garbage collection, whatever the pump does."""
    rig.chip.drive(COLLECT, True)
    wait(2 * _TURN_US / 1e6)
    rig.chip.drive(COLLECT, None)
