"""`flushpump aspirate`, as a user starts it, against the simulated pump with the board's firmware."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pexpect
import pytest

PATH = ["--line", "smartport-ct-8f", "--needle", "huber-20g", "--syringe", "bd-10"]
PORT = "flushsim://?target=native"
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.requirement("REQ-MOVE-3")
def test_the_volume_is_drawn_back_and_reported_with_the_pressure(flushpump: Command):
    done = flushpump("aspirate", *PATH, "--yes", "--json", "--port", PORT)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["outcome"] == "completed"
    assert result["aspirated_ml"] == pytest.approx(0.5, abs=0.005)
    assert -30 < result["lowest_kpa"] < -2
    assert "flush the line" in done.stderr


@pytest.mark.requirement("REQ-MOVE-3")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--volume", "6mL", "--loaded", "1mL"], "at most 5 mL are drawn back in one go"),
        (["--volume", "3mL"], "has no room for 3 mL beside the 10 mL in it"),
        (["--flow", "4mL/s"], "above this path's 1.18 mL/s: more would need over 30 kPa of suction"),
        (["--loaded", "20mL"], "bd-10 ends at 12 mL"),
    ],
)
def test_more_than_is_bounded_exits_4(flushpump: Command, arguments: list[str], message: str):
    done = flushpump("aspirate", *PATH, *arguments, "--yes", "--port", PORT)
    assert done.returncode == 4
    assert len(done.stderr.splitlines()) == 1
    assert message in done.stderr


@pytest.mark.parametrize(
    ("fault", "status", "outcome"),
    [("occlusion@0.3s", 5, "alarm"), ("stop-button@0.3s~100ms", 5, "alarm"), ("link-loss@0.3s", 6, "link_lost"),
     ("power-cut@0.3s~200ms", 6, "link_lost"), ("link-drop:0.1@0s", 0, "completed")],
)  # fmt: skip
def test_one_that_ends_early_is_one_object_with_the_volume_so_far(
    flushpump: Command, fault: str, status: int, outcome: str
):
    parts = ["--volume", "1mL", "--loaded", "5mL", "--yes", "--json", "--port", f"{PORT}&fault={fault}"]
    done = flushpump("aspirate", *PATH, *parts)
    assert done.returncode == status, done.stderr
    result = json.loads(done.stdout)
    assert result["outcome"] == outcome
    assert 0.05 < result["aspirated_ml"] < (1.01 if status == 0 else 0.8)
    assert "Traceback" not in done.stderr
    if status:
        assert f"{result['aspirated_ml']:.2f} of 1.00 mL drawn back" in done.stderr.splitlines()[-1]


def test_it_is_asked_for_and_shown_as_it_goes(at_terminal: Callable[..., Any]):
    child = at_terminal("aspirate", *PATH, "--port", f"{PORT}&speed=2", columns=40)
    child.expect(r"draw back 0.5 mL at 0.5 mL/s")
    child.expect(r"as shown\? \[y/n\]")
    child.sendline("y")
    child.expect(r"0\.[0-4]\d of 0\.50 mL drawn back, -?\d+ kPa")
    child.expect("completed: 0.50 mL drawn back")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_a_no_moves_nothing(at_terminal: Callable[..., Any]):
    child = at_terminal("aspirate", *PATH, "--port", PORT)
    child.expect(r"\[y/n\]")
    child.sendline("n")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 4
    assert "not confirmed; nothing has moved" in child.before


@pytest.mark.requirement("REQ-STOP-1")
@pytest.mark.parametrize("presses", [1, 3])
def test_ctrl_c_stops_it_and_reports_the_volume(own_environment: dict[str, str], presses: int):
    parts = ["--volume", "3mL", "--loaded", "5mL", "--yes", "--json", "--port", f"{PORT}&speed=1"]
    with subprocess.Popen(
        [sys.executable, "-m", "flushpump.cli.main", "aspirate", *PATH, *parts],
        env=own_environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        process.stderr.readline()
        time.sleep(1.0)
        for _ in range(presses):
            process.send_signal(signal.SIGINT)
            time.sleep(0.02)
        out, err = process.communicate(timeout=300)
    assert process.returncode == 130, err
    result = json.loads(out)
    assert result["interrupted"] is True
    assert result["aspirated_ml"] < 3
    assert err.splitlines()[-1].startswith("flushpump: stopped by the user, nothing moves: ")
