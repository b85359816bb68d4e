"""Staying with the pump until nothing moves: following a program with lost events recovered, and a verified stop."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from .errors import LinkLost, OutcomeUnknown, Refused, Silent
from .lease import LEASE_MAX_S, RAMP_MARGIN_S, Lease
from .link import Link
from .types import Alarm, Event, ProgramEnd, PulseResult, State, Status, StopReport, Telemetry

if TYPE_CHECKING:
    from .pump import Pump

# The pump sends telemetry far more often while it moves, and an alarm every second.
_SILENCE_S = 1.0
_STOP_AGAIN_S = 0.02
_STOP_PATIENCE_S = LEASE_MAX_S + RAMP_MARGIN_S
_STOP_LEAST_S = 0.5
_PATIENCE = 4
_GOING_ON = (State.RUNNING, State.WAITING, State.STOPPING, State.RELIEVING)

_Reply = TypeVar("_Reply")


def going_on(status: Status) -> bool:
    """Whether a program or a motion is under way."""
    return status.moving or status.state in _GOING_ON


def patient_status(pump: Pump) -> Status:
    """STATUS, asked until the lease is over; LinkLost when the pump is then known to have stopped or has restarted."""
    while True:
        try:
            status = pump.status()
        except Silent as problem:
            if pump.now_s >= pump.lease.over_s:
                raise pump.lease.silent() from problem
            continue
        pump.lease.check_session()
        return status


def patiently(pump: Pump, call: Callable[[], _Reply]) -> _Reply:
    """`call` again after an unknown outcome, a few times; for what may be executed twice without harm."""
    for _ in range(_PATIENCE):
        try:
            return call()
        except OutcomeUnknown:
            pump.settle()
            pump.lease.check_session()
    return call()


def follow(pump: Pump, poll_s: float) -> Iterator[Event]:
    """See Pump.follow."""
    crc = pump.motion_crc
    seen: set[int] = set()
    alarm = (0, 0, 0)
    heard_s = pump.now_s
    while True:
        for event in pump.poll(poll_s):
            if isinstance(event, ProgramEnd):
                if event.program_crc == crc:
                    yield from _end(pump, event, seen)
                    return
                continue
            if isinstance(event, PulseResult):
                if event.index in seen:
                    continue
                seen.add(event.index)
            if isinstance(event, Alarm):
                if alarm == (event.occurrence, event.condition, event.pending):
                    continue
                alarm = (event.occurrence, event.condition, event.pending)
            # Telemetry of a pump at rest says that the end was missed.
            heard_s = -math.inf if isinstance(event, Telemetry) and event.state not in _GOING_ON else pump.now_s
            yield event
        if pump.now_s - heard_s >= _SILENCE_S:
            heard_s = pump.now_s
            if not going_on(patient_status(pump)):
                result = patiently(pump, pump.result)
                if result is None or result.program_crc != crc:
                    raise OutcomeUnknown("the pump has no result of this program", "read its status and its log")
                yield from _end(pump, result, seen)
                return


def _end(pump: Pump, result: ProgramEnd, seen: set[int]) -> Iterator[Event]:
    pump.keep_alive = pump.program_running = False
    for index in range(result.pulse_count):
        if index not in seen:
            pulse = patiently(pump, partial(pump.pulse, index))
            if pulse is not None:
                yield pulse
    yield result


def stop(link: Link, lease: Lease) -> StopReport:
    """STOP until the pump says that nothing moves; given up when the lease must be over. LinkLost, OutcomeUnknown."""
    lease.keep_alive = False
    until_s = link.now_s + _STOP_PATIENCE_S
    if link.session and lease.lease_ms:
        # Only this session's own lease can keep anything moving, and when it ends is known.
        until_s = max(link.now_s + _STOP_LEAST_S, lease.over_s)
    answered = False
    while True:
        try:
            report = StopReport.from_wire(link.stop_once())
            answered = True
            if not report.moving:
                return report
        except (Silent, Refused) as problem:
            if link.now_s >= until_s:
                raise _unconfirmed(link, answered) from problem
        if link.now_s >= until_s:
            raise _unconfirmed(link, answered)
        link.listen(link.now_s + _STOP_AGAIN_S)


def _unconfirmed(link: Link, answered: bool) -> LinkLost | OutcomeUnknown:
    if answered:
        return OutcomeUnknown("the pump has not confirmed that nothing moves", "cut its power")
    if not link.session:
        return OutcomeUnknown("the pump does not answer STOP", "press its stop button or cut its power")
    return LinkLost(
        "the pump does not answer STOP, but without its host it has stopped by itself by now", "check cable and power"
    )
