"""What the plant's truth says about a stop: when the last step was, and what it cost."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flushsim.rig.pipes import LATENCY_US

from flushhil.dut import DeviceUnderTest

STOP_BUDGET_MS = 10.0
VOLUME_AFTER_TRIP_UL = 20.0
_STILL_S = 0.25
_FINE_US = 100


@dataclass(frozen=True)
class Stop:
    """Time from the cause to the last step (0 where no step came after it), and the volume driven meanwhile."""

    last_step_ms: float
    driven_ul: float


def stop_by(bench: DeviceUnderTest, act: Callable[[], None], delay_us: int = 0) -> Stop:
    """Does `act` now, lets time pass until all stands, and measures from `delay_us` after the act on."""
    stepper = bench.plant.stepper
    cause_us = bench.rig.now_us + delay_us
    before = stepper.position
    act()
    bench.turns(_STILL_S)
    after = stepper.position
    driven_ul = abs(after - before) * bench.plant.plunger.ml_per_step * 1000
    last_us = stepper.last_step_us
    return Stop(0.0 if last_us is None else max(last_us - cause_us, 0.0) / 1000, driven_ul)


def stop_by_bytes(bench: DeviceUnderTest, data: bytes) -> Stop:
    """As `stop_by`, from the moment when the bytes have arrived at the device."""
    return stop_by(bench, lambda: bench.rig.to_device(data), LATENCY_US)


def stands_still(bench: DeviceUnderTest, seconds: float) -> bool:
    """Whether no step is made for so long, host silent."""
    before = bench.plant.stepper.position
    made = len(bench.plant.bursts)
    bench.turns(seconds)
    return bench.plant.stepper.position == before and len(bench.plant.bursts) == made


def in_pulse(bench: DeviceUnderTest, after_steps: int = 3_000) -> Callable[[], bool]:
    """Condition: forwards at full speed, at least so many steps into a burst."""
    plant = bench.plant

    def condition() -> bool:
        return plant.stepper.rate > 0 and plant.bursts and plant.bursts[-1].steps >= after_steps

    return condition


def in_pause(bench: DeviceUnderTest) -> Callable[[], bool]:
    """Condition: between two pulses."""
    plant = bench.plant
    return lambda: bool(plant.bursts) and plant.stepper.rate == 0 and plant.bursts[-1].steps > 1_000


def going_back(bench: DeviceUnderTest) -> Callable[[], bool]:
    """Condition: backwards motion."""
    return lambda: bench.plant.stepper.rate < 0


class FineTrace:
    """Makes the plant advance in pieces of 0.1 ms and keeps (time in us, true pressure in Pa, counted position)."""

    def __init__(self, plant: Any) -> None:
        self.rows: list[tuple[int, float, int]] = []
        advance = plant.advance

        def finely(until_us: int) -> None:
            while plant.now_us < until_us:
                advance(min(plant.now_us + _FINE_US, until_us))
                self.rows.append((plant.now_us, plant.pressure_pa, plant.stepper.position))

        plant.advance = finely
