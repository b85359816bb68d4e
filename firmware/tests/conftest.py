"""The firmware's package `pump` can be imported; one guarded firmware serves all tests."""

import importlib.util
import sys
from pathlib import Path

import pytest

if "pump" not in sys.modules:
    # Not by sys.path, which would lend `pump` to tests with a firmware of their own.
    _init = Path(__file__).resolve().parents[1] / "pump" / "__init__.py"
    _spec = importlib.util.spec_from_file_location("pump", _init, submodule_search_locations=[str(_init.parent)])
    assert _spec is not None
    assert _spec.loader is not None
    sys.modules["pump"] = _pump = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(_pump)


@pytest.fixture(scope="session")
def guarded_firmware(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of the firmware with every arithmetic result checked while the pump moves."""
    from firmware.tests.support.guard import write_guarded

    return write_guarded(tmp_path_factory.mktemp("guarded"))
