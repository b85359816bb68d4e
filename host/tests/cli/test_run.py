"""`flushpump run` and its neighbours, as a user starts them, against the simulated pump with the board's firmware."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Any

import pytest

RUN = ["run", "port-maintenance", "--line", "smartport-ct-8f", "--needle", "huber-20g", "--syringe", "bd-10"]
KEYS = {
    "outcome", "sequence", "intended_ml", "delivered_ml", "uncertain_ml", "duration_s", "peak_kpa", "verdict", "pulses",
    "alarms", "record_id", "firmware", "target",
}  # fmt: skip
PULSE_KEYS = {
    "index", "intended_ml", "delivered_ml", "duration_s", "pause_s", "peak_kpa", "resistance_kpa_s_per_ml",
    "compliance_ul_per_kpa", "derated",
}  # fmt: skip
Command = Callable[..., subprocess.CompletedProcess[str]]


def result(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("target", ["sim", "native"])
def test_a_run_prints_one_object_with_what_the_manual_promises(flushpump: Command, target: str):
    done = flushpump(*RUN, "--port", f"flushsim://?target={target}", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    run = result(done)
    assert set(run) >= KEYS
    assert all(set(pulse) >= PULSE_KEYS for pulse in run["pulses"])
    assert (run["outcome"], run["verdict"], run["target"]) == ("completed", "patent", target)
    assert run["intended_ml"] == 9.5
    assert run["delivered_ml"] == pytest.approx(9.5, abs=0.05)
    assert [pulse["index"] for pulse in run["pulses"]] == list(range(10))
    assert all(pulse["delivered_ml"] == pytest.approx(0.9, rel=0.01) for pulse in run["pulses"])
    assert "Traceback" not in done.stderr
    assert "pulse 10 of 10" in done.stderr


@pytest.mark.requirement("REQ-LOG-2", "REQ-PATH-2")
def test_the_record_of_a_run_holds_firmware_settings_path_operator_and_who_confirmed(flushpump: Command):
    run = result(flushpump(*RUN, "--port", "flushsim://", "--yes", "--json", "--operator", "Ada"))
    shown = result(flushpump("records", "show", run["record_id"], "--json"))
    assert shown["firmware"] == run["firmware"] != ""
    assert shown["settings_fingerprint"] != ""
    assert shown["operator"] == "Ada"
    assert shown["confirmed_by"] == "--yes"
    path = shown["plan"]["path"]
    assert (path["line"], path["needle"]) == ("smartport-ct-8f", "huber-20g")
    assert (path["syringe_brand"], path["syringe_size_ml"]) == ("BD plastic", 10.0)
    assert flushpump("records", "verify").returncode == 0
    number = run["record_id"].partition("-")[0]
    assert f"\n{number} " in flushpump("records", "list").stdout


@pytest.mark.requirement("REQ-PATH-3")
def test_blood_return_is_asked_for_and_the_record_notes_that_yes_was_given_beforehand(flushpump: Command):
    run = result(flushpump(*RUN, "--port", "flushsim://", "--yes", "--json"))
    assert run["answers"] == [{"question": "blood_return", "yes": True, "by": "--yes"}]


@pytest.mark.requirement("REQ-OCCL-1", "REQ-OCCL-3")
def test_a_blocked_line_exits_5_with_the_partial_volume_and_the_verdict(flushpump: Command):
    done = flushpump(*RUN, "--port", "flushsim://?fault=occlusion@3s", "--yes", "--json")
    assert done.returncode == 5
    run = result(done)
    assert (run["outcome"], run["verdict"]) == ("occluded", "occluded")
    assert 0.5 < run["delivered_ml"] < 4.0
    assert [alarm["name"] for alarm in run["alarms"]] in (["occlusion"], ["hard_limit"])
    last = done.stderr.splitlines()[-1]
    assert last.startswith("flushpump: occluded: ")
    assert "do not push" in last
    assert run["record_id"]


@pytest.mark.parametrize(
    ("fault", "alarm"),
    [
        ("sensor-silent@3s", "sensor_silent"),
        ("disconnect@3s", "disconnected"),
        ("stall@3s", "step_mismatch"),
    ],
)
def test_an_alarm_ends_a_run_with_exit_5_and_names_the_remedy(flushpump: Command, fault: str, alarm: str):
    done = flushpump(*RUN, "--port", f"flushsim://?target=native&fault={fault}", "--yes", "--json")
    assert done.returncode == 5, done.stderr
    run = result(done)
    assert run["outcome"] == "alarm"
    assert alarm in [entry["name"] for entry in run["alarms"]]
    assert 0 < run["delivered_ml"] < 9.0


@pytest.mark.requirement("REQ-STOP-2")
def test_the_stop_button_ends_a_run_with_exit_5_and_the_volume_so_far(flushpump: Command):
    done = flushpump(*RUN, "--port", "flushsim://?target=native&fault=stop-button@3s~100ms", "--yes", "--json")
    assert done.returncode == 5, done.stderr
    run = result(done)
    assert run["outcome"] in ("stopped", "alarm")
    assert not run["interrupted"]
    assert 0 < run["delivered_ml"] < 9.0


def test_a_link_that_dies_in_a_run_exits_6_and_names_what_is_uncertain(flushpump: Command):
    done = flushpump(*RUN, "--port", "flushsim://?target=native&fault=link-loss@3s", "--yes", "--json")
    assert done.returncode == 6, done.stderr
    run = result(done)
    assert run["outcome"] == "link_lost"
    assert 0 < run["delivered_ml"] < 5
    # The pump ends with its lease: what it may have driven until then is unconfirmed, not all that was left.
    assert 0 < run["uncertain_ml"] <= 5.0
    assert run["record_id"]


def test_a_power_cut_in_a_run_is_not_taken_for_success(flushpump: Command):
    done = flushpump(*RUN, "--port", "flushsim://?target=native&fault=power-cut@3s~200ms", "--yes", "--json")
    assert done.returncode in (6, 7), done.stderr
    assert result(done)["outcome"] in ("link_lost", "unknown")


@pytest.mark.requirement("REQ-DOSE-1")
@pytest.mark.parametrize(
    "fault", ["link-drop:0.1@0s", "link-duplicate:0.3@0s", "link-corrupt:0.1@0s&seed=7", "link-reorder:0.1@0s"]
)
def test_a_bad_link_changes_neither_the_volume_nor_the_result(flushpump: Command, fault: str):
    done = flushpump(*RUN, "--port", f"flushsim://?target=native&fault={fault}", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    run = result(done)
    assert run["delivered_ml"] == pytest.approx(9.5, abs=0.05)
    assert len(run["pulses"]) == 10


def test_a_record_that_cannot_be_written_does_not_take_the_result_away(flushpump: Command, tmp_path: FilePath):
    (tmp_path / "taken").write_text("")
    file = str(tmp_path / "taken" / "records.sqlite")
    done = flushpump(*RUN, "--port", "flushsim://?target=native", "--yes", "--json", FLUSHPUMP_RECORDS=file)
    assert done.returncode == 0
    assert result(done)["record_id"] is None
    assert [line for line in done.stderr.splitlines() if line.startswith("flushpump: no record was written: ")]


def test_a_full_disk_does_not_take_the_result_away(tmp_path: FilePath):
    # No file of this process may grow beyond 4 kB, which the first page of a database already needs.
    code = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
sys.argv = ["flushpump", *{[*RUN, "--port", "flushsim://?target=native", "--yes", "--json"]!r}]
from flushpump.cli.main import main
main()
"""
    environment = {**os.environ, "FLUSHPUMP_RECORDS": str(tmp_path / "records.sqlite")}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert result(done)["outcome"] == "completed"
    assert "no record was written: the records in" in done.stderr


