"""The command `flushpump flash` from end to end: REPL, files, reset, and the version that the pump then reports."""

import json
import os
import signal
import subprocess
import sys
import threading
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flushpump.errors import NoDeviceError
from flushpump.flash import discovery
from flushpump.flash import image as board_files

from host.tests.flash.support.board_in_vm import files_on, put
from host.tests.flash.support.board_that_restarts import BoardThatRestarts

Make = Callable[..., BoardThatRestarts]


@pytest.fixture
def make(image: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    return lambda **more: BoardThatRestarts(image, monkeypatch, **more)


def begin(port: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "flushpump.cli.main", "flash", "--board", "rpi_pico", "--port", port, *arguments]
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=300)
    assert "Traceback" not in err
    return process.returncode, out, err


def flash(port: str) -> dict[str, Any]:
    status, out, err = finish(begin(port, "--json"))
    assert status == 0, err
    values: dict[str, Any] = json.loads(out)
    return values


def test_a_board_is_flashed_runs_what_was_flashed_and_a_second_time_nothing_is_copied(make: Make, image: Path) -> None:
    put(image, {"main.py": b"blink()\n"})
    with make() as board:
        status, _, err = finish(begin(board.port))
        assert status == 4
        assert (
            "main.py on the board belongs to another program and would be replaced; copy it first, then add --yes"
            in err
        )
        status, out, err = finish(begin(board.port, "--yes"))
        assert status == 0, err
        second = flash(board.port)
    contents = files_on(image)
    manifest = json.loads(contents["manifest.json"])
    release, fingerprint = manifest["version"], manifest["fingerprint"]
    assert release == ".".join(map(str, board_files.release()))
    assert contents["main.py"] == (board_files.firmware_root() / "main.py").read_bytes()
    assert contents.items() >= board_files.default_settings().items()
    lines = out.splitlines()
    assert lines[0] == f"board     rpi_pico at {board.port}: Raspberry Pi Pico with RP2040, MicroPython 1.28.0"
    assert lines[1].split() == ["firmware", release, f"{fingerprint},", "as", "the", "board", "reports"]
    assert lines[2].startswith(f"files     {len(contents) - 1} copied (")
    assert (second["fingerprint"], second["port"], second["micropython"]) == (fingerprint, board.port, "1.28.0")
    assert second["files"] == {"copied": 0, "kept": len(contents) - 1 - len(board_files.SETTINGS), "removed": 0}
    assert second["firmware_bytes"] < second["used_bytes"] < 500_000


def test_ctrl_c_leaves_a_board_that_reports_that_flashing_was_not_completed_and_the_next_run_completes_it(
    make: Make, image: Path
) -> None:
    put(image, {"journal/log.0": b"sixteen bytes   "})
    with make() as board:
        process = begin(board.port)
        board.after_bytes(100_000, lambda: process.send_signal(signal.SIGINT))
        status, out, err = finish(process)
        assert (status, out) == (130, "")
        assert err.splitlines()[-1] == (
            "flushpump: stopped by the user: flashing is incomplete and the pump does not start; run the command again"
        )
        again = flash(board.port)
    assert again["files"]["kept"] > 0
    assert board.halves > 0
    assert files_on(image)["journal/log.0"] == b"sixteen bytes   "


def test_a_cable_that_is_pulled_while_copying_ends_with_status_6_and_what_to_do(make: Make) -> None:
    with make() as board:
        process = begin(board.port)
        board.after_bytes(50_000, board.unplug)
        status, _, err = finish(process)
    assert status == 6
    assert "does not answer any more" in err
    assert "flashing is incomplete and the pump does not start; run the command again" in err


def test_a_simulated_pump_is_refused(make: Make, image: Path) -> None:
    contents = {"main.py": b"# ours"}
    manifest = {"version": "0.1.0", "fingerprint": board_files.fingerprint("0.1.0", contents)}
    put(image, contents | {"manifest.json": json.dumps(manifest).encode()})
    with make(simulated=True) as board:
        status, out, err = finish(begin(board.port))
    assert (status, out) == (3, "")
    assert err.splitlines()[-1] == f"flushpump: the pump at {board.port} is a simulated one; there is no board to flash"


@pytest.fixture
def something(request: pytest.FixtureRequest) -> Iterator[str]:
    """A serial device that is no board: it answers everything with the same words."""
    master, slave = os.openpty()
    tty.setraw(slave)
    ended = threading.Event()

    def answer() -> None:
        os.set_blocking(master, False)
        while not ended.wait(0.01):
            try:
                os.read(master, 4096)
                os.write(master, request.param)
            except BlockingIOError:
                pass

    thread = threading.Thread(target=answer)
    thread.start()
    yield os.ttyname(slave)
    ended.set()
    thread.join()
    os.close(master)
    os.close(slave)


@pytest.mark.parametrize(
    ("something", "sentence"),
    [
        (b"", "nothing answers at .*; check the cable; without MicroPython on it copy the .uf2 of MicroPython 1.28.0"),
        (b"ERROR\r\n", "the device at .* is neither flushpump nor a MicroPython REPL; copy the .uf2"),
    ],
    indirect=["something"],
)
def test_a_port_that_is_no_board_is_refused_in_one_sentence(
    something: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "_REPL_S", 0.1)
    with pytest.raises(NoDeviceError, match=sentence):
        discovery.bring_to_repl(something)
