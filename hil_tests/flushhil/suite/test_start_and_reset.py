"""Power-on self-test and restarts: nothing moves before it, and nothing resumes after one."""

from collections.abc import Callable

import pytest
from flushlink import messages
from flushpump.errors import FlushPumpError
from flushpump.wire.messages import Flag, ResetCause, State

from flushhil.dut import ASPIRATE, DeviceUnderTest, pulses, refused_as, steady
from flushhil.ground_truth import in_pause, in_pulse, stands_still
from flushhil.raw_client import RawClient, status_name

OpenBench = Callable[..., DeviceUnderTest]
QUEUED_MS = 20.0
ALL_TESTS = 0b111111

MOVES = {
    "PRIME": {"volume_nl": 300_000, "flow_nl_per_s": 500_000, "lease_ms": 2000},
    "ASPIRATE": {"volume_nl": 300_000, "flow_nl_per_s": 500_000, "lease_ms": 2000},
    "START": {"program_crc": 0, "lease_ms": 2000},
}


@pytest.mark.simulated("the moment of power-on")
@pytest.mark.requirement("REQ-START-1")
@pytest.mark.parametrize("name", MOVES)
def test_nothing_can_be_started_before_the_self_test_has_passed(open_bench: OpenBench, name: str) -> None:
    bench = open_bench(greet=False)
    hand = RawClient(bench.port)
    hand.hello()
    hand.authenticate()
    assert hand.status()["state"] == State.BOOT
    assert status_name(hand.ask(name, MOVES[name])) == "SELF_TEST"
    assert bench.rig.now_us < 100_000
    assert stands_still(bench, 1.0)


@pytest.mark.simulated("a broken sensor and a broken counter")
@pytest.mark.requirement("REQ-START-1", "REQ-START-2")
@pytest.mark.parametrize(
    ("part", "bit"),
    [("silent sensor", messages.TEST_SENSOR), ("sensor at its rail", messages.TEST_SENSOR),
     ("stuck sensor", messages.TEST_SENSOR), ("faulty sensor", messages.TEST_SENSOR),
     ("pressure at rest", messages.TEST_SENSOR), ("counter that counts by itself", messages.TEST_COUNTER)],
)  # fmt: skip
def test_a_failed_self_test_is_shown_logged_and_forbids_motion(open_bench: OpenBench, part: str, bit: int) -> None:
    bench = open_bench(greet=False)
    sensor = bench.plant.sensor
    if part == "silent sensor":
        sensor.silent = True
    elif part == "sensor at its rail":
        sensor.drift_kpa = 10_000.0
        bench.plant.read_sensor = lambda: 2**24 - 1
    elif part == "stuck sensor":
        sensor.stuck = True
    elif part == "faulty sensor":
        sensor.faulty = True
    elif part == "pressure at rest":
        bench.plant.read_sensor = lambda: sensor.counts(60.0 + bench.rig.now_us % 7 / 10)
    else:
        bench.turns(0.05)
        bench.plant.stepper.position += 25
    bench.greet()
    status = bench.pump.status()
    assert status.state is State.FAULT
    assert not status.flags & Flag.SELF_TEST_PASSED
    assert bench.pump.self_test().failed & bit
    assert bench.alarm_names()[0] == "SELF_TEST_FAILED"
    assert bench.pump.alarms()[0].detail & bit
    bench.set_path()
    bench.load(pulses(1))
    assert refused_as(bench.pump.start) == "SELF_TEST"
    entries = [entry for entry in bench.pump.log() if entry.code == messages.LOG_SELF_TEST]
    assert [(entry.argument, entry.detail & bit) for entry in entries[:1]] == [(0, bit)]


@pytest.mark.requirement("REQ-START-2")
def test_a_sound_pump_passes_every_part_of_the_self_test(bench: DeviceUnderTest) -> None:
    result = bench.pump.self_test()
    assert (result.passed, result.failed) == (ALL_TESTS, 0)
    assert bench.pump.status().flags & Flag.SELF_TEST_PASSED


def cut_power(bench: DeviceUnderTest) -> None:
    bench.rig.power_cut()


def press_reset(bench: DeviceUnderTest) -> None:
    bench.rig.reset()


def kill_loop(bench: DeviceUnderTest) -> None:
    bench.rig.kill_loop()


RESTARTS = {cut_power: ResetCause.POWER_ON, press_reset: ResetCause.BUTTON, kill_loop: ResetCause.WATCHDOG}


