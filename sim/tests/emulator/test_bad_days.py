"""What goes wrong with a board: a sensor absent or holding its bus, host and cable, noise, faults of the firmware."""

import random

import pytest
from flushhil.dut import DeviceUnderTest, pulses, refused_as, steady
from flushhil.emulator_hooks import COLLECT, FAIL, collect_in_the_next_tick
from flushhil.ground_truth import STOP_BUDGET_MS, in_pulse, stays_still, stop_by
from flushhil.raw_client import RawClient
from flushlink import messages
from flushpump.errors import FlushPumpError
from flushpump.wire.messages import Flag, Outcome, ResetCause, State
from flushsim.emulator.board import EmulatedBoard
from flushsim.emulator.files import mpremote
from flushsim.emulator.sensors import Abp2

UL_PER_STEP = 0.102_212
LEASE_S = 1.0


def sensor_of(dut: DeviceUnderTest) -> Abp2:
    sensor: Abp2 = dut.rig.board.sensor
    return sensor


def driven_ul(dut: DeviceUnderTest) -> float:
    return float(dut.plant.stepper.position * UL_PER_STEP)


def longest_gap_us(dut: DeviceUnderTest, seconds: float) -> float:
    """The longest time without a step while the host is busy with other things."""
    gap_us = 0.0
    until_us = dut.rig.now_us + round(seconds * 1e6)
    while dut.rig.now_us < until_us:
        dut.rig.step()
        gap_us = max(gap_us, dut.rig.now_us - dut.plant.stepper.last_step_us)
    return gap_us


# The sensor


@pytest.mark.requirement("REQ-START-1", "REQ-START-2")
@pytest.mark.parametrize("way", ["is absent", "holds the bus"])
def test_a_pump_whose_sensor_fails_at_the_start_runs_reports_it_and_moves_nothing(
    started_board: EmulatedBoard, way: str
) -> None:
    sensor = started_board.sensor
    assert isinstance(sensor, Abp2)
    if way == "is absent":
        sensor.present = False
    else:
        sensor.holds_bus = True
    dut = DeviceUnderTest("emulator", board=started_board)
    status = dut.pump.status()
    assert status.state is State.FAULT
    assert not status.flags & Flag.SELF_TEST_PASSED
    assert dut.pump.self_test().failed == messages.TEST_SENSOR
    assert dut.alarm_names()[0] == "SELF_TEST_FAILED"
    dut.set_path()
    dut.load(pulses(1))
    assert refused_as(dut.pump.start) == "SELF_TEST"
    assert not dut.plant.bursts
    assert not dut.plant.stepper.enabled


@pytest.mark.requirement("REQ-PRES-3")
@pytest.mark.parametrize("way", ["comes off", "holds the bus"])
def test_a_sensor_that_fails_in_a_pulse_stops_it_in_time_and_the_loop_goes_on(dut: DeviceUnderTest, way: str) -> None:
    dut.start(steady(4_000_000, 1_000_000), lease_ms=2000)
    dut.simulate_until(in_pulse(dut))
    sensor = sensor_of(dut)

    def fail() -> None:
        if way == "comes off":
            sensor.present = False
        else:
            sensor.holds_bus = True

    stop = stop_by(dut, fail)
    # The conversion under way may have just been read: the next one is due 5 ms later.
    assert 0 < stop.last_step_ms < STOP_BUDGET_MS + 5
    asked_us = dut.rig.now_us
    assert dut.alarm_names() == ["SENSOR_SILENT"]
    assert dut.rig.now_us - asked_us < 200_000
    assert dut.rig.boots == 1


# Host and cable


@pytest.mark.requirement("REQ-STOP-1")
def test_a_host_that_opens_the_port_and_never_reads_stalls_nothing_and_its_flush_ends_by_its_rules(
    dut: DeviceUnderTest,
) -> None:
    dut.start(steady(600_000, 500_000), lease_ms=2000)
    dut.simulate_until(in_pulse(dut, 500))
    dut.rig.chip.host_reads = False
    assert longest_gap_us(dut, 0.8) < 5_000, "the steps come as evenly as before"
    dut.simulate(1.0)
    assert driven_ul(dut) == pytest.approx(600, abs=0.2)
    dut.rig.chip.host_reads = True
    dut.simulate(0.1)
    result = dut.pump.result()
    assert result is not None
    assert result.outcome is Outcome.COMPLETED
    assert dut.alarm_names() == []


