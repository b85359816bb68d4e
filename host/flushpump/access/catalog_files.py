"""Reads catalog files, those of the package and those of the user, and names every mistake in them.

A user's entry may not have the name of a shipped one.
"""

import math
import re
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path as FilePath
from typing import Any

from flushpump.access.catalog_entry import EXAMPLE, Entry, EntryFile, Faults
from flushpump.access.parts import (
    CENTRAL_BARREL_ML,
    CENTRAL_DIAMETER_MM,
    CHAMBER_SHAPES,
    LINE_KINDS,
    Catalog,
    Extension,
    Line,
    Needle,
    Syringe,
)
from flushpump.errors import UsageError, nearest_or
from flushpump.toml_reader import parse_toml, read_text

KINDS = ("lines", "needles", "extensions", "syringes")
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,39}")
_LINE_KEYS = (
    "title", "kind", "bore_mm", "length_mm", "chamber_ml", "chamber_shape", "compliance_ul_per_kpa",
    "pressure_limit_kpa", "flow_limit_ml_per_s",
)  # fmt: skip
_NEEDLE_KEYS = ("title", "bore_mm", "length_mm", "pressure_limit_kpa", "flow_limit_ml_per_s")
_EXTENSION_KEYS = ("title", "bore_mm", "length_mm", "compliance_ul_per_kpa", "pressure_limit_kpa")
_SIZE_KEYS = ("capacity_ml", "compliance_ul_per_kpa", "friction_break_n", "friction_glide_n", "pressure_limit_kpa")
_BARREL_KEYS = ("size_ml", "class", "inner_diameter_mm", *_SIZE_KEYS)


def read_shipped() -> Catalog:
    """The catalog that comes with the package."""
    faults: Faults = []
    data = {}
    for kind in KINDS:
        text = files("flushpump.access").joinpath("data", f"{kind}.toml").read_text(encoding="utf-8")
        data[kind] = parse_toml(text, f"{kind}.toml")
    made = {kind: _elements(kind, data[kind], EntryFile(f"{kind}.toml", False, faults), {}) for kind in KINDS}
    if faults:
        raise faults[0]
    return Catalog(**made)


def read_own(folder: FilePath, shipped: Catalog) -> tuple[Catalog, dict[FilePath, Faults]]:
    """The shipped catalog with the user's entries, and the mistakes in each of the user's files.

    An entry with a mistake is left out.
    """
    found: dict[FilePath, Faults] = {}
    made = {kind: dict(getattr(shipped, kind)) for kind in KINDS}
    try:
        names = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
    except OSError as problem:
        return shipped, {folder: [UsageError(f"{folder} cannot be read: {problem.strerror}", "make it a folder")]}
    for name in names:
        file = folder / name
        faults = found.setdefault(file, [])
        kind = name.removesuffix(".toml")
        known = [f"{each}.toml" for each in KINDS]
        if name not in known:
            if name.endswith(".toml"):
                remedy = nearest_or(f"known are {', '.join(known)}", name, known)
                faults.append(UsageError(f"{file} is not a file of the catalog", remedy))
            else:
                del found[file]
            continue
        try:
            data = parse_toml(read_text(file, "catalog", "create it"), str(file))
        except UsageError as problem:
            faults.append(problem)
            continue
        made[kind] |= _elements(kind, data, EntryFile(str(file), True, faults), getattr(shipped, kind))
    return Catalog(**made), found


def _elements(kind: str, data: Mapping[str, Any], file: EntryFile, taken: Mapping[str, Any]) -> dict[str, Any]:
    if kind == "syringes":
        return _syringes(data, file, taken)
    make: Callable[[str, Any, EntryFile], tuple[Entry, Any]] = {
        "lines": _line, "needles": _needle, "extensions": _extension
    }[kind]  # fmt: skip
    found = {}
    for name, values in data.items():
        entry, element = make(name, values, file)
        _check_name(entry, name, file, taken)
        if entry.good:
            found[name] = element
    return found


def _check_name(entry: Entry, name: str, file: EntryFile, taken: Mapping[str, Any]) -> None:
    if not file.own:
        return
    if name in taken:
        entry.fault("", "is the name of an entry of flushpump's own catalog", "use another name")
    elif not _NAME.fullmatch(name):
        entry.fault("", "is not a possible name", "use up to 40 of a to z, 0 to 9, dot and hyphen")


def _line(name: str, values: Any, file: EntryFile) -> tuple[Entry, Line]:
    entry = Entry(name, values, file, _LINE_KEYS)
    kind = entry.word("kind", LINE_KINDS)
    chamber_ml = entry.number("chamber_ml", 0.0)
    return entry, Line(
        name=name,
        title=entry.title(),
        kind=kind,
        bore_mm=entry.number("bore_mm"),
        length_mm=entry.number("length_mm"),
        chamber_ml=chamber_ml,
        chamber_shape=entry.sourced_word("chamber_shape", CHAMBER_SHAPES),
        compliance_ul_per_kpa=entry.number("compliance_ul_per_kpa"),
        pressure_limit_kpa=entry.number("pressure_limit_kpa"),
        flow_limit_ml_per_s=entry.number_or_none("flow_limit_ml_per_s"),
        central=True,
        needle_required=kind == "port",
        sources=entry.sources,
    )


