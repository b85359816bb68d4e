"""Tests on the emulated board, each in a fork of one process: the board's start takes minutes, a fork takes no time.

The board is started in the process that collects the tests, before the first test that uses a fixture named in `BOARDS`
(or `open_dut` on the target emulator). Each test gets a copy of the board whose control loop has just begun.
"""

import json
import os
import signal
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from flushhil.targets import SUITE

# A test of some seconds on the chip takes a minute of a busy machine.
_TIMEOUT_S = 1_200


def _plain_board() -> Any:
    from flushsim.emulator.board import EmulatedBoard

    return EmulatedBoard()


BOARDS: dict[str, Callable[[], Any]] = {"started_board": _plain_board}
"""How to make the EmulatedBoard of each fixture; a conftest.py may add to it."""


@cache
def _started(name: str) -> Any:
    """The started board, or the exception that its start raised."""
    try:
        board = BOARDS[name]()
        board.start()
    except Exception as problem:
        return problem
    return board


def board_of(item: pytest.Item) -> str:
    """Name of the started board that the test gets a copy of, "" for a test without one."""
    names = getattr(item, "fixturenames", ())
    if item.config.getoption("--target") == "emulator" and item.path.is_relative_to(SUITE) and "open_dut" in names:
        return "started_board"
    return next((name for name in BOARDS if name in names), "")


def started(name: str) -> Any:
    """For the fixtures that BOARDS names. Raises what the board's start raised."""
    board = _started(name)
    if isinstance(board, Exception):
        raise board
    return board


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if board_of(item) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(_TIMEOUT_S))


@pytest.fixture
def started_board() -> Any:
    """An EmulatedBoard of its own whose loop has begun, with the image that flushsim.emulator.image finds."""
    return started("started_board")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    name = board_of(item)
    if not name or any(item.iter_markers("skip")):
        return None
    _started(name)
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for report in _reports(item):
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    # Tears down the fixtures that earlier tests of this process, not of a fork, have left for this one.
    item.session._setupstate.teardown_exact(nextitem)
    return True


def _reports(item: pytest.Item) -> Iterator[pytest.TestReport]:
    """Runs the test in a child process."""
    hook = item.config.hook
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        status = 1
        try:
            reports = runtestprotocol(item, log=False, nextitem=None)
            serialized = [hook.pytest_report_to_serializable(config=item.config, report=report) for report in reports]
            with os.fdopen(writing, "w") as pipe:
                json.dump(serialized, pipe)
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    ended = False
    try:
        with os.fdopen(reading) as pipe:
            text = pipe.read()
        status = os.waitpid(child, 0)[1]
        ended = True
    finally:
        if not ended:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    if not text:
        words = f"the process of the test ended with {os.waitstatus_to_exitcode(status)}"
        properties = item.user_properties
        yield pytest.TestReport(item.nodeid, item.location, {}, "failed", words, "call", user_properties=properties)
        return
    for data in json.loads(text):
        yield hook.pytest_report_from_serializable(config=item.config, data=data)
