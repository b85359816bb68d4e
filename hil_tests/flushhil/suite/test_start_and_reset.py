"""Power-on self-test and restarts: no motion before the test has passed, and none resumes after a restart."""

from collections.abc import Callable

import pytest
from flushlink import messages
from flushpump.errors import FlushPumpError
from flushpump.wire.messages import Flag, ResetCause, State

from flushhil.dut import ASPIRATE, DeviceUnderTest, pulses, refused_as, steady
from flushhil.ground_truth import in_pause, in_pulse, stays_still
from flushhil.raw_client import RawClient, status_name

OpenDut = Callable[..., DeviceUnderTest]
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
def test_nothing_can_be_started_before_the_self_test_has_passed(open_dut: OpenDut, name: str) -> None:
    dut = open_dut(greet=False)
    raw = RawClient(dut.port)
    raw.hello()
    raw.authenticate()
    assert raw.status()["state"] == State.BOOT
    assert status_name(raw.ask(name, MOVES[name])) == "SELF_TEST"
    assert dut.rig.now_us < 100_000
    assert stays_still(dut, 1.0)


@pytest.mark.simulated("a broken sensor and a broken counter")
@pytest.mark.requirement("REQ-START-1", "REQ-START-2")
@pytest.mark.parametrize(
    ("part", "bit"),
    [("silent sensor", messages.TEST_SENSOR), ("saturated sensor", messages.TEST_SENSOR),
     ("stuck sensor", messages.TEST_SENSOR), ("faulty sensor", messages.TEST_SENSOR),
     ("pressure at rest", messages.TEST_SENSOR), ("counter that counts by itself", messages.TEST_COUNTER)],
)  # fmt: skip
def test_a_failed_self_test_is_shown_logged_and_forbids_motion(open_dut: OpenDut, part: str, bit: int) -> None:
    dut = open_dut(greet=False)
    sensor = dut.plant.sensor
    if part == "silent sensor":
        sensor.silent = True
    elif part == "saturated sensor":
        sensor.drift_kpa = 10_000.0
        dut.plant.read_sensor = lambda: 2**24 - 1
    elif part == "stuck sensor":
        sensor.stuck = True
    elif part == "faulty sensor":
        sensor.faulty = True
    elif part == "pressure at rest":
        dut.plant.read_sensor = lambda: sensor.counts(60.0 + dut.rig.now_us % 7 / 10)
    else:
        dut.simulate(0.05)
        dut.plant.stepper.position += 25
    dut.greet()
    status = dut.pump.status()
    assert status.state is State.FAULT
    assert not status.flags & Flag.SELF_TEST_PASSED
    assert dut.pump.self_test().failed & bit
    assert dut.alarm_names()[0] == "SELF_TEST_FAILED"
    assert dut.pump.alarms()[0].detail & bit
    dut.set_path()
    dut.load(pulses(1))
    assert refused_as(dut.pump.start) == "SELF_TEST"
    entries = [entry for entry in dut.pump.log() if entry.code == messages.LOG_SELF_TEST]
    assert [(entry.argument, entry.detail & bit) for entry in entries[:1]] == [(0, bit)]


@pytest.mark.requirement("REQ-START-2")
def test_a_working_pump_passes_every_part_of_the_self_test(dut: DeviceUnderTest) -> None:
    result = dut.pump.self_test()
    assert (result.passed, result.failed) == (ALL_TESTS, 0)
    assert dut.pump.status().flags & Flag.SELF_TEST_PASSED


def cut_power(dut: DeviceUnderTest) -> None:
    dut.rig.power_cut()


def press_reset(dut: DeviceUnderTest) -> None:
    dut.rig.reset()


def kill_loop(dut: DeviceUnderTest) -> None:
    dut.rig.kill_loop()


RESTARTS = {cut_power: ResetCause.POWER_ON, press_reset: ResetCause.BUTTON, kill_loop: ResetCause.WATCHDOG}


