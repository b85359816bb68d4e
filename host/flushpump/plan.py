"""A plan: a sequence on a path, with volumes, flows lowered to the cap, times and predicted pressures. Nothing moves.

Everything that the catalogue and the guidelines forbid is refused here, before the pump is asked; the pump checks its
own limits again.
"""

import math
from dataclasses import dataclass
from typing import Any

from flushpump import wire
from flushpump.errors import Refused
from flushpump.path import Path
from flushpump.sequence import Sequence, SequencePhase
from flushpump.types import Fluid, LineFlag, PathSettings, Phase, PhaseKind, Program, Question

# The reference board's drive; INFO does not tell it. The time that the pump itself expects replaces the estimate.
ACCELERATION_MM_PER_S2 = 600.0
LOCK_MARGIN = 1.2
# Defaults of the pump's settings program_volume_cap_nl and program_time_cap_s.
PROGRAM_VOLUME_ML = 60.0
PROGRAM_TIME_S = 600.0
# A program may take twice its time and this long for each question before the pump ends it.
QUESTION_S = 120.0

HEPARIN = (Fluid.HEPARIN_10, Fluid.HEPARIN_100)
FORWARD = (PhaseKind.PULSES, PhaseKind.STEADY, PhaseKind.LOCK, PhaseKind.FINISH)


@dataclass(frozen=True)
class PlannedPhase:
    """A phase as it will be run. `volume_ml` is that of one pulse, or of the phase."""

    kind: PhaseKind
    count: int
    volume_ml: float
    asked_flow_ml_per_s: float
    flow_ml_per_s: float
    pause_s: float
    question: Question
    fluid: Fluid
    duration_s: float
    predicted_kpa: float
    wall_shear_pa: float

    @property
    def dose_ml(self) -> float:
        """What the phase drives forwards."""
        return self.count * self.volume_ml if self.kind in FORWARD else 0.0


