"""The base of all wire records: a frozen dataclass that converts to and from the values of the wire codec."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, get_type_hints

_conversions: dict[str, dict[str, Any]] = {}


def _conversions_of(cls: type) -> dict[str, Any]:
    """Field name -> int, bytes or an enumeration, kept because asking for type hints is slow."""
    if cls.__qualname__ not in _conversions:
        _conversions[cls.__qualname__] = get_type_hints(cls)
    return _conversions[cls.__qualname__]


@dataclass(frozen=True)
class WireRecord:
    """Base of all records: made from and turned into the values of the wire codec."""

    @classmethod
    def from_wire(cls, values: Mapping[str, int | bytes]) -> Self:
        """The record of the codec's values; ValueError for a number that its enumeration does not have."""
        return cls(**{name: kind(values[name]) for name, kind in _conversions_of(cls).items()})

    def to_wire(self) -> dict[str, int | bytes]:
        """The codec's values of the record."""
        return {name: getattr(self, name) for name in _conversions_of(type(self))}
