"""The user's configuration folder on the command line: defaults, units, own entries, and the check of it."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path as FilePath

import pytest

from host.tests.support.own_folder import make_own_folder

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def own(tmp_path: FilePath) -> FilePath:
    return make_own_folder(tmp_path / "own")


def test_a_run_needs_no_option_that_the_configuration_has(flushpump: Command, own: FilePath):
    done = flushpump("run", "two-pulses", "--yes", FLUSHPUMP_CONFIG=str(own))
    assert done.returncode == 0, done.stderr
    assert "bench-line (silicone tube on the bench)" in done.stdout
    assert "mmHg" in done.stdout
    assert "kPa" not in done.stdout
    assert "2 of 0.9 mL at 120 mL/min" in done.stdout
    shown = flushpump("records", "show", FLUSHPUMP_CONFIG=str(own))
    assert "operator  Ana" in shown.stdout
    assert "peak mmHg" in shown.stdout


def test_json_stays_in_kpa_and_ml_per_s(flushpump: Command, own: FilePath):
    converted = flushpump("plan", "two-pulses", "--json", FLUSHPUMP_CONFIG=str(own))
    text = (own / "config.toml").read_text()
    (own / "config.toml").write_text(text[: text.index("[units]")])
    plain = flushpump("plan", "two-pulses", "--json", FLUSHPUMP_CONFIG=str(own))
    assert json.loads(converted.stdout) == json.loads(plain.stdout)


def test_an_option_goes_before_the_environment_and_that_before_the_file(flushpump: Command, own: FilePath):
    (own / "config.toml").write_text('port = "/dev/of-the-file"')
    config = str(own)
    assert "/dev/of-the-file" in flushpump("status", FLUSHPUMP_CONFIG=config).stderr
    named = {"FLUSHPUMP_CONFIG": config, "FLUSHPUMP_PORT": "/dev/of-the-environment"}
    assert "/dev/of-the-environment" in flushpump("status", **named).stderr
    assert "/dev/of-the-option" in flushpump("status", "--port", "/dev/of-the-option", **named).stderr


@pytest.mark.parametrize(
    "arguments",
    [
        [
            "run",
            "two-pulses",
            "--yes",
            "--line",
            "picc-4f",
            "--syringe",
            "bd-10",
            "--port",
            "flushsim://?target=native",
        ],
        ["plan", "picc-flush", "--line", "picc-4f", "--syringe", "bd-10"],
        ["status", "--port", "flushsim://?target=native"],
        ["catalog"],
        ["records", "list"],
    ],
)
def test_a_broken_file_is_refused_before_anything_is_done(flushpump: Command, own: FilePath, arguments: list[str]):
    (own / "config.toml").write_text("[units]\npressure = 'atm'")
    done = flushpump(*arguments, FLUSHPUMP_CONFIG=str(own))
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "config.toml, units, pressure is 'atm', which is not known; give one of kPa, psi, mmHg" in done.stderr


def test_stop_goes_out_in_spite_of_a_broken_file(flushpump: Command, own: FilePath):
    (own / "config.toml").write_text("port = ")
    done = flushpump("stop", "--port", "flushsim://?target=native", FLUSHPUMP_CONFIG=str(own))
    assert done.returncode == 0
    assert "config.toml is not valid TOML" in done.stderr
    assert "stopped, nothing moves" in done.stdout


def test_help_is_shown_in_spite_of_a_broken_file(flushpump: Command, own: FilePath):
    (own / "config.toml").write_text("port = ")
    assert flushpump("run", "--help", FLUSHPUMP_CONFIG=str(own)).returncode == 0


def test_the_catalog_lists_own_entries_as_own(flushpump: Command, own: FilePath):
    listed = flushpump("catalog", FLUSHPUMP_CONFIG=str(own)).stdout
    for words in ("silicone tube on the bench (own)", "Acme 10 mL (own)", "two pulses (own)"):
        assert words in listed
    lines = json.loads(flushpump("catalog", "lines", "--json", FLUSHPUMP_CONFIG=str(own)).stdout)
    assert [line["name"] for line in lines if line["own"]] == ["bench-line"]


def test_the_check_names_every_file_and_every_mistake(flushpump: Command, own: FilePath):
    good = flushpump("catalog", "check", FLUSHPUMP_CONFIG=str(own))
    assert good.returncode == 0
    assert good.stdout.count(": OK\n") == 6
    (own / "catalog" / "lines.toml").write_text("[x]\nbore = 1\n")
    (own / "sequences" / "sas.toml").write_text("")
    (own / "config.toml").write_text('line = "bench-lin"')
    bad = flushpump("catalog", "check", str(own))
    assert bad.returncode == 2
    assert bad.stdout.count(": OK\n") == 4
    for words in (
        "lines.toml, x, bore has no unit; write bore_mm",
        "lines.toml, x, pressure_limit_kpa is missing; write [value, mark, source]",
        "sas.toml has the name of a built-in sequence; rename the file",
        "config.toml, line: there is no line 'bench-lin'",
    ):
        assert words in bad.stdout


def test_the_check_refuses_a_folder_that_is_none(flushpump: Command, tmp_path: FilePath):
    done = flushpump("catalog", "check", str(tmp_path / "absent"))
    assert done.returncode == 2
    assert "there is no folder" in done.stderr
