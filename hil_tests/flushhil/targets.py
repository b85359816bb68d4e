"""What each target can show, from `targets.toml`: which tests are left out there, and why."""

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

SUITE = Path(__file__).parent / "suite"
TARGETS = "sim, native, mixed, emulator or serial:DEVICE"
_TABLES: dict[str, Any] = tomllib.loads(Path(__file__).with_name("targets.toml").read_text(encoding="utf-8"))
LACKS: dict[str, str] = _TABLES["emulator"]["lacks"]
MISSES: dict[str, dict[str, Any]] = _TABLES["emulator"]["misses"]
SUBSET: dict[str, list[str]] = _TABLES["emulator"]["subset"]
NATIVE: frozenset[str] = frozenset(_TABLES["mixed"]["native"])


def is_known(target: str) -> bool:
    """Whether there is such a target; whether its device exists is found when it is opened."""
    return target in ("sim", "native", "mixed", "emulator") or (target.startswith("serial:") and target != "serial:")


def target_of(file: str, test: str, target: str) -> str:
    """The target of a test of the suite: of `mixed` it is native or sim."""
    if target != "mixed":
        return target
    return "native" if file in NATIVE and not _in_subset(file, test) else "sim"


def left_out(file: str, test: str, needs: str, target: str, whole: bool) -> str:
    """Why the target cannot show a test of the suite, "" when it can. `needs` is what its marker `simulated` names."""
    if target.startswith("serial:") and needs:
        return f"needs {needs}, which only a simulated target has"
    if target == "emulator" and needs in LACKS:
        return f"needs {needs}, and {LACKS[needs]}"
    if target == "emulator" and not whole and not _in_subset(file, test):
        return "not in the subset for the emulator; --whole-suite runs it"
    return ""


def _in_subset(file: str, test: str) -> bool:
    """Whether targets.toml lists the test, with its parameters or without."""
    return any(entry in (test, test.split("[")[0]) for entry in SUBSET.get(file, ()))


def unknown_entries(names: Iterable[str], marks: Iterable[str]) -> list[str]:
    """Entries of targets.toml that fit no test (`names` as file::test) or no word of a marker."""
    known = set(names)
    entries = [f"{file}::{entry.split('[')[0]}" for file, listed in SUBSET.items() for entry in listed]
    return [entry for entry in entries if entry not in known] + [what for what in LACKS if what not in set(marks)]
