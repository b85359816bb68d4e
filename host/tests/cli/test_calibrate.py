"""`flushpump calibrate`, as a user starts it, against a simulated pump whose sensor is wrong by a known amount."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

import flushsim.rig.lockstep
import pexpect
import pytest
from click.testing import CliRunner
from flushpump.cli.top import cli
from flushsim.firmware.journal import Journal

PORT = "flushsim://?target=native"
WRONG = f"{PORT}&fault=sensor-offset:4@0s&fault=sensor-gain:1.05@0s"
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.requirement("REQ-CONF-1")
def test_two_points_give_offset_and_gain_that_are_stored_and_checked(flushpump: Command):
    done = flushpump("calibrate", "--at", "100kPa", "--yes", "--json", "--port", WRONG)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["before"] == {"offset_pa": 0, "gain_ppm": 1_000_000}
    assert result["gain_ppm"] == pytest.approx(1e6 / 1.05, rel=0.002)
    assert result["offset_pa"] == pytest.approx(-4000 / 1.05, abs=100)
    assert result["checked_kpa"] == pytest.approx(100, abs=0.3)
    assert "in force  offset 0 kPa, gain x 1.000000" in done.stderr


@pytest.mark.requirement("REQ-CONF-1")
def test_zero_alone_keeps_the_gain(flushpump: Command):
    done = flushpump("calibrate", "zero", "--yes", "--json", "--port", WRONG)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["gain_ppm"] == 1_000_000
    assert result["offset_pa"] == pytest.approx(-4000, abs=100)
    assert result["checked_kpa"] == pytest.approx(0, abs=0.3)


@pytest.mark.requirement("REQ-CONF-1")
@pytest.mark.parametrize("seed", [3, 14])
def test_a_link_that_loses_a_fifth_of_everything_changes_nothing_of_it(flushpump: Command, seed: int):
    port = f"{WRONG}&fault=link-drop:0.2@0s&seed={seed}"
    done = flushpump("calibrate", "--at", "100kPa", "--yes", "--json", "--port", port)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["checked_kpa"] == pytest.approx(100, abs=0.3)


@pytest.mark.parametrize("at", ["14.5psi", "750mmHg", "1bar"])
def test_the_gauge_may_have_another_unit(flushpump: Command, at: str):
    done = flushpump("calibrate", "--at", at, "--yes", "--json", "--port", PORT)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["gauge_kpa"] == pytest.approx(100, abs=0.1)


@pytest.mark.requirement("REQ-CONF-2")
@pytest.mark.parametrize(
    ("fault", "message"),
    [("sensor-gain:1.2", "the gain would be x 0.83"), ("sensor-offset:25", "the offset would be -2"),
     ("sensor-gain:0.3", "the reading went only from")],
)  # fmt: skip
def test_an_implausible_calibration_exits_4_and_changes_nothing(flushpump: Command, fault: str, message: str):
    done = flushpump("calibrate", "--at", "100kPa", "--yes", "--port", f"{PORT}&fault={fault}@0s")
    assert done.returncode == 4
    complaint = done.stderr.splitlines()[-1]
    assert message in complaint
    assert "nothing was changed" in complaint


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ([], 2, "write --at 100kPa, or flushpump calibrate zero"),
        (["--at", "100", "--yes"], 2, "100 has no unit, write it as in 100kPa"),
        (["zero", "--at", "100kPa"], 2, "takes no --at"),
        (["--at", "2psi", "--yes"], 4, "too near to zero"),
        (["--at", "900kPa", "--yes"], 4, "the sensor is good up to 197 kPa"),
        (["--at", "100kPa"], 4, "no terminal to ask on"),
    ],
)
def test_arguments_that_make_no_sense_are_refused_in_one_sentence(
    flushpump: Command, arguments: list[str], status: int, message: str
):
    done = flushpump("calibrate", *arguments, "--port", PORT)
    assert done.returncode == status
    assert len(done.stderr.splitlines()) == 1
    assert message in done.stderr


QUESTIONS = ("nothing pressing on the plunger", "gauge show 100 kPa steadily", "is the pressure kept")


@pytest.mark.requirement("REQ-CONF-1")
@pytest.mark.parametrize("no_to", [0, 1, 2, None])
def test_each_step_is_asked_for_and_a_no_changes_nothing(at_terminal: Callable[..., Any], no_to: int | None):
    child = at_terminal("calibrate", "--at", "100kPa", "--port", WRONG)
    for number, words in enumerate(QUESTIONS):
        child.expect(rf"{words}\? \[y/n\]")
        child.sendline("n" if number == no_to else "y")
        if number == no_to:
            break
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == (0 if no_to is None else 4)
    assert ("stored, and the pump now reads" if no_to is None else "nothing was changed") in child.before


def test_ctrl_c_at_a_question_changes_nothing(at_terminal: Callable[..., Any]):
    child = at_terminal("calibrate", "zero", "--port", WRONG)
    child.expect(r"\[y/n\]")
    child.sendintr()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130
    assert "Traceback" not in child.before


@pytest.mark.requirement("REQ-START-4", "REQ-CONF-1")
def test_corrupt_settings_are_not_made_good_by_a_calibration(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(flushsim.rig.lockstep, "Journal", lambda: Journal(blank=True))
    done = CliRunner().invoke(cli, ["calibrate", "zero", "--yes", "--port", PORT])
    assert done.exit_code == 4
    assert "set them again first" in done.stderr
