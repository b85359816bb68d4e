"""Makes the board in a VM importable by the tests of this folder, and gives them one that is flashed."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Where the board keeps its file system."""
    return tmp_path / "flash.img"
