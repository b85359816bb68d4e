"""The same program on several targets: the steps and times of each burst, side by side.

On the emulator they are the edges on the chip's STEP pin, on the other targets the plant's bursts.
"""

from dataclasses import dataclass
from typing import Any

from flushpump.wire.messages import Outcome

from flushhil.dut import DeviceUnderTest, pulses, steady

PROGRAM = (pulses(2, 300_000, pause_ms=150), steady(100_000, 500_000))


@dataclass(frozen=True)
class BurstTimes:
    """Steps of a burst, backwards negative, and when its first and last one came, ms from the run's first step."""

    steps: int
    first_ms: float
    last_ms: float


@dataclass(frozen=True)
class Course:
    """What one target did: its bursts, the volume that the pump reported, and the volume at the tip."""

    target: str
    bursts: tuple[BurstTimes, ...]
    driven_nl: int
    delivered_ul: float


def course(target: str, board: Any = None) -> Course:
    """Runs the program to its end; `board` is a started one for the target emulator."""
    dut = DeviceUnderTest(target, board=board)
    try:
        end = dut.run(*PROGRAM).end
        assert end.outcome is Outcome.COMPLETED
        dut.simulate(0.1)
        plant = dut.plant
        ticks_per_ms = plant.ticks_per_us * 1000
        start_ticks = plant.bursts[0].first_ticks
        bursts = tuple(
            BurstTimes(
                burst.steps * burst.direction,
                (burst.first_ticks - start_ticks) / ticks_per_ms,
                (burst.last_ticks - start_ticks) / ticks_per_ms,
            )
            for burst in plant.bursts
        )
        return Course(target, bursts, end.driven_nl, plant.delivered_ul)
    finally:
        dut.close()


def table(courses: list[Course]) -> list[str]:
    """The courses as lines of text."""
    lines = [f"{'':<22}" + "".join(f"{one.target:>30}" for one in courses)]
    for index in range(max(len(one.bursts) for one in courses)):
        cells = ""
        for one in courses:
            burst = one.bursts[index] if index < len(one.bursts) else None
            text = "-" if burst is None else f"{burst.steps} in {burst.first_ms:.3f} to {burst.last_ms:.3f}"
            cells += f"{text:>30}"
        lines.append(f"burst {index + 1}: steps, ms   " + cells)
    lines.append(f"{'driven, reported, nL':<22}" + "".join(f"{one.driven_nl:>30}" for one in courses))
    lines.append(f"{'out of the tip, uL':<22}" + "".join(f"{one.delivered_ul:>30.2f}" for one in courses))
    return lines