@dataclass(frozen=True)
class Plan:
    """What a run will do. Make it with `Plan.of`; `notes` are sentences that the user should read."""

    sequence: Sequence
    path: Path
    loaded_ml: float
    phases: tuple[PlannedPhase, ...]
    notes: tuple[str, ...]

    @classmethod
    def of(cls, sequence: Sequence, path: Path, *, loaded_ml: float | None = None, fluid: Fluid | None = None) -> "Plan":
        """The plan, or Refused with the rule that forbids it.

        `loaded_ml` is what the syringe holds, by default just what the sequence needs; `fluid` replaces the
        sequence's own.
        """
        notes = []
        if path.line.kind not in sequence.line_kinds:
            notes.append(
                f"{sequence.name} is written for {' or '.join(sequence.line_kinds)}, {path.line.name} is of kind "
                f"{path.line.kind}"
            )
        phases = tuple(_planned(phase, path, fluid or sequence.fluid) for phase in sequence.phases)
        for number, phase in enumerate(phases, start=1):
            if phase.flow_ml_per_s < phase.asked_flow_ml_per_s:
                notes.append(
                    f"flow of phase {number} lowered from {phase.asked_flow_ml_per_s:g} to {phase.flow_ml_per_s:g} "
                    f"mL/s: {path.flow_cap.reason}"
                )
        _check_fluids(phases, path)
        _check_blood_return(phases, path)
        _check_flush_volume(sequence, phases, path)
        loaded = _loaded_ml(sequence, phases, path, loaded_ml)
        plan = cls(sequence, path, loaded, phases, tuple(notes))
        if plan.dose_ml > PROGRAM_VOLUME_ML or plan.duration_s > PROGRAM_TIME_S:
            raise Refused(
                f"{sequence.name} takes {plan.dose_ml:.1f} mL and {plan.duration_s:.0f} s, the pump allows "
                f"{PROGRAM_VOLUME_ML:g} mL and {PROGRAM_TIME_S:g} s in one program",
                "split the sequence",
            )
        return plan

    @property
    def dose_ml(self) -> float:
        """What the program drives forwards, mL."""
        return sum(phase.dose_ml for phase in self.phases)

    @property
    def aspirated_ml(self) -> float:
        """What the program draws back, mL."""
        return sum(phase.volume_ml for phase in self.phases if phase.kind is PhaseKind.ASPIRATE)

    @property
    def duration_s(self) -> float:
        """Expected time, waiting for answers not counted, s."""
        return sum(phase.duration_s for phase in self.phases)

    @property
    def questions(self) -> tuple[Question, ...]:
        """Questions that will be asked, in order."""
        return tuple(phase.question for phase in self.phases if phase.question is not Question.NONE)

    @property
    def pulse_count(self) -> int:
        """Pulses of the whole program."""
        return sum(phase.count for phase in self.phases if phase.kind is PhaseKind.PULSES)

    def settings(self) -> PathSettings:
        """PATH_SET for this plan. The pump judges the fluid: it is told the most restricted one of the run."""
        path = self.path
        flags = LineFlag.CENTRAL if path.line.central else LineFlag.NONE
        if path.heparin_intolerant:
            flags |= LineFlag.HEPARIN_INTOLERANT
        return PathSettings(
            barrel_diameter_um=round(path.syringe.inner_diameter_mm * 1000),
            line_flags=flags,
            fluid=max(phase.fluid for phase in self.phases),
            syringe_capacity_nl=round(path.syringe.capacity_ml * 1e6),
            syringe_loaded_nl=round(self.loaded_ml * 1e6),
            hard_limit_pa=math.floor(path.hard_limit_kpa * 1000),
            working_limit_pa=math.floor(path.working_limit_kpa * 1000),
            flow_cap_nl_per_s=round(path.flow_cap_ml_per_s * 1e6),
            resistance_pa_s_per_ml=round(path.resistance_kpa_s_per_ml * 1000),
            turbulence_pa_s2_per_ml2=round(path.turbulence_kpa_s2_per_ml2 * 1000),
            compliance_nl_per_kpa=round(path.compliance_ul_per_kpa * 1000),
            path_tag=wire.crc16(" ".join(path.names).encode()),
        )

    def program(self) -> Program:
        """The program as the pump takes it."""
        allowed_s = min(PROGRAM_TIME_S, 2 * self.duration_s + 30 + QUESTION_S * len(self.questions))
        return Program(
            phases=tuple(
                Phase(
                    phase_kind=phase.kind,
                    volume_nl=round(phase.volume_ml * 1e6),
                    flow_nl_per_s=round(phase.flow_ml_per_s * 1e6),
                    count=phase.count,
                    pause_ms=round(phase.pause_s * 1000),
                    question=phase.question,
                )
                for phase in self.phases
            ),
            max_time_ms=round(allowed_s * 1000),
            program_id=wire.crc16(self.sequence.name.encode()),
        )

    def to_json(self) -> dict[str, Any]:
        """The plan as plain values, units in the keys."""
        return {
            "sequence": self.sequence.name,
            "title": self.sequence.title,
            "path": path_json(self.path),
            "loaded_ml": self.loaded_ml,
            "intended_ml": round(self.dose_ml, 6),
            "aspirated_ml": round(self.aspirated_ml, 6),
            "duration_s": round(self.duration_s, 3),
            "questions": [question.name.lower() for question in self.questions],
            "notes": list(self.notes),
            "phases": [
                {
                    "kind": phase.kind.name.lower(),
                    "fluid": phase.fluid.name.lower(),
                    "count": phase.count,
                    "volume_ml": round(phase.volume_ml, 6),
                    "asked_flow_ml_per_s": phase.asked_flow_ml_per_s,
                    "flow_ml_per_s": phase.flow_ml_per_s,
                    "pause_s": phase.pause_s,
                    "question": phase.question.name.lower(),
                    "duration_s": round(phase.duration_s, 3),
                    "predicted_kpa": round(phase.predicted_kpa, 2),
                    "wall_shear_pa": round(phase.wall_shear_pa, 2),
                }
                for phase in self.phases
            ],
        }


def path_json(path: Path) -> dict[str, Any]:
    """A path as plain values, units in the keys."""
    return {
        "line": path.line.name,
        "needle": path.needle.name,
        "syringe": path.syringe.name,
        "syringe_brand": path.syringe.brand,
        "syringe_size_ml": path.syringe.size_ml,
        "extension": path.extension.name,
        "heparin_intolerant": path.heparin_intolerant,
        "hard_limit_kpa": path.hard_limit_kpa,
        "hard_limit_part": path.hard_limit_part,
        "working_limit_kpa": round(path.working_limit_kpa, 3),
        "flow_cap_ml_per_s": path.flow_cap_ml_per_s,
        "flow_cap_reason": path.flow_cap.reason,
        "volume_ml": round(path.volume_ml, 3),
        "resistance_kpa_s_per_ml": round(path.resistance_kpa_s_per_ml, 4),
        "turbulence_kpa_s2_per_ml2": round(path.turbulence_kpa_s2_per_ml2, 4),
        "compliance_ul_per_kpa": round(path.compliance_ul_per_kpa, 3),
    }


