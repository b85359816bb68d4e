"""`hardware.ports()` for each board's data: the driver is off before anything else, misfits are reported."""

import importlib.util
import sys
import tomllib
import types

import pytest
from flushsim.emulator.tmc2209 import Tmc2209

from firmware.tests.hardware.support.modules import FOLDER

BOARDS = sorted((FOLDER.parents[1] / "boards").glob("*.toml"))


class Uart:
    """machine.UART whose wire has a TMC2209."""

    driver = Tmc2209(3)

    def __init__(self, number, **options):
        self._received = b""

    def write(self, data):
        self._received += data + b"".join(self.driver.receive(byte) for byte in data)

    def any(self):
        return len(self._received)

    def read(self, size):
        data, self._received = self._received[:size], self._received[size:]
        return data

    def deinit(self):
        pass


class Anything:
    """Takes every call."""

    def __init__(self, *_, **__):
        self.channel = 2

    def __getattr__(self, name):
        return lambda *_, **__: 0


@pytest.fixture
def package(bench, monkeypatch):
    """The package `hardware` with its own __init__, on stand-ins; `touched` lists (pin, level) of outputs made."""
    machine = bench.machine
    touched = []
    plain = machine.Pin

    class Pin(plain):
        def __init__(self, number, mode=0, pull=0, value=None):
            if mode == plain.OUT:
                touched.append((number, value))
            super().__init__(number, mode, pull, value)

    Uart.driver = Tmc2209(3)
    machine.Pin, machine.UART, machine.freq = Pin, Uart, lambda: 125_000_000
    rp2 = types.ModuleType("rp2")
    rp2.DMA = rp2.StateMachine = Anything
    rp2.PIO = types.SimpleNamespace(OUT_LOW=0, SHIFT_LEFT=0, SHIFT_RIGHT=1)
    rp2.asm_pio = lambda **_: lambda program: program
    uctypes = types.ModuleType("uctypes")
    uctypes.addressof = lambda buffer: 0x2000_0000
    # Their folders and their console are the board's; tests of their own show what they do.
    files = {"journal": "Journal", "identity": "Identity", "usb_link": "UsbLink"}
    for name, made in files.items():
        module = types.ModuleType(f"hardware.{name}")
        setattr(module, made, Anything)
        monkeypatch.setitem(sys.modules, f"hardware.{name}", module)
    for module in (rp2, uctypes):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    spec = importlib.util.spec_from_file_location(
        "hardware", FOLDER / "__init__.py", submodule_search_locations=[str(FOLDER)]
    )
    package = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "hardware", package)
    spec.loader.exec_module(package)
    package.touched = touched
    return package


def load(file):
    return tomllib.loads(file.read_text(encoding="utf-8"))


def ports_of(package, monkeypatch, data):
    """The ports, and what was reported."""
    reported = []
    monkeypatch.setattr(package, "board_data", lambda: data)
    return package.ports(reported.append, lambda: None), reported


@pytest.mark.requirement("REQ-START-3")
@pytest.mark.parametrize("file", BOARDS, ids=lambda file: file.stem)
def test_the_first_output_of_every_board_is_the_drivers_enable_line_at_off(package, monkeypatch, file):
    data = load(file)
    ports, reported = ports_of(package, monkeypatch, data)
    assert package.touched[0] == (data["pins"]["enable"], 1 if data["driver"]["enable_active_low"] else 0)
    assert len(ports) == 8
    assert ports[0].name == file.stem
    assert reported == []
    assert ports[2].ready()
    assert Uart.driver.writes == (6 if "uart" in data["driver"] else 0)


@pytest.mark.requirement("REQ-START-1", "REQ-START-2")
def test_a_driver_that_does_not_answer_is_reported_and_cannot_be_switched_on(bench, package, monkeypatch):
    Uart.driver.silent = True
    data = load(FOLDER.parents[1] / "boards" / "rpi_pico.toml")
    ports, reported = ports_of(package, monkeypatch, data)
    assert len(reported) == 1
    assert "does not answer" in reported[0]
    steps = ports[2]
    assert not steps.ready()
    steps.enable(True)
    assert bench.levels[data["pins"]["enable"]] == 1


@pytest.mark.requirement("REQ-START-2")
def test_a_driver_whose_supply_comes_late_or_goes_is_noticed_by_the_next_self_test(bench, package, monkeypatch):
    Uart.driver.silent = True
    data = load(FOLDER.parents[1] / "boards" / "rpi_pico.toml")
    ports, reported = ports_of(package, monkeypatch, data)
    steps = ports[2]
    found = []
    for silent in (True, False, False, True):
        Uart.driver.silent = silent
        found.append(steps.ready())
        steps.enable(True)
        assert bench.levels[data["pins"]["enable"]] == (0 if found[-1] else 1)
        steps.enable(False)
    assert found == [False, True, True, False]
    assert len(reported) == 2


@pytest.mark.parametrize(
    ("table", "key", "sentence"),
    [
        ("pins", "led_red", "board data: 'led_red' is missing in /board.json; flash the board again"),
        ("driver", "step_low_ns", "board data: 'step_low_ns' is missing"),
        ("driver", "uart", None),
        ("indicators", "buzzer_hz", "board data: 'buzzer_hz' is missing"),
    ],
)
def test_what_is_missing_in_a_boards_data_is_named_in_one_sentence(package, monkeypatch, table, key, sentence):
    data = load(FOLDER.parents[1] / "boards" / "rpi_pico.toml")
    del data[table][key]
    if sentence is None:
        assert ports_of(package, monkeypatch, data)[1] == []
        return
    with pytest.raises(ValueError, match=sentence):
        ports_of(package, monkeypatch, data)


def test_a_sensor_of_an_unknown_kind_is_named(package, monkeypatch):
    data = load(FOLDER.parents[1] / "boards" / "rpi_pico.toml")
    data["sensor"]["kind"] = "hx711"
    with pytest.raises(ValueError, match="there is no pressure sensor of the kind 'hx711'; known are abp2 and adc"):
        ports_of(package, monkeypatch, data)


@pytest.mark.parametrize("content", [None, "", "{", '"{"', "[]"])
def test_a_board_file_that_is_missing_or_damaged_is_named_in_one_sentence(package, tmp_path, content):
    file = tmp_path / "board.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ValueError, match=r"board\.json cannot be read .*; flash the board again") as caught:
        package.board_data(str(file))
    assert "\n" not in str(caught.value)
