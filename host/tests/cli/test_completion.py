"""What the shell completes, asked through click's own mechanism."""

import os
import subprocess
import sys
from pathlib import Path as FilePath

import pytest
from click.shell_completion import ShellComplete
from flushpump.cli.top import cli
from flushpump.records.store import Records

WHEN = "2026-01-02T03:04:05+00:00"


@pytest.fixture(autouse=True)
def records(monkeypatch: pytest.MonkeyPatch, tmp_path: FilePath) -> Records:
    file = tmp_path / "records.sqlite"
    monkeypatch.setenv("FLUSHPUMP_RECORDS", str(file))
    return Records(file)


def completed(*arguments: str) -> list[str]:
    """What the last of the arguments is completed to."""
    shell = ShellComplete(cli, {}, "flushpump", "_FLUSHPUMP_COMPLETE")
    return [item.value for item in shell.get_completions(list(arguments[:-1]), arguments[-1])]


@pytest.mark.parametrize("command", [["run", "lock"], ["plan", "lock"], ["prime"], ["aspirate"], ["sim", "serve"]])
@pytest.mark.parametrize(
    ("option", "begun", "names"),
    [
        ("--line", "picc-5", ["picc-5f", "picc-5f-dual"]),
        ("--needle", "huber-2", ["huber-20g", "huber-22g"]),
        ("--syringe", "bd-1", ["bd-10"]),
        ("--extension", "extension-2", ["extension-20cm"]),
    ],
)
def test_names_of_the_catalog_are_completed(command: list[str], option: str, begun: str, names: list[str]):
    found = completed(*command, option, begun)
    assert set(names) <= set(found)
    assert all(name.startswith(begun) for name in found)


@pytest.mark.parametrize("command", [["run"], ["plan"], ["sim", "trace"]])
def test_sequences_are_completed_and_where_none_fits_files_are(command: list[str]):
    assert completed(*command, "s") == ["sas", "sash"]
    shell = ShellComplete(cli, {}, "flushpump", "_FLUSHPUMP_COMPLETE")
    (item,) = shell.get_completions(command, "./mine")
    assert (item.type, item.value) == ("file", "./mine")


@pytest.mark.parametrize("command", [["records", "show"], ["records", "export", "--format", "csv"]])
def test_records_are_completed_newest_first(command: list[str], records: Records):
    ids = [records.append({"sequence": "lock"}, WHEN).record_id for _ in range(2)]
    assert completed(*command, "") == ids[::-1]
    assert completed(*command, "2") == [ids[1]]


def test_records_that_cannot_be_read_complete_to_nothing(records: Records):
    records.file.mkdir()
    assert completed("records", "show", "") == []


def test_settings_boards_fluids_and_commands_are_completed():
    assert completed("settings", "set", "pressure_g") == ["pressure_gain_ppm"]
    assert completed("flash", "--board", "rpi_pico_") == ["rpi_pico_w"]
    assert completed("run", "lock", "--fluid", "antim") == ["antimicrobial_lock"]
    assert completed("s") == ["selftest", "settings", "sim", "status", "stop"]


def test_bash_gets_the_names_from_the_command_itself():
    words = {"COMP_WORDS": "flushpump plan lock --line picc-5", "COMP_CWORD": "4"}
    done = subprocess.run(
        [sys.executable, "-m", "flushpump"],
        env={**os.environ, "_FLUSHPUMP_COMPLETE": "bash_complete", **words},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.stdout.splitlines() == ["plain,picc-5f", "plain,picc-5f-dual"]
