"""A plan: a sequence on a path, with volumes, flows lowered to the cap, times and predicted pressures. Nothing moves.

What the catalog and the guidelines forbid is refused here, before the pump is asked; the pump checks its own limits
again.
"""

import math
from dataclasses import dataclass
from typing import Any

from flushpump.access.access_path import AccessPath
from flushpump.errors import RefusedError
from flushpump.planning import detection_limits, rules
from flushpump.planning.planned_phase import PlannedPhase, planned_phase
from flushpump.planning.prior_visit import Visit
from flushpump.planning.sequence import Sequence
from flushpump.wire import codec
from flushpump.wire.messages import Fluid, LineFlag, PathSettings, Phase, PhaseKind, Program, Question

# Defaults of the pump's settings program_volume_cap_nl and program_time_cap_s.
PROGRAM_VOLUME_ML = 60.0
PROGRAM_TIME_S = 600.0


@dataclass(frozen=True)
class Plan:
    """What a run will do. Make it with `Plan.of`; `notes` are sentences for the user."""

    sequence: Sequence
    path: AccessPath
    loaded_ml: float
    phases: tuple[PlannedPhase, ...]
    notes: tuple[str, ...]
    visit: Visit | None = None

    @classmethod
    def of(
        cls,
        sequence: Sequence,
        path: AccessPath,
        *,
        loaded_ml: float | None = None,
        fluid: Fluid | None = None,
        visit: Visit | None = None,
    ) -> "Plan":
        """The plan, or RefusedError with the rule that forbids it.

        `loaded_ml` is the volume in the syringe, by default as much as the sequence needs; `fluid` replaces the
        sequence's own; `visit` has the results of the line's last visit.
        """
        notes = []
        if path.line.kind not in sequence.line_kinds:
            notes.append(
                f"{sequence.name} is written for {' or '.join(sequence.line_kinds)}, {path.line.name} is of kind "
                f"{path.line.kind}"
            )
        phases = tuple(planned_phase(phase, path, fluid or sequence.fluid) for phase in sequence.phases)
        for number, phase in enumerate(phases, start=1):
            if phase.flow_ml_per_s < phase.asked_flow_ml_per_s:
                notes.append(
                    f"flow of phase {number} lowered from {phase.asked_flow_ml_per_s:g} to {phase.flow_ml_per_s:g} "
                    f"mL/s: {phase.flow_cap_reason}"
                )
        rules.check_fluids(phases, path)
        rules.check_blood_return(phases, path)
        rules.check_flush_volume(sequence, phases, path)
        loaded = rules.loaded_ml(sequence, phases, path, loaded_ml)
        plan = cls(sequence, path, loaded, phases, tuple(notes), visit)
        if plan.dose_ml > PROGRAM_VOLUME_ML or plan.duration_s > PROGRAM_TIME_S:
            raise RefusedError(
                f"{sequence.name} takes {plan.dose_ml:.1f} mL and {plan.duration_s:.0f} s, the pump allows "
                f"{PROGRAM_VOLUME_ML:g} mL and {PROGRAM_TIME_S:g} s in one program",
                "split the sequence",
            )
        return plan

    @property
    def dose_ml(self) -> float:
        """Volume that the program infuses, mL."""
        return sum(phase.dose_ml for phase in self.phases)

    @property
    def aspirated_ml(self) -> float:
        """Volume that the program aspirates, mL."""
        return sum(phase.volume_ml for phase in self.phases if phase.kind is PhaseKind.ASPIRATE)

    @property
    def duration_s(self) -> float:
        """Expected time without waiting for answers, s."""
        return sum(phase.duration_s for phase in self.phases)

    @property
    def questions(self) -> tuple[Question, ...]:
        """Questions that will be asked, in order."""
        return tuple(phase.question for phase in self.phases if phase.question is not Question.NONE)

    @property
    def pulse_count(self) -> int:
        """Pulses of the whole program."""
        return sum(phase.count for phase in self.phases if phase.kind is PhaseKind.PULSES)

    @property
    def pulse_flow_ml_per_s(self) -> float | None:
        """Flow of the pulses; None where the sequence has none."""
        return next((phase.flow_ml_per_s for phase in self.phases if phase.kind is PhaseKind.PULSES), None)

    @property
    def limit_lines(self) -> list[str]:
        """What the pump detects on this path, and what it cannot detect; nothing without pulses."""
        flow = self.pulse_flow_ml_per_s
        return [] if flow is None else detection_limits.limit_lines(self.path, flow)

    def settings(self) -> PathSettings:
        """PATH_SET for this plan. The pump checks one fluid: the most restricted one of the run."""
        path = self.path.fitted_to(max(phase.flow_ml_per_s for phase in self.phases))
        return path_settings(path, max(phase.fluid for phase in self.phases), self.loaded_ml, self.visit)

    def program(self) -> Program:
        """The program as the pump takes it."""
        allowed_s = min(PROGRAM_TIME_S, 2 * self.duration_s + 30)
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
            program_id=codec.crc16(self.sequence.name.encode()),
        )

    def to_json(self) -> dict[str, Any]:
        """The plan as plain values, units in the keys."""
        flow = self.pulse_flow_ml_per_s
        found = None if flow is None else detection_limits.detectable(self.path, flow).to_json()
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
            "limits": self.limit_lines,
            "detectable": found,
            # The key of `detectable` before 0.2.
            "told_from": found,
            "last_visit": None if self.visit is None else self.visit.sentence(),
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


def path_settings(path: AccessPath, fluid: Fluid, loaded_ml: float, visit: Visit | None = None) -> PathSettings:
    """PATH_SET for a path whose syringe holds `loaded_ml` of `fluid`, with the results of its last visit."""
    compliance = 0.0 if visit is None else visit.compliance_ul_per_kpa or 0.0
    flags = LineFlag.CENTRAL if path.line.central else LineFlag.NONE
    if path.heparin_intolerant:
        flags |= LineFlag.HEPARIN_INTOLERANT
    return PathSettings(
        barrel_diameter_um=round(path.syringe.inner_diameter_mm * 1000),
        line_flags=flags,
        fluid=fluid,
        syringe_capacity_nl=round(path.syringe.capacity_ml * 1e6),
        syringe_loaded_nl=round(loaded_ml * 1e6),
        hard_limit_pa=math.floor(path.hard_limit_kpa * 1000),
        working_limit_pa=math.floor(path.working_limit_kpa * 1000),
        flow_cap_nl_per_s=round(path.flow_cap_ml_per_s * 1e6),
        resistance_pa_s_per_ml=round(path.resistance_kpa_s_per_ml * 1000),
        turbulence_pa_s2_per_ml2=round(path.turbulence_kpa_s2_per_ml2 * 1000),
        compliance_nl_per_kpa=round(path.compliance_ul_per_kpa * 1000),
        path_tag=codec.crc16(" ".join(path.names).encode()),
        known_permille=0 if visit is None else round(visit.times * 1000),
        known_compliance_nl_per_kpa=round(compliance * 1000),
        open_permille=round(detection_limits.open_share(path, path.flow_cap_ml_per_s) * 1000),
    )


def path_json(path: AccessPath) -> dict[str, Any]:
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
