"""A phase as it will be run: flow lowered to the path's cap, time, predicted pressure."""

import math
from dataclasses import dataclass

from flushpump.access.access_path import AccessPath
from flushpump.planning.sequence import SequencePhase
from flushpump.wire.messages import Fluid, PhaseKind, Question

# The reference board's drive; INFO does not have it. The pump's own expected time replaces this estimate.
ACCELERATION_MM_PER_S2 = 600.0
# Guidelines for adults and children: the lock is the volume of catheter and add-on, and 20 % more.
LOCK_MARGIN = 1.2
FORWARD = (PhaseKind.PULSES, PhaseKind.STEADY, PhaseKind.LOCK, PhaseKind.FINISH)


@dataclass(frozen=True)
class PlannedPhase:
    """A phase as it will be run. `volume_ml` is that of one pulse, or of the phase."""

    kind: PhaseKind
    count: int
    volume_ml: float
    asked_flow_ml_per_s: float
    flow_ml_per_s: float
    flow_cap_reason: str
    pause_s: float
    question: Question
    fluid: Fluid
    duration_s: float
    predicted_kpa: float
    wall_shear_pa: float

    @property
    def dose_ml(self) -> float:
        """Volume that the phase infuses, mL."""
        return self.count * self.volume_ml if self.kind in FORWARD else 0.0


def motion_s(volume_ml: float, flow_ml_per_s: float, barrel_mm: float) -> float:
    """Time of one motion from rest to rest, s, with the drive's acceleration."""
    acceleration = ACCELERATION_MM_PER_S2 * math.pi / 4 * barrel_mm**2 / 1000
    if volume_ml * acceleration < flow_ml_per_s**2:
        return 2 * math.sqrt(volume_ml / acceleration)
    return volume_ml / flow_ml_per_s + flow_ml_per_s / acceleration


def lock_volume_ml(path: AccessPath) -> float:
    """Catheter, chamber and extension, and 20 % more, mL; rounded up to 0.01 mL."""
    return math.ceil(LOCK_MARGIN * path.volume_ml * 100) / 100


def planned_phase(phase: SequencePhase, path: AccessPath, fluid: Fluid) -> PlannedPhase:
    """The phase on this path; `fluid` is used unless the phase names its own."""
    volume = lock_volume_ml(path) if phase.volume_ml is None else phase.volume_ml
    cap = path.aspirate_cap if phase.kind is PhaseKind.ASPIRATE else path.flow_cap
    flow = min(phase.flow_ml_per_s, cap.flow_ml_per_s)
    moves = phase.kind is not PhaseKind.WAIT
    one_s = motion_s(volume, flow, path.syringe.inner_diameter_mm) + phase.pause_s if moves else 0.0
    forward = phase.kind in FORWARD
    return PlannedPhase(
        kind=phase.kind,
        count=phase.count,
        volume_ml=volume,
        asked_flow_ml_per_s=phase.flow_ml_per_s,
        flow_ml_per_s=flow,
        flow_cap_reason=cap.reason,
        pause_s=phase.pause_s,
        question=phase.question,
        fluid=phase.fluid or fluid,
        duration_s=phase.count * one_s,
        predicted_kpa=path.predict_kpa(flow) if forward else 0.0,
        wall_shear_pa=path.wall_shear_pa(flow) if forward else 0.0,
    )
