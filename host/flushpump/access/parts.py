"""What a catalog has: lines, needles, syringes and extension sets, each value with its source and its certainty."""

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from flushpump.errors import UsageError

MARKS = {
    "S": "found in a source",
    "R-h": "recalled, high confidence",
    "R-m": "recalled, medium confidence",
    "R-l": "recalled, low confidence",
    "C": "computed from the other values",
}
LINE_KINDS = ("port", "picc", "tunneled")
CHAMBER_SHAPES = ("rounded", "angular")
# A barrel narrower than that of a 10 mL syringe reaches a dangerous pressure at a small force (REQ-PATH-1).
CENTRAL_BARREL_ML = 10.0
CENTRAL_DIAMETER_MM = 14.4


class UnknownNameError(UsageError):
    """A name that the catalog does not have; the sentence gives the nearest one."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.5)
        remedy = f"did you mean {near[0]}?" if near else f"known are {', '.join(names)}"
        super().__init__(f"there is no {kind} {name!r}", remedy)
        self.nearest = near[0] if near else None


@dataclass(frozen=True)
class Source:
    """Where a value comes from: its mark (see `MARKS`) and a few words; `own` in a file of the user."""

    mark: str
    text: str
    own: bool = False


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


def _find(kind: str, name: str, known: Mapping[str, _Element]) -> _Element:
    if name not in known:
        raise UnknownNameError(kind, name, known)
    return known[name]
