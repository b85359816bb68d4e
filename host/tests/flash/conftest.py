"""Where the board in a VM keeps its files."""

from pathlib import Path

import pytest


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Where the board keeps its file system."""
    return tmp_path / "flash.img"
