"""The helpers of these tests can be imported; `board` is a stand-in for `machine` and an importer of `hardware`."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).resolve().parent))

import pf_machine
from hw_modules import Machine, hardware_modules


@pytest.fixture
def board() -> Iterator[tuple[Machine, Callable[[str], Any]]]:
    with hardware_modules() as found:
        yield found


@pytest.fixture
def bench() -> Iterator[pf_machine.Bench]:
    with pf_machine.bench() as found:
        yield found