@pytest.mark.simulated("resets, and the motor's driver")
@pytest.mark.requirement("REQ-START-3", "REQ-STOP-3")
@pytest.mark.parametrize("when", ["idle", "pulse", "pause", "question"])
@pytest.mark.parametrize("restart", RESTARTS, ids=lambda act: act.__name__)
def test_after_a_reset_the_motor_is_off_nothing_resumes_and_the_cause_is_told(
    open_bench: OpenBench, restart: Callable[[DeviceUnderTest], None], when: str
) -> None:
    bench = open_bench()
    bench.set_path()
    boots = bench.pump.hello.boot_count if bench.pump.hello else 0
    if when == "question":
        bench.start(ASPIRATE, pulses(2))
        while bench.pump.status().state is not State.WAITING:
            bench.wait(0.1)
    elif when != "idle":
        bench.start(pulses(4))
        bench.turns_until(in_pulse(bench) if when == "pulse" else in_pause(bench))
    restart(bench)
    bench.turns(0.03)
    moved = len(bench.plant.bursts)
    position = bench.plant.stepper.position
    bench.turns_until(lambda: bench.rig.boots == 2 and bench.rig.up, 15.0)
    bench.turns(0.3)
    assert not bench.plant.stepper.enabled, "the driver is off"
    with pytest.raises(FlushPumpError):
        bench.pump.info()
    hello = bench.greet().hello
    assert hello is not None
    assert hello.reset_cause is RESTARTS[restart]
    assert hello.boot_count == boots + 1
    assert hello.last_executed_sequence == 0
    bench.wait(3.0)
    assert (len(bench.plant.bursts), bench.plant.stepper.position) == (moved, position)
    bench.acknowledge_all()
    assert refused_as(lambda: bench.pump.link.command("START", {"program_crc": 0, "lease_ms": 2000})) == "NO_PATH"


@pytest.mark.simulated("a restart without waiting for USB")
@pytest.mark.requirement("REQ-START-3")
def test_a_reset_by_command_is_refused_in_a_run_and_told_as_its_cause(bench: DeviceUnderTest) -> None:
    bench.start(steady(3_000_000, 1_000_000))
    assert refused_as(bench.pump.reset) == "WRONG_STATE"
    bench.pump.stop()
    bench.restart(bench.pump.reset)
    hello = bench.greet().hello
    assert hello is not None
    assert hello.reset_cause is ResetCause.COMMAND


@pytest.mark.simulated("a loop that dies, and the time of the last step")
@pytest.mark.requirement("REQ-STOP-4")
@pytest.mark.parametrize("turn", range(8))
def test_when_the_loop_dies_motion_ends_with_the_queue_and_the_watchdog_resets(
    bench: DeviceUnderTest, record_measurement: Callable[..., None], turn: int
) -> None:
    bench.start(steady(6_000_000, 2_000_000), lease_ms=2000)
    bench.turns_until(in_pulse(bench))
    bench.turns(0.005 * turn)
    died_us = bench.rig.now_us
    bench.rig.kill_loop()
    bench.turns(0.5)
    record_measurement(
        "death of the loop to last step", (bench.plant.stepper.last_step_us - died_us) / 1000, "ms", QUEUED_MS
    )
    bench.turns_until(lambda: bench.rig.boots == 2 and bench.rig.up, 15.0)
    hello = bench.greet().hello
    assert hello is not None
    assert hello.reset_cause is ResetCause.WATCHDOG
    assert "WATCHDOG_RESET" in bench.alarm_names()


@pytest.mark.simulated("a loop that stalls")
@pytest.mark.requirement("REQ-STOP-4", "REQ-STOP-3")
@pytest.mark.parametrize("stall_ms", [15, 30, 200, 900])
def test_a_loop_that_stalls_and_comes_back_never_goes_on_as_if_nothing_had_been(
    bench: DeviceUnderTest, stall_ms: int
) -> None:
    bench.start(pulses(2, pause_ms=100), lease_ms=2000)
    bench.turns_until(in_pulse(bench))
    stalled_us = bench.rig.now_us
    bench.rig.kill_loop(stall_ms * 1000)
    bench.turns(stall_ms / 1000)
    if stall_ms > QUEUED_MS:
        assert bench.plant.stepper.last_step_us - stalled_us <= QUEUED_MS * 1000
    run = bench.follow()
    assert run.alarms == ["MOTION_STARVED"]
    assert bench.plant.stepper.position * bench.plant.plunger.ml_per_step < 0.8


@pytest.mark.requirement("REQ-START-4")
def test_service_is_refused_in_a_run_and_given_at_rest(bench: DeviceUnderTest) -> None:
    bench.start(steady(2_000_000, 500_000))
    hand = RawClient(bench.port)
    hand.session, hand.sequence = bench.pump.link.session, bench.pump.link.sequence
    assert status_name(hand.ask("SERVICE")) == "WRONG_STATE"
    hand.ask("STOP")
    if not bench.on_board:
        assert hand.values(hand.ask("SERVICE"))["state"] == State.SERVICE