@pytest.mark.requirement("REQ-LINK-1", "REQ-STOP-3")
def test_a_cable_that_is_pulled_while_the_pump_moves_ends_motion_with_the_lease_and_its_return_resumes_nothing(
    dut: DeviceUnderTest,
) -> None:
    dut.start(steady(4_000_000, 1_000_000), lease_ms=round(LEASE_S * 1000))
    dut.simulate_until(in_pulse(dut, 500))
    pulled_us = dut.rig.now_us
    dut.rig.chip.set_cable(False)
    dut.simulate(LEASE_S + 0.2)
    assert dut.plant.stepper.last_step_us - pulled_us < LEASE_S * 1e6 + 60_000
    moved = driven_ul(dut)
    dut.rig.chip.set_cable(True)
    dut.simulate(0.2)
    dut.greet()
    assert dut.alarm_names() == ["LEASE_LOST"]
    assert stays_still(dut, 0.5)
    assert dut.pump.status().driven_nl / 1000 == pytest.approx(moved, abs=0.2)


@pytest.mark.requirement("REQ-LINK-2")
def test_noise_at_the_port_during_the_start_moves_nothing_and_the_pump_serves_its_host(dut: DeviceUnderTest) -> None:
    dice = random.Random("noise at the start")
    dut.rig.reset()
    while not dut.rig.up:
        if dut.rig.chip.connected:
            dut.rig.to_device(dice.randbytes(7))
        dut.simulate(0.01)
        assert not dut.plant.stepper.enabled
        assert not dut.rig.chip.read_ends(b">>> "), "a 03 among the noise is no Ctrl-C"
    dut.simulate(0.3)
    hello = dut.greet().hello
    assert hello is not None
    assert hello.reset_cause is ResetCause.BUTTON
    assert not dut.plant.bursts


# The firmware


@pytest.mark.requirement("REQ-STOP-4", "REQ-START-3", "REQ-LOG-1")
def test_an_exception_in_the_loop_switches_the_driver_off_is_kept_and_the_watchdog_resets_the_board(
    hooked_board: EmulatedBoard,
) -> None:
    dut = DeviceUnderTest("emulator", board=hooked_board)
    dut.start(steady(4_000_000, 1_000_000), lease_ms=2000)
    dut.simulate_until(in_pulse(dut, 500))
    failed_us = dut.rig.now_us
    dut.rig.chip.drive(FAIL, True)
    dut.simulate(0.05)
    assert not dut.plant.stepper.enabled
    assert dut.rig.chip.level(2) is not True, "STEP is low"
    assert dut.plant.stepper.last_step_us - failed_us < 20_000
    dut.rig.chip.drive(FAIL, None)
    dut.simulate_until(lambda: dut.rig.boots == 2 and dut.rig.up, 15.0)
    dut.simulate(0.3)
    hello = dut.greet().hello
    assert hello is not None
    assert hello.reset_cause is ResetCause.WATCHDOG
    assert messages.LOG_FAULT in [entry.code for entry in dut.pump.log()]
    dut.pump.link.command("SERVICE")
    kept = at_prompt(dut, "print(open('/journal/fault.txt', 'rb').read())")
    # With its heap locked MicroPython keeps the exception, but has no memory for its words.
    assert "ValueError" in kept


@pytest.mark.requirement("REQ-STOP-4")
def test_a_garbage_collection_in_the_turn_of_a_start_leaves_the_run_whole(hooked_board: EmulatedBoard) -> None:
    dut = DeviceUnderTest("emulator", board=hooked_board)
    dut.set_path()
    dut.load(pulses(2, 300_000, pause_ms=150))
    # Later ones cannot be: the heap is locked until the run is over.
    dut.rig.chip.drive(COLLECT, True)
    dut.pump.start(2000)
    run = dut.follow()
    assert run.end.outcome is Outcome.COMPLETED
    assert run.alarms == []
    assert driven_ul(dut) == pytest.approx(600, abs=0.2)
    first, second = dut.plant.bursts
    assert first.steps == second.steps


