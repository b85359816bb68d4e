"""The rules of a plan: fluids, blood return, flush volume, filling. Each raises RefusedError."""

import math

from flushpump.access.access_path import AccessPath
from flushpump.errors import RefusedError
from flushpump.planning.planned_phase import FORWARD, PlannedPhase, lock_volume_ml
from flushpump.planning.sequence import Sequence
from flushpump.wire.messages import Fluid, PhaseKind, Question

HEPARIN = (Fluid.HEPARIN_10, Fluid.HEPARIN_100)


def check_fluids(phases: tuple[PlannedPhase, ...], path: AccessPath) -> None:
    """No heparin into an intolerant line, and no antimicrobial lock into the blood (REQ-PATH-4)."""
    for number, phase in enumerate(phases, start=1):
        if phase.kind not in FORWARD:
            continue
        if path.heparin_intolerant and phase.fluid in HEPARIN:
            raise RefusedError(
                f"phase {number} infuses heparin and the line is marked heparin-intolerant", "lock with --fluid saline"
            )
        if phase.fluid is Fluid.ANTIMICROBIAL_LOCK and (
            phase.kind is not PhaseKind.LOCK or phase.volume_ml > lock_volume_ml(path)
        ):
            raise RefusedError(
                f"phase {number} would flush an antimicrobial lock into the blood",
                f"it may only fill the line, with at most {lock_volume_ml(path):.2f} mL in a lock phase",
            )


def check_blood_return(phases: tuple[PlannedPhase, ...], path: AccessPath) -> None:
    """Blood return is asked for before a central line is flushed (REQ-PATH-3)."""
    for number, phase in enumerate(phases, start=1):
        if phase.question is Question.BLOOD_RETURN and phase.kind not in FORWARD:
            return
        if phase.kind in FORWARD and path.line.central:
            raise RefusedError(
                f"phase {number} flushes a central line before blood return is checked",
                'begin with a phase of kind "aspirate" or "wait" with question = "blood_return"',
            )


def check_flush_volume(sequence: Sequence, phases: tuple[PlannedPhase, ...], path: AccessPath) -> None:
    """A flush replaces the path's volume as often as the sequence requires."""
    dose = sum(phase.dose_ml for phase in phases)
    least = sequence.path_volumes_at_least * path.volume_ml
    if dose < least:
        raise RefusedError(
            f"{sequence.name} infuses {dose:.2f} mL, but {sequence.path_volumes_at_least:g} x the path's volume is "
            f"{least:.2f} mL",
            "use a sequence with a larger volume",
        )


def loaded_ml(sequence: Sequence, phases: tuple[PlannedPhase, ...], path: AccessPath, wanted_ml: float | None) -> float:
    """Volume that the syringe has to hold: the largest of its fillings, or `wanted_ml`, which has to be enough."""
    fillings = [0.0]
    aspirated = [0.0]
    for phase in phases:
        fillings[-1] += phase.dose_ml
        if phase.kind is PhaseKind.ASPIRATE:
            aspirated[-1] += phase.volume_ml
        if phase.question is Question.SYRINGE_CHANGED:
            fillings.append(0.0)
            aspirated.append(0.0)
    needed = round(max(fillings) + sequence.keep_in_syringe_ml, 6)
    loaded = math.ceil(needed * 2) / 2 if wanted_ml is None else wanted_ml
    name, capacity = path.syringe.name, path.syringe.capacity_ml
    if loaded < needed:
        raise RefusedError(
            f"{sequence.name} needs {needed:.2f} mL, {sequence.keep_in_syringe_ml:g} mL of it to stay in the syringe, "
            f"but {name} holds {loaded:g} mL",
            "fill it, or use a larger syringe",
        )
    if loaded + max(aspirated) > capacity:
        raise RefusedError(
            f"{loaded:g} mL and {max(aspirated):g} mL aspirated do not fit into {name}, which holds at most "
            f"{capacity:g} mL",
            "use a larger syringe",
        )
    return loaded
