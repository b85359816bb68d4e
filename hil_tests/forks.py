"""Tests on the emulated board, each in a fork of one process: the board's start takes minutes, a fork nothing.

The board is started in the process that collects the tests, before the first one that asks for `started_board` (or for
a bench on the target emulator); every test gets a copy of it, as it is when its loop begins.
"""

import json
import os
import signal
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

# A test of some seconds on the chip takes a minute of a busy machine.
_TIMEOUT_S = 1_200


@cache
def _started() -> Any:
    """The board, or the exception that its start ended with."""
    from flushsim.emulator.board import EmulatedBoard

    try:
        board = EmulatedBoard()
        board.start()
    except Exception as problem:
        return problem
    return board


def is_forked(item: pytest.Item) -> bool:
    """Whether the test runs on a copy of the started board."""
    names = getattr(item, "fixturenames", ())
    on_emulator = item.config.getoption("--target") == "emulator"
    return "started_board" in names or (on_emulator and "open_bench" in names)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if is_forked(item) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(_TIMEOUT_S))


@pytest.fixture
def started_board() -> Any:
    """An EmulatedBoard of its own whose loop has begun, with the image that flushsim.emulator.image finds."""
    board = _started()
    if isinstance(board, Exception):
        raise board
    return board


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> bool | None:
    if not is_forked(item) or any(item.iter_markers("skip")):
        return None
    _started()
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for report in _reports(item):
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def _reports(item: pytest.Item) -> Iterator[pytest.TestReport]:
    """Runs the test in a child of its own."""
    hook = item.config.hook
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        status = 1
        try:
            reports = runtestprotocol(item, log=False, nextitem=None)
            told = [hook.pytest_report_to_serializable(config=item.config, report=report) for report in reports]
            with os.fdopen(writing, "w") as pipe:
                json.dump(told, pipe)
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
        told = item.user_properties
        yield pytest.TestReport(item.nodeid, item.location, {}, "failed", words, "call", user_properties=told)
        return
    for data in json.loads(text):
        yield hook.pytest_report_from_serializable(config=item.config, data=data)
