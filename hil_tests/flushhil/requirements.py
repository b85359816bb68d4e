"""The safety requirements, and what the tests of a session have shown of them. No pytest here."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flushhil.targets import MISSES

FILE = Path(__file__).with_name("requirements.toml")
Limit = float | tuple[float, float] | None


@dataclass(frozen=True)
class Requirement:
    """One requirement. `not_yet`: why no test shows it; `partly`: what the tests leave out; "" for neither."""

    id: str
    sentence: str
    not_yet: str = ""
    partly: str = ""


@dataclass(frozen=True)
class Outcome:
    """What one test has shown. `outcome` is passed, failed or skipped."""

    test: str
    target: str
    outcome: str
    requirements: tuple[str, ...]
    measurements: tuple[dict[str, Any], ...]
    reason: str = ""


@dataclass
class Evidence:
    """All outcomes of a session, by test."""

    requirements: dict[str, Requirement]
    outcomes: list[Outcome] = field(default_factory=list)

    def of(self, requirement: str) -> list[Outcome]:
        """The outcomes of the tests that name this requirement."""
        return [outcome for outcome in self.outcomes if requirement in outcome.requirements]


def read_requirements(file: Path = FILE) -> dict[str, Requirement]:
    """By id, in the order of the file."""
    rows = tomllib.loads(file.read_text(encoding="utf-8"))
    return {name: Requirement(name, **row) for name, row in rows.items()}


def measurement_row(name: str, value: float, unit: str, limit: Limit, target: str) -> tuple[dict[str, Any], str]:
    """A measured value as the report keeps it, and why it fails its test, or ""."""
    least, most = limit if isinstance(limit, tuple) else (None, limit)
    row = {"name": name, "value": round(float(value), 6), "unit": unit, "least": least, "most": most}
    over = most is not None and value > most
    known = MISSES.get(name) if target == "emulator" and over else None
    if known and value <= known["most"]:
        row["missed"] = known["why"]
    elif over or (least is not None and value < least):
        return row, f"{name} is {value:.6g} {unit}, {limit_text(row)}"
    return row, ""


def limit_text(row: dict[str, Any]) -> str:
    """The limit of a measured value, in words."""
    if row["most"] is None:
        return "no limit"
    if row["least"] is None:
        return f"at most {row['most']:g}"
    return f"{row['least']:g} to {row['most']:g}"


def verdict(requirement: Requirement, outcomes: list[Outcome]) -> str:
    """What the tests that were run show of a requirement."""
    counts = {name: sum(outcome.outcome == name for outcome in outcomes) for name in ("passed", "failed", "skipped")}
    if not outcomes:
        return f"not yet shown: {requirement.not_yet}" if requirement.not_yet else "not shown by the tests of this run"
    text = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    if counts["failed"]:
        return f"NOT SHOWN: {text}"
    if not counts["passed"]:
        return f"not shown on this target: {text}"
    return f"partly shown: {text}; {requirement.partly}" if requirement.partly else f"shown: {text}"
