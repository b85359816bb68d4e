"""Requests and responses: frozen dataclasses with the fields of the message table.

Units are in the names (nl, pa, ms, us); every number is an integer as it went over the wire. A test
holds names and order against the table. Enumerations and events are importable from here too.
"""

from __future__ import annotations

from dataclasses import dataclass

from flushpump.wire.codec import WireRecord as WireRecord
from flushpump.wire.codes import Evidence as Evidence
from flushpump.wire.codes import Flag as Flag
from flushpump.wire.codes import Fluid as Fluid
from flushpump.wire.codes import LineFlag as LineFlag
from flushpump.wire.codes import Outcome as Outcome
from flushpump.wire.codes import PhaseKind as PhaseKind
from flushpump.wire.codes import Question as Question
from flushpump.wire.codes import ResetCause as ResetCause
from flushpump.wire.codes import State as State
from flushpump.wire.codes import Verdict as Verdict
from flushpump.wire.events import Alarm as Alarm
from flushpump.wire.events import Event as Event
from flushpump.wire.events import PhaseChange as PhaseChange
from flushpump.wire.events import ProgramEnd as ProgramEnd
from flushpump.wire.events import PulseResult as PulseResult
from flushpump.wire.events import Telemetry as Telemetry
from flushpump.wire.program import Loaded as Loaded
from flushpump.wire.program import Phase as Phase
from flushpump.wire.program import PhaseTaken as PhaseTaken
from flushpump.wire.program import Program as Program


@dataclass(frozen=True)
class Hello(WireRecord):
    """HELLO's response: who answers, and the last command that it executed."""

    device_nonce: bytes
    table_hash: bytes
    firmware_fingerprint: bytes
    settings_fingerprint: bytes
    firmware_version: bytes
    capabilities: int
    boot_count: int
    last_session: int
    last_executed_sequence: int
    lease_max_ms: int
    reset_cause: ResetCause
    state: State
    device_time_ms: int

    @property
    def version_text(self) -> str:
        """The firmware's version, as in 1.2.3."""
        return ".".join(str(part) for part in self.firmware_version[:3])


@dataclass(frozen=True)
class Status(WireRecord):
    """STATUS: what the pump does and has done."""

    state: State
    phase_index: int
    phase_kind: PhaseKind
    pulse_index: int
    pulse_count: int
    question: Question
    flags: Flag
    alarm_count: int
    last_session: int
    last_executed_sequence: int
    last_executed_status: int
    alarm_code: int
    alarm_occurrence: int
    device_time_ms: int
    pressure_pa: int
    intended_nl: int
    driven_nl: int
    relieved_nl: int
    delivered_nl: int
    uncertain_nl: int
    syringe_remaining_nl: int

    @property
    def moving(self) -> bool:
        """Whether steps are being made."""
        return bool(self.flags & Flag.MOVING)


@dataclass(frozen=True)
class StopReport(WireRecord):
    """STOP's response; the one that Pump.stop returns always has moving = 0."""

    state: State
    moving: int
    driven_nl: int
    delivered_nl: int
    device_time_ms: int


@dataclass(frozen=True)
class LeaseRenewed(WireRecord):
    lease_ms: int
    device_time_ms: int


@dataclass(frozen=True)
class Authenticated(WireRecord):
    authenticated: int


@dataclass(frozen=True)
class Info(WireRecord):
    """INFO: what the pump is."""

    board: bytes
    unit: bytes
    steps_per_mm: int
    step_rate_max_per_s: int
    sensor_max_pa: int
    travel_um: int

    @property
    def board_name(self) -> str:
        """The board's name without its padding."""
        return self.board.rstrip(b"\0").decode("ascii", "replace")


@dataclass(frozen=True)
class PathSettings(WireRecord):
    """PATH_SET's request: syringe, limits and expected hydraulics of the path."""

    barrel_diameter_um: int
    line_flags: LineFlag
    fluid: Fluid
    syringe_capacity_nl: int
    syringe_loaded_nl: int
    hard_limit_pa: int
    working_limit_pa: int
    flow_cap_nl_per_s: int
    resistance_pa_s_per_ml: int
    turbulence_pa_s2_per_ml2: int
    compliance_nl_per_kpa: int
    path_tag: int
    known_permille: int = 0
    known_compliance_nl_per_kpa: int = 0
    open_permille: int = 0


@dataclass(frozen=True)
class PathApplied(WireRecord):
    """PATH_SET's response: the limits that apply."""

    volume_per_step_pl: int
    hard_limit_pa: int
    working_limit_pa: int
    flow_cap_nl_per_s: int
    syringe_loaded_nl: int
    device_time_ms: int


@dataclass(frozen=True)
class ProgramBegun(WireRecord):
    program_id: int
    max_time_ms: int


@dataclass(frozen=True)
class ProgramCommitted(WireRecord):
    program_crc: int
    total_volume_nl: int
    duration_ms: int


@dataclass(frozen=True)
class Started(WireRecord):
    program_crc: int
    lease_ms: int
    device_time_ms: int


@dataclass(frozen=True)
class Continued(WireRecord):
    state: State
    device_time_ms: int


@dataclass(frozen=True)
class MotionBegun(WireRecord):
    """PRIME's and ASPIRATE's response: what applies."""

    volume_nl: int
    flow_nl_per_s: int
    device_time_ms: int


@dataclass(frozen=True)
class SettingValue(WireRecord):
    index: int
    value: int


@dataclass(frozen=True)
class AlarmAcknowledged(WireRecord):
    pending: int
    state: State


@dataclass(frozen=True)
class AudioPaused(WireRecord):
    paused_ms: int


@dataclass(frozen=True)
class LogEntry(WireRecord):
    """LOG_READ: one entry of the event log."""

    number: int
    newest: int
    boot_count: int
    code: int
    argument: int
    device_time_ms: int
    detail: int


@dataclass(frozen=True)
class SelfTest(WireRecord):
    passed: int
    failed: int


@dataclass(frozen=True)
class StateReport(WireRecord):
    """SERVICE's and RESET's response."""

    state: State
