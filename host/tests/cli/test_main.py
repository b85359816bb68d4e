"""The command line without motion: options, JSON, sentences and exit statuses."""

import json
import subprocess
import sys
from pathlib import Path as FilePath
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flushpump.access.access_path import AccessPath
from flushpump.cli.top import cli
from flushpump.link.url_handlers import target_of, with_path

PORT_PATH = ["--line", "smartport-ct-8f", "--needle", "huber-20g", "--syringe", "bd-10"]


@pytest.fixture(autouse=True)
def _own_records(monkeypatch: pytest.MonkeyPatch, tmp_path: FilePath):
    monkeypatch.setenv("FLUSHPUMP_RECORDS", str(tmp_path / "records.sqlite"))
    monkeypatch.delenv("FLUSHPUMP_PORT", raising=False)


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def answer(*arguments: str) -> Any:
    result = call(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def complaint(status: int, *arguments: str) -> str:
    result = call(*arguments)
    assert result.exit_code == status, result.output
    if "--json" in arguments:
        assert json.loads(result.stdout)["error"]["status"] == status
    else:
        assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("flushpump: ")
    return lines[0]


def test_the_catalog_is_listed_with_full_names():
    text = call("catalog").stdout
    for name in ("smartport-ct-6.6f", "picc-5f-dual", "huber-22g", "monoject-12", "extension-20cm", "tunneled-flush"):
        assert name in text


def test_the_catalog_as_json_gives_the_source_of_every_value():
    lines = answer("catalog", "lines")
    assert len(lines) == 17
    first = lines[0]
    assert first["sources"]["bore_mm"] == {"mark": "R-m", "text": "6.6F silicone, 2.2/1.0 mm", "own": False}
    assert sorted(answer("catalog")) == ["extensions", "lines", "needles", "sequences", "syringes"]


def test_a_plan_shows_syringe_volumes_limits_and_lowered_flow():
    parts = ["--line", "smartport-ct-8f", "--needle", "huber-22g", "--syringe", "bd-10"]
    result = call("plan", "port-maintenance", *parts)
    assert result.exit_code == 0
    for words in ("BD plastic 10 mL (bd-10)", "9.50 mL", "working limit 138 kPa", "lowered from 2 to 1.07 mL/s"):
        assert words in result.stdout


def test_a_plan_as_json_is_one_object_with_units_in_its_keys():
    plan = answer("plan", "port-maintenance", *PORT_PATH)
    assert plan["intended_ml"] == 9.5
    assert plan["path"]["hard_limit_kpa"] == 172.0
    assert [phase["kind"] for phase in plan["phases"]] == ["aspirate", "pulses", "lock"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["plan", "port-maintenanc", *PORT_PATH], "did you mean port-maintenance?"),
        (["plan", "port-maintenance", "--line", "picc-44f", "--syringe", "bd-10"], "did you mean picc-4f?"),
        (["plan", "port-maintenance", "--line", "picc-4f", "--syringe", "bd10"], "did you mean bd-10?"),
        (["plan", "port-maintenance", "--line", "smartport-ct-8f", "--syringe", "bd-10"], "--needle huber-20g"),
        (["plan", "lock", *PORT_PATH, "--fluid", "heparin_1000"], "did you mean heparin_100?"),
        (["plan", "port-maintenance", *PORT_PATH, "--loaded", "10"], "10 has no unit, write it as in 0.5mL"),
        (["plan", "port-maintenance", *PORT_PATH, "--loaded", "ten mL"], "'ten mL' is no volume"),
        (["plan", "port-maintenance", *PORT_PATH, "--loaded", "10kg"], "kg is no unit of a volume, use mL or uL"),
        (["plan", "port-maintenance", *PORT_PATH, "--loaded", "-1mL"], "-1mL is not above zero"),
        (["plan", "port-maintenance"], "missing option '--line'"),
        (["plan", "/nowhere/x.toml", *PORT_PATH], "there is no sequence file /nowhere/x.toml"),
        (["catalog", "lins"], "'lins' is not one of"),
        (["frobnicate"], "no such command 'frobnicate'"),
        (["status", "--prot", "x"], "no such option"),
        (["ack"], "give --all"),
        (["records", "show", "7"], "there is no record 7"),
    ],
)
def test_a_wrong_word_on_the_command_line_is_answered_in_one_sentence_and_exit_2(arguments: list[str], message: str):
    assert message in complaint(2, *arguments)


