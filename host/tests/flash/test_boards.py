"""Boards: the data that come with the project fit their chip, mistakes are named, the wiring tables are up to date."""

import copy
import tomllib
from pathlib import Path

import pytest
from flushpump.flash.pins import SWITCHES, check, wiring

from tools import make_wiring

BOARDS = Path(__file__).resolve().parents[3] / "boards"
FILES = sorted(BOARDS.glob("*.toml"))


def load(name):
    return tomllib.loads((BOARDS / f"{name}.toml").read_text(encoding="utf-8"))


def changed(name="rpi_pico", **tables):
    """A board's data with some entries changed; None takes one out."""
    data = copy.deepcopy(load(name))
    for table, entries in tables.items():
        if not isinstance(entries, dict):
            data[table] = entries
            continue
        for key, value in entries.items():
            if value is None:
                del data[table][key]
            else:
                data[table][key] = value
    return data


def uart(**entries):
    """Changes of the table [driver.uart] of rpi_pico."""
    return {"driver": {"uart": {**load("rpi_pico")["driver"]["uart"], **entries}}}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_board_fits_its_chip_and_bears_the_name_of_its_file(file):
    data = load(file.stem)
    check(data)
    assert data["name"] == file.stem


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_broken_wire_to_a_switch_that_ends_motion_ends_motion(file):
    assert not {"stop_button", "home_switch", "end_switch"} & set(load(file.stem)["indicators"]["active_low"])


def test_the_three_boards_are_there():
    assert [file.stem for file in FILES] == ["breadboard", "rpi_pico", "rpi_pico_w"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"pins": {"dir": 2}}, "board 'rpi_pico': GPIO 2 is used twice, as step and as dir"),
        ({"pins": {"step": 25}}, "pins.step is 25, which is not a free GPIO"),
        ({"pins": {"step": 30}}, "pins.step is 30, which is not a free GPIO"),
        ({"pins": {"step": True}}, "pins.step is True, which is not a free GPIO"),
        ({"pins": {"step": "2"}}, "pins.step is '2', which is not a free GPIO"),
        ({"reserved_pins": [2]}, "pins.step is 2, which is not a free GPIO"),
        ({"pins": {"enable": None}}, "pins.enable is missing"),
        ({"pins": {"stop_button": None}}, "pins.stop_button is missing"),
        ({"pins": {"i2c_scl": None, "i2c_sda": None}}, "pins.i2c_sda is missing"),
        ({"pins": {"i2c_scl": 19}}, "pins.i2c_sda 20 and pins.i2c_scl 19 are not a pair"),
        ({"pins": {"i2c_sda": 21, "i2c_scl": 20}}, "pins.i2c_sda 21 and pins.i2c_scl 20 are not a pair"),
        ({"pins": {"uart_tx": 1, "uart_rx": 0}}, "pins.uart_tx 1 and pins.uart_rx 0 are not a pair"),
        ({"pins": {"uart_rx": 1}}, "pins.uart_tx 8 and pins.uart_rx 1 are not a pair"),
        ({"pins": {"uart_rx": None}}, "pins.uart_tx and pins.uart_rx go together"),
        ({"pins": {"pump": 27}}, "pins.pump is not known"),
        ({"chip": "rp2350"}, "chip is 'rp2350', but only rp2040 is known"),
        ({"sensor": {"kind": "hx711"}}, "sensor.kind is 'hx711', but must be one of abp2, adc"),
        ({"driver": {"kind": "a4988"}}, "driver.step_high_ns is 100, but a4988 needs 1000"),
        ({"driver": {"kind": "l298"}}, "driver.kind is 'l298', but must be one of a4988, drv8825, tmc2209"),
        ({"driver": {"forwards_high": 1}}, "driver.forwards_high is 1, but must be true or false"),
        ({"driver": {"uart": None}}, "the table [driver.uart] and pins.uart_tx go together"),
        ({"driver": {"uart": 5}}, "[driver.uart] must be a table, of a driver of the kind tmc2209"),
        (uart(sense_resistor_mohm=5), "driver.uart.sense_resistor_mohm is 5, but must be an integer from 20 to 1000"),
        (uart(sense_resistor_mohm=None), "driver.uart.sense_resistor_mohm is None"),
        (uart(run_current_ma=3000), "driver.uart.run_current_ma is 3000, but must be an integer from 50 to 1768"),
        (uart(hold_current_ma=600), "driver.uart.hold_current_ma is 600, but must be an integer from 0 to 500"),
        (uart(microsteps=256), "driver.uart.microsteps is 256, but must be one of 8, 16, 32, 64"),
        (uart(interpolate=1), "driver.uart.interpolate is 1, but must be true or false"),
        (uart(stall_threshold=40), "driver.uart.stall_threshold is for StealthChop"),
        ({"drive": {"force_limit_by": None}}, "drive.force_limit_by is None, but must be one of current, clutch"),
        ({"indicators": {"buzzer_hz": 4000}}, "indicators.buzzer_hz is 4000"),
        ({"indicators": {"active_low": ["step"]}}, "indicators.active_low names 'step', which is not a switch"),
    ],
)
def test_a_mistake_in_a_boards_data_is_named_in_one_sentence(changes, sentence):
    with pytest.raises(ValueError, match=r"^board 'rpi_pico'") as caught:
        check(changed(**changes))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_adc_elsewhere_than_on_its_four_pins_is_refused():
    with pytest.raises(ValueError, match="the ADC is on GPIO 26 to 29"):
        check(changed("breadboard", pins={"adc": 19}))


@pytest.mark.parametrize(("tx", "rx"), [(0, 1), (4, 5), (8, 9), (12, 13), (16, 17), (20, 21)])
def test_every_uart_pair_of_the_chip_is_accepted(tx, rx):
    data = load("breadboard")
    moved = {"led_red": 6, "buzzer": 7, "led_blue": 10, "syringe_switch": 18, "home_switch": 19, "end_switch": 22}
    data["pins"] = {**data["pins"], **moved, "service_strap": 27, "step": 2, "enable": 28, "uart_tx": tx, "uart_rx": rx}
    data["driver"] = load("rpi_pico")["driver"]
    check(data)


@pytest.mark.parametrize("name", ["sensor", "drive", "driver", "indicators", "pins"])
def test_a_missing_table_is_named(name):
    data = load("rpi_pico")
    del data[name]
    with pytest.raises(ValueError, match=rf"the table \[{name}\] is missing"):
        check(data)


def test_the_wiring_table_names_every_pin_and_how_its_switch_acts():
    data = load("rpi_pico")
    table = wiring(data)
    assert table.count("\n") == len(data["pins"]) + 2
    for role in SWITCHES:
        row = next(line for line in table.splitlines() if line.startswith(f"| {data['pins'][role]} |"))
        assert ("closes to ground" in row) == (role in data["indicators"]["active_low"])


def test_the_readme_of_the_boards_agrees_with_their_data():
    text = (BOARDS / "README.md").read_text(encoding="utf-8")
    assert text == make_wiring.document(), "call python -m tools.make_wiring"
