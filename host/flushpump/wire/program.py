"""A flush program as it is loaded into the pump: phases in the units of the message table."""

from __future__ import annotations

from dataclasses import dataclass

from flushpump.wire import codec
from flushpump.wire.codec import WireRecord
from flushpump.wire.codes import PhaseKind, Question

_DOSE = (PhaseKind.PULSES, PhaseKind.STEADY, PhaseKind.LOCK, PhaseKind.FINISH)


@dataclass(frozen=True)
class Phase:
    """One phase. `volume_nl` is that of one pulse, or of the whole phase where there are no pulses."""

    phase_kind: PhaseKind
    volume_nl: int = 0
    flow_nl_per_s: int = 0
    count: int = 1
    pause_ms: int = 0
    question: Question = Question.NONE

    @property
    def dose_nl(self) -> int:
        """What the phase drives forwards as dose; aspiration and waiting are none."""
        return self.count * self.volume_nl if self.phase_kind in _DOSE else 0


@dataclass(frozen=True)
class Program:
    """Phases in their order; `max_time_ms` ends the program if it takes longer."""

    phases: tuple[Phase, ...]
    max_time_ms: int
    program_id: int = 1

    @property
    def total_volume_nl(self) -> int:
        """The dose of all phases."""
        return sum(phase.dose_nl for phase in self.phases)

    def begin_values(self) -> dict[str, int | bytes]:
        """The values of PROGRAM_BEGIN."""
        return {
            "program_id": self.program_id,
            "phase_count": len(self.phases),
            "total_volume_nl": self.total_volume_nl,
            "max_time_ms": self.max_time_ms,
        }

    def phase_values(self, index: int) -> dict[str, int | bytes]:
        """The values of PROGRAM_PHASE number `index`."""
        phase = self.phases[index]
        return {
            "index": index,
            "phase_kind": phase.phase_kind,
            "count": phase.count,
            "question": phase.question,
            "volume_nl": phase.volume_nl,
            "flow_nl_per_s": phase.flow_nl_per_s,
            "pause_ms": phase.pause_ms,
        }

    @property
    def crc(self) -> int:
        """CRC-16/CCITT-FALSE over the payloads of PROGRAM_BEGIN and every PROGRAM_PHASE, in their order."""
        payloads = [codec.REQUESTS["PROGRAM_BEGIN"].pack(self.begin_values())]
        layout = codec.REQUESTS["PROGRAM_PHASE"]
        payloads += [layout.pack(self.phase_values(index)) for index in range(len(self.phases))]
        return codec.crc16(b"".join(payloads))


@dataclass(frozen=True)
class PhaseTaken(WireRecord):
    """PROGRAM_PHASE's response: the flow that applies and the time that the phase should take."""

    index: int
    flow_nl_per_s: int
    duration_ms: int


@dataclass(frozen=True)
class Loaded:
    """A program as the pump holds it; `phases` carry the flows that apply, lowered to the path's cap."""

    program_crc: int
    total_volume_nl: int
    duration_ms: int
    phases: tuple[PhaseTaken, ...]
