"""The ground truth of a stop, from the plant: when the last step was, and the volume until then."""

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


def stop_by(dut: DeviceUnderTest, act: Callable[[], None], delay_us: int = 0) -> Stop:
    """Calls `act`, simulates until the motor is at rest, and measures from `delay_us` after the call."""
    stepper = dut.plant.stepper
    cause_us = dut.rig.now_us + delay_us
    before = stepper.position
    act()
    dut.simulate(_STILL_S)
    after = stepper.position
    driven_ul = abs(after - before) * dut.plant.plunger.ml_per_step * 1000
    last_us = stepper.last_step_us
    return Stop(0.0 if last_us is None else max(last_us - cause_us, 0.0) / 1000, driven_ul)


def stop_by_bytes(dut: DeviceUnderTest, data: bytes) -> Stop:
    """As `stop_by`, from the moment when the bytes have arrived at the device."""
    return stop_by(dut, lambda: dut.rig.to_device(data), LATENCY_US)


def stays_still(dut: DeviceUnderTest, seconds: float) -> bool:
    """Whether the motor makes no step for so long; the host is silent."""
    before = dut.plant.stepper.position
    bursts = len(dut.plant.bursts)
    dut.simulate(seconds)
    return dut.plant.stepper.position == before and len(dut.plant.bursts) == bursts


def in_pulse(dut: DeviceUnderTest, after_steps: int = 3_000) -> Callable[[], bool]:
    """Condition: forward motion, at least so many steps into a burst."""
    plant = dut.plant

    def condition() -> bool:
        return plant.stepper.rate > 0 and plant.bursts and plant.bursts[-1].steps >= after_steps

    return condition


def in_pause(dut: DeviceUnderTest) -> Callable[[], bool]:
    """Condition: between two pulses."""
    plant = dut.plant
    return lambda: bool(plant.bursts) and plant.stepper.rate == 0 and plant.bursts[-1].steps > 1_000


def going_back(dut: DeviceUnderTest) -> Callable[[], bool]:
    """Condition: backward motion."""
    return lambda: dut.plant.stepper.rate < 0


class FineTrace:
    """Steps the plant by 0.1 ms and keeps (time in us, true pressure in Pa, counted position) of each step."""

    def __init__(self, plant: Any) -> None:
        self.rows: list[tuple[int, float, int]] = []
        advance = plant.advance

        def finely(until_us: int) -> None:
            while plant.now_us < until_us:
                advance(min(plant.now_us + _FINE_US, until_us))
                self.rows.append((plant.now_us, plant.pressure_pa, plant.stepper.position))

        plant.advance = finely
