"""A sequence: what is done to a line, phase by phase, as a TOML file that a user can write.

The built-in ones lie in `data/sequences/`. Every number has its unit in its key. A file that makes no sense is refused
with one sentence that names file, place, key and remedy.
"""

import difflib
import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path as FilePath
from typing import Any

from flushpump.catalogue import LINE_KINDS, UnknownName
from flushpump.errors import UsageProblem
from flushpump.types import Fluid, PhaseKind, Question

# The volume of a lock phase may be this word: catheter, chamber and extension, and 20 % more.
LOCK_VOLUME = "lock"
SUFFIX = ".toml"
KINDS = {kind.name.lower(): kind for kind in PhaseKind if kind is not PhaseKind.NONE}
QUESTIONS = {question.name.lower(): question for question in Question if question is not Question.NONE}
FLUIDS = {fluid.name.lower(): fluid for fluid in Fluid}
PHASES_MAX = 12
VOLUME_MAX_ML = 60.0
FLOW_MAX_ML_PER_S = 10.0
_SEQUENCE_KEYS = ("title", "for", "fluid", "keep_in_syringe_ml", "path_volumes_at_least", "phase")
_PHASE_KEYS = ("kind", "count", "volume_ml", "flow_ml_per_s", "pause_s", "question", "fluid")
_MOTION = (PhaseKind.ASPIRATE, PhaseKind.PULSES, PhaseKind.STEADY, PhaseKind.LOCK, PhaseKind.FINISH)


@dataclass(frozen=True)
class SequencePhase:
    """One phase as written. `volume_ml` is that of one pulse, or of the phase; None in a lock phase means `lock`."""

    kind: PhaseKind
    count: int
    volume_ml: float | None
    flow_ml_per_s: float
    pause_s: float
    question: Question
    fluid: Fluid | None


@dataclass(frozen=True)
class Sequence:
    """Phases in order. `line_kinds` are those it is written for; others are told so, not refused."""

    name: str
    title: str
    line_kinds: tuple[str, ...]
    fluid: Fluid
    keep_in_syringe_ml: float
    path_volumes_at_least: float
    phases: tuple[SequencePhase, ...]


def built_in_names() -> tuple[str, ...]:
    """Names of the built-in sequences, in order."""
    folder = files("flushpump").joinpath("data", "sequences")
    return tuple(sorted(entry.name[: -len(SUFFIX)] for entry in folder.iterdir() if entry.name.endswith(SUFFIX)))


def load_sequence(name: str) -> Sequence:
    """The built-in sequence of that name, or the one in the file of that path (it ends in .toml).

    Raises UnknownName or UsageProblem.
    """
    if name.endswith(SUFFIX):
        return parse_sequence(_read(FilePath(name)), FilePath(name).stem, name)
    if name not in built_in_names():
        raise UnknownName("sequence", name, built_in_names())
    text = files("flushpump").joinpath("data", "sequences", name + SUFFIX).read_text(encoding="utf-8")
    return parse_sequence(text, name, name + SUFFIX)


def _read(path: FilePath) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageProblem(f"there is no sequence file {path}", "see flushpump catalog sequences") from None
    except UnicodeDecodeError:
        raise UsageProblem(f"{path} is not text in UTF-8", "write the sequence as a TOML file") from None
    except OSError as problem:
        raise UsageProblem(f"{path} cannot be read: {problem.strerror or problem}", "check path and rights") from None


