"""The catalogue: lines, needles, syringes and extension sets, each value with its source and how sure it is.

The values are data (`data/*.toml`), written as `[value, mark, source]`. The marks: S seen in a source; R-h, R-m, R-l
recalled with high, middle, low confidence; C computed from other values.
"""

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any, TypeVar

from flushpump.errors import UsageError
from flushpump.toml_reader import parse_toml

MARKS = {
    "S": "seen in a source",
    "R-h": "recalled, high confidence",
    "R-m": "recalled, middle confidence",
    "R-l": "recalled, low confidence",
    "C": "computed from the other values",
}
LINE_KINDS = ("port", "picc", "tunneled")
CHAMBER_SHAPES = ("rounded", "angular")
# A barrel below that of a 10 mL syringe reaches a dangerous pressure at a small force (REQ-PATH-1).
CENTRAL_BARREL_ML = 10.0


class UnknownNameError(UsageError):
    """A name that the catalogue does not have; the sentence gives the nearest one."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.5)
        remedy = f"did you mean {near[0]}?" if near else f"known are {', '.join(names)}"
        super().__init__(f"there is no {kind} {name!r}", remedy)
        self.nearest = near[0] if near else None


@dataclass(frozen=True)
class Source:
    """Where a value comes from: its mark (see `MARKS`) and a few words."""

    mark: str
    text: str


@dataclass(frozen=True)
class Line:
    """An access device. `volume_ml` is that of catheter and chamber; `length_mm` as installed.

    `chamber_shape` is one of CHAMBER_SHAPES, None where there is no chamber.
    """

    name: str
    title: str
    kind: str
    bore_mm: float
    length_mm: float
    chamber_ml: float
    chamber_shape: str | None
    compliance_ul_per_kpa: float
    pressure_limit_kpa: float
    flow_limit_ml_per_s: float | None
    central: bool
    needle_required: bool
    sources: Mapping[str, Source] = field(repr=False, compare=False)

    @property
    def volume_ml(self) -> float:
        """Volume of catheter and chamber, mL."""
        return lumen_ml(self.bore_mm, self.length_mm) + self.chamber_ml


@dataclass(frozen=True)
class Needle:
    """A needle; `none` has length 0 and adds nothing to a path."""

    name: str
    title: str
    bore_mm: float
    length_mm: float
    pressure_limit_kpa: float
    flow_limit_ml_per_s: float | None
    sources: Mapping[str, Source] = field(repr=False, compare=False)


@dataclass(frozen=True)
class Syringe:
    """A syringe; `size_ml` is printed on the barrel, `capacity_ml` reaches to the plunger's stop."""

    name: str
    title: str
    brand: str
    size_ml: float
    inner_diameter_mm: float
    capacity_ml: float
    compliance_ul_per_kpa: float
    friction_break_n: float
    friction_glide_n: float
    pressure_limit_kpa: float
    central_allowed: bool
    sources: Mapping[str, Source] = field(repr=False, compare=False)


@dataclass(frozen=True)
class Extension:
    """An extension set; `none` has length 0 and adds nothing to a path."""

    name: str
    title: str
    bore_mm: float
    length_mm: float
    compliance_ul_per_kpa: float
    pressure_limit_kpa: float
    sources: Mapping[str, Source] = field(repr=False, compare=False)

    @property
    def volume_ml(self) -> float:
        """Volume of the lumen, mL."""
        return lumen_ml(self.bore_mm, self.length_mm)


_Element = TypeVar("_Element", Line, Needle, Syringe, Extension)


@dataclass(frozen=True)
class Catalog:
    """All elements by name. `line()`, `needle()`... raise UnknownNameError with the nearest name."""

    lines: Mapping[str, Line]
    needles: Mapping[str, Needle]
    syringes: Mapping[str, Syringe]
    extensions: Mapping[str, Extension]

    def line(self, name: str) -> Line:
        """The line of that name."""
        return _find("line", name, self.lines)

    def needle(self, name: str) -> Needle:
        """The needle of that name."""
        return _find("needle", name, self.needles)

    def syringe(self, name: str) -> Syringe:
        """The syringe of that name."""
        return _find("syringe", name, self.syringes)

    def extension(self, name: str) -> Extension:
        """The extension set of that name."""
        return _find("extension set", name, self.extensions)


def lumen_ml(bore_mm: float, length_mm: float) -> float:
    """Volume of a round lumen in mL."""
    return math.pi / 4 * bore_mm**2 * length_mm / 1000


