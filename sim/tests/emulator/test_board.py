"""The firmware on the emulated Pico: starts, serves a session, makes steps that are counted and move the plant."""

import threading
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
import serial  # type: ignore[import-untyped]
from flushhil.dut import DeviceUnderTest, pulses, steady
from flushhil.ground_truth import STOP_BUDGET_MS, stop_by
from flushhil.raw_client import RawClient, status_name
from flushpump.wire import codec
from flushpump.wire.messages import Flag, Outcome, State
from flushsim.emulator.board import EmulatedBoard
from flushsim.emulator.chip import Chip
from flushsim.emulator.files import STORAGE_BASE, STORAGE_SIZE, contents_of, filesystem, mpremote
from flushsim.emulator.pins import PinStepper
from flushsim.emulator.rig import EmulatorRig
from flushsim.emulator.sensors import Abp2
from flushsim.rig.base import SYRINGE_PRESENT
from flushsim.rig.pty import PseudoTerminal, serve

TICKS_PER_US = 125
DARK, YELLOW = 0, 2
pytestmark = pytest.mark.timeout(1_200)


def started(board: EmulatedBoard) -> EmulatedBoard:
    board.start()
    return board


def test_mpremote_copies_and_lists_files(chip: Chip, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("flush and lock")
    mpremote(chip, "fs", "cp", str(tmp_path / "words.txt"), ":")
    assert mpremote(chip, "fs", "cat", "words.txt").strip() == "flush and lock"


def test_what_mpremote_complains_about_is_reported(chip: Chip) -> None:
    with pytest.raises(RuntimeError, match=r"absent\.txt"):
        mpremote(chip, "fs", "cat", "absent.txt")


def test_a_file_system_made_on_this_machine_is_the_boards_own(uf2: Path, tmp_path: Path, run: Any) -> None:
    content = bytes(range(256)) * 30
    chip = Chip(uf2, tmp_path / "pico.flash")
    chip.rp2040.flash[STORAGE_BASE : STORAGE_BASE + STORAGE_SIZE] = filesystem({"pump/all.bin": content, "a.txt": b""})
    chip.start()
    blocks = STORAGE_SIZE // 4096
    assert run(chip, "import os\nprint(os.listdir(), os.statvfs('/')[2])") == f"['a.txt', 'pump'] {blocks}"
    assert run(chip, "import hashlib\nprint(hashlib.sha256(open('pump/all.bin', 'rb').read()).digest().hex())") == (
        sha256(content).hexdigest()
    )


def test_every_file_of_the_firmware_is_compiled_for_the_board() -> None:
    contents = contents_of("rpi_pico")
    assert {"boot.py", "main.py", "board.json", "manifest.json", "pump/controller.mpy"} <= contents.keys()
    assert all(contents[name][:1] == b"M" for name in contents if name.endswith(".mpy"))


def test_a_fresh_board_is_idle_with_good_settings_and_a_passed_self_test(dut: DeviceUnderTest) -> None:
    status = dut.pump.status()
    assert status.state is State.IDLE
    assert Flag.SETTINGS_GOOD | Flag.SELF_TEST_PASSED in status.flags
    assert dut.pump.info().board.rstrip(b"\0") == b"rpi_pico"


def test_the_board_reads_the_pressure_of_the_line(dut: DeviceUnderTest) -> None:
    assert dut.pump.status().pressure_pa == pytest.approx(dut.plant.pressure_pa, abs=500)


def test_a_pulse_is_driven_to_the_step_and_delivered(dut: DeviceUnderTest) -> None:
    run = dut.run(pulses(1, 500_000, pause_ms=200))
    steps = dut.plant.stepper.position
    assert steps * 102_212 // 1000 == pytest.approx(run.end.driven_nl, abs=1)
    assert run.end.driven_nl == pytest.approx(500_000, rel=0.01)
    burst = dut.plant.bursts[-1]
    assert (burst.last_ticks - burst.first_ticks) / TICKS_PER_US == pytest.approx(run.pulses[0].duration_us, abs=1_000)
    assert dut.plant.delivered_ul == pytest.approx(500, rel=0.02)


def test_the_stop_button_ends_motion_within_10_ms_and_the_rate_was_what_was_asked_for(dut: DeviceUnderTest) -> None:
    dut.start(steady(2_000_000, 1_000_000))
    dut.simulate(0.3)
    assert dut.rig.moving
    assert dut.plant.stepper.rate * 102_212e-9 * 125e6 == pytest.approx(1.0, rel=0.05)
    stop = stop_by(dut, dut.rig.press_stop)
    assert not dut.rig.moving
    assert dut.plant.stepper.rate == 0
    assert 0 < stop.last_step_ms < STOP_BUDGET_MS


def test_a_switch_that_opens_is_detected_by_the_board(started_board: EmulatedBoard) -> None:
    rig = EmulatorRig(on=started_board)
    pin = rig.chip.rp2040.gpio[15]
    rig.set_input(SYRINGE_PRESENT, False)
    assert pin.input_value
    rig.set_input(SYRINGE_PRESENT, True)
    assert not pin.input_value


def test_the_watchdog_restarts_a_board_that_hangs(started_board: EmulatedBoard) -> None:
    rig = EmulatorRig(on=started_board)
    rig.kill_loop()
    rig.run_until(rig.now_us + 1_100_000)
    assert rig.boots == 2
    assert not rig.up


def test_a_processor_that_hangs_for_a_while_goes_on_where_it_was(dut: DeviceUnderTest) -> None:
    before_ms = dut.pump.status().device_time_ms
    dut.rig.kill_loop(500_000)
    dut.simulate(0.6)
    assert dut.pump.status().device_time_ms - before_ms == pytest.approx(600, abs=20)
    assert dut.rig.boots == 1


def test_a_board_with_a_transducer_at_its_converter_reads_the_pressure_of_the_line(uf2: Path) -> None:
    dut = DeviceUnderTest("emulator", board=started(EmulatedBoard("breadboard", uf2)))
    assert dut.pump.info().board.rstrip(b"\0") == b"breadboard"
    run = dut.run(steady(300_000, 500_000))
    assert run.end.outcome is Outcome.COMPLETED
    # Eight codes of the converter, as far as its wider ones are out of line, are 1.2 kPa.
    peak_kpa = max(event.pressure_pa for event in run.telemetry) / 1000
    assert peak_kpa == pytest.approx(dut.plant.peak_kpa, abs=1.2)


def test_light_and_sound_of_an_alarm_have_their_colour_and_their_bursts(dut: DeviceUnderTest) -> None:
    dut.start(steady(500_000, 500_000), lease_ms=100)
    shown: list[tuple[int, int]] = []
    until_us = dut.rig.now_us + 2_500_000
    while dut.rig.now_us < until_us:
        dut.rig.step()
        shown.append((dut.rig.light, dut.rig.sound))
    alarm = next(index for index, (light, _) in enumerate(shown) if light == YELLOW)
    lengths = [(value, len(list(group))) for value, group in groupby(sound for _, sound in shown[alarm:])]
    # A burst of medium priority: three pulses of 200 ms, 200 ms apart.
    assert [value for value, _ in lengths[:6]] == [1, 0, 1, 0, 1, 0]
    assert [turns for _, turns in lengths[:5]] == pytest.approx([40] * 5, abs=1)
    lights = [(value, len(list(group))) for value, group in groupby(light for light, _ in shown[alarm:])]
    assert lights[0] == (YELLOW, pytest.approx(200, abs=1))
    assert lights[1][0] == DARK


def test_steps_without_the_driver_are_not_counted(chip: Chip, run: Any) -> None:
    board = {
        "clock": {"ticks_per_us": TICKS_PER_US},
        "pins": {"step": 2, "dir": 3, "enable": 4},
        "driver": {"forwards_high": True, "enable_active_low": True},
    }
    stepper = PinStepper(chip, board)
    pulse = "for i in range({}):\n step.value(1); step.value(0)\n\n"
    run(chip, "from machine import Pin\nstep, way, off = Pin(2, Pin.OUT), Pin(3, Pin.OUT), Pin(4, Pin.OUT, value=1)")
    run(chip, pulse.format(5))
    run(chip, "off.value(0); way.value(1)\n" + pulse.format(7))
    run(chip, "way.value(0)\n" + pulse.format(3))
    stepper.run_to(chip.now_us * TICKS_PER_US)
    assert stepper.position == 4


def test_an_abp2_is_busy_until_its_conversion_is_done(chip: Chip, run: Any) -> None:
    Abp2(chip, 20, 0x28, lambda: 0x123456)
    output = run(
        chip,
        """
from machine import I2C, Pin
import time
bus = I2C(0, scl=Pin(21), sda=Pin(20), freq=400_000)
_ = bus.writeto(0x28, b"\\xaa\\x00\\x00")
first = bus.readfrom(0x28, 4)
time.sleep_ms(6)
print(first[0], bus.readfrom(0x28, 4).hex())
""",
    )
    assert output == f"{0x60} 40123456"


def test_a_served_board_answers_on_a_pseudo_terminal_as_fast_as_it_can(started_board: EmulatedBoard) -> None:
    rig = EmulatorRig(on=started_board)
    terminal = PseudoTerminal()
    ended = threading.Event()
    thread = threading.Thread(target=serve, args=(rig, terminal, 1.0, lambda: not ended.is_set()))
    thread.start()
    try:
        # A client would give up long before: its patience is of real seconds.
        with serial.Serial(terminal.path, timeout=100) as port:
            raw = RawClient(port)
            port.write(raw.frame("STATUS"))
            reply = codec.decode_frame(port.read_until(b"\0")[:-1])
    finally:
        ended.set()
        thread.join()
        terminal.close()
    assert reply.message == codec.REQUESTS["STATUS"].number
    assert status_name(reply) == "OK"
