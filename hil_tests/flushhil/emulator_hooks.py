"""A firmware that is measured and disturbed through pins that no board uses; the pump's own files are unchanged.

An extended `boot.py` wraps calls of the control loop. The wrapper of a tick costs some 20 us; those of its parts cost
more time, and heap, and are added only on request.
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

# Inputs. FAIL raises an exception in each tick while it is high; COLLECT collects garbage, HEAP prints the heap.
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
_TICK_US = 5_000

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
_done = bytearray(2)

# SIO: all inputs; outputs to set; outputs to clear.
def _step(self, now_us):
    pins = mem32[0xD0000004]
    if pins & %(requests)d:
        if pins & 1 << %(fail)d:
            raise ValueError("requested by a pin")
        if pins & 1 << %(collect)d and not _done[0]:
            _done[0] = 1
            gc.collect()
        if pins & 1 << %(heap)d and not _done[1]:
            _done[1] = 1
            gc.collect()
            print("free", gc.mem_free())
            micropython.mem_info()
    else:
        _done[0] = _done[1] = 0
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
        joined_name = path.replace(".", "_")
        globals()["inner_" + joined_name] = getattr(kinds[part], name)
        setattr(kinds[part], name, globals()["part_" + joined_name])

_wrap_parts()
"""


def _wrapper(path: str, pin: int) -> str:
    """A function around a method, with as many arguments: *arguments would allocate while the heap is locked."""
    arguments = ", ".join(["part", *(f"argument_{number}" for number in range(_ARGUMENTS.get(path, 0)))])
    name = path.replace(".", "_")
    return f"""
def part_{name}({arguments}):
    mem32[0xD0000014] = {1 << pin}
    result = inner_{name}({arguments})
    mem32[0xD0000018] = {1 << pin}
    return result
"""


def hooked_board(parts: bool = False, uf2: Path | None = None) -> EmulatedBoard:
    """A board with the extended firmware, not yet started."""
    requests = 1 << FAIL | 1 << COLLECT | 1 << HEAP
    text = _BOOT % {"fail": FAIL, "collect": COLLECT, "heap": HEAP, "step": STEP, "requests": requests}
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
    """Durations of the calls that a pin shows. `counts` is asked at the start of a call whether it is measured."""

    def __init__(self, chip: Chip, pin: int = STEP, counts: Callable[[], bool] = _always) -> None:
        self._began_ns: int | None = None
        self._times: Times | None = None
        self._counts = counts
        chip.watch(pin, self._changed)

    @contextmanager
    def running(self) -> Iterator[Times]:
        """Measures the calls that end within the block."""
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
    """Measures the heap of a hooked board at rest; the memory of the hooks counts as used."""
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


def collect_in_the_next_tick(rig: Any, wait: Callable[[float], None]) -> None:
    """Has the firmware collect garbage once, in any state."""
    rig.chip.drive(COLLECT, True)
    wait(2 * _TICK_US / 1e6)
    rig.chip.drive(COLLECT, None)
