"""What the pump reports without a request: frozen dataclasses with the fields of the message table's events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flushlink import messages

from flushpump.wire.codec import WireRecord
from flushpump.wire.codes import Evidence, Flag, Outcome, PhaseKind, Question, State, Verdict

_ALARMS = {number: (name, happened, remedy) for number, name, _, happened, remedy in messages.ALARMS}


def alarm_name(code: int) -> str:
    """The alarm's name in the message table; ALARM_n for a code that the table does not have."""
    return _ALARMS[code][0] if code in _ALARMS else f"ALARM_{code}"


def alarm_happened(code: int) -> str:
    """What happened, for a person."""
    return _ALARMS[code][1] if code in _ALARMS else f"alarm {code}, which this version does not know"


def alarm_remedy(code: int) -> str:
    """What to do, for a person."""
    return _ALARMS[code][2] if code in _ALARMS else "read the pump's log"


def verdict_words(name: str) -> str:
    """A verdict's name in the message table, as in BUBBLE or not_judged, in the field's words."""
    words = name.lower().replace("_", " ")
    return {"bubble": "air in line", "not judged": "unclassified"}.get(words, words)


@dataclass(frozen=True)
class Telemetry(WireRecord):
    """TELEMETRY: the newest is valid, some may be missing."""

    state: State
    phase_index: int
    pulse_index: int
    flags: Flag
    device_time_ms: int
    pressure_pa: int
    flow_nl_per_s: int
    driven_nl: int
    delivered_nl: int
    remaining_ms: int


@dataclass(frozen=True)
class PulseResult(WireRecord):
    """PULSE_RESULT, and PULSE_READ's response."""

    index: int
    verdict: Verdict
    derated_percent: int
    phase_index: int
    intended_nl: int
    driven_nl: int
    delivered_nl: int
    start_us: int
    duration_us: int
    pause_us: int
    peak_pa: int
    resistance_pa_s_per_ml: int
    compliance_nl_per_kpa: int
    residual_pa: int
    evidence: Evidence = Evidence.NONE
    seen_permille: int = 0
    limit_permille: int = 0


@dataclass(frozen=True)
class PhaseChange(WireRecord):
    """PHASE: a phase begins, or asks `question`."""

    phase_index: int
    phase_kind: PhaseKind
    state: State
    question: Question
    device_time_ms: int


@dataclass(frozen=True)
class Alarm(WireRecord):
    """ALARM, and ALARM_READ's response: an alarm that waits to be acknowledged by its occurrence."""

    code: int
    priority: int
    condition: int
    pending: int
    occurrence: int
    device_time_ms: int
    detail: int

    @property
    def name(self) -> str:
        """The alarm's name in the message table."""
        return alarm_name(self.code)


@dataclass(frozen=True)
class ProgramEnd(WireRecord):
    """PROGRAM_END, and RESULT_READ's response: the program has ended and nothing moves."""

    outcome: Outcome
    verdict: Verdict
    pulse_count: int
    alarm_code: int
    program_crc: int
    duration_ms: int
    peak_pa: int
    intended_nl: int
    driven_nl: int
    relieved_nl: int
    delivered_nl: int
    uncertain_nl: int
    aspirated_nl: int
    device_time_ms: int


Event = Telemetry | PulseResult | PhaseChange | Alarm | ProgramEnd

_RECORDS: dict[str, type[Event]] = {
    "TELEMETRY": Telemetry,
    "PULSE_RESULT": PulseResult,
    "PHASE": PhaseChange,
    "ALARM": Alarm,
    "PROGRAM_END": ProgramEnd,
}


def event_from_wire(name: str, values: Mapping[str, int | bytes]) -> Event:
    """The event of that name in the message table."""
    return _RECORDS[name].from_wire(values)
