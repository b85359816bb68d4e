"""`board` is a stand-in for `machine` and an importer of `hardware`."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from firmware.tests.hardware.support import machine_stub
from firmware.tests.hardware.support.modules import Machine, hardware_modules


@pytest.fixture
def board() -> Iterator[tuple[Machine, Callable[[str], Any]]]:
    with hardware_modules() as found:
        yield found


@pytest.fixture
def bench() -> Iterator[machine_stub.Bench]:
    with machine_stub.bench() as found:
        yield found