def parse_sequence(text: str, name: str, file_name: str) -> Sequence:
    """The sequence of a TOML text; `file_name` stands in the sentence of what is wrong (UsageProblem)."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise UsageProblem(f"{file_name} is no TOML: {problem}", "mend that line") from None
    table = _Table(data, file_name, "", _SEQUENCE_KEYS)
    phases = data.get("phase")
    if not isinstance(phases, list) or not phases or not all(isinstance(entry, dict) for entry in phases):
        raise table.problem("phase", "has to be one or more tables", "begin each phase with [[phase]]")
    if len(phases) > PHASES_MAX:
        raise table.problem("phase", f"occurs {len(phases)} times", f"the pump takes at most {PHASES_MAX} phases")
    kinds = data.get("for", list(LINE_KINDS))
    if not isinstance(kinds, list) or any(kind not in LINE_KINDS for kind in kinds):
        raise table.problem("for", f"is {kinds!r}", f"give a list of {', '.join(LINE_KINDS)}")
    return Sequence(
        name=name,
        title=table.text("title", name),
        line_kinds=tuple(kinds),
        fluid=FLUIDS[table.choice("fluid", FLUIDS, "saline")],
        keep_in_syringe_ml=table.number("keep_in_syringe_ml", 0.0, 10.0, 0.5),
        path_volumes_at_least=table.number("path_volumes_at_least", 0.0, 100.0, 0.0),
        phases=tuple(_phase(entry, file_name, index) for index, entry in enumerate(phases, start=1)),
    )


def _phase(entry: Mapping[str, Any], file_name: str, index: int) -> SequencePhase:
    table = _Table(entry, file_name, f"phase {index}, ", _PHASE_KEYS)
    kind = KINDS[table.choice("kind", KINDS)]
    question = QUESTIONS[table.choice("question", QUESTIONS)] if "question" in entry else Question.NONE
    fluid = FLUIDS[table.choice("fluid", FLUIDS)] if "fluid" in entry else None
    if kind not in _MOTION:
        for key in ("count", "volume_ml", "flow_ml_per_s"):
            if key in entry:
                raise table.problem(key, "has no sense in a phase that only waits", "leave it out")
        if question is Question.NONE:
            raise table.problem("question", "is missing", f"say what is waited for: {', '.join(QUESTIONS)}")
        return SequencePhase(kind, 0, 0.0, 0.0, 0.0, question, fluid)
    if kind is not PhaseKind.PULSES and "count" in entry:
        raise table.problem("count", f"has no sense in a phase of kind {kind.name.lower()}", "leave it out")
    volume: float | None
    if kind is PhaseKind.LOCK and entry.get("volume_ml") == LOCK_VOLUME:
        volume = None
    else:
        volume = table.number("volume_ml", 0.01, VOLUME_MAX_ML)
    return SequencePhase(
        kind=kind,
        count=table.whole("count", 1, 100) if kind is PhaseKind.PULSES else 1,
        volume_ml=volume,
        flow_ml_per_s=table.number("flow_ml_per_s", 0.01, FLOW_MAX_ML_PER_S),
        pause_s=table.number("pause_s", 0.0, 60.0, 0.0),
        question=question,
        fluid=fluid,
    )


class _Table:
    """One TOML table: takes values out of it, and says in one sentence what is wrong with it."""

    def __init__(self, values: Mapping[str, Any], file_name: str, place: str, keys: tuple[str, ...]) -> None:
        self.values = values
        self.file_name = file_name
        self.place = place
        for key in values:
            if key not in keys:
                raise self._unknown(key, keys)

    def problem(self, key: str, what: str, remedy: str) -> UsageProblem:
        return UsageProblem(f"{self.file_name}, {self.place}{key} {what}", remedy)

    def _unknown(self, key: str, keys: Iterable[str]) -> UsageProblem:
        units = [known for known in keys if known.startswith(f"{key}_")]
        if units:
            return self.problem(key, "has no unit", f"write {units[0]}")
        near = difflib.get_close_matches(key, keys, n=1)
        return self.problem(key, "is not known", f"did you mean {near[0]}?" if near else f"known are {', '.join(keys)}")

    def text(self, key: str, default: str) -> str:
        value = self.values.get(key, default)
        if not isinstance(value, str):
            raise self.problem(key, f"is {value!r}", "put a text in quotes")
        return value

    def choice(self, key: str, known: Mapping[str, Any], default: str | None = None) -> str:
        value = self.values.get(key, default)
        if value is None:
            raise self.problem(key, "is missing", f"give one of {', '.join(known)}")
        if not isinstance(value, str) or value not in known:
            near = difflib.get_close_matches(str(value), known, n=1)
            remedy = f"did you mean {near[0]}?" if near else f"give one of {', '.join(known)}"
            raise self.problem(key, f"is {value!r}, which is not known", remedy)
        return value

    def number(self, key: str, low: float, high: float, default: float | None = None) -> float:
        value = self.values.get(key, default)
        unit = _unit(key)
        if value is None:
            raise self.problem(key, "is missing", f"give a number in {unit}")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.problem(key, f"is {value!r}", f"give a number in {unit}, without quotes and unit")
        if not math.isfinite(value) or not low <= value <= high:
            raise self.problem(key, f"is {value:g} {unit}", f"give a number from {low:g} to {high:g} {unit}")
        return float(value)

    def whole(self, key: str, low: int, high: int) -> int:
        value = self.values.get(key)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            what = "is missing" if value is None else f"is {value!r}"
            raise self.problem(key, what, f"give a whole number from {low} to {high}")
        return value


def _unit(key: str) -> str:
    for ending, unit in (("_ml_per_s", "mL/s"), ("_ml", "mL"), ("_s", "s"), ("_volumes_at_least", "path volumes")):
        if key.endswith(ending):
            return unit
    return "numbers"
