"""The user's own folder: `config.toml` with defaults and units, `catalog/` and `sequences/` with entries of their own.

Where the folder or the file is absent there are no defaults.
"""

import os
import sys
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from flushpump.errors import UsageError
from flushpump.units import FLOW_UNITS, PRESSURE_UNITS, DisplayUnits

if TYPE_CHECKING:
    from flushpump.toml_reader import TomlTable

ENVIRONMENT = "FLUSHPUMP_CONFIG"
FILE = "config.toml"
DEFAULTS = ("port", "line", "needle", "syringe", "extension", "operator")
_DEFAULT_MAX = {"operator": 80}
_TEXT_MAX = 500


@dataclass(frozen=True)
class UserConfig:
    """Defaults of the command line's options, None where there is none, and the units that people see."""

    port: str | None = None
    line: str | None = None
    needle: str | None = None
    syringe: str | None = None
    extension: str | None = None
    operator: str | None = None
    units: DisplayUnits = field(default_factory=DisplayUnits)


def folder() -> FilePath:
    """The folder named by FLUSHPUMP_CONFIG (UsageError if it is none), or the user's configuration folder."""
    named = os.environ.get(ENVIRONMENT)
    if named:
        if not FilePath(named).is_dir():
            raise UsageError(f"{ENVIRONMENT} names {named}, which is not a folder", "name a folder, or unset it")
        return FilePath(named)
    if sys.platform == "linux":
        # The rule of platformdirs, whose import takes 25 ms: every command comes here, `stop` too.
        base = os.environ.get("XDG_CONFIG_HOME", "").strip()
        return FilePath(base or FilePath.home() / ".config") / "flushpump"
    import platformdirs

    return FilePath(platformdirs.user_config_dir("flushpump"))


def load() -> UserConfig:
    """The content of `config.toml`. UsageError names file, key and remedy."""
    return _load(folder() / FILE)


@lru_cache(maxsize=8)
def _load(file: FilePath) -> UserConfig:
    if not _exists(file):
        return UserConfig()
    from flushpump.toml_reader import parse_toml, read_text

    return parse_config(parse_toml(read_text(file, "configuration", "create it"), str(file)), str(file))


def _exists(file: FilePath) -> bool:
    try:
        return file.exists()
    except OSError as problem:
        raise UsageError(f"{file} cannot be read: {problem.strerror}", "check path and rights") from problem


def parse_config(data: dict[str, object], file_name: str) -> UserConfig:
    """The configuration of a parsed file; UsageError names `file_name`."""
    from flushpump.toml_reader import TomlTable

    table = TomlTable(data, file_name, "", (*DEFAULTS, "units"))
    units = TomlTable(table.table("units"), file_name, "units, ", ("pressure", "flow"))
    return UserConfig(
        **{key: _text(table, key) for key in DEFAULTS if key in data},
        units=DisplayUnits(units.choice("pressure", PRESSURE_UNITS, "kPa"), units.choice("flow", FLOW_UNITS, "mL/s")),
    )


def _text(table: "TomlTable", key: str) -> str:
    text = table.text(key, "").strip()
    most = _DEFAULT_MAX.get(key, _TEXT_MAX)
    if not text or len(text) > most:
        raise table.problem(key, f"has {len(text)} characters", f"write 1 to {most}, or remove it")
    return text
