"""The stand-in firmware: one-letter commands, to test targets and link without the controller."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from flushsim.rig.lockstep import TICK_US, Rig

_FOLDER = Path(__file__).parent / "support" / "stand_in"


@dataclass(frozen=True)
class Echo:
    """What the stand-in firmware answers to the letter e."""

    now_us: int
    position: int
    reading: int
    scratch_0: int
    scratch_3: int
    reset_cause: int
    inputs: int
    first_boots_cause: int

    @classmethod
    def of(cls, data: bytes) -> "Echo":
        words = [int.from_bytes(data[at : at + 4], "little") for at in range(0, 20, 4)]
        return cls(*words, data[20], data[21], data[23])


@pytest.fixture
def stand_in() -> Path:
    """The folder of the stand-in firmware."""
    return _FOLDER


@pytest.fixture
def echo() -> Callable[[Rig], Echo]:
    """Asks the stand-in firmware for its state; takes four ticks."""

    def ask(rig: Rig) -> Echo:
        rig.from_device()
        rig.to_device(b"e")
        rig.run_until(rig.now_us + 4 * TICK_US)
        data = rig.from_device()
        assert len(data) == 32, f"no answer: {data!r}"
        return Echo.of(data)

    return ask


@pytest.fixture
def stand_in_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every rig of the test runs the stand-in firmware, those behind a URL too."""
    monkeypatch.setattr("flushsim.firmware.image.firmware_root", lambda: _FOLDER)