def _check_tube(entry: Entry) -> None:
    given = [key for key in ("bore_mm", "length_mm") if key in entry.values]
    if len(given) == 1:
        absent = "length_mm" if given == ["bore_mm"] else "bore_mm"
        entry.fault(absent, "is missing", f"give bore_mm and length_mm, or neither; {EXAMPLE}")


def _needle(name: str, values: Any, file: EntryFile) -> tuple[Entry, Needle]:
    entry = Entry(name, values, file, _NEEDLE_KEYS)
    _check_tube(entry)
    return entry, Needle(
        name=name,
        title=entry.title(),
        bore_mm=entry.number("bore_mm", 0.0),
        length_mm=entry.number("length_mm", 0.0),
        pressure_limit_kpa=entry.number("pressure_limit_kpa", math.inf),
        flow_limit_ml_per_s=entry.number_or_none("flow_limit_ml_per_s"),
        sources=entry.sources,
    )


def _extension(name: str, values: Any, file: EntryFile) -> tuple[Entry, Extension]:
    entry = Entry(name, values, file, _EXTENSION_KEYS)
    _check_tube(entry)
    return entry, Extension(
        name=name,
        title=entry.title(),
        bore_mm=entry.number("bore_mm", 0.0),
        length_mm=entry.number("length_mm", 0.0),
        compliance_ul_per_kpa=entry.number("compliance_ul_per_kpa", 0.0),
        pressure_limit_kpa=entry.number("pressure_limit_kpa", math.inf),
        sources=entry.sources,
    )


def _syringes(data: Mapping[str, Any], file: EntryFile, taken: Mapping[str, Any]) -> dict[str, Syringe]:
    top = Entry("syringes", data, file, ("sizes", "brands"))
    sizes, brands = data.get("sizes", {}), data.get("brands", {})
    for key, value in (("sizes", sizes), ("brands", brands)):
        if not isinstance(value, dict) or not all(isinstance(each, dict) for each in value.values()):
            top.fault(key, "is not a table of tables", f"begin each with [{key}.NAME]")
            return {}
    found: dict[str, Syringe] = {}
    for brand, written in brands.items():
        heading = Entry(f"brands.{brand}", written, file, ("title", "barrels"))
        title, barrels = heading.title(), written.get("barrels")
        if not isinstance(barrels, list) or not barrels or not all(isinstance(each, dict) for each in barrels):
            heading.fault("barrels", "is not a list of tables", "begin each with [[brands.NAME.barrels]]")
            continue
        for barrel in barrels:
            entry, syringe = _syringe(brand, title, barrel, sizes, file)
            _check_name(entry, syringe.name, file, taken)
            if syringe.name in found:
                entry.fault("", "occurs twice", "remove one")
            if entry.good and heading.good:
                found[syringe.name] = syringe
    return found


def _syringe(
    brand: str, title: str, barrel: Mapping[str, Any], sizes: Mapping[str, Any], file: EntryFile
) -> tuple[Entry, Syringe]:
    size = barrel.get("size_ml")
    name = f"{brand}-{size}"
    size_class = str(barrel.get("class", ""))
    entry = Entry(name, {**sizes.get(size_class, {}), **barrel}, file, _BARREL_KEYS)
    if size_class and size_class not in sizes:
        entry.fault("class", f"is {size_class!r}", f"begin its values with [sizes.{size_class}]")
    if size is None:
        entry.fault("size_ml", "is missing", "give the size that is printed on the barrel, in mL")
    size_ml = entry.in_range("size_ml", size)
    diameter_mm, capacity_ml = entry.number("inner_diameter_mm"), entry.number("capacity_ml")
    if entry.good and capacity_ml < size_ml:
        entry.fault("capacity_ml", f"is {capacity_ml:g}", f"give the volume up to the stop, at least {size_ml:g}")
    return entry, Syringe(
        name=name,
        title=f"{title} {size} mL",
        brand=title,
        size_ml=size_ml,
        inner_diameter_mm=diameter_mm,
        capacity_ml=capacity_ml,
        compliance_ul_per_kpa=entry.number("compliance_ul_per_kpa"),
        friction_break_n=entry.number("friction_break_n"),
        friction_glide_n=entry.number("friction_glide_n"),
        pressure_limit_kpa=entry.number("pressure_limit_kpa"),
        central_allowed=size_ml >= CENTRAL_BARREL_ML and diameter_mm >= CENTRAL_DIAMETER_MM,
        sources=entry.sources,
    )
