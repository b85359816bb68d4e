"""The motor driver is set up over its UART, in the real MicroPython VM against a model of it; failures are reported."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from flushsim import emulator
from flushsim.firmware.vm import find_micropython

_HERE = Path(__file__).resolve().parent
_PATHS = (_HERE / "vm_driver", _HERE.parents[1], Path(emulator.__file__).parent)
SETTINGS = {
    "sense_resistor_mohm": 110,
    "run_current_ma": 500,
    "hold_current_ma": 100,
    "microsteps": 16,
    "interpolate": True,
    "spread_cycle": True,
    "stall_threshold": 0,
}
GCONF, IHOLD_IRUN, TCOOLTHRS, SGTHRS, CHOPCONF = "0", "16", "20", "64", "108"
# Recorded on the wires of others: a read of IOIN and its answer, a write of CHOPCONF, a read of IHOLD_IRUN, its answer.
RECORDED = ("550006e8", "05ff06210002419d", "0500ec100000539c", "05001070", "05ff10000000009d")


def run_vm(case, **changes):
    """What vm_driver.py prints."""
    done = subprocess.run(
        [find_micropython(), str(_HERE / "vm_driver" / "vm_driver.py"), case, json.dumps({**SETTINGS, **changes})],
        env={**os.environ, "MICROPYPATH": ":".join(map(str, _PATHS))},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def driver(bench):
    bench.machine.UART = None
    return bench.load("tmc2209")


@pytest.mark.parametrize("recorded", RECORDED)
def test_the_crc_is_that_of_recorded_datagrams(driver, recorded):
    datagram = bytes.fromhex(recorded)
    assert driver.crc8(datagram[:-1]) == datagram[-1]


def test_any_flipped_bit_of_a_datagram_changes_its_crc(driver):
    for recorded in RECORDED:
        datagram = bytes.fromhex(recorded)
        for bit in range(8 * (len(datagram) - 1)):
            damaged = bytearray(datagram[:-1])
            damaged[bit // 8] ^= 1 << bit % 8
            assert driver.crc8(damaged) != datagram[-1]


@pytest.mark.parametrize(("full_scale_mv", "sense_mohm"), [(180, 110), (325, 110), (180, 75), (325, 220)])
def test_the_current_is_the_highest_that_is_not_above_the_one_asked_for(driver, full_scale_mv, sense_mohm):
    for asked_ma in range(50, 1200, 7):
        scale = driver.current_scale(asked_ma, sense_mohm, full_scale_mv)
        got_ma, next_ma = ((scale + more) / 32 * full_scale_mv / (sense_mohm + 20) / 2**0.5 * 1000 for more in (1, 2))
        assert got_ma <= asked_ma * 1.001
        assert next_ma * 1.001 > asked_ma


@pytest.mark.requirement("REQ-START-2")
def test_a_driver_that_answers_has_all_settings_each_proven_by_its_count_of_writes():
    found = run_vm("good")
    assert found["complaint"] == ""
    assert found["opened"] == [[1, 115_200, 8, 9], None]
    registers = found["registers"]
    # SpreadCycle, UART alone, microsteps by register; current not by the potentiometer.
    assert registers[GCONF] == 0xC4
    # 16 microsteps are 4 there; interpolated, sensitive range, off time and hysteresis of the reset.
    assert registers[CHOPCONF] == 1 << 28 | 4 << 24 | 1 << 17 | 0x53
    # 500 mA: 32 x 0.707 A x 130 mOhm / 180 mV = 16.3, less one.
    assert registers[IHOLD_IRUN] == 8 << 16 | 15 << 8 | 2
    assert (registers[TCOOLTHRS], registers[SGTHRS]) == (0, 0)
    assert found["writes"] == 6
    assert found["took_ms"] < 50
    assert found["fed"] == found["exchanges"]


def test_stealthchop_stallguard_and_a_current_for_the_wide_range():
    quiet = {"spread_cycle": False, "stall_threshold": 80, "run_current_ma": 1200, "interpolate": False}
    registers = run_vm("good", **quiet)["registers"]
    assert registers[GCONF] == 0xC0
    assert (registers[TCOOLTHRS], registers[SGTHRS]) == (0xFFFFF, 80)
    assert registers[CHOPCONF] == 4 << 24 | 0x53
    assert registers[IHOLD_IRUN] == 8 << 16 | 20 << 8 | 0


@pytest.mark.parametrize("case", ["noisy", "lost write", "wrap"])
def test_damaged_answers_and_lost_writes_are_made_good_by_asking_again(case):
    found = run_vm(case)
    assert found["complaint"] == ""
    assert found["registers"][GCONF] == 0xC4


@pytest.mark.requirement("REQ-START-2")
@pytest.mark.parametrize(
    ("case", "sentence"),
    [
        ("silent", "does not answer; check its supply"),
        ("address", "does not answer; check its supply"),
        ("no echo", "the UART does not receive its own bytes"),
        ("other chip", "is no TMC2209"),
        ("short", "sends damaged answers"),
        ("flipped 4", "sends damaged answers"),
        ("flipped 7", "sends damaged answers"),
        ("lost writes", "does not take what is written to it"),
        ("deaf", "does not take what is written to it"),
        ("counts wrong", "counts writes that were not made"),
        ("forgets", "does not hold what was written to its register 0x6c"),
    ],
)
def test_a_driver_that_does_not_do_its_part_is_reported_in_one_sentence_within_a_tenth_of_a_second(case, sentence):
    found = run_vm(case)
    assert sentence in found["complaint"]
    assert found["complaint"].startswith("the motor driver at UART address 3 ")
    assert found["complaint"].endswith("; until then nothing moves")
    assert "\n" not in found["complaint"]
    assert found["took_ms"] < 100
    assert found["opened"][-1] is None


@pytest.mark.parametrize("microsteps", [8, 16, 32, 64])
def test_without_uart_the_drivers_pins_give_the_same_microsteps(driver, microsteps):
    """MS1 and MS2 at 0 and 0: 8, 1 and 0: 32, 0 and 1: 64, 1 and 1: 16 (datasheet, section 3.4; recalled)."""
    assert driver.ADDRESSES[microsteps] == {8: 0b00, 32: 0b01, 64: 0b10, 16: 0b11}[microsteps]
    written = driver.registers({**SETTINGS, "microsteps": microsteps})
    registers = {register: value for register, value, _ in written}
    assert 256 >> (registers[0x6C] >> 24 & 0xF) == microsteps
