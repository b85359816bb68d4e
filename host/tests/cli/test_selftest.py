"""`flushpump selftest`, as a user starts it, against the simulated pump with the board's firmware."""

import json
import subprocess
from collections.abc import Callable

import flushsim.plant.plant
import pytest
from click.testing import CliRunner
from flushlink import messages
from flushpump.cli.top import cli
from flushpump.wire.self_test import PARTS, names_of, parts_of
from flushsim.plant.sensor import PressureSensor

PORT = ["--port", "flushsim://?target=native"]
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.requirement("REQ-START-2")
def test_every_part_of_a_sound_pump_passes_in_words(flushpump: Command):
    done = flushpump("selftest", *PORT)
    assert done.returncode == 0, done.stderr
    assert [line.split("  ")[0] for line in done.stdout.splitlines()[:-1]] == [part.name for part in PARTS]
    assert "FAILED" not in done.stdout
    assert done.stdout.endswith("the self-test passed\n")
    assert done.stderr == ""


def test_a_self_test_as_json_is_one_object(flushpump: Command):
    result = json.loads(flushpump("selftest", "--json", *PORT).stdout)
    assert result["passed"] is True
    assert result["alarms"] == 0
    assert {part["remedy"] for part in result["parts"]} == {None}


class _Faulty(PressureSensor):
    def read(self, port_kpa: float, now_us: int) -> int:
        return -2


@pytest.mark.requirement("REQ-START-1")
def test_a_broken_sensor_exits_5_and_names_the_remedy(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(flushsim.plant.plant, "PressureSensor", _Faulty)
    done = CliRunner().invoke(cli, ["selftest", *PORT])
    assert done.exit_code == 5, done.output
    assert "pressure sensor            FAILED" in done.stdout
    assert "1 alarm still waits: see flushpump alarms" in done.stdout
    assert done.stderr.startswith("flushpump: the self-test failed (pressure sensor), and the pump gives no therapy; ")
    assert "check the sensor's cable" in done.stderr
    result = CliRunner().invoke(cli, ["selftest", "--json", *PORT])
    failed = [part for part in json.loads(result.stdout)["parts"] if not part["passed"]]
    assert [part["part"] for part in failed] == ["pressure sensor"]


def test_every_bit_of_the_message_table_has_words_and_a_newer_one_is_named_by_its_number():
    bits = {value for name, value in vars(messages).items() if name.startswith("TEST_")}
    assert {part.bit for part in PARTS} == bits
    assert names_of(4 | 1024) == "pressure sensor, part 1024"
    assert all(part.remedy for part in parts_of(0xFFFF))