def motion_s(volume_ml: float, flow_ml_per_s: float, barrel_mm: float) -> float:
    """Time of one motion from rest to rest, s, with the drive's acceleration."""
    acceleration = ACCELERATION_MM_PER_S2 * math.pi / 4 * barrel_mm**2 / 1000
    if volume_ml * acceleration < flow_ml_per_s**2:
        return 2 * math.sqrt(volume_ml / acceleration)
    return volume_ml / flow_ml_per_s + flow_ml_per_s / acceleration


def lock_volume_ml(path: Path) -> float:
    """Catheter, chamber and extension, and 20 % more, mL; rounded up to 0.01 mL."""
    return math.ceil(LOCK_MARGIN * path.volume_ml * 100) / 100


def _planned(phase: SequencePhase, path: Path, fluid: Fluid) -> PlannedPhase:
    volume = lock_volume_ml(path) if phase.volume_ml is None else phase.volume_ml
    flow = min(phase.flow_ml_per_s, path.flow_cap_ml_per_s)
    moves = phase.kind is not PhaseKind.WAIT
    one_s = motion_s(volume, flow, path.syringe.inner_diameter_mm) + phase.pause_s if moves else 0.0
    forward = phase.kind in FORWARD
    return PlannedPhase(
        kind=phase.kind,
        count=phase.count,
        volume_ml=volume,
        asked_flow_ml_per_s=phase.flow_ml_per_s,
        flow_ml_per_s=flow,
        pause_s=phase.pause_s,
        question=phase.question,
        fluid=phase.fluid or fluid,
        duration_s=phase.count * one_s,
        predicted_kpa=path.predict_kpa(flow) if forward else 0.0,
        wall_shear_pa=path.wall_shear_pa(flow) if forward else 0.0,
    )


def _check_fluids(phases: tuple[PlannedPhase, ...], path: Path) -> None:
    for number, phase in enumerate(phases, start=1):
        if phase.kind not in FORWARD:
            continue
        if path.heparin_intolerant and phase.fluid in HEPARIN:
            raise Refused(
                f"phase {number} gives heparin and the line is marked heparin-intolerant", "lock with --fluid saline"
            )
        if phase.fluid is Fluid.ANTIMICROBIAL_LOCK and (
            phase.kind is not PhaseKind.LOCK or phase.volume_ml > lock_volume_ml(path)
        ):
            raise Refused(
                f"phase {number} would flush an antimicrobial lock into the blood",
                f"it may only fill the line, with at most {lock_volume_ml(path):.2f} mL in a lock phase",
            )


def _check_blood_return(phases: tuple[PlannedPhase, ...], path: Path) -> None:
    for number, phase in enumerate(phases, start=1):
        if phase.question is Question.BLOOD_RETURN and phase.kind not in FORWARD:
            return
        if phase.kind in FORWARD and path.line.central:
            raise Refused(
                f"phase {number} flushes a central line before blood return was asked for",
                'begin with a phase of kind "aspirate" or "wait" with question = "blood_return"',
            )


def _check_flush_volume(sequence: Sequence, phases: tuple[PlannedPhase, ...], path: Path) -> None:
    dose = sum(phase.dose_ml for phase in phases)
    least = sequence.path_volumes_at_least * path.volume_ml
    if dose < least:
        raise Refused(
            f"{sequence.name} gives {dose:.2f} mL, but {sequence.path_volumes_at_least:g} times the path's volume is "
            f"{least:.2f} mL",
            "flush with more",
        )


def _loaded_ml(
    sequence: Sequence, phases: tuple[PlannedPhase, ...], path: Path, wanted_ml: float | None
) -> float:
    """What the syringe has to hold at each filling; the largest of them, unless the user said what it holds."""
    fillings = [0.0]
    drawn = [0.0]
    for phase in phases:
        fillings[-1] += phase.dose_ml
        if phase.kind is PhaseKind.ASPIRATE:
            drawn[-1] += phase.volume_ml
        if phase.question is Question.SYRINGE_CHANGED:
            fillings.append(0.0)
            drawn.append(0.0)
    needed = round(max(fillings) + sequence.keep_in_syringe_ml, 6)
    loaded = math.ceil(needed * 2) / 2 if wanted_ml is None else wanted_ml
    name, capacity = path.syringe.name, path.syringe.capacity_ml
    if loaded < needed:
        raise Refused(
            f"{sequence.name} needs {needed:.2f} mL, {sequence.keep_in_syringe_ml:g} mL of it to stay in the syringe, "
            f"but {name} holds {loaded:g} mL",
            "fill it, or take a larger one",
        )
    if loaded + max(drawn) > capacity:
        raise Refused(
            f"{loaded:g} mL and {max(drawn):g} mL drawn back do not fit {name}, which ends at {capacity:g} mL",
            "take a larger syringe",
        )
    return loaded
