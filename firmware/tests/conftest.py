"""The firmware's own files and the helpers of these tests can be imported; one guarded firmware serves them all."""

import sys
from pathlib import Path

import pytest

_HERE = Path(__file__).resolve().parent
for _place in (str(_HERE), str(_HERE.parent)):
    if _place not in sys.path:
        sys.path.append(_place)


@pytest.fixture(scope="session")
def guarded_firmware(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of the firmware with every arithmetic result checked while the pump moves."""
    from fw_guard import write_guarded

    return write_guarded(tmp_path_factory.mktemp("guarded"))
