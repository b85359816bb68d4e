"""The command line as a user starts it: as a program of its own, or on a terminal of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path as FilePath
from typing import Any

import pexpect
import pytest


@pytest.fixture(autouse=True)
def signals_as_they_were() -> Iterator[None]:
    """A command that ends in this very process leaves the signals ignored, for those after it too."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def own_environment(tmp_path: FilePath) -> dict[str, str]:
    """An environment with records of its own and no pump named."""
    environment = {**os.environ, "FLUSHPUMP_RECORDS": str(tmp_path / "records.sqlite"), "TERM": "xterm-256color"}
    environment.pop("FLUSHPUMP_PORT", None)
    return environment


@pytest.fixture
def flushpump(
    own_environment: dict[str, str], run_flushpump: Callable[..., subprocess.CompletedProcess[str]]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a command to its end, with nobody at the keyboard; named arguments are environment variables."""

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return run_flushpump(*arguments, env={**own_environment, **more})

    return run


@pytest.fixture
def at_terminal(own_environment: dict[str, str]) -> Iterator[Callable[..., Any]]:
    """Starts a command on a terminal of 30 x 120, where questions can be answered."""
    children = []

    def spawn(*arguments: str, columns: int = 120) -> Any:
        command = ["-m", "flushpump.cli.main", *arguments]
        child = pexpect.spawn(
            sys.executable, command, env=own_environment, encoding="utf-8", timeout=300, dimensions=(30, columns)
        )
        children.append(child)
        return child

    yield spawn
    for child in children:
        child.close(force=True)
