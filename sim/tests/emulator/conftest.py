"""A Pico at MicroPython's prompt, pumps on started boards, or one line with the reason why there are none."""

import gc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flushhil import emulator_hooks, forks
from flushhil.dut import DeviceUnderTest
from flushsim.emulator import image
from flushsim.emulator.board import EmulatedBoard
from flushsim.emulator.chip import Chip


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A run on any other target collects only test_image.py, which reports it; the rest takes a quarter of an hour."""
    left_out = config.getoption("--target") != "emulator" and collection_path.name != "test_image.py"
    return True if left_out and collection_path.suffix == ".py" else None


forks.BOARDS["hooked_board"] = emulator_hooks.hooked_board


@pytest.fixture(scope="session")
def uf2() -> Path:
    """MicroPython's image."""
    return image.find()


@pytest.fixture
def chip(uf2: Path) -> Chip:
    """An empty Pico, started."""
    chip = Chip(uf2)
    chip.start()
    return chip


@pytest.fixture(autouse=True)
def memory_of_chips_is_freed() -> Iterator[None]:
    """A chip is a cycle of objects with 16 MB of flash, of which the garbage collector sees only the few objects."""
    yield
    gc.collect()


@pytest.fixture
def hooked_board() -> EmulatedBoard:
    """A started board whose loop can be looked into and disturbed, see emulator_hooks."""
    board: EmulatedBoard = forks.started("hooked_board")
    return board


@pytest.fixture
def dut(started_board: EmulatedBoard) -> DeviceUnderTest:
    """A pump on the 8F port with an open session; its loop has begun a second ago."""
    return DeviceUnderTest("emulator", board=started_board)


@pytest.fixture
def run() -> Callable[[Chip, str], str]:
    """Types lines at the prompt, pasted as a whole; returns what they print when the prompt is there again."""

    def typed(chip: Chip, lines: str) -> str:
        chip.read()
        chip.write(b"\r\x03\x05")
        chip.wait_for(b"=== ")
        chip.read()
        chip.write(lines.encode() + b"\r")
        chip.wait_for(b"=== ")
        chip.run(1_000)
        chip.read()
        chip.write(b"\x04")
        return chip.wait_for(b"\r\n>>> ").decode().removesuffix(">>> ").strip()

    return typed
