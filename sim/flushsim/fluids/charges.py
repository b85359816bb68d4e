"""What was given in a run and when: the charges of the syringe, from a plan and the pump's events."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from flushpump.planning.plan import Plan
from flushpump.wire.messages import Event, Fluid, PhaseChange, PhaseKind, Question, State

NAMES = {
    Fluid.SALINE: "saline",
    Fluid.HEPARIN_10: "heparin",
    Fluid.HEPARIN_100: "heparin",
    Fluid.ANTIMICROBIAL_LOCK: "antimicrobial",
}
# A small bag or a drawn-up syringe: enough to fill every line many times (an assumption).
GIVEN_BY_HAND_ML = 10.0


@dataclass(frozen=True)
class Charge:
    """A fluid that is given from `at_us` on: `fluid` is saline, heparin, drug or any other word.

    With `volume_ml` a new syringe with this volume; with None the syringe in the pump continues, and the rest of its
    charge gets a label of its own. `lock`: it is meant to stay. `by_hand`: `volume_ml` is pushed in at the needle
    at that time, past the pump.
    """

    at_us: float
    fluid: str
    volume_ml: float | None = None
    lock: bool = False
    by_hand: bool = False


def charges_of(plan: Plan, events: Iterable[tuple[int, Event]]) -> tuple[Charge, ...]:
    """The charges of a run of `plan`; `events` come with the simulation's time in us.

    While a sequence waits to be continued a drug is given by hand; a changed syringe holds what the plan loads. A lock
    out of a syringe that has given nothing yet is all of that syringe.
    """
    charges = [Charge(0.0, _next_fluid(plan, 0), plan.loaded_ml)]
    used = False
    for now_us, event in events:
        if not isinstance(event, PhaseChange):
            continue
        if event.question is Question.CONTINUE:
            charges.append(Charge(now_us, "drug", GIVEN_BY_HAND_ML, by_hand=True))
        elif event.question is Question.SYRINGE_CHANGED:
            charges.append(Charge(now_us, _next_fluid(plan, event.phase_index), plan.loaded_ml))
            used = False
        elif event.state is State.RUNNING and event.phase_kind is PhaseKind.LOCK and not used:
            charges[-1] = replace(charges[-1], lock=True)
        elif event.state is State.RUNNING and event.phase_kind is PhaseKind.LOCK:
            charges.append(Charge(now_us, NAMES[plan.phases[event.phase_index].fluid], lock=True))
        elif event.state is State.RUNNING:
            used = True
    return tuple(charges)


def _next_fluid(plan: Plan, index: int) -> str:
    """The fluid of the first phase from `index` on that moves."""
    moving = [phase.fluid for phase in plan.phases[index:] if phase.kind is not PhaseKind.WAIT]
    return NAMES[moving[0] if moving else plan.phases[-1].fluid]
