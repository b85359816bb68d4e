"""Makes the scripted pump importable by the tests of this folder."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flushpump.pump import Pump

sys.path.insert(0, str(Path(__file__).parent))

from scripted_pump import ScriptedPort, ScriptedPump


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
