"""Staying with the pump until nothing moves: following a program with lost events recovered, and a verified stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from flushpump.device.retry import retry_idempotent
from flushpump.errors import LinkLostError, NoReplyError, OutcomeUnknownError, RefusedError
from flushpump.link.lease import LEASE_MAX_S, RAMP_MARGIN_S, Lease
from flushpump.link.session import TRY_S, Session
from flushpump.wire.messages import (
    Alarm,
    Event,
    PhaseChange,
    ProgramEnd,
    PulseResult,
    Question,
    State,
    Status,
    StopReport,
    Telemetry,
)

if TYPE_CHECKING:
    from flushpump.device.pump import Pump

# The pump sends telemetry far more often while it moves, and an alarm every second.
_SILENCE_S = 1.0
_STOP_AGAIN_S = 0.02
_STOP_PATIENCE_S = LEASE_MAX_S + RAMP_MARGIN_S
# Without a session: another program's lease may keep the pump moving, and that program may take the answers.
_STOP_OF_ANOTHER_S = 6.0
_STOP_WORD_S = 1.5
# A program that heeds the lock has lent it long before; one that hangs never will.
_STOP_POLITE_S = 1.0
_STOP_LEAST_S = 0.5
_REST_PATIENCE_S = 2.0
_GOING_ON = (State.RUNNING, State.WAITING, State.STOPPING, State.RELIEVING)


def under_way(status: Status) -> bool:
    """Whether a program or a motion is under way."""
    return status.moving or status.state in _GOING_ON


def status_while_leased(pump: Pump) -> Status:
    """STATUS, asked until the lease is over. Raises LinkLostError when the pump has then stopped or has restarted.

    Where no motion is under way, and so no lease, it is asked for a few seconds.
    """
    until_s = pump.lease.over_s if pump.keep_alive else max(pump.lease.over_s, pump.now_s + _REST_PATIENCE_S)
    while True:
        try:
            status = pump.status()
        except NoReplyError as problem:
            if pump.now_s >= until_s:
                if not pump.lease.lease_ms:
                    raise
                raise pump.lease.silent() from problem
            continue
        pump.lease.check_session()
        return status


def follow(pump: Pump, poll_s: float) -> Iterator[Event]:
    """See Pump.follow."""
    crc = pump.motion_crc
    news = _News()
    look_s = pump.now_s + _SILENCE_S
    while True:
        missed = False
        for event in pump.poll(poll_s):
            look_s = pump.now_s + _SILENCE_S
            if isinstance(event, ProgramEnd):
                if event.program_crc == crc:
                    yield from _end(pump, event, news.pulses)
                    return
                continue
            missed = missed or (isinstance(event, Telemetry) and news.missed_before(event))
            if news.take(event):
                yield event
        if missed or pump.now_s >= look_s:
            look_s = pump.now_s + _SILENCE_S
            status = status_while_leased(pump)
            if not under_way(status):
                result = retry_idempotent(pump, pump.result)
                if result is None or result.program_crc != crc:
                    raise OutcomeUnknownError("the pump has no result of this program", "read its status and its log")
                yield from _end(pump, result, news.pulses)
                return
            asking = _question_of(status)
            if asking is not None and news.take(asking):
                yield asking


class _News:
    """Which events were not told yet: the link doubles some, and the pump repeats others."""

    def __init__(self) -> None:
        self.pulses: set[int] = set()
        self._asked: set[int] = set()
        self._alarm = (0, 0, 0)

    def take(self, event: Event) -> bool:
        """Whether this one is to be told."""
        if isinstance(event, PulseResult):
            return _added(self.pulses, event.index)
        if isinstance(event, PhaseChange) and event.question is not Question.NONE:
            return _added(self._asked, event.phase_index)
        if isinstance(event, Alarm):
            before, self._alarm = self._alarm, (event.occurrence, event.condition, event.pending)
            return before != self._alarm
        return True

    def missed_before(self, telemetry: Telemetry) -> bool:
        """Whether it shows that the end, or a question, was lost."""
        if telemetry.state is State.WAITING:
            return telemetry.phase_index not in self._asked
        return telemetry.state not in _GOING_ON


def _added(known: set[int], number: int) -> bool:
    if number in known:
        return False
    known.add(number)
    return True


def _question_of(status: Status) -> PhaseChange | None:
    """The event that told the question which the pump waits with; None when it does not wait."""
    if status.state is not State.WAITING or status.question is Question.NONE:
        return None
    return PhaseChange(status.phase_index, status.phase_kind, status.state, status.question, status.device_time_ms)


def _end(pump: Pump, result: ProgramEnd, seen: set[int]) -> Iterator[Event]:
    pump.keep_alive = pump.program_running = False
    for index in range(result.pulse_count):
        if index not in seen:
            pulse = retry_idempotent(pump, partial(pump.pulse, index))
            if pulse is not None:
                yield pulse
    yield result


def stop(link: Session, lease: Lease, still_trying: Callable[[], None] = lambda: None) -> StopReport:
    """Sends STOP until the pump says that nothing moves; gives up when the lease must be over.

    Raises LinkLostError, OutcomeUnknownError.

    Beside another program it does not read before that has lent the port, or has had a second to do so; what that
    program's lease is, nobody knows here, so it is given up after a fixed time. See Pump.stop for `still_trying`.
    """
    lease.keep_alive = False
    began_s = link.now_s
    until_s = began_s + (_STOP_PATIENCE_S if link.session else _STOP_OF_ANOTHER_S)
    if link.session and lease.lease_ms:
        # Only this session's own lease can keep anything moving, and when it ends is known.
        until_s = max(began_s + _STOP_LEAST_S, lease.over_s)
    first, sent_s = link.say_stop(), link.now_s
    answered = told = False
    while True:
        report, lent = None, False
        if link.lock.take() or link.now_s >= began_s + _STOP_POLITE_S:
            report = _stop_report(link, first, sent_s + TRY_S)
        else:
            link.lock.wait()
            lent = link.lock.take()
        if report is not None:
            answered = True
            # What has come meanwhile would be taken for news by the next one who reads the port.
            link.listen(link.now_s + (_STOP_AGAIN_S if report.moving else 0.0))
            if not report.moving:
                return report
        if link.now_s >= until_s:
            raise _unconfirmed(link, answered)
        if not answered and not told and link.now_s >= began_s + _STOP_WORD_S:
            told = True
            still_trying()
        if lent or report is not None or link.now_s >= sent_s + TRY_S:
            link.say_stop()
            sent_s = link.now_s


def _stop_report(link: Session, first: int, until_s: float) -> StopReport | None:
    try:
        values = link.stop_reply(first, until_s)
    except RefusedError:
        return None
    return None if values is None else StopReport.from_wire(values)


def _unconfirmed(link: Session, answered: bool) -> LinkLostError | OutcomeUnknownError:
    if answered:
        return OutcomeUnknownError("the pump has not confirmed that nothing moves", "cut its power")
    if not link.lock.take():
        return OutcomeUnknownError(
            "another program has the port and takes the pump's answers to STOP",
            "see that nothing moves, else press the pump's stop button or cut its power",
        )
    if not link.session:
        return OutcomeUnknownError("the pump does not answer STOP", "press its stop button or cut its power")
    return LinkLostError(
        "the pump does not answer STOP, but without its host it has stopped by itself by now", "check cable and power"
    )
