"""A campaign's config: paths, tolerances and groups of scenarios with their faults, read from a TOML file.

A group is a population: scenarios without a fault, or with certain faults. Each group has a share of the cases, spread
evenly, so that the first hundred cases represent the whole campaign. More runs of the same campaign begin with the
same cases.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

from flushpump.errors import UsageError, nearest_or
from flushpump.toml_reader import TomlTable, parse_toml, read_text
from flushpump.wire.messages import PhaseKind

from flushsim.campaign.classification import KNOWN_NAMES, expected_of
from flushsim.campaign.distributions import Distribution, parsed
from flushsim.campaign.path_selection import PATH_KEYS, scenarios_of
from flushsim.faults.spec import KINDS
from flushsim.scenario import Scenario

SUFFIX = ".toml"
RUNS_MAX = 10_000_000
SHARE_MAX = 1000
ONSET_MAX_S = 600.0
_KEYS = ("title", "seed", "runs", "path", "group")
_GROUP_KEYS = ("name", "share", "healthy", "last_visit", "path", "fault", "expect")
_FAULT_KEYS = ("name", "severity", "onset_s", "onset_pulse", "duration_s")
_HEALTHY = "healthy"


@dataclass(frozen=True)
class FaultDrawn:
    """A fault with its distributions. `onset` is in s since the first step or, with `in_pulses`, in pulses: 2.25 is a
    quarter through the motion of the second pulse. `duration_s` None: until the end."""

    name: str
    severity: Distribution
    onset: Distribution
    in_pulses: bool
    duration_s: Distribution | None


@dataclass(frozen=True)
class Group:
    """A population of scenarios. In a healthy one every detection is a false alarm, whatever faults it has (a cough is
    no fault of the line). With `last_visit` the host knows an earlier run without faults. `expect` are the names of
    verdicts and alarms that find its fault. One of `scenarios`, each a sequence on a path, is drawn."""

    name: str
    share: int
    healthy: bool
    last_visit: bool
    scenarios: tuple[Scenario, ...]
    tolerances: bool
    faults: tuple[FaultDrawn, ...]
    expect: frozenset[str]


@dataclass(frozen=True)
class CampaignConfig:
    """A campaign. `text` is that of the file, by which a continued campaign is recognized."""

    name: str
    title: str
    text: str
    seed: int
    runs: int
    groups: tuple[Group, ...]

    def group_of(self, index: int) -> Group:
        """The group that the case of this index belongs to."""
        return self.groups[self._group_cycle[index % len(self._group_cycle)]]

    @cached_property
    def _group_cycle(self) -> tuple[int, ...]:
        """The groups of consecutive cases, one cycle of all shares: each group's cases are spread evenly."""
        places = [
            ((place + 0.5) / group.share, number)
            for number, group in enumerate(self.groups)
            for place in range(group.share)
        ]
        return tuple(number for _, number in sorted(places))


def shipped_names() -> tuple[str, ...]:
    """Names of the campaigns that come with the simulator."""
    folder = files("flushsim.campaign").joinpath("data")
    return tuple(sorted(entry.name[: -len(SUFFIX)] for entry in folder.iterdir() if entry.name.endswith(SUFFIX)))


def load(name: str) -> CampaignConfig:
    """The campaign that ships under that name, or the one in the file of that path (it ends in .toml). UsageError."""
    if name.endswith(SUFFIX):
        text = read_text(Path(name), "campaign", f"shipped are {', '.join(shipped_names())}, without .toml")
        return parse(text, Path(name).stem, name)
    if name not in shipped_names():
        otherwise = f"name a .toml file, or one of {', '.join(shipped_names())}"
        raise UsageError(f"there is no campaign {name!r}", nearest_or(otherwise, name, shipped_names()))
    text = files("flushsim.campaign").joinpath("data", name + SUFFIX).read_text(encoding="utf-8")
    return parse(text, name, name + SUFFIX)


def parse(text: str, name: str, file_name: str) -> CampaignConfig:
    """The campaign of a TOML text. UsageError with `file_name` in its sentence."""
    table = TomlTable(parse_toml(text, file_name), file_name, "", _KEYS)
    entries = table.tables("group", _GROUP_KEYS, "group")
    path = table.table("path")
    groups = tuple(_group(entry, path) for entry in entries)
    names = [group.name for group in groups]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise table.problem("group", f"{twice!r} is there twice", "give each group its own name")
    return CampaignConfig(
        name=name,
        title=table.text("title", name),
        text=text,
        seed=table.whole("seed", 0, 2**31 - 1, 1),
        runs=table.whole("runs", 1, RUNS_MAX, 1000),
        groups=groups,
    )


