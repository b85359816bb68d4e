"""The command line against `flushpump sim serve`: a real serial port, real time, and several commands at one pump."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any

import pytest

PATIENCE_S = 300
PARTS = ["--line", "smartport-ct-8f", "--needle", "huber-20g", "--syringe", "bd-10", "--yes", "--json"]
SLOW = """
title = "minutes of pulses"
[[phase]]
kind = "aspirate"
volume_ml = 0.5
flow_ml_per_s = 0.5
question = "blood_return"
[[phase]]
kind = "pulses"
count = 30
volume_ml = 0.3
flow_ml_per_s = 0.3
pause_s = 4
"""


@pytest.fixture
def environment(tmp_path: FilePath) -> dict[str, str]:
    return {**os.environ, "FLUSHPUMP_RECORDS": str(tmp_path / "records.sqlite")}


@pytest.fixture
def port(environment: dict[str, str]) -> Iterator[str]:
    with served(environment) as path:
        yield path


class served:  # noqa: N801
    """A simulated pump on a pseudo-terminal, at twice real time to keep the tests short."""

    def __init__(self, environment: dict[str, str], *arguments: str) -> None:
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "flushpump.cli.main",
                "sim",
                "serve",
                "--target",
                "native",
                "--speed",
                "1",
                *arguments,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )

    def __enter__(self) -> str:
        assert self._process.stdout is not None
        path = self._process.stdout.readline().strip()
        assert path.startswith("/dev/")
        return path

    def __exit__(self, *error: object) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()


def start(environment: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "flushpump.cli.main", *arguments]
    return subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, Any, str]:
    out, err = process.communicate(timeout=PATIENCE_S)
    assert "Traceback" not in err
    return process.returncode, json.loads(out) if out else None, err


def wait_for(process: subprocess.Popen[str], beginning: str) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith(beginning):
            return
    raise AssertionError(f"no line began with {beginning!r}")


def test_a_run_over_a_real_port_completes_and_the_pump_can_be_looked_at_after_it(
    environment: dict[str, str], port: str
):
    status, run, err = finish(start(environment, "run", "patency", *PARTS, "--port", port))
    assert status == 0, err
    assert run["outcome"] == "completed"
    assert run["target"] == f"serial:{port}"
    assert run["delivered_ml"] == pytest.approx(2.0, abs=0.02)
    status, shown, err = finish(start(environment, "status", "--json", "--port", port))
    assert status == 0, err
    assert shown["state"] in ("idle", "stopped")
    assert not shown["moving"]
    assert shown["driven_ml"] == pytest.approx(2.0, abs=0.002)


def test_a_second_run_finds_a_fresh_syringe_in_the_served_pump(environment: dict[str, str], port: str):
    for _ in range(2):
        status, run, err = finish(start(environment, "run", "port-maintenance", *PARTS, "--port", port))
        assert status == 0, err
        assert run["delivered_ml"] == pytest.approx(9.5, abs=0.1)


@pytest.mark.requirement("REQ-STOP-1", "REQ-STOP-3")
def test_flushpump_stop_ends_the_run_of_another_program(environment: dict[str, str], port: str, tmp_path: FilePath):
    # It lasts for minutes, so that it cannot end by itself while `stop` is only starting on a busy machine.
    slow = tmp_path / "slow.toml"
    slow.write_text(SLOW)
    run = start(environment, "run", str(slow), *PARTS, "--port", port)
    wait_for(run, "pulse 1 of 30")
    status, stopped, err = finish(start(environment, "stop", "--json", "--port", port))
    assert status == 0, err
    assert stopped["moving"] is False
    status, report, err = finish(run)
    assert (status, report["outcome"]) == (5, "stopped"), err
    assert "stopped at the pump or by another program, nothing moves" in err
    assert not report["interrupted"]
    assert 0.1 < report["delivered_ml"] < 8


@pytest.mark.requirement("REQ-STOP-1")
def test_flushpump_stop_beside_a_monitor_has_its_answer_and_the_monitor_goes_on(environment: dict[str, str], port: str):
    monitor = start(environment, "monitor", "--json", "--port", port)
    assert monitor.stdout is not None
    monitor.stdout.readline()
    for _ in range(2):
        status, stopped, err = finish(start(environment, "stop", "--json", "--port", port))
        assert status == 0, err
        assert stopped["moving"] is False
    monitor.send_signal(signal.SIGINT)
    _, err = monitor.communicate(timeout=PATIENCE_S)
    assert monitor.returncode == 0, err


@pytest.mark.requirement("REQ-OCCL-1", "REQ-ALRM-1")
def test_an_occlusion_leaves_an_alarm_that_is_listed_and_acknowledged(environment: dict[str, str]):
    with served(environment, "--fault", "occlusion@2s") as port:
        status, run, err = finish(start(environment, "run", "port-maintenance", *PARTS, "--port", port))
        assert status == 5, err
        assert run["outcome"] == "occluded"
        status, alarms, err = finish(start(environment, "alarms", "--json", "--port", port))
        assert status == 0, err
        assert "occlusion" in [alarm["name"] for alarm in alarms] or "hard_limit" in [a["name"] for a in alarms]
        status, _, err = finish(start(environment, "run", "port-maintenance", *PARTS, "--port", port))
        assert status == 4, err
        assert "an alarm waits to be acknowledged" in err
        status, left, err = finish(start(environment, "ack", "--all", "--json", "--port", port))
        assert status == 0, err
        assert left["pending"] == []


@pytest.mark.requirement("REQ-LINK-1")
def test_a_port_that_vanishes_in_a_pulse_exits_6_with_the_volume_so_far(environment: dict[str, str]):
    server = served(environment)
    port = server.__enter__()
    run = start(environment, "run", "port-maintenance", *PARTS, "--port", port)
    wait_for(run, "pulse 1 of 10")
    server.__exit__()
    status, report, err = finish(run)
    assert status == 6, err
    assert report["outcome"] == "link_lost"
    assert report["delivered_ml"] > 0.5
    assert report["uncertain_ml"] > 0
    assert report["record_id"]


def test_two_commands_do_not_share_a_port_unless_one_of_them_is_stop(environment: dict[str, str], port: str):
    monitor = start(environment, "monitor", "--json", "--port", port)
    assert monitor.stdout is not None
    monitor.stdout.readline()
    status, _, err = finish(start(environment, "info", "--json", "--port", port))
    assert status == 3
    assert "another program is using it" in err
    monitor.send_signal(signal.SIGINT)
    _, err = monitor.communicate(timeout=PATIENCE_S)
    assert monitor.returncode == 0, err
