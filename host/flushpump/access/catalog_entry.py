"""One entry of a catalog file: takes its values with their sources, and notes every mistake.

A value is written as `[value, mark, source]`. The marks: S found in a source; R-h, R-m, R-l recalled with high, medium,
low confidence; C computed from other values.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flushpump.access.parts import MARKS, Source
from flushpump.errors import UsageError, nearest_or

Faults = list[UsageError]
_TITLE_MAX = 80
EXAMPLE = 'write [value, mark, source], as in [1.2, "S", "data sheet"]'
# Smallest and largest value that a part can have.
_RANGES = {
    "bore_mm": (0.1, 10.0),
    "length_mm": (1.0, 3_000.0),
    "chamber_ml": (0.0, 10.0),
    "compliance_ul_per_kpa": (0.0, 100.0),
    "pressure_limit_kpa": (10.0, 10_000.0),
    "flow_limit_ml_per_s": (0.01, 20.0),
    "inner_diameter_mm": (3.0, 40.0),
    "capacity_ml": (0.5, 100.0),
    "friction_break_n": (0.0, 200.0),
    "friction_glide_n": (0.0, 200.0),
    "size_ml": (0.5, 100.0),
}


@dataclass(frozen=True)
class EntryFile:
    """One file: its name for sentences, whether it is the user's, and where its mistakes are collected."""

    name: str
    own: bool
    faults: Faults


class Entry:
    """The values of one entry with their sources. A mistake is noted, and a harmless value returned in its place."""

    def __init__(self, name: str, values: Any, file: EntryFile, keys: tuple[str, ...]) -> None:
        self.name = name
        self._file = file
        self._mistakes_before = len(file.faults)
        self.sources: dict[str, Source] = {}
        self.values: Mapping[str, Any] = values if isinstance(values, dict) else {}
        if not isinstance(values, dict):
            self.fault("", "is not a table", f'begin it with ["{name}"]')
        for key in self.values:
            if key not in keys:
                units = [each for each in keys if each.startswith(f"{key}_")]
                if units:
                    self.fault(key, "has no unit", f"write {units[0]}")
                else:
                    self.fault(key, "is not known", nearest_or(f"known are {', '.join(keys)}", key, keys))

    @property
    def good(self) -> bool:
        return len(self._file.faults) == self._mistakes_before

    def fault(self, key: str, what: str, remedy: str) -> None:
        place = f"{self.name}, {key}" if key else self.name
        self._file.faults.append(UsageError(f"{self._file.name}, {place} {what}", remedy))

    def title(self) -> str:
        title = self.values.get("title")
        if not isinstance(title, str) or not title.strip() or len(title) > _TITLE_MAX or not title.isprintable():
            what = "is missing" if title is None else f"is {title!r}"
            self.fault("title", what, f"write 1 to {_TITLE_MAX} printable characters in quotes")
            return ""
        return title

    def word(self, key: str, known: Iterable[str]) -> str:
        """A plain word."""
        return self._word(key, self.values.get(key), tuple(known))

    def sourced_word(self, key: str, known: Iterable[str]) -> str | None:
        """A word with its source; None where the key is absent."""
        return self._word(key, self._sourced(key), tuple(known)) if key in self.values else None

    def number(self, key: str, default: float | None = None) -> float:
        """A number with its source, in the range of its key."""
        if key not in self.values:
            if default is None:
                self.fault(key, "is missing", EXAMPLE)
            return 1.0 if default is None else default
        return self.in_range(key, self._sourced(key))

    def number_or_none(self, key: str) -> float | None:
        """As `number`; None where the key is absent."""
        return self.number(key) if key in self.values else None

    def in_range(self, key: str, value: Any) -> float:
        low, high = _RANGES[key]
        if value is None:
            return low
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fault(key, f"is {value!r}", "give a number without quotes and unit")
            return low
        if not math.isfinite(value) or not low <= value <= high:
            self.fault(key, f"is {value:g}", f"give a number from {low:g} to {high:g}")
            return low
        return float(value)

    def _word(self, key: str, value: Any, known: tuple[str, ...]) -> str:
        if not isinstance(value, str) or value not in known:
            what = "is missing" if value is None else f"is {value!r}"
            self.fault(key, what, f"give one of {', '.join(known)}")
            return known[0]
        return value

    def _sourced(self, key: str) -> Any:
        written = self.values[key]
        if not isinstance(written, list) or len(written) != 3:
            self.fault(key, f"is {written!r}", EXAMPLE)
            return None
        value, mark, text = written
        if not isinstance(mark, str) or mark not in MARKS:
            self.fault(key, f"has the mark {mark!r}", f"give one of {', '.join(MARKS)}")
            return None
        if not isinstance(text, str) or not text.strip() or not text.isprintable():
            self.fault(key, "has no source", "write where the value comes from, in quotes")
            return None
        self.sources[key] = Source(mark, text, self._file.own)
        return value
