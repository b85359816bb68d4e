"""TOML files that a user writes: reads values table by table and names a mistake in one sentence.

Every number has its unit in its key.
"""

import math
import stat
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path as FilePath
from typing import Any

from flushpump.errors import UsageError, nearest_or

# The longest useful file has some kilobytes.
_SIZE_MAX = 1_000_000


def read_text(path: FilePath, what: str, see: str) -> str:
    """The text of a file of `what`, as in "sequence". Raises UsageError, which names `see` where there is no file."""
    try:
        # A fifo or a device may never end, and is refused before it is opened.
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UsageError(f"{path} is {_kind_of(status.st_mode)}, not a file", f"write the {what} as a TOML file")
        if status.st_size > _SIZE_MAX:
            raise UsageError(f"{path} is larger than {_SIZE_MAX // 1000} kB", f"write the {what} as a TOML file")
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UsageError(f"there is no {what} file {path}", see) from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not text in UTF-8", f"write the {what} as a TOML file") from None
    except OSError as problem:
        raise UsageError(f"{path} cannot be read: {problem.strerror or problem}", "check path and rights") from None


def parse_toml(text: str, file_name: str) -> dict[str, Any]:
    """The tables of a text; UsageError names `file_name`."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise UsageError(f"{file_name} has brackets nested too deep", "remove the surplus brackets") from None
    except ValueError as problem:
        # A number of thousands of digits is a plain ValueError.
        raise UsageError(f"{file_name} is not valid TOML: {problem}", "correct that line") from None


def _kind_of(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a fifo" if stat.S_ISFIFO(mode) else "a device or a socket"


class TomlTable:
    """One table. `place` names it within the file, as in `phase 2, `; a key that is not of `keys` is refused."""

    def __init__(self, values: Mapping[str, Any], file_name: str, place: str, keys: tuple[str, ...]) -> None:
        self.values = values
        self.file_name = file_name
        self.place = place
        for key in values:
            if key not in keys:
                raise self._unknown(key, keys)

    def problem(self, key: str, what: str, remedy: str) -> UsageError:
        """The error that names file, place and key, for the caller to raise."""
        return UsageError(f"{self.file_name}, {self.place}{key} {what}", remedy)

    def _unknown(self, key: str, keys: Iterable[str]) -> UsageError:
        units = [known for known in keys if known.startswith(f"{key}_")]
        if units:
            return self.problem(key, "has no unit", f"write {units[0]}")
        return self.problem(key, "is not known", nearest_or(f"known are {', '.join(keys)}", key, keys))

    def table(self, key: str) -> Mapping[str, Any]:
        """The values of the table [key], empty if it is absent."""
        value = self.values.get(key, {})
        if not isinstance(value, dict):
            raise self.problem(key, "is not a table", f"begin it with [{key}]")
        return value

    def tables(self, key: str, keys: tuple[str, ...], heading: str, *, needed: bool = True) -> list["TomlTable"]:
        """The tables [[heading]] of this one; at least one if they are needed."""
        entries = self.values.get(key, [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            entries = None
        if entries is None or (needed and not entries):
            what = "must be one or more tables" if needed else "is not a list of tables"
            raise self.problem(key, what, f"begin each {key} with [[{heading}]]")
        return [
            TomlTable(entry, self.file_name, f"{self.place}{key} {number}, ", keys)
            for number, entry in enumerate(entries, start=1)
        ]

    def text(self, key: str, default: str) -> str:
        """A text. UsageError for another value, as from all methods below."""
        value = self.values.get(key, default)
        if not isinstance(value, str):
            raise self.problem(key, f"is {value!r}", "put a text in quotes")
        # It is shown on terminals and recorded.
        if not value.isprintable():
            raise self.problem(key, f"is {value!r}", "write one line of printable characters")
        return value

    def choice(self, key: str, known: Mapping[str, Any], default: str | None = None) -> str:
        """One of the known words; required if there is no default."""
        value = self.values.get(key, default)
        if value is None:
            raise self.problem(key, "is missing", f"give one of {', '.join(known)}")
        if not isinstance(value, str) or value not in known:
            remedy = nearest_or(f"give one of {', '.join(known)}", str(value), known)
            raise self.problem(key, f"is {value!r}, which is not known", remedy)
        return value

    def flag(self, key: str, default: bool) -> bool:
        """True or false."""
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            raise self.problem(key, f"is {value!r}", "write true or false")
        return value

    def number(self, key: str, low: float, high: float, default: float | None = None) -> float:
        """A finite number in the unit that ends its key, both limits allowed."""
        value = self.values.get(key, default)
        unit = _unit(key)
        if value is None:
            raise self.problem(key, "is missing", f"give a number in {unit}")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.problem(key, f"is {value!r}", f"give a number in {unit}, without quotes and unit")
        if not math.isfinite(value) or not low <= value <= high:
            raise self.problem(key, f"is {value:g} {unit}", f"give a number from {low:g} to {high:g} {unit}")
        return float(value)

    def whole(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """A whole number, both limits allowed."""
        value = self.values.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            what = "is missing" if value is None else f"is {value!r}"
            raise self.problem(key, what, f"give a whole number from {low} to {high}")
        return value


def _unit(key: str) -> str:
    for ending, unit in (("_ml_per_s", "mL/s"), ("_ml", "mL"), ("_s", "s"), ("_volumes_at_least", "path volumes")):
        if key.endswith(ending):
            return unit
    return "numbers"
