"""Following a motion until nothing moves; events that the link lost are recovered from STATUS and RESULT_READ."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Protocol

from flushpump.device.retry import Resolver, retry_idempotent
from flushpump.errors import NoReplyError, OutcomeUnknownError
from flushpump.wire.messages import (
    Alarm,
    Event,
    PhaseChange,
    ProgramEnd,
    PulseResult,
    Question,
    State,
    Status,
    Telemetry,
)

# The pump sends telemetry far more often while it moves, and an alarm every second.
_SILENCE_S = 1.0
_STATUS_AT_REST_S = 2.0
_UNDER_WAY = (State.RUNNING, State.WAITING, State.STOPPING, State.RELIEVING)


class StatusSource(Resolver, Protocol):
    """The part of a pump that reports its status."""

    @property
    def now_s(self) -> float: ...

    def status(self) -> Status: ...


class Followed(StatusSource, Protocol):
    """The part of a pump that `follow` needs."""

    motion_crc: int | None

    def poll(self, timeout_s: float) -> list[Event]: ...

    def pulse(self, index: int) -> PulseResult | None: ...

    def result(self) -> ProgramEnd | None: ...


def under_way(status: Status) -> bool:
    """Whether a program or a motion is under way."""
    return status.moving or status.state in _UNDER_WAY


def status_while_leased(pump: StatusSource) -> Status:
    """STATUS, repeated until the lease is over. Raises LinkLostError when the pump has then stopped or has restarted.

    Where no motion is under way, and so no lease, it is repeated for a few seconds.
    """
    until_s = pump.lease.over_s if pump.lease.keep_alive else max(pump.lease.over_s, pump.now_s + _STATUS_AT_REST_S)
    while True:
        try:
            status = pump.status()
        except NoReplyError as problem:
            if pump.now_s >= until_s:
                if not pump.lease.lease_ms:
                    raise
                raise pump.lease.expired() from problem
            continue
        pump.lease.check_session()
        return status


def result_of(pump: Followed, crc: int | None) -> ProgramEnd:
    """The result of the motion with that CRC. OutcomeUnknownError when the pump has none."""
    result = retry_idempotent(pump, pump.result)
    if result is None or result.program_crc != crc:
        raise OutcomeUnknownError("the pump has no result of this program", "read its status and its log")
    return result


def missing_pulses(pump: Followed, result: ProgramEnd, known: set[int]) -> Iterator[PulseResult]:
    """The results of the pulses that are not in `known`, read from the pump."""
    for index in range(result.pulse_count):
        if index not in known:
            pulse = retry_idempotent(pump, partial(pump.pulse, index))
            if pulse is not None:
                yield pulse


def follow(pump: Followed, poll_s: float) -> Iterator[Event]:
    """See Pump.follow."""
    crc = pump.motion_crc
    events = _EventFilter()
    check_s = pump.now_s + _SILENCE_S
    while True:
        missed = False
        for event in pump.poll(poll_s):
            check_s = pump.now_s + _SILENCE_S
            if isinstance(event, ProgramEnd):
                if event.program_crc == crc:
                    yield from _end(pump, event, events.pulses)
                    return
                continue
            missed = missed or (isinstance(event, Telemetry) and events.missed_before(event))
            if events.is_new(event):
                yield event
        if missed or pump.now_s >= check_s:
            check_s = pump.now_s + _SILENCE_S
            status = status_while_leased(pump)
            if not under_way(status):
                yield from _end(pump, result_of(pump, crc), events.pulses)
                return
            question = _pending_question(status)
            if question is not None and events.is_new(question):
                yield question


class _EventFilter:
    """Which events were not yielded yet: the link doubles some, and the pump repeats others."""

    def __init__(self) -> None:
        self.pulses: set[int] = set()
        self._questions: set[int] = set()
        self._alarm = (0, 0, 0)

    def is_new(self, event: Event) -> bool:
        """Whether this event was not yielded yet; it counts as yielded from now on."""
        if isinstance(event, PulseResult):
            return _added(self.pulses, event.index)
        if isinstance(event, PhaseChange) and event.question is not Question.NONE:
            return _added(self._questions, event.phase_index)
        if isinstance(event, Alarm):
            before, self._alarm = self._alarm, (event.occurrence, event.condition, event.pending)
            return before != self._alarm
        return True

    def missed_before(self, telemetry: Telemetry) -> bool:
        """Whether it shows that the end, or a question, was lost."""
        if telemetry.state is State.WAITING:
            return telemetry.phase_index not in self._questions
        return telemetry.state not in _UNDER_WAY


def _added(known: set[int], number: int) -> bool:
    if number in known:
        return False
    known.add(number)
    return True


def _pending_question(status: Status) -> PhaseChange | None:
    """The event of the question that the pump waits with; None when it does not wait."""
    if status.state is not State.WAITING or status.question is Question.NONE:
        return None
    return PhaseChange(status.phase_index, status.phase_kind, status.state, status.question, status.device_time_ms)


def _end(pump: Followed, result: ProgramEnd, known: set[int]) -> Iterator[Event]:
    pump.lease.keep_alive = False
    yield from missing_pulses(pump, result, known)
    yield result
