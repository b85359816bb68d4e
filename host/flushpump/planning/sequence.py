"""A sequence: what is done to a line, phase by phase, as a TOML file that a user can write.

The built-in ones are in `data/sequences/`. Every number has its unit in its key. A wrong file is refused with one
sentence that names file, place, key and remedy.
"""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path as FilePath

from flushpump import user_config
from flushpump.access.parts import LINE_KINDS, UnknownNameError
from flushpump.errors import UsageError
from flushpump.toml_reader import TomlTable, parse_toml, read_text
from flushpump.wire.messages import Fluid, PhaseKind, Question

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
    """Phases in order. `line_kinds` are those it is written for; with another kind the plan has a note."""

    name: str
    title: str
    line_kinds: tuple[str, ...]
    fluid: Fluid
    keep_in_syringe_ml: float
    path_volumes_at_least: float
    phases: tuple[SequencePhase, ...]


def own_names() -> tuple[str, ...]:
    """Names of the user's own sequences, in order: the files in `sequences/` of the configuration folder."""
    try:
        return tuple(sorted(file.stem for file in _own_folder().iterdir() if file.suffix == SUFFIX))
    except FileNotFoundError:
        return ()
    except OSError as problem:
        raise UsageError(f"{_own_folder()} cannot be read: {problem.strerror}", "make it a folder") from problem


def built_in_names() -> tuple[str, ...]:
    """Names of the built-in sequences, in order."""
    folder = files("flushpump.planning").joinpath("data", "sequences")
    return tuple(sorted(entry.name[: -len(SUFFIX)] for entry in folder.iterdir() if entry.name.endswith(SUFFIX)))


def load_sequence(name: str) -> Sequence:
    """The built-in sequence or the user's own of that name, or the one in the file of that path (it ends in .toml).

    Raises UnknownNameError or UsageError.
    """
    if name.endswith(SUFFIX):
        if not name.isprintable():
            raise UsageError(f"the file name {name!r} cannot be printed in a record", "rename the file")
        return parse_sequence(
            read_text(FilePath(name), "sequence", "see flushpump catalog sequences"), FilePath(name).stem, name
        )
    own = own_names()
    if name in own:
        file = _own_folder() / f"{name}{SUFFIX}"
        if name in built_in_names():
            raise UsageError(f"{file} has the name of a built-in sequence", "rename the file")
        return load_sequence(str(file))
    if name not in built_in_names():
        raise UnknownNameError("sequence", name, (*built_in_names(), *own))
    text = files("flushpump.planning").joinpath("data", "sequences", name + SUFFIX).read_text(encoding="utf-8")
    return parse_sequence(text, name, name + SUFFIX)


def _own_folder() -> FilePath:
    return user_config.folder() / "sequences"


def parse_sequence(text: str, name: str, file_name: str) -> Sequence:
    """The sequence of a TOML text; UsageError names `file_name`."""
    data = parse_toml(text, file_name)
    table = TomlTable(data, file_name, "", _SEQUENCE_KEYS)
    phases = table.tables("phase", _PHASE_KEYS, "phase")
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
        phases=tuple(map(_phase, phases)),
    )


def _phase(table: TomlTable) -> SequencePhase:
    kind = KINDS[table.choice("kind", KINDS)]
    question = QUESTIONS[table.choice("question", QUESTIONS)] if "question" in table.values else Question.NONE
    fluid = FLUIDS[table.choice("fluid", FLUIDS)] if "fluid" in table.values else None
    if kind not in _MOTION:
        for key in ("count", "volume_ml", "flow_ml_per_s"):
            if key in table.values:
                raise table.problem(key, "does not belong in a phase of kind wait", "remove it")
        if question is Question.NONE:
            raise table.problem("question", "is missing", f"give one of {', '.join(QUESTIONS)}")
        return SequencePhase(kind, 0, 0.0, 0.0, 0.0, question, fluid)
    if kind is not PhaseKind.PULSES and "count" in table.values:
        raise table.problem("count", f"does not belong in a phase of kind {kind.name.lower()}", "remove it")
    volume: float | None
    if kind is PhaseKind.LOCK and table.values.get("volume_ml") == LOCK_VOLUME:
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
