"""`flushpump run` on a terminal: confirmation, questions, the live panel, and Ctrl-C at every moment."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path as FilePath
from typing import Any

import pexpect
import pytest
from flushpump.records.store import Records

RUN = ["run", "port-maintenance", "--line", "smartport-ct-8f", "--needle", "huber-20g", "--syringe", "bd-10"]
CONFIRM = r"as shown\? \[y/n\]"
BLOOD = r"Was blood return seen\? \[y/n\]"
Spawn = Callable[..., Any]


@pytest.fixture
def file(tmp_path: FilePath) -> FilePath:
    return tmp_path / "records.sqlite"


@pytest.fixture
def environment(file: FilePath) -> dict[str, str]:
    return {**os.environ, "FLUSHPUMP_RECORDS": str(file), "TERM": "xterm-256color"}


@pytest.fixture
def terminal(environment: dict[str, str]) -> Iterator[Spawn]:
    children = []

    def spawn(*arguments: str, speed: float = 0) -> Any:
        port = ["--port", f"flushsim://?target=native&speed={speed}"]
        command = ["-m", "flushpump.cli.main", *RUN, *port, *arguments]
        child = pexpect.spawn(
            sys.executable, command, env=environment, encoding="utf-8", timeout=20, dimensions=(30, 120)
        )
        children.append(child)
        return child

    yield spawn
    for child in children:
        child.close(force=True)


def ended(child: Any) -> tuple[int, str]:
    """Exit status, and what was written since the last thing that was waited for."""
    child.expect(pexpect.EOF)
    child.close()
    assert "Traceback" not in child.before
    return child.exitstatus, child.before


@pytest.mark.requirement("REQ-PATH-2")
def test_the_confirmation_shows_path_syringe_brand_and_size_volumes_and_limits(terminal: Spawn):
    child = terminal()
    child.expect(CONFIRM)
    for words in (
        "smartport-ct-8f",
        "huber-20g",
        "BD plastic 10 mL",
        "infuse 9.50 mL, aspirate 0.50 mL",
        "hard limit 172 kPa",
    ):
        assert words in child.before
    child.sendline("n")
    status, rest = ended(child)
    assert status == 4
    assert "flushpump: not confirmed; nothing has moved" in rest


def test_an_end_of_input_is_no_confirmation(terminal: Spawn):
    child = terminal()
    child.expect(CONFIRM)
    child.sendeof()
    assert ended(child)[0] == 4


def test_ctrl_c_at_the_confirmation_exits_130(terminal: Spawn):
    child = terminal()
    child.expect(CONFIRM)
    child.sendintr()
    status, rest = ended(child)
    assert status == 130
    assert "stopped by the user" in rest


@pytest.mark.requirement("REQ-PATH-3", "REQ-LINK-1")
def test_a_question_waits_longer_than_the_lease_and_the_answer_is_recorded(terminal: Spawn, file: FilePath):
    child = terminal()
    child.expect(CONFIRM)
    child.sendline("y")
    child.expect(BLOOD)
    time.sleep(3.0)
    child.sendline("perhaps")
    child.expect("Please answer y or n")
    child.sendline("yes")
    status, rest = ended(child)
    assert status == 0, rest
    body = Records(file).all()[0].body
    assert body["outcome"] == "completed"
    assert body["confirmed_by"] == "operator"
    assert body["answers"] == [{"question": "blood_return", "yes": True, "by": "operator"}]


@pytest.mark.requirement("REQ-PATH-3")
def test_a_missing_blood_return_stops_the_sequence_before_anything_is_flushed(terminal: Spawn, file: FilePath):
    child = terminal()
    child.expect(CONFIRM)
    child.sendline("y")
    child.expect(BLOOD)
    child.sendline("n")
    status, rest = ended(child)
    assert status == 5
    # The terminal breaks the sentence between words.
    assert "blood return was not seen; 0.00 of 9.50 mL delivered; do not flush" in " ".join(rest.split())
    body = Records(file).all()[0].body
    assert (body["outcome"], body["delivered_ml"], body["pulses"]) == ("stopped", 0.0, [])
    assert body["answers"] == [{"question": "blood_return", "yes": False, "by": "operator"}]


def test_the_live_panel_shows_pulse_volume_pressure_against_its_limits_and_time_left(terminal: Spawn):
    child = terminal("--yes", speed=4)
    child.expect("working limit 138 kPa, hard limit 172 kPa")
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", child.before + ended(child)[1])
    for words in ("phase 2 of 3, pulses: 10 of 0.9 mL at 2 mL/s", "of 10 done", "s left", "of 9.50 mL", "kPa"):
        assert words in text


@pytest.mark.requirement("REQ-STOP-1")
def test_ctrl_c_at_a_question_stops_and_exits_130(terminal: Spawn):
    child = terminal()
    child.expect(CONFIRM)
    child.sendline("y")
    child.expect(BLOOD)
    child.sendintr()
    status, rest = ended(child)
    assert status == 130
    assert "stopped by the user, nothing moves: 0.00 of 9.50 mL delivered" in rest


@contextmanager
def started(environment: dict[str, str], *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "flushpump.cli.main", *arguments]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        yield process
        if process.poll() is None:
            process.kill()


@pytest.mark.requirement("REQ-STOP-1", "REQ-STOP-3")
@pytest.mark.parametrize("after", ["phase 1 of 3", "phase 2 of 3", "pulse 1 of 10", "pulse 2 of 10"])
@pytest.mark.parametrize("presses", [1, 3])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_in_a_run_stops_the_pump_and_reports_the_volume_however_often_it_is_pressed(
    environment: dict[str, str], after: str, presses: int, number: signal.Signals
):
    port = "flushsim://?target=native&speed=3"
    with started(environment, *RUN, "--port", port, "--yes", "--json") as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith(after):
                break
        for _ in range(presses):
            process.send_signal(number)
            time.sleep(0.01)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    run = json.loads(out)
    assert (run["outcome"], run["interrupted"]) == ("stopped", True)
    assert 0 <= run["delivered_ml"] < 5
    assert run["record_id"]
    assert err.splitlines()[-1].startswith("flushpump: stopped by the user, nothing moves: ")


@pytest.mark.requirement("REQ-STOP-1")
@pytest.mark.parametrize("delay_s", [0.0, 0.02, 0.05, 0.1, 0.2])
def test_ctrl_c_before_or_at_the_start_stops_and_exits_130(environment: dict[str, str], delay_s: float):
    port = "flushsim://?target=native&speed=3"
    with started(environment, *RUN, "--port", port, "--yes", "--json") as process:
        assert process.stderr is not None
        process.stderr.readline()
        time.sleep(delay_s)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert err.splitlines()[-1].startswith("flushpump: stopped by the user")


def test_ctrl_c_while_the_program_still_loads_is_answered_in_one_sentence(environment: dict[str, str]):
    code = """
import sys
class Interrupted:
    def find_spec(self, name, path, target=None):
        if name == "flushpump.cli.top":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupted())
from flushpump.cli.main import main
main()
"""
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert done.stderr == "flushpump: stopped by the user\n"


def test_a_ctrl_c_that_python_drops_in_a_destructor_still_stops_what_begins_after_it(environment: dict[str, str]):
    code = """
import os, signal
from flushpump.signals import StopSignals, raise_on_signals
class Dying:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000): pass
signal.signal(signal.SIGINT, signal.default_int_handler)
raise_on_signals()
Dying()
print(StopSignals().stop_requested)
"""
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stdout == "True\n"