@pytest.mark.simulated("resets, and the motor's driver")
@pytest.mark.requirement("REQ-START-3", "REQ-STOP-3")
@pytest.mark.parametrize("when", ["idle", "pulse", "pause", "question"])
@pytest.mark.parametrize("restart", RESTARTS, ids=lambda act: act.__name__)
def test_after_a_reset_the_motor_is_off_nothing_resumes_and_the_cause_is_reported(
    open_dut: OpenDut, restart: Callable[[DeviceUnderTest], None], when: str
) -> None:
    dut = open_dut()
    dut.set_path()
    boots = dut.pump.hello.boot_count if dut.pump.hello else 0
    if when == "question":
        dut.start(ASPIRATE, pulses(2))
        while dut.pump.status().state is not State.WAITING:
            dut.wait(0.1)
    elif when != "idle":
        dut.start(pulses(4))
        dut.simulate_until(in_pulse(dut) if when == "pulse" else in_pause(dut))
    restart(dut)
    dut.simulate(0.03)
    moved = len(dut.plant.bursts)
    position = dut.plant.stepper.position
    dut.simulate_until(lambda: dut.rig.boots == 2 and dut.rig.up, 15.0)
    dut.simulate(0.3)
    assert not dut.plant.stepper.enabled, "the driver is off"
    with pytest.raises(FlushPumpError):
        dut.pump.info()
    hello = dut.greet().hello
    assert hello is not None
    assert hello.reset_cause is RESTARTS[restart]
    assert hello.boot_count == boots + 1
    assert hello.last_executed_sequence == 0
    dut.wait(3.0)
    assert (len(dut.plant.bursts), dut.plant.stepper.position) == (moved, position)
    dut.acknowledge_all()
    assert refused_as(lambda: dut.pump.link.command("START", {"program_crc": 0, "lease_ms": 2000})) == "NO_PATH"


@pytest.mark.simulated("a restart without waiting for USB")
@pytest.mark.requirement("REQ-START-3")
def test_a_reset_by_command_is_refused_in_a_run_and_reported_as_the_cause(dut: DeviceUnderTest) -> None:
    dut.start(steady(3_000_000, 1_000_000))
    assert refused_as(dut.pump.reset) == "WRONG_STATE"
    dut.pump.stop()
    dut.restart(dut.pump.reset)
    hello = dut.greet().hello
    assert hello is not None
    assert hello.reset_cause is ResetCause.COMMAND


@pytest.mark.simulated("a loop that dies, and the time of the last step")
@pytest.mark.requirement("REQ-STOP-4")
@pytest.mark.parametrize("tick", range(8))
def test_when_the_loop_dies_motion_ends_with_the_queue_and_the_watchdog_resets(
    dut: DeviceUnderTest, record_measurement: Callable[..., None], tick: int
) -> None:
    dut.start(steady(6_000_000, 2_000_000), lease_ms=2000)
    dut.simulate_until(in_pulse(dut))
    dut.simulate(0.005 * tick)
    died_us = dut.rig.now_us
    dut.rig.kill_loop()
    dut.simulate(0.5)
    record_measurement(
        "death of the loop to last step", (dut.plant.stepper.last_step_us - died_us) / 1000, "ms", QUEUED_MS
    )
    dut.simulate_until(lambda: dut.rig.boots == 2 and dut.rig.up, 15.0)
    hello = dut.greet().hello
    assert hello is not None
    assert hello.reset_cause is ResetCause.WATCHDOG
    assert "WATCHDOG_RESET" in dut.alarm_names()


@pytest.mark.simulated("a loop that stalls")
@pytest.mark.requirement("REQ-STOP-4", "REQ-STOP-3")
@pytest.mark.parametrize("stall_ms", [15, 30, 200, 900])
def test_a_loop_that_stalls_for_a_while_ends_the_run_with_an_alarm(dut: DeviceUnderTest, stall_ms: int) -> None:
    dut.start(pulses(2, pause_ms=100), lease_ms=2000)
    dut.simulate_until(in_pulse(dut))
    stalled_us = dut.rig.now_us
    dut.rig.kill_loop(stall_ms * 1000)
    dut.simulate(stall_ms / 1000)
    if stall_ms > QUEUED_MS:
        assert dut.plant.stepper.last_step_us - stalled_us <= QUEUED_MS * 1000
    run = dut.follow()
    assert run.alarms == ["MOTION_STARVED"]
    assert dut.plant.stepper.position * dut.plant.plunger.ml_per_step < 0.8


@pytest.mark.requirement("REQ-START-4")
def test_service_is_refused_in_a_run_and_granted_at_rest(dut: DeviceUnderTest) -> None:
    dut.start(steady(2_000_000, 500_000))
    raw = RawClient(dut.port)
    raw.session, raw.sequence = dut.pump.link.session, dut.pump.link.sequence
    assert status_name(raw.ask("SERVICE")) == "WRONG_STATE"
    raw.ask("STOP")
    if not dut.on_board:
        assert raw.values(raw.ask("SERVICE"))["state"] == State.SERVICE
