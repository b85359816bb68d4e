"""A Pico at MicroPython's prompt, or one line that says why there is none."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flushsim.emulator import image
from flushsim.emulator.chip import Chip

try:
    IMAGE = image.find()
except image.NoImageError:
    # test_image.py says so.
    collect_ignore_glob = [path.name for path in Path(__file__).parent.glob("test_*.py") if path.stem != "test_image"]


@pytest.fixture(scope="session")
def uf2() -> Path:
    """MicroPython's image."""
    return IMAGE


@pytest.fixture
def chip(uf2: Path) -> Chip:
    """An empty Pico, started."""
    chip = Chip(uf2)
    chip.start()
    return chip


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