@pytest.mark.requirement("REQ-PATH-5")
def test_a_fluid_that_is_not_in_the_catalog_is_refused():
    assert "there is no fluid 'water'" in complaint(2, "plan", "lock", *PORT_PATH, "--fluid", "water")


@pytest.mark.requirement("REQ-PATH-1")
def test_a_small_barrel_on_a_central_line_exits_4():
    assert "narrower than a 10 mL syringe" in complaint(
        4, "plan", "picc-flush", "--line", "picc-4f", "--syringe", "bd-5"
    )


@pytest.mark.requirement("REQ-PATH-4")
@pytest.mark.parametrize("command", ["plan", "run"])
def test_heparin_for_an_intolerant_line_exits_4(command: str):
    arguments = [command, "lock", "--line", "picc-4f", "--syringe", "bd-10", "--heparin-intolerant"]
    assert "marked heparin-intolerant" in complaint(4, *arguments)


def test_without_a_terminal_and_without_yes_a_run_is_refused_before_the_port_is_touched():
    assert "no terminal to ask on; add --yes" in complaint(4, "run", "port-maintenance", *PORT_PATH, "--port", "x")
    assert "--json leaves nobody to ask" in complaint(4, "run", "port-maintenance", *PORT_PATH, "--port", "x", "--json")


@pytest.mark.parametrize("command", ["info", "status", "stop", "alarms", "monitor"])
def test_a_port_that_is_not_there_exits_3(command: str):
    assert "/dev/ttyNOPE cannot be opened" in complaint(3, command, "--port", "/dev/ttyNOPE")


def test_a_port_that_is_no_pump_exits_3(tmp_path: FilePath):
    assert "cannot be opened" in complaint(3, "status", "--port", str(tmp_path))


def test_an_error_of_the_program_is_one_sentence_and_its_traceback_goes_to_a_log(
    monkeypatch: pytest.MonkeyPatch, tmp_path: FilePath
):
    monkeypatch.setattr("platformdirs.user_log_dir", lambda name: str(tmp_path))
    monkeypatch.setattr("flushpump.cli.commands.catalog.load", lambda: 1 / 0)
    sentence = complaint(1, "catalog", "lines")
    assert "ZeroDivisionError" in sentence
    assert str(tmp_path / "errors.log") in sentence
    assert "ZeroDivisionError" in (tmp_path / "errors.log").read_text()


def test_a_simulated_pump_gets_the_parts_of_the_path_that_its_url_does_not_name():
    path = AccessPath.of("picc-4f", "none", "terumo-20")
    url = with_path("flushsim://?fault=occlusion@3s&fault=leak:0.1@5s&syringe=bd-10", path.names)
    assert url == (
        "flushsim://?fault=occlusion@3s&fault=leak:0.1@5s&syringe=bd-10"
        "&line=picc-4f&needle=none&extension=extension-20cm"
    )
    assert with_path("/dev/ttyACM0", path.names) == "/dev/ttyACM0"


def test_the_target_of_a_run_is_the_simulators_or_the_port():
    assert target_of("flushsim://") == "sim"
    assert target_of("flushsim://?target=native") == "native"
    assert target_of("/dev/ttyACM0") == "serial:/dev/ttyACM0"


def test_the_output_may_be_cut_off_by_its_reader():
    command = f"{sys.executable} -m flushpump.cli.main catalog --json | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout == "{\n"
    assert done.stderr == ""