def _group(table: TomlTable, path: Mapping[str, Any]) -> Group:
    faults_written = table.tables("fault", _FAULT_KEYS, "group.fault", needed=False)
    name = table.text("name", faults_written[0].values.get("name", "") if faults_written else _HEALTHY)
    if not isinstance(name, str) or not name:
        raise table.problem("name", "is missing", 'name the group, as in name = "healthy"')
    paths = TomlTable({**path, **table.table("path")}, table.file_name, f"{table.place}path, ", PATH_KEYS)
    scenarios = scenarios_of(paths)
    faults = tuple(_fault(fault, scenarios) for fault in faults_written)
    return Group(
        name=name,
        share=table.whole("share", 1, SHARE_MAX, 1),
        healthy=table.flag("healthy", not faults),
        last_visit=table.flag("last_visit", False),
        scenarios=scenarios,
        tolerances=paths.flag("tolerances", True),
        faults=faults,
        expect=_expect(table, faults),
    )


def _expect(table: TomlTable, faults: tuple[FaultDrawn, ...]) -> frozenset[str]:
    names = table.values.get("expect")
    if names is None:
        return expected_of((fault.name for fault in faults), table.values.get("last_visit") is True)
    if not isinstance(names, list):
        raise table.problem("expect", f"is {names!r}", 'give a list of verdicts or alarms, as in ["partial"]')
    for name in names:
        if name not in KNOWN_NAMES:
            remedy = nearest_or(f"known are {', '.join(KNOWN_NAMES)}", str(name), KNOWN_NAMES)
            raise table.problem("expect", f"has {name!r}, which is no verdict and no alarm", remedy)
    return frozenset(names)


def _fault(table: TomlTable, scenarios: tuple[Scenario, ...]) -> FaultDrawn:
    name = table.choice("name", KINDS)
    kind = KINDS[name]
    if kind.default is None and "severity" in table.values:
        raise table.problem("severity", f"is not for {name}", "leave it out")
    severity = _distribution(table, "severity", 1.0 if kind.default is None else kind.default)
    if kind.default is not None:
        _within(table, "severity", severity, kind.least, kind.most, kind.unit)
    if "onset_s" in table.values and "onset_pulse" in table.values:
        raise table.problem("onset_s", "and onset_pulse are both given", "give one of them")
    in_pulses = "onset_pulse" in table.values
    if in_pulses:
        onset = _distribution(table, "onset_pulse", 1.0)
        pulses = min(_pulse_count(scenario) for scenario in scenarios)
        if not pulses:
            raise table.problem("onset_pulse", "is given, but a sequence of this group has no pulses", "give onset_s")
        _within(table, "onset_pulse", onset, 1.0, pulses + 0.999, "(1 is the first pulse's first step)")
    else:
        onset = _distribution(table, "onset_s", 0.0)
        _within(table, "onset_s", onset, 0.0, ONSET_MAX_S, "s")
    duration = None
    if "duration_s" in table.values:
        duration = _distribution(table, "duration_s", 1.0)
        _within(table, "duration_s", duration, 0.001, ONSET_MAX_S, "s")
    return FaultDrawn(name, severity, onset, in_pulses, duration)


def _pulse_count(scenario: Scenario) -> int:
    return max((phase.count for phase in scenario.plan().phases if phase.kind is PhaseKind.PULSES), default=0)


def _distribution(table: TomlTable, key: str, default: float) -> Distribution:
    try:
        return parsed(table.values.get(key, default))
    except ValueError as problem:
        raise table.problem(key, str(problem), "see the shipped campaigns") from None


def _within(table: TomlTable, key: str, drawn: Distribution, least: float, most: float, unit: str) -> None:
    if not (least <= drawn.low and drawn.high <= most):
        span = f"{drawn.low:g}" if drawn.low == drawn.high else f"{drawn.low:g} to {drawn.high:g}"
        raise table.problem(key, f"can be {span}", f"it has to stay from {least:g} to {most:g} {unit}".rstrip())
