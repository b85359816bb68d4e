"""Shared by the benchmarks: a pump on a rig, and lines that compare a measurement with its budget.

Each printed measurement is also written to docs/figures.json, the source of docs/figures.md.
"""

import json
import os
import platform
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path as FilePath
from typing import Any

from flushpump.access.access_path import AccessPath
from flushpump.device.drive import drive
from flushpump.device.pump import Pump
from flushpump.link.ports import READ_WAIT_S
from flushpump.planning.plan import Plan
from flushpump.planning.sequence import load_sequence
from flushpump.wire.messages import PathSettings, ProgramEnd, PulseResult
from flushsim.plant.plant import PlantPath
from flushsim.rig.lockstep import Rig
from flushsim.url.serial_urls.protocol_flushsim import Serial

JSON = FilePath(__file__).parents[2] / "docs" / "figures.json"


@dataclass
class Outcome:
    """What a run reported, and the rig with its ground truth."""

    rig: Rig
    plan: Plan
    pulses: list[PulseResult] = field(default_factory=list)
    end: ProgramEnd | None = None


@contextmanager
def pump_on(rig: Rig) -> Iterator[Pump]:
    """A client on the rig, with a session."""
    with Pump.over(Serial.over(rig, READ_WAIT_S), "the rig") as pump:
        yield pump


def run(
    line: str = "smartport-ct-8f",
    needle: str = "huber-20g",
    target: str = "native",
    sequence: str = "port-maintenance",
    path: PlantPath | None = None,
    **rig_options: Any,
) -> Outcome:
    """One run of a sequence to its end, every question answered with yes."""
    return perform(plan_of(line, needle, sequence), Rig(target, line=line, needle=needle, path=path, **rig_options))


def plan_of(line: str = "smartport-ct-8f", needle: str = "huber-20g", sequence: str = "port-maintenance") -> Plan:
    """A plan with a 10 mL syringe and a 20 cm extension."""
    return Plan.of(load_sequence(sequence), AccessPath.of(line, needle, "bd-10", "extension-20cm"))


def perform(plan: Plan, rig: Rig, settings: PathSettings | None = None) -> Outcome:
    """Runs the plan on a rig after power-on, with `settings` instead of the plan's path settings if given."""
    with pump_on(rig) as pump:
        rig.plant.change_syringe(plan.loaded_ml)
        events = drive(pump, plan.program(), settings or plan.settings())
    return Outcome(rig, plan, events.pulses, events.end)


class _Rows:
    """The rows of the running section, in a file, because some are measured in a fork of this process."""

    file: FilePath | None = None


@contextmanager
def published(section: str, name: str, title: str, on: str) -> Iterator[None]:
    """The measurements of the block replace the group `name` of docs/figures.json."""
    descriptor, file = tempfile.mkstemp(suffix=".jsonl")
    os.close(descriptor)
    _Rows.file = FilePath(file)
    try:
        yield
        rows = [json.loads(line) for line in _Rows.file.read_text(encoding="utf-8").splitlines()]
        if rows:
            _replace(name, {"name": name, "title": title, "date": f"on {datetime.now(UTC).date()}", "on": on,
                            "source": f"`python hil_tests/bench {section}`, {_machine()}", "rows": rows})  # fmt: skip
    finally:
        _Rows.file.unlink()
        _Rows.file = None


def _machine() -> str:
    return f"Python {platform.python_version()} on {os.cpu_count()} cores ({platform.machine()})"


def _replace(name: str, group: dict[str, Any]) -> None:
    groups = json.loads(JSON.read_text(encoding="utf-8"))["groups"]
    if name in [other["name"] for other in groups]:
        groups = [group if other["name"] == name else other for other in groups]
    else:
        groups.append(group)
    JSON.write_text(json.dumps({"groups": groups}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def add_row(what: str, measured: str, budget: str = "", missed: bool = False) -> None:
    """A row of the page of figures."""
    if _Rows.file is None:
        return
    row: dict[str, Any] = {"what": what, "measured": measured}
    if budget:
        row["budget"] = budget
    if missed:
        row["missed"] = True
    with _Rows.file.open("a", encoding="utf-8") as rows:
        rows.write(json.dumps(row) + "\n")


def heading(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}", flush=True)


def report(
    name: str, value: float, unit: str, budget: float | None = None, goal: float | None = None, at_least: bool = False
) -> None:
    """Prints a value, and whether it keeps its budget: a maximum, or a minimum with `at_least` or a higher `goal`."""
    text = f"{name:<62} {value:>10.3f} {unit}"
    allowed, kept = "", True
    if budget is not None:
        least = at_least or (goal is not None and goal > budget)
        kept = value >= budget if least else value <= budget
        allowed = f"at {'least' if least else 'most'} {budget:g} {unit}"
        allowed += f", goal {goal:g}" if goal is not None else ""
        text += f"   {allowed}  {'kept' if kept else 'MISSED'}"
    print(text, flush=True)
    measured = f"{value:.3g}" if abs(value) < 1_000 else f"{value:,.0f}"
    add_row(name.strip(), f"{measured} {unit}".strip(), allowed, not kept)
