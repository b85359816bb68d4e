"""Helpers of the plant's tests: the board's data, and pulses made of slices as the firmware would queue them."""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flushsim.plant.plant import Plant

BOARD: dict[str, Any] = tomllib.loads(
    (Path(__file__).parents[4] / "boards" / "rpi_pico.toml").read_text(encoding="utf-8")
)
TICKS_PER_S = BOARD["clock"]["ticks_per_us"] * 1_000_000
TURN_US = 5000


@dataclass(frozen=True)
class Slice:
    """A slice and when it starts."""

    start_ticks: int
    half_ticks: int
    count: int
    direction: int

    @property
    def end_ticks(self) -> int:
        return self.start_ticks + 2 * self.half_ticks * self.count


def pulse(plant: Plant, start_ticks: int, volume_ml: float, flow_ml_per_s: float, direction: int = 1) -> list[Slice]:
    """One pulse: a ramp up in four slices of about 5 ms, a plateau in slices of 5 ms, the ramp down."""
    rate = flow_ml_per_s / plant.plunger.ml_per_step
    left = round(volume_ml / plant.plunger.ml_per_step)
    ramp = [max(round(rate * share * 0.005), 1) for share in (0.125, 0.375, 0.625, 0.875)]
    per_slice = round(rate * 0.005)
    middle = left - 2 * sum(ramp)
    counts = [*ramp, *[per_slice] * (middle // per_slice)]
    if middle % per_slice:
        counts.append(middle % per_slice)
    counts += ramp[::-1]
    slices = []
    at = start_ticks
    for count in counts:
        seconds = 0.005 if count in ramp else count / rate
        slices.append(Slice(at, round(seconds * TICKS_PER_S / (2 * count)), count, direction))
        at = slices[-1].end_ticks
    return slices


def pulses(plant: Plant, count: int, volume_ml: float, flow_ml_per_s: float, period_us: int) -> list[Slice]:
    """Pulses that start every `period_us`, from 0 on."""
    slices: list[Slice] = []
    for index in range(count):
        if index:
            slices.append(dwell(slices[-1].end_ticks, index * period_us))
        slices += pulse(plant, slices[-1].end_ticks if slices else 0, volume_ml, flow_ml_per_s)
    return slices


def dwell(start_ticks: int, until_us: int) -> Slice:
    """A slice without steps up to a time."""
    return Slice(start_ticks, (until_us * BOARD["clock"]["ticks_per_us"] - start_ticks) // 2, 1, 0)


def play(
    plant: Plant, slices: list[Slice], until_us: int, each_tick: Callable[[int], None] = lambda now_us: None
) -> None:
    """Queues the slices, which follow each other without a gap, and advances the plant by turns of 5 ms."""
    waiting = list(slices)
    now_us = plant.now_us
    while now_us < until_us:
        while waiting and plant.stepper.slots_used < 8:
            planned = waiting.pop(0)
            assert plant.stepper.queue(planned.half_ticks, planned.count, planned.direction)
        now_us += TURN_US
        plant.advance(now_us)
        each_tick(now_us)
