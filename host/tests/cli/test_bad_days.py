"""Bad days at the command line: gone pipes and terminals, full disks, links that lose half of everything."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import tty
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Any

import pexpect
import pytest
from flushpump.records.store import Records

RUN = ["run", "port-maintenance", "--line", "smartport-ct-8f", "--needle", "huber-20g", "--syringe", "bd-10"]
REAL_TIME = "flushsim://?target=native&speed=2"
AT_ONCE = "flushsim://?target=native"
PATIENCE_S = 300
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def file(tmp_path: FilePath) -> FilePath:
    return tmp_path / "records.sqlite"


@pytest.fixture
def start(file: FilePath) -> Start:
    def begin(*arguments: str, **streams: Any) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "flushpump.cli.main", *arguments]
        environment = {**os.environ, "FLUSHPUMP_RECORDS": str(file)}
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
        return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, text=True, **streams)

    return begin


def through_shell(file: FilePath, redirection: str, *arguments: str) -> tuple[int, str, str]:
    command = ["bash", "-c", f'"$@" {redirection}', "bash", sys.executable, "-m", "flushpump.cli.main", *arguments]
    environment = {**os.environ, "FLUSHPUMP_RECORDS": str(file)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.mark.requirement("REQ-STOP-1", "REQ-LOG-2")
def test_a_reader_that_goes_in_a_run_stops_it_and_its_record_is_written(start: Start, file: FilePath):
    run = start(*RUN, "--port", REAL_TIME, "--yes")
    assert run.stdout is not None
    assert run.stderr is not None
    for line in run.stdout:
        if line.startswith("pulse 1 of 10"):
            break
    run.stdout.close()
    err = run.stderr.read()
    assert run.wait(30) == 130, err
    assert err.startswith("flushpump: stopped by the user, nothing moves: ")
    assert Records(file).all()[0].body["outcome"] == "stopped"


def test_with_json_the_result_comes_even_when_nobody_reads_the_progress(start: Start):
    run = start(*RUN, "--port", REAL_TIME, "--yes", "--json")
    assert run.stdout is not None
    assert run.stderr is not None
    for line in run.stderr:
        if line.startswith("pulse 1 of 10"):
            break
    run.stderr.close()
    assert json.loads(run.stdout.read())["outcome"] == "completed"
    assert run.wait(30) == 0


@pytest.mark.requirement("REQ-STOP-1")
@pytest.mark.parametrize("after", ["phase 1 of 3", "pulse 2 of 10"])
def test_a_terminal_that_is_closed_stops_the_run(start: Start, after: str):
    run = start(*RUN, "--port", REAL_TIME, "--yes", "--json")
    assert run.stderr is not None
    for line in run.stderr:
        if line.startswith(after):
            break
    run.send_signal(signal.SIGHUP)
    out, err = run.communicate(timeout=300)
    assert run.returncode == 130, err
    assert json.loads(out)["outcome"] == "stopped"


def test_a_terminal_that_vanishes_in_a_run_leaves_a_record(file: FilePath):
    environment = {**os.environ, "FLUSHPUMP_RECORDS": str(file), "TERM": "xterm"}
    command = ["-m", "flushpump.cli.main", *RUN, "--port", REAL_TIME, "--yes"]
    child = pexpect.spawn(sys.executable, command, env=environment, encoding="utf-8", timeout=300)
    child.expect("pulse 2 of 10")
    # pexpect's own close waits for a tenth of a second only, which a busy machine does not give.
    child.ptyproc.fileobj.close()
    until_s = time.monotonic() + PATIENCE_S
    while child.isalive() and time.monotonic() < until_s:
        time.sleep(0.02)
    assert child.exitstatus == 130
    assert Records(file).all()[0].body["outcome"] == "stopped"


@pytest.mark.parametrize(("redirection", "status"), [(">&-", 0), ("2>&-", 0), (">/dev/full", 7), ("<&- >&- 2>&-", 0)])
def test_closed_or_full_output_takes_neither_the_run_nor_its_status_away(file: FilePath, redirection: str, status: int):
    found, _, _ = through_shell(file, redirection, *RUN, "--port", AT_ONCE, "--yes", "--json")
    assert found == status
    assert Records(file).all()[0].body["outcome"] == "completed"


def test_a_full_output_is_reported_with_the_place_of_the_result(file: FilePath):
    _, _, err = through_shell(file, ">/dev/full", *RUN, "--port", AT_ONCE, "--yes", "--json")
    record_id = Records(file).all()[0].record_id
    assert "flushpump: the output cannot be written: No space left on device" in err
    assert f"the result is in flushpump records show {record_id}" in err


@pytest.mark.requirement("REQ-LINK-1", "REQ-DOSE-1")
@pytest.mark.parametrize("seed", [3, 14, 21, 39])
@pytest.mark.parametrize("share", [0.2, 0.35])
def test_a_run_over_a_link_that_loses_much_ends_and_knows_its_volume(start: Start, seed: int, share: float):
    port = f"flushsim://?target=native&fault=link-drop:{share}@0s&seed={seed}"
    run = start(*RUN, "--port", port, "--yes", "--json")
    out, err = run.communicate(timeout=300)
    assert "Traceback" not in err
    assert run.returncode in ((0,) if share < 0.3 else (0, 3, 6)), err
    if "phase 1 of 3" in err:
        found = json.loads(out)
        assert found["outcome"] == ("completed" if run.returncode == 0 else "link_lost")
        assert found["delivered_ml"] + found["uncertain_ml"] <= 9.6


@pytest.mark.parametrize(
    ("fault", "status", "outcome"),
    [("link-loss@1s", 6, "link_lost"), ("stop-button@1s~100ms", 5, "alarm"), ("power-cut@1s~200ms", 6, "link_lost")],
)
@pytest.mark.requirement("REQ-DOSE-3")
def test_a_priming_that_ends_early_is_one_object_with_the_volume_so_far(
    start: Start, fault: str, status: int, outcome: str
):
    port = f"flushsim://?target=native&fault={fault}"
    prime = start("prime", *RUN[2:], "--volume", "1mL", "--port", port, "--yes", "--json")
    out, err = prime.communicate(timeout=300)
    assert prime.returncode == status, err
    found = json.loads(out)
    assert found["outcome"] == outcome
    assert 0.1 < found["primed_ml"] < 0.3
    assert f"{found['primed_ml']:.2f} of 1.00 mL primed" in err.splitlines()[-1]


def test_the_panel_fits_a_narrow_terminal_and_is_drawn_below_the_question(file: FilePath):
    environment = {**os.environ, "FLUSHPUMP_RECORDS": str(file), "TERM": "xterm", "LC_ALL": "C"}
    environment.pop("COLUMNS", None)
    command = ["-m", "flushpump.cli.main", *RUN, "--port", "flushsim://?target=native&speed=1"]
    child = pexpect.spawn(sys.executable, command, env=environment, encoding="utf-8", timeout=300, dimensions=(40, 40))
    child.expect(r"shown\? \[y/n\]")
    child.sendline("y")
    child.expect(r"seen\? \[y/n\]")
    child.sendline("y")
    child.expect("phase 2")
    first_border = child.before.index("+-")
    # Cursor up before the first line of the new panel would draw over the question.
    assert not re.search(r"\x1b\[\d*A", child.before[:first_border])
    child.expect("pulse 1 of 10")
    child.sendintr()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130, child.before[-600:]
    drawn = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", child.before).replace("^C", "")
    assert drawn.isascii()
    borders = [line for line in drawn.replace("\r", "\n").splitlines() if line.startswith("+-")]
    assert borders
    assert max(map(len, borders)) <= 38


def test_an_unreadable_record_hides_no_other_and_a_run_without_an_end_is_shown(start: Start, file: FilePath):
    for port in (AT_ONCE, f"{AT_ONCE}&fault=link-loss@3s"):
        start(*RUN, "--port", port, "--yes", "--json").communicate(timeout=300)
    shown = start("records", "show", "2")
    out, err = shown.communicate(timeout=300)
    assert shown.returncode == 0, err
    assert "link lost, verdict unclassified" in out
    code = f"""
import sqlite3
database = sqlite3.connect({str(file)!r})
database.executescript("DROP TRIGGER runs_are_not_changed; UPDATE runs SET body = '{{' WHERE number = 1;")
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    listed = start("records", "list")
    out, err = listed.communicate(timeout=300)
    assert listed.returncode == 0
    assert "record 1" in err
    assert "altered" in err
    assert "cannot be read" in out
    assert "link_lost" in out


@pytest.mark.requirement("REQ-STOP-1")
def test_an_unanswered_stop_names_the_remedy_early_and_ends_with_an_unknown_outcome(start: Start):
    master, slave = os.openpty()
    tty.setraw(slave)
    stop = start("stop", "--port", os.ttyname(slave))
    assert stop.stderr is not None
    assert "no answer to STOP yet" in stop.stderr.readline()
    stop.send_signal(signal.SIGINT)
    _, err = stop.communicate(timeout=PATIENCE_S)
    assert stop.returncode == 7
    assert "before the pump had reported that nothing moves; if anything moves, press the pump's stop button" in err
    os.close(master)
    os.close(slave)
