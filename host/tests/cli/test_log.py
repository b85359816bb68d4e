"""`flushpump log`, as a user starts it, against the simulated pump with the board's firmware."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

import flushsim.rig.lockstep
import pytest
from click.testing import CliRunner
from flushlink import messages
from flushpump.cli.top import cli
from flushpump.device.log_text import log_words
from flushpump.wire.messages import LogEntry
from flushsim.firmware.journal import Journal

PORT = ["--port", "flushsim://?target=native"]
PATH = ["--line", "smartport-ct-8f", "--needle", "huber-20g", "--syringe", "bd-10"]
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def one_journal(monkeypatch: pytest.MonkeyPatch) -> Journal:
    """Every simulated pump of this test is the same one, switched on again."""
    journal = Journal()
    monkeypatch.setattr(flushsim.rig.lockstep, "Journal", lambda: journal)
    return journal


def call(*arguments: str) -> str:
    done = CliRunner().invoke(cli, [*arguments, *PORT])
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.requirement("REQ-LOG-1")
def test_a_start_is_logged_in_words(flushpump: Command):
    done = flushpump("log", *PORT)
    assert done.returncode == 0, done.stderr
    assert "1        0.000 s  started by power on" in done.stdout
    assert "self-test passed" in done.stdout


@pytest.mark.requirement("REQ-LOG-1")
@pytest.mark.usefixtures("one_journal")
def test_commands_and_settings_of_earlier_sessions_are_shown_by_name_and_unit():
    call("settings", "set", "pressure_ceiling_pa", "150kPa", "--yes")
    call("prime", *PATH, "--yes")
    result = call("log", "--since", "0")
    for words in ("setting pressure_ceiling_pa = 150 kPa", "SETTINGS_SET: done", "PRIME: done", "ended, completed"):
        assert words in result
    restarts = {line.split()[1] for line in result.splitlines()[1:]}
    assert restarts == {"1", "2", "3"}


def test_the_newest_are_shown_or_those_since_a_number(one_journal: Journal):
    for _ in range(12):
        call("selftest")
    newest = one_journal.newest
    by_default = CliRunner().invoke(cli, ["log", *PORT])
    assert len(by_default.stdout.splitlines()) == 21
    assert by_default.stderr == "flushpump: these are the newest 20 entries; --since 0 shows all that are stored\n"
    assert len(call("log", "--last", "5").splitlines()) == 6
    some = json.loads(call("log", "--since", str(newest - 3), "--json"))
    assert [entry["number"] for entry in some][:4] == list(range(newest - 3, newest + 1))
    assert len(json.loads(call("log", "--last", "100000", "--json"))) >= newest
    assert "no entry from number 99999 on" in call("log", "--since", "99999")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["--last", "3", "--since", "1"], "give one of them"), (["--last", "0"], "0 is below 1"),
     (["--since", "-1"], "-1 is below zero"), (["--last", "x"], "is no whole number")],
)  # fmt: skip
def test_wrong_arguments_are_refused_in_one_sentence_and_exit_2(flushpump: Command, arguments: list[str], message: str):
    done = flushpump("log", *arguments, *PORT)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert message in done.stderr


def entry(code: int, argument: int, detail: int) -> LogEntry:
    return LogEntry(number=1, newest=1, boot_count=1, code=code, argument=argument, device_time_ms=0, detail=detail)


@pytest.mark.parametrize(
    ("code", "argument", "detail", "words"),
    [
        (messages.LOG_BOOT, 2, 7, "started by watchdog"),
        (messages.LOG_COMMAND, 0x14, 12, "START refused: an alarm waits to be acknowledged"),
        (messages.LOG_ALARM, 1, 98_765, "alarm: the line is blocked (98.77 kPa)"),
        (messages.LOG_ALARM, 10, 499_000, "alarm: the syringe is empty (0.50 mL)"),
        (messages.LOG_ALARM, 6, -12, "alarm: motor position error (lost steps): syringe empty or jammed? (-12 steps)"),
        (messages.LOG_ALARM, 7, 0, "alarm: the stop button was pressed"),
        (messages.LOG_ALARM, 16, 4, "alarm: the power-on self-test failed (pressure sensor)"),
        (messages.LOG_ACKNOWLEDGED, 1, 3, "acknowledged occurrence 3: the line is blocked"),
        (messages.LOG_PROGRAM_END, 3, 1_234_000, "ended, occluded: 1.23 mL delivered"),
        (messages.LOG_SETTING, 0, -500, "setting pressure_offset_pa = -0.5 kPa"),
        (messages.LOG_SELF_TEST, 0, 20, "self-test failed: pressure sensor, step counter"),
        (messages.LOG_FAULT, 255, 9, "9 entries were lost"),
    ],
)
def test_an_entry_is_shown_in_words(code: int, argument: int, detail: int, words: str):
    assert log_words(entry(code, argument, detail)).startswith(words)


def test_every_code_and_number_a_byte_can_hold_has_words():
    for code in range(12):
        for argument in range(256):
            result: Any = log_words(entry(code, argument, -(2**30) + 1))
            assert result
            assert "\n" not in result
