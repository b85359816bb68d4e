"""The firmware's step generator and step counter on an emulated chip, and the train of steps that a test expects."""

from collections.abc import Iterable
from typing import Any

from firmware.tests.registers.support import modules
from firmware.tests.registers.support.chip import CYCLES_PER_US, Chip

with modules.installed() as load:
    programs_file = load("pio_programs")
    load("step_queue")
    generator_file = load("step_generator")
    StepGenerator = generator_file.StepGenerator
    StepCounter = load("step_counter").StepCounter

STEP, DIR, ENABLE = 2, 3, 4
PINS = {"step": STEP, "dir": DIR, "enable": ENABLE}
# STEP high and low, DIR set-up: the makers' data sheets.
DRIVERS = {
    "a4988": {"step_high_ns": 1000, "step_low_ns": 1000, "dir_setup_ns": 200},
    "drv8825": {"step_high_ns": 1900, "step_low_ns": 1900, "dir_setup_ns": 650},
    "tmc2209": {"step_high_ns": 100, "step_low_ns": 100, "dir_setup_ns": 20},
}
Slice = tuple[int, int, int]


class Drive:
    """`steps` and `counter` of a board with one driver; the pins STEP and DIR are wired and recorded."""

    def __init__(self, driver: str = "tmc2209", chip: Chip | None = None, **changes: Any) -> None:
        self.chip = chip or Chip()
        modules.use(self.chip)
        data = {**DRIVERS[driver], "enable_active_low": True, "forwards_high": True, **changes}
        self.steps = StepGenerator(PINS, data, CYCLES_PER_US)
        self.counter = StepCounter(PINS, data)
        self.chip.wire(STEP)
        self.chip.wire(DIR)
        self.chip.run(100)

    def run_us(self, us: float) -> None:
        self.chip.run(round(us * CYCLES_PER_US))

    def run_dry(self, patience_us: int = 30_000) -> None:
        """Until nothing is queued."""
        while self.steps.queued_us():
            patience_us -= 10
            assert patience_us > 0, "the queue does not end"
            self.run_us(10)

    def edges(self, pin: int) -> list[tuple[int, int]]:
        """(cycle, level) of a pin's edges."""
        return [(cycle, level) for cycle, which, level in self.chip.edges if which == pin]

    def rising(self) -> list[int]:
        """Cycles of the steps."""
        return [cycle for cycle, level in self.edges(STEP) if level]


def train(slices: Iterable[Slice]) -> list[tuple[int, int]]:
    """Edges of STEP that a gapless train of slices has, as (ticks from its start, level)."""
    edges = []
    now = 0
    for half, count, direction in slices:
        for _ in range(count if direction else 0):
            edges += [(now + half, 1), (now + 2 * half, 0)]
            now += 2 * half
        if not direction:
            now += 2 * half * count
    return edges
