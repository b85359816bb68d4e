"""Requirements and their evidence: the `requirement` marker, the `figure` fixture, and the report of both.

Loaded for the tests of every folder by the conftest.py at the repository's top. `--report FILE` writes the whole
evidence as JSON (FILE ends in .json) or Markdown; the terminal gets one line for each requirement and figure.
"""

import json
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest

from flushhil.targets import MISSES

FILE = Path(__file__).with_name("requirements.toml")
Limit = float | tuple[float, float] | None


@dataclass(frozen=True)
class Requirement:
    """One requirement. `not_yet` and `partly` are sentences, "" where there is nothing left to say."""

    id: str
    sentence: str
    not_yet: str = ""
    partly: str = ""


@dataclass(frozen=True)
class Outcome:
    """What one test has shown: `outcome` is passed, failed or skipped; figures as the fixture noted them."""

    test: str
    target: str
    outcome: str
    requirements: tuple[str, ...]
    figures: tuple[dict[str, Any], ...]
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


# What pytest calls


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("flushpump")
    group.addoption("--report", metavar="FILE", help="write requirements, tests and figures to FILE (.json or .md)")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "requirement(*ids): requirements of requirements.toml that the test shows")
    config.stash[_KEY] = Evidence(read_requirements())


_KEY = pytest.StashKey[Evidence]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuses unknown ids, and notes what each test is about."""
    known = config.stash[_KEY].requirements
    target: str = config.getoption("--target")
    for item in items:
        ids = [name for mark in item.iter_markers("requirement") for name in mark.args]
        unknown = [name for name in ids if name not in known]
        if unknown or any(not mark.args for mark in item.iter_markers("requirement")):
            raise pytest.UsageError(f"{item.nodeid} names {unknown or 'no'} requirement that {FILE.name} does not have")
        item.user_properties.append(("requirements", sorted(set(ids))))
        item.user_properties.append(("target", _target_of(item, target)))


def _target_of(item: pytest.Item, target: str) -> str:
    callspec = getattr(item, "callspec", None)
    if callspec is not None and isinstance(callspec.params.get("target"), str):
        return str(callspec.params["target"])
    return target if item.path.is_relative_to(FILE.parent) else "-"


@pytest.fixture
def record_measurement(request: pytest.FixtureRequest) -> Callable[..., None]:
    """`figure(name, value, unit, limit)` notes a measured figure for the report and fails the test beyond its limit.

    `limit` is the most, or (least, most), or None for a figure that is only told. Beyond a most that the emulator is
    known to miss (`misses` of targets.toml) the report says so instead, as far as it is said there.
    """
    target = dict(request.node.user_properties).get("target", "")

    def note(name: str, value: float, unit: str, limit: Limit = None) -> None:
        row, complaint = figure_row(name, value, unit, limit, target)
        request.node.user_properties.append(("figure", row))
        if complaint:
            pytest.fail(complaint, pytrace=False)

    return note


def figure_row(name: str, value: float, unit: str, limit: Limit, target: str) -> tuple[dict[str, Any], str]:
    """What the report notes of a figure on a target, and what is wrong with it, or ""."""
    least, most = limit if isinstance(limit, tuple) else (None, limit)
    row = {"name": name, "value": round(float(value), 6), "unit": unit, "least": least, "most": most}
    over = most is not None and value > most
    known = MISSES.get(name) if target == "emulator" and over else None
    if known and value <= known["most"]:
        row["missed"] = known["why"]
    elif over or (least is not None and value < least):
        return row, f"{name} is {value:.6g} {unit}, {_limit_text(row)}"
    return row, ""


class _Collector:
    """Gathers the outcomes; under xdist the workers' come to the controller by themselves."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and report.passed:
            return
        told = [value for key, value in report.user_properties if key == "figure"]
        facts = {key: value for key, value in report.user_properties if key != "figure"}
        if "requirements" not in facts:
            return
        reason = ""
        if report.skipped and isinstance(report.longrepr, tuple):
            reason = str(report.longrepr[2]).removeprefix("Skipped: ")
        outcome = Outcome(
            report.nodeid, facts["target"], report.outcome, tuple(facts["requirements"]), tuple(told), reason
        )
        self._evidence.outcomes.append(outcome)


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    session.config.pluginmanager.register(_Collector(session.config.stash[_KEY]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    evidence = config.stash[_KEY]
    if not any(outcome.requirements or outcome.figures for outcome in evidence.outcomes):
        return
    figures = figure_lines(evidence.outcomes)
    if figures:
        terminalreporter.section("figures")
    for line in figures:
        terminalreporter.line(line)
    terminalreporter.section("requirements")
    for line in requirement_lines(evidence):
        terminalreporter.line(line)
    for line in skip_lines(evidence.outcomes):
        terminalreporter.line(line)
    file = config.getoption("--report")
    if file:
        path = Path(file)
        path.write_text(as_json(evidence) if path.suffix == ".json" else as_markdown(evidence), encoding="utf-8")
        terminalreporter.line(f"report written to {path}")


# What the report says


def figure_lines(outcomes: Iterable[Outcome]) -> list[str]:
    """One line a figure; one that was measured several times is told from least to most."""
    values: dict[tuple[str, str, str, str], list[float]] = {}
    for outcome in outcomes:
        for row in outcome.figures:
            limit = f"MISSES {_limit_text(row)}: {row['missed']}" if "missed" in row else _limit_text(row)
            key = (row["name"], row["unit"], limit, outcome.target)
            values.setdefault(key, []).append(row["value"])
    return [
        f"{name}: {_span(found)} {unit} ({limit}) [{target}]" for (name, unit, limit, target), found in values.items()
    ]


def verdict(requirement: Requirement, outcomes: list[Outcome]) -> str:
    """What the tests that were run say about a requirement."""
    counts = {name: sum(outcome.outcome == name for outcome in outcomes) for name in ("passed", "failed", "skipped")}
    if not outcomes:
        return f"not yet shown: {requirement.not_yet}" if requirement.not_yet else "not shown by the tests of this run"
    text = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    if counts["failed"]:
        return f"NOT SHOWN: {text}"
    if not counts["passed"]:
        return f"not shown on this target: {text}"
    return f"partly shown: {text}; {requirement.partly}" if requirement.partly else f"shown: {text}"


def requirement_lines(evidence: Evidence) -> list[str]:
    """One line a requirement, and one for all that no test of this run names."""
    told = {name: evidence.of(name) for name in evidence.requirements}
    rows = evidence.requirements.items()
    lines = [f"{name:<13}{verdict(row, told[name])}" for name, row in rows if told[name] or row.not_yet]
    silent = [name for name, row in rows if not told[name] and not row.not_yet]
    return [*lines, f"no test of this run is about {', '.join(silent)}"] if silent else lines


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
    others = [asdict(outcome) for outcome in evidence.outcomes if outcome.figures and not outcome.requirements]
    return json.dumps({"requirements": rows, "other_figures": others}, indent=1) + "\n"


def as_markdown(evidence: Evidence) -> str:
    """The whole evidence as two tables."""
    lines = ["# Requirements and their evidence", "", "| id | requirement | verdict |", "| --- | --- | --- |"]
    lines += [
        f"| {name} | {row.sentence} | {verdict(row, evidence.of(name))} |"
        for name, row in evidence.requirements.items()
    ]
    lines += ["", "| requirements | test | target | outcome | figures |", "| --- | --- | --- | --- | --- |"]
    lines += [
        f"| {' '.join(outcome.requirements)} | {outcome.test} | {outcome.target} | {outcome.outcome} | "
        f"{'; '.join(figure_lines([outcome])) or outcome.reason} |"
        for outcome in evidence.outcomes
        if outcome.requirements or outcome.figures
    ]
    return "\n".join(lines) + "\n"


def _span(values: list[float]) -> str:
    low, high = f"{min(values):.4g}", f"{max(values):.4g}"
    return high if low == high else f"{low} to {high}"


def _limit_text(row: dict[str, Any]) -> str:
    if row["most"] is None:
        return "told only"
    if row["least"] is None:
        return f"at most {row['most']:g}"
    return f"{row['least']:g} to {row['most']:g}"