@pytest.mark.requirement("REQ-STOP-4", "REQ-STOP-3")
def test_a_collection_within_a_pulse_which_the_locked_heap_forbids_is_a_stall_like_any_other(
    hooked_board: EmulatedBoard,
) -> None:
    dut = DeviceUnderTest("emulator", board=hooked_board)
    dut.start(pulses(2, 500_000), lease_ms=2000)
    dut.simulate_until(in_pulse(dut, 500))
    collect_in_the_next_tick(dut.rig, dut.turns)
    run = dut.follow()
    # With much memory in use it takes longer than what is queued.
    assert run.alarms in ([], ["MOTION_STARVED"])
    reported_nl = run.end.driven_nl
    assert reported_nl / 1000 == pytest.approx(driven_ul(dut), abs=0.2)
    assert run.end.outcome is (Outcome.ALARM if run.alarms else Outcome.COMPLETED)
    assert dut.rig.boots == 1


@pytest.mark.requirement("REQ-START-3", "REQ-START-4")
def test_a_fall_to_the_prompt_leaves_the_driver_off_and_step_low_and_mpremote_is_served(dut: DeviceUnderTest) -> None:
    dut.run(steady(50_000, 500_000))
    dut.pump.link.command("SERVICE")
    dut.simulate(0.1)
    assert not dut.plant.stepper.enabled
    assert dut.rig.chip.level(2) is not True
    assert "manifest.json" in mpremote(dut.rig.chip, "resume", "fs", "ls")
    dut.simulate(1.5)
    assert dut.rig.boots == 1, "the watchdog is off"


def at_prompt(dut: DeviceUnderTest, line: str) -> str:
    """What a line of Python prints at the prompt of a board that serves."""
    chip = dut.rig.chip
    chip.wait_for(b">>> ")
    chip.write(line.encode() + b"\r")
    return str(chip.wait_for(b"\r\n>>> ").decode(errors="replace"))


OLDER = """
import struct, binascii
for name in ("/journal/settings.a", "/journal/settings.b"):
    with open(name, "rb") as file:
        whole = file.read()[:-4]
    whole = whole[:8] + struct.pack("<I", 1) + whole[12:]
    with open(name, "wb") as file:
        file.write(whole + struct.pack("<I", binascii.crc32(whole)))
"""


@pytest.mark.requirement("REQ-START-4")
def test_settings_of_an_older_layout_are_not_taken_and_therapy_is_refused(dut: DeviceUnderTest) -> None:
    dut.pump.link.command("SERVICE")
    assert "Traceback" not in at_prompt(dut, f"exec({OLDER!r})")
    dut.restart(dut.rig.reset)
    dut.greet()
    status = dut.pump.status()
    assert not status.flags & Flag.SETTINGS_GOOD
    assert dut.alarm_names() == ["SETTINGS_CORRUPT"]
    dut.acknowledge_all()
    dut.set_path()
    dut.load(pulses(1))
    assert refused_as(dut.pump.start) == "SETTINGS"
    assert not dut.plant.bursts
    dut.pump.link.command("SERVICE")
    assert "layout of another release" in at_prompt(dut, "print(open('/journal/notes.txt', 'rb').read())")


@pytest.mark.requirement("REQ-START-3", "REQ-DOSE-4")
def test_a_power_cut_while_the_pump_moves_takes_the_driver_off_at_once_and_nothing_goes_on(
    dut: DeviceUnderTest,
) -> None:
    dut.start(pulses(3), lease_ms=2000)
    dut.simulate_until(in_pulse(dut))
    moved = driven_ul(dut)
    dut.rig.power_cut(100_000)
    assert not dut.plant.stepper.enabled
    dut.simulate_until(lambda: dut.rig.up, 15.0)
    dut.simulate(0.3)
    assert driven_ul(dut) == pytest.approx(moved, abs=0.2)
    with pytest.raises(FlushPumpError):
        dut.pump.info()
    dut.greet()
    assert dut.alarm_names() == ["POWER_LOST"]
    raw = RawClient(dut.port)
    assert raw.status()["uncertain_nl"] == 3 * 900_000
