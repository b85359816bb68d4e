"""Time and memory of the firmware on the emulated chip, against the budgets of the design."""

from collections.abc import Callable

from flushhil.dut import DeviceUnderTest, pulses, steady
from flushhil.emulator_hooks import Stopwatch, heap_of
from flushpump.wire.messages import Outcome
from flushsim.emulator.board import EmulatedBoard

TURN_BUDGET_MS = 2.5
HEAP_BUDGET = 100_000
ALLOCATED_MOST = 1_000


def test_a_control_step_takes_at_most_2_5_ms_of_its_turn(
    hooked_board: EmulatedBoard, record_measurement: Callable[..., None]
) -> None:
    dut = DeviceUnderTest("emulator", board=hooked_board)
    with Stopwatch(dut.rig.chip).running() as idle:
        dut.wait(0.1)
    # The driver is on from the turn that starts the program until the one that ends it.
    watch = Stopwatch(dut.rig.chip, counts=lambda: dut.rig.plant.stepper.enabled)
    with watch.running() as moving:
        dut.start(pulses(2, 300_000, pause_ms=100), lease_ms=1500)
        for _ in range(5):
            dut.pump.status()
        run = dut.follow()
    assert run.end.outcome is Outcome.COMPLETED
    assert len(moving.us) > 100
    record_measurement("control step on the chip, idle in a session, worst", idle.worst_ms, "ms", TURN_BUDGET_MS)
    record_measurement("control step on the chip, pulses, mean", moving.mean_ms, "ms", TURN_BUDGET_MS)
    record_measurement("control step on the chip, pulses, worst", moving.worst_ms, "ms", TURN_BUDGET_MS)


def test_heap_is_left_after_the_start_and_a_run_leaves_none_of_it_behind(
    hooked_board: EmulatedBoard, record_measurement: Callable[..., None]
) -> None:
    dut = DeviceUnderTest("emulator", board=hooked_board)
    before = heap_of(dut.rig)
    for _ in range(2):
        dut.run(steady(50_000, 500_000))
        dut.wait(0.1)
    after = heap_of(dut.rig)
    record_measurement("heap free on the chip after the start", before.free, "bytes", (HEAP_BUDGET, 264_000))
    record_measurement("its largest free block", before.largest, "bytes")
    record_measurement(
        "heap that two runs leave behind", before.free - after.free, "bytes", (-ALLOCATED_MOST, ALLOCATED_MOST)
    )


def test_the_devices_clock_keeps_to_the_chips(dut: DeviceUnderTest, record_measurement: Callable[..., None]) -> None:
    def device_and_rig_ms() -> tuple[float, float]:
        asked_us = dut.rig.now_us
        device_ms = dut.pump.status().device_time_ms
        return device_ms, (asked_us + dut.rig.now_us) / 2_000

    first, first_ms = device_and_rig_ms()
    dut.simulate(5.0)
    last, last_ms = device_and_rig_ms()
    record_measurement(
        "device's clock against the chip's over 5 s", (last - first) - (last_ms - first_ms), "ms", (-5.0, 5.0)
    )
