"""The firmware on the emulated Pico: starts, serves a session, makes steps that are counted and move the plant."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from flushpump.path import Path as AccessPath
from flushpump.plan import path_settings
from flushpump.ports import open_port
from flushpump.pump import Pump
from flushpump.simulated import fill_syringe
from flushpump.types import Flag, Fluid, Phase, PhaseKind, Program, ProgramEnd, PulseResult, State
from flushsim.emulator.chip import Chip
from flushsim.emulator.files import contents_of, copy, mpremote
from flushsim.emulator.pins import PinStepper
from flushsim.emulator.sensors import Abp2
from flushsim.rig_base import SYRINGE_PRESENT

TICKS_PER_US = 125
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def port() -> Iterator[Any]:
    """The console of a board with the firmware, its loop begun."""
    port = open_port("flushsim://?target=emulator")
    yield port
    port.close()


@pytest.fixture(scope="module")
def pump(port: Any) -> Pump:
    """An open session."""
    return Pump.over(port, "flushsim://?target=emulator")


def test_mpremote_copies_and_lists_files(chip: Chip, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("flush and lock")
    mpremote(chip, "fs", "cp", str(tmp_path / "words.txt"), ":")
    assert mpremote(chip, "fs", "cat", "words.txt").strip() == "flush and lock"


def test_what_mpremote_complains_about_is_told(chip: Chip) -> None:
    with pytest.raises(RuntimeError, match=r"absent\.txt"):
        mpremote(chip, "fs", "cat", "absent.txt")


def test_the_quick_copy_keeps_every_byte(chip: Chip, run: Any) -> None:
    chip.wait_for(b">>> ")
    content = bytes(range(256)) * 3
    copy(chip, {"pump/all.bin": content, "main.py": b""})
    assert run(chip, "import hashlib\nprint(hashlib.sha256(open('pump/all.bin', 'rb').read()).digest().hex())") == (
        sha256(content).hexdigest()
    )


def test_every_file_of_the_firmware_is_compiled_for_the_board() -> None:
    contents = contents_of("rpi_pico")
    assert {"boot.py", "main.py", "board.json", "manifest.json", "pump/controller.mpy"} <= contents.keys()
    assert all(contents[name][:1] == b"M" for name in contents if name.endswith(".mpy"))


def test_a_fresh_board_is_idle_with_good_settings_and_a_passed_self_test(pump: Pump) -> None:
    status = pump.status()
    assert status.state is State.IDLE
    assert Flag.SETTINGS_GOOD | Flag.SELF_TEST_PASSED in status.flags
    assert pump.info().board.rstrip(b"\0") == b"rpi_pico"


def test_the_board_reads_the_pressure_of_the_line(port: Any, pump: Pump) -> None:
    assert pump.status().pressure_pa == pytest.approx(port.rig.plant.pressure_pa, abs=500)


def test_a_pulse_is_driven_to_the_step_and_delivered(port: Any, pump: Pump) -> None:
    rig = port.rig
    fill_syringe(pump, 10.0)
    path = AccessPath.of("smartport-ct-8f", "huber-20g", "bd-10")
    pump.set_path(path_settings(path, Fluid.SALINE, 10.0))
    before = rig.plant.stepper.position
    pump.load(Program((Phase(PhaseKind.PULSES, 500_000, 2_000_000, count=1, pause_ms=200),), 60_000))
    pump.start()
    events = list(pump.follow())
    result = next(event for event in events if isinstance(event, PulseResult))
    end = next(event for event in events if isinstance(event, ProgramEnd))
    steps = rig.plant.stepper.position - before
    assert steps * 102_212 // 1000 == pytest.approx(end.driven_nl, abs=1)
    assert end.driven_nl == pytest.approx(500_000, rel=0.01)
    burst = rig.plant.bursts[-1]
    assert (burst.last_ticks - burst.first_ticks) / TICKS_PER_US == pytest.approx(result.duration_us, abs=1_000)
    assert rig.plant.delivered_ul == pytest.approx(500, rel=0.02)


def test_the_stop_button_ends_motion_within_10_ms(port: Any, pump: Pump) -> None:
    rig = port.rig
    pump.load(Program((Phase(PhaseKind.STEADY, 2_000_000, 1_000_000),), 60_000))
    pump.start()
    rig.run_until(rig.now_us + 300_000)
    assert rig.moving
    assert rig.plant.stepper.rate * 102_212e-9 * 125e6 == pytest.approx(1.0, rel=0.05)
    pressed_us = rig.now_us
    rig.press_stop()
    rig.run_until(pressed_us + 100_000)
    rig.press_stop(False)
    assert not rig.moving
    assert rig.plant.stepper.rate == 0
    assert 0 < rig.plant.stepper.last_step_us - pressed_us < 10_000
    list(pump.follow())


def test_a_switch_that_opens_is_seen_by_the_board(port: Any) -> None:
    rig = port.rig
    pin = rig.chip.rp2040.gpio[15]
    rig.set_input(SYRINGE_PRESENT, False)
    assert pin.input_value
    rig.set_input(SYRINGE_PRESENT, True)
    assert not pin.input_value


def test_the_watchdog_restarts_a_board_that_hangs(port: Any, pump: Pump) -> None:
    rig = port.rig
    boots = rig.boots
    rig.kill_loop()
    hung_us = rig.now_us
    rig.run_until(hung_us + 1_100_000)
    assert rig.boots == boots + 1


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
    said = run(
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
    assert said == f"{0x60} 40123456"
