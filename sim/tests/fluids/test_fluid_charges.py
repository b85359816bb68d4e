"""What was given in a run, from the plan and the pump's events."""

from flushpump.access.access_path import AccessPath
from flushpump.planning.plan import Plan
from flushpump.planning.sequence import load_sequence
from flushpump.wire.messages import PhaseChange, PhaseKind, Question, State
from flushsim.fluids.charges import Charge, charges_of


def events_of(plan: Plan) -> list[tuple[int, PhaseChange]]:
    """The events of a run in which every phase takes a second: each begins, and asks at its end."""
    events = []
    for index, phase in enumerate(plan.phases):
        now_us = 1_000_000 * index
        if phase.kind is not PhaseKind.WAIT:
            events.append((now_us, PhaseChange(index, phase.kind, State.RUNNING, Question.NONE, 0)))
        if phase.question is not Question.NONE:
            events.append((now_us + 500_000, PhaseChange(index, phase.kind, State.WAITING, phase.question, 0)))
    return events


def charges(sequence: str, line: str = "smartport-ct-8f", needle: str = "huber-20g") -> tuple[Plan, tuple[Charge, ...]]:
    plan = Plan.of(load_sequence(sequence), AccessPath.of(line, needle))
    return plan, charges_of(plan, events_of(plan))


def test_one_syringe_flushes_and_locks_in_port_maintenance():
    plan, found = charges("port-maintenance")
    assert found == (Charge(0, "saline", plan.loaded_ml), Charge(2_000_000, "saline", lock=True))


def test_sash_is_saline_a_drug_by_hand_saline_and_a_heparin_lock():
    plan, found = charges("sash")
    assert [(charge.fluid, charge.by_hand, charge.lock) for charge in found] == [
        ("saline", False, False),
        ("drug", True, False),
        ("saline", False, False),
        ("heparin", False, True),
    ]
    assert [charge.volume_ml for charge in found if not charge.by_hand] == [plan.loaded_ml] * 3


def test_a_lock_alone_is_heparin_from_the_start():
    plan, found = charges("lock", "picc-5f", "none")
    assert found == (Charge(0, "heparin", plan.loaded_ml, lock=True),)
