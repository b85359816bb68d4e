"""The pump's own files and the helpers of these tests can be imported; one guarded firmware serves them all."""

import importlib
import sys
from pathlib import Path

import pytest

_HERE = Path(__file__).resolve().parent
if str(_HERE) not in sys.path:
    sys.path.append(str(_HERE))
if "pump" not in sys.modules:
    # Its submodules are found by the package; the path itself would lend `pump` to tests with a firmware of their own.
    sys.path.append(str(_HERE.parent))
    try:
        importlib.import_module("pump")
    finally:
        sys.path.remove(str(_HERE.parent))


@pytest.fixture(scope="session")
def guarded_firmware(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of the firmware with every arithmetic result checked while the pump moves."""
    from fw_guard import write_guarded

    return write_guarded(tmp_path_factory.mktemp("guarded"))
