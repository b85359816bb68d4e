"""What the benchmarks share: a pump on a rig made to measure, and lines that hold a figure against its budget."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from flushpump.path import Path
from flushpump.plan import Plan
from flushpump.ports import READ_WAIT_S
from flushpump.pump import Pump
from flushpump.sequence import load_sequence
from flushpump.types import Event, PathSettings, PhaseChange, ProgramEnd, PulseResult, Question
from flushsim.plant import PlantPath
from flushsim.rig import Rig
from flushsim.serial_urls.protocol_flushsim import Serial


@dataclass
class Outcome:
    """What a run told, and the rig that knows better."""

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


def plan_of(
    line: str = "smartport-ct-8f", needle: str = "huber-20g", sequence: str = "port-maintenance"
) -> Plan:
    """A plan with a 10 mL syringe and a 20 cm extension."""
    return Plan.of(load_sequence(sequence), Path.of(line, needle, "bd-10", "extension-20cm"))


def perform(plan: Plan, rig: Rig, settings: PathSettings | None = None) -> Outcome:
    """The plan on a rig that has just been switched on, with other path settings if they are given."""
    outcome = Outcome(rig, plan)
    with pump_on(rig) as pump:
        rig.plant.change_syringe(plan.loaded_ml)
        pump.set_path(settings or plan.settings())
        pump.load(plan.program())
        pump.start()
        for event in pump.follow():
            _take(outcome, pump, event)
    return outcome


def _take(outcome: Outcome, pump: Pump, event: Event) -> None:
    if isinstance(event, PulseResult):
        outcome.pulses.append(event)
    elif isinstance(event, ProgramEnd):
        outcome.end = event
    elif isinstance(event, PhaseChange) and event.question is not Question.NONE:
        pump.answer(event.question, True)


def heading(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}", flush=True)


def figure(
    name: str, value: float, unit: str, budget: float | None = None, goal: float | None = None, at_least: bool = False
) -> None:
    """One line: the figure, and whether it keeps its budget (a most; a least when so said or `goal` lies above it)."""
    text = f"{name:<62} {value:>10.3f} {unit}"
    if budget is not None:
        least = at_least or (goal is not None and goal > budget)
        kept = value >= budget if least else value <= budget
        text += f"   {'least' if least else 'most'} {budget:g}" + (f", goal {goal:g}" if goal is not None else "")
        text += "  kept" if kept else "  MISSED"
    print(text, flush=True)
