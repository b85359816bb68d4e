"""The evidence as lines for the terminal, as Markdown and as JSON."""

import json
from collections.abc import Iterable
from dataclasses import asdict

from flushhil.requirements import Evidence, Outcome, limit_text, verdict


def measurement_lines(outcomes: Iterable[Outcome]) -> list[str]:
    """One line for each measured quantity; several values of it become their range."""
    values: dict[tuple[str, str, str, str], list[float]] = {}
    for outcome in outcomes:
        for row in outcome.measurements:
            limit = f"MISSES {limit_text(row)}: {row['missed']}" if "missed" in row else limit_text(row)
            values.setdefault((row["name"], row["unit"], limit, outcome.target), []).append(row["value"])
    return [
        f"{name}: {_span(found)} {unit} ({limit}) [{target}]" for (name, unit, limit, target), found in values.items()
    ]


def requirement_lines(evidence: Evidence) -> list[str]:
    """One line for each requirement, and one for all that no test of this run names."""
    shown = {name: evidence.of(name) for name in evidence.requirements}
    rows = evidence.requirements.items()
    lines = [f"{name:<13}{verdict(row, shown[name])}" for name, row in rows if shown[name] or row.not_yet]
    untested = [name for name, row in rows if not shown[name] and not row.not_yet]
    return [*lines, f"no test of this run is about {', '.join(untested)}"] if untested else lines


def skip_lines(outcomes: list[Outcome]) -> list[str]:
    """How many tests were skipped, by reason."""
    reasons = [outcome.reason for outcome in outcomes if outcome.outcome == "skipped"]
    return [f"skipped {reasons.count(reason)}: {reason}" for reason in sorted(set(reasons))]


def as_json(evidence: Evidence) -> str:
    """The whole evidence."""
    rows = [
        {**asdict(row), "verdict": verdict(row, evidence.of(name)), "tests": [asdict(one) for one in evidence.of(name)]}
        for name, row in evidence.requirements.items()
    ]
    others = [asdict(outcome) for outcome in evidence.outcomes if outcome.measurements and not outcome.requirements]
    return json.dumps({"requirements": rows, "other_measurements": others}, indent=1) + "\n"


def as_markdown(evidence: Evidence) -> str:
    """The whole evidence as two tables."""
    lines = ["# Requirements and their evidence", "", "| id | requirement | verdict |", "| --- | --- | --- |"]
    lines += [
        f"| {name} | {row.sentence} | {verdict(row, evidence.of(name))} |"
        for name, row in evidence.requirements.items()
    ]
    lines += ["", "| requirements | test | target | outcome | measurements |", "| --- | --- | --- | --- | --- |"]
    lines += [
        f"| {' '.join(outcome.requirements)} | {outcome.test} | {outcome.target} | {outcome.outcome} | "
        f"{'; '.join(measurement_lines([outcome])) or outcome.reason} |"
        for outcome in evidence.outcomes
        if outcome.requirements or outcome.measurements
    ]
    return "\n".join(lines) + "\n"


def _span(values: list[float]) -> str:
    low, high = f"{min(values):.4g}", f"{max(values):.4g}"
    return high if low == high else f"{low} to {high}"
