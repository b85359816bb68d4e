"""flushpump: host library and command line of the flush pump. The names of `__all__` are its public API."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flushpump.access.access_path import AccessPath as AccessPath
    from flushpump.device.pump import Pump as Pump
    from flushpump.errors import FlushPumpError as FlushPumpError
    from flushpump.planning.plan import Plan as Plan
    from flushpump.planning.sequence import load_sequence as load_sequence
    from flushpump.runs.flush import FlushResult as FlushResult
    from flushpump.runs.flush import flush as flush

__version__ = "0.2.0"

__all__ = ["AccessPath", "FlushPumpError", "FlushResult", "Plan", "Pump", "flush", "load_sequence"]

# Imported when a name is first used, so that `import flushpump` and short commands stay fast.
_MODULES = {
    "AccessPath": "flushpump.access.access_path",
    "FlushPumpError": "flushpump.errors",
    "FlushResult": "flushpump.runs.flush",
    "Plan": "flushpump.planning.plan",
    "Pump": "flushpump.device.pump",
    "flush": "flushpump.runs.flush",
    "load_sequence": "flushpump.planning.sequence",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_MODULES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