@lru_cache(maxsize=1)
def load() -> Catalog:
    """The catalogue that comes with the package."""
    lines = {name: _line(name, entry) for name, entry in _read("lines").items()}
    needles = {name: _needle(name, entry) for name, entry in _read("needles").items()}
    extensions = {name: _extension(name, entry) for name, entry in _read("extensions").items()}
    return Catalog(lines, needles, _syringes(_read("syringes")), extensions)


def _find(kind: str, name: str, known: Mapping[str, _Element]) -> _Element:
    if name not in known:
        raise UnknownNameError(kind, name, known)
    return known[name]


def _read(name: str) -> dict[str, Any]:
    return parse_toml(
        files("flushpump.access").joinpath("data", f"{name}.toml").read_text(encoding="utf-8"), f"{name}.toml"
    )


class _Values:
    """Takes values out of an entry and keeps their sources."""

    def __init__(self, entry: Mapping[str, Any]) -> None:
        self.entry = entry
        self.sources: dict[str, Source] = {}

    def number(self, key: str, default: float | None = None) -> float:
        if key not in self.entry and default is not None:
            return default
        return float(self._value(key))

    def number_or_none(self, key: str) -> float | None:
        return self.number(key) if key in self.entry else None

    def word_or_none(self, key: str, known: Iterable[str]) -> str | None:
        if key not in self.entry:
            return None
        word = str(self._value(key))
        if word not in known:
            raise ValueError(f"{key}: {word!r} is none of {', '.join(known)}")
        return word

    def _value(self, key: str) -> Any:
        value, mark, text = self.entry[key]
        if mark not in MARKS:
            raise ValueError(f"{key}: unknown mark {mark!r}")
        self.sources[key] = Source(mark, text)
        return value


def _line(name: str, entry: Mapping[str, Any]) -> Line:
    values = _Values(entry)
    kind = entry["kind"]
    if kind not in LINE_KINDS:
        raise ValueError(f"{name}: unknown kind {kind!r}")
    return Line(
        name=name,
        title=entry["title"],
        kind=kind,
        bore_mm=values.number("bore_mm"),
        length_mm=values.number("length_mm"),
        chamber_ml=values.number("chamber_ml", 0.0),
        chamber_shape=values.word_or_none("chamber_shape", CHAMBER_SHAPES),
        compliance_ul_per_kpa=values.number("compliance_ul_per_kpa"),
        pressure_limit_kpa=values.number("pressure_limit_kpa"),
        flow_limit_ml_per_s=values.number_or_none("flow_limit_ml_per_s"),
        central=True,
        needle_required=kind == "port",
        sources=values.sources,
    )


def _needle(name: str, entry: Mapping[str, Any]) -> Needle:
    values = _Values(entry)
    return Needle(
        name=name,
        title=entry["title"],
        bore_mm=values.number("bore_mm", 0.0),
        length_mm=values.number("length_mm", 0.0),
        pressure_limit_kpa=values.number("pressure_limit_kpa", math.inf),
        flow_limit_ml_per_s=values.number_or_none("flow_limit_ml_per_s"),
        sources=values.sources,
    )


def _extension(name: str, entry: Mapping[str, Any]) -> Extension:
    values = _Values(entry)
    return Extension(
        name=name,
        title=entry["title"],
        bore_mm=values.number("bore_mm", 0.0),
        length_mm=values.number("length_mm", 0.0),
        compliance_ul_per_kpa=values.number("compliance_ul_per_kpa", 0.0),
        pressure_limit_kpa=values.number("pressure_limit_kpa", math.inf),
        sources=values.sources,
    )


def _syringes(data: Mapping[str, Any]) -> dict[str, Syringe]:
    found: dict[str, Syringe] = {}
    for brand, entry in data["brands"].items():
        for barrel in entry["barrels"]:
            values = _Values({**data["sizes"][barrel["class"]], **barrel})
            size_ml = float(barrel["size_ml"])
            name = f"{brand}-{barrel['size_ml']}"
            found[name] = Syringe(
                name=name,
                title=f"{entry['title']} {barrel['size_ml']} mL",
                brand=entry["title"],
                size_ml=size_ml,
                inner_diameter_mm=values.number("inner_diameter_mm"),
                capacity_ml=values.number("capacity_ml"),
                compliance_ul_per_kpa=values.number("compliance_ul_per_kpa"),
                friction_break_n=values.number("friction_break_n"),
                friction_glide_n=values.number("friction_glide_n"),
                pressure_limit_kpa=values.number("pressure_limit_kpa"),
                central_allowed=size_ml >= CENTRAL_BARREL_ML,
                sources=values.sources,
            )
    return found
