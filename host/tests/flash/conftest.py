"""Where the board in a VM keeps its files; and the scripted pump, for boards that run a pump."""

from pathlib import Path

import pytest

from host.tests.support.scripted_fixtures import device, port, pump

__all__ = ["device", "image", "port", "pump"]


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Where the board keeps its file system."""
    return tmp_path / "flash.img"