@pytest.mark.requirement("REQ-DOSE-3")
def test_priming_is_not_dose(flushpump: Command):
    path = RUN[2:]
    done = flushpump("prime", *path, "--volume", "0.4mL", "--yes", "--json", "--port", "flushsim://?target=native")
    assert done.returncode == 0, done.stderr
    assert result(done)["primed_ml"] == pytest.approx(0.4, abs=0.005)


def test_priming_faster_than_the_path_allows_is_refused(flushpump: Command):
    done = flushpump("prime", *RUN[2:], "--flow", "9mL/s", "--yes", "--port", "flushsim://?target=native")
    assert done.returncode == 4
    assert "above this path's" in done.stderr


def test_an_unknown_fault_of_the_simulator_is_reported_in_one_sentence(flushpump: Command):
    done = flushpump("status", "--port", "flushsim://?fault=oclusion@3s")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "oclusion" in done.stderr


@pytest.mark.parametrize("command", ["info", "status", "stop", "alarms"])
def test_looking_at_a_pump_prints_one_json_value(flushpump: Command, command: str):
    done = flushpump(command, "--port", "flushsim://?target=native", "--json")
    assert done.returncode == 0, done.stderr
    json.loads(done.stdout)


def test_the_monitor_gives_one_line_per_status_and_ends_by_itself_when_asked_to(flushpump: Command):
    done = flushpump("monitor", "--port", "flushsim://?target=native", "--for", "1", "--json")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) >= 4
    assert {line["moving"] for line in lines} == {False}


@pytest.mark.parametrize(
    ("sequence", "line", "needle", "syringe"),
    [
        ("picc-flush", "picc-5f", "none", "bd-10"),
        ("tunneled-flush", "tunneled-9.6f", "none", "terumo-20"),
        ("lock", "picc-5f", "none", "monoject-12"),
        ("patency", "standard-port-8f", "huber-19g", "hsw-10"),
        ("sash", "picc-5f", "none", "bd-20"),
    ],
)
def test_every_other_sequence_completes_on_a_line_it_is_for(
    flushpump: Command, sequence: str, line: str, needle: str, syringe: str
):
    parts = ["--line", line, "--needle", needle, "--syringe", syringe]
    done = flushpump("run", sequence, *parts, "--port", "flushsim://?target=native", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    run = result(done)
    assert run["delivered_ml"] == pytest.approx(run["intended_ml"], abs=0.15)


@pytest.mark.requirement("REQ-LOG-2")
def test_the_newest_record_is_shown_as_text_when_none_is_named(flushpump: Command):
    run = result(flushpump(*RUN, "--port", "flushsim://?target=native", "--yes", "--json"))
    shown = flushpump("records", "show")
    assert run["record_id"] in shown.stdout
    assert "outcome   completed, verdict patent" in shown.stdout
    assert shown.stdout.count("patent") == len(run["pulses"]) + 1
