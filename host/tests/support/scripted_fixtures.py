"""Fixtures of the scripted pump, for the conftest.py of the folders that use it."""

from collections.abc import Iterator

import pytest
from flushpump.device.pump import Pump

from host.tests.support.scripted_pump import ScriptedPort, ScriptedPump


@pytest.fixture
def device() -> ScriptedPump:
    """A scripted pump that has just been switched on."""
    return ScriptedPump()


@pytest.fixture
def port(device: ScriptedPump) -> ScriptedPort:
    """A port to the scripted pump, on simulated time."""
    return ScriptedPort(device)


@pytest.fixture
def pump(port: ScriptedPort) -> Iterator[Pump]:
    """The client of the scripted pump."""
    with Pump.over(port, "the scripted pump") as pump:
        yield pump
