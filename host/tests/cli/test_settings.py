"""`flushpump settings`, as a user starts it, against the simulated pump with the board's firmware."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

import flushsim.rig.lockstep
import pexpect
import pytest
from click.testing import CliRunner
from flushlink import messages
from flushpump.cli.top import cli
from flushpump.device.settings import all_settings, setting_named
from flushpump.errors import UsageError
from flushsim.firmware.journal import Journal

PORT = ["--port", "flushsim://?target=native"]
Command = Callable[..., subprocess.CompletedProcess[str]]


def test_every_setting_is_shown_with_value_range_default_and_what_it_is_for(flushpump: Command):
    done = flushpump("settings", "show", *PORT)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 1 + len(messages.SETTINGS)
    for line, row in zip(lines[1:], messages.SETTINGS, strict=True):
        assert line.startswith(row[1])
        assert line.endswith(row[5])
    assert "172 kPa    " in lines[3]
    assert "20 to 300 kPa" in lines[3]


def test_settings_as_json_are_the_numbers_of_the_message_table(flushpump: Command):
    shown = json.loads(flushpump("settings", "show", "--json", *PORT).stdout)
    assert shown["good"] is True
    rows = [(s["name"], s["minimum"], s["maximum"], s["default"], s["value"]) for s in shown["settings"]]
    assert rows == [(row[1], row[2], row[3], row[4], row[4]) for row in messages.SETTINGS]


@pytest.mark.requirement("REQ-CONF-1")
def test_what_applies_is_read_back_and_shown(flushpump: Command):
    done = flushpump("settings", "set", "pressure_ceiling_pa", "20psi", "--yes", "--json", *PORT)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["value"], result["before"], result["unit"], result["good"]) == (137_895, 172_000, "Pa", True)


@pytest.mark.requirement("REQ-CONF-1")
@pytest.mark.parametrize("value", ["19999", "301kPa", "-5", "300001"])
def test_a_value_out_of_range_exits_4_and_names_the_range(flushpump: Command, value: str):
    done = flushpump("settings", "set", "pressure_ceiling_pa", value, "--yes", *PORT)
    assert done.returncode == 4
    assert done.stdout == ""
    assert "must lie in 20 to 300 kPa" in done.stderr
    assert done.stderr.rstrip().endswith("; nothing was changed")


def test_nobody_to_ask_is_refused_before_anything_is_changed(flushpump: Command):
    done = flushpump("settings", "set", "window_s", "1h", *PORT)
    assert done.returncode == 4
    assert "--yes" in done.stderr


@pytest.mark.parametrize(("answer", "status", "message"), [("y", 0, "is 150 kPa now"), ("n", 4, "nothing was changed")])
def test_a_change_is_shown_and_asked_for(at_terminal: Callable[..., Any], answer: str, status: int, message: str):
    child = at_terminal("settings", "set", "pressure_ceiling_pa", "150kPa", *PORT)
    child.expect(r"from 172 kPa to 150 kPa \(range 20 to 300 kPa\)")
    child.expect(r"Change it\? \[y/n\]")
    child.sendline(answer)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == status
    assert message in child.before


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("pressure_ceiling_pa", "150000", 150_000), ("pressure_ceiling_pa", "150kPa", 150_000),
        ("pressure_ceiling_pa", "1.5 bar", 150_000), ("pressure_ceiling_pa", "25psi", 172_369),
        ("pressure_offset_pa", "-0.5kPa", -500), ("pressure_offset_pa", "-500", -500),
        ("program_volume_cap_nl", "40mL", 40_000_000), ("flow_cap_nl_per_s", "60mL/min", 1_000_000),
        ("program_time_cap_s", "10min", 600), ("window_s", "1h", 3600), ("telemetry_interval_ms", "0.1s", 100),
        ("pressure_gain_ppm", "1010000", 1_010_000),
    ],
)  # fmt: skip
def test_a_value_is_taken_in_the_unit_of_its_name_or_with_its_own(name: str, text: str, value: int):
    assert setting_named(name).parse(text) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [("pressure_ceiling_pa", "150.5"), ("pressure_ceiling_pa", "3mL"), ("pressure_gain_ppm", "1.02"),
     ("window_s", "one hour"), ("window_s", ""), ("pressure_ceiling_pa", "1e5"), ("window_s", "60 m")],
)  # fmt: skip
def test_a_value_that_could_mean_several_things_is_no_value(name: str, text: str):
    with pytest.raises(UsageError, match="write it as in"):
        setting_named(name).parse(text)


@pytest.mark.parametrize("setting", all_settings(), ids=lambda setting: setting.name)
def test_a_value_that_is_shown_can_be_written_again(setting: Any):
    for value in (setting.minimum, setting.maximum, setting.default, setting.default + 1):
        if setting.unit != "ppm":
            assert setting.parse(setting.shown(value)) == value


@pytest.fixture
def corrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every simulated pump has lost its settings."""
    monkeypatch.setattr(flushsim.rig.lockstep, "Journal", lambda: Journal(blank=True))


@pytest.mark.requirement("REQ-START-4")
@pytest.mark.usefixtures("corrupt")
def test_corrupt_settings_are_reported_with_how_to_set_them_again():
    shown = CliRunner().invoke(cli, ["settings", "show", *PORT])
    assert shown.exit_code == 0
    assert "missing or corrupt: the pump gives no therapy" in shown.stdout
    assert "flushpump settings set NAME VALUE" in shown.stdout


@pytest.mark.requirement("REQ-START-4")
@pytest.mark.usefixtures("corrupt")
def test_whoever_restores_corrupt_settings_is_shown_every_value_that_counts_from_then_on():
    done = CliRunner().invoke(cli, ["settings", "set", "pressure_ceiling_pa", "172kPa", "--yes", *PORT])
    assert done.exit_code == 0, done.output
    for row in messages.SETTINGS:
        assert row[1] in done.stdout
    assert "every value above and the open pairing key are stored" in done.stdout
    result = CliRunner().invoke(cli, ["settings", "set", "pressure_ceiling_pa", "172kPa", "--yes", "--json", *PORT])
    assert json.loads(result.stdout)["good"] is True
