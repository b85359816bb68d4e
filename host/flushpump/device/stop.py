"""The verified stop: STOP is repeated until the pump reports that nothing moves."""

from __future__ import annotations

from collections.abc import Callable

from flushpump.errors import LinkLostError, OutcomeUnknownError, RefusedError
from flushpump.link.lease import LEASE_MAX_S, RAMP_MARGIN_S, Lease
from flushpump.link.session import TRY_S, Session
from flushpump.wire.messages import StopReport

_REPEAT_S = 0.02
_TIMEOUT_S = LEASE_MAX_S + RAMP_MARGIN_S
# Without a session: another program's lease may keep the pump moving, and that program may read the answers.
_TIMEOUT_OF_ANOTHER_S = 6.0
_TIMEOUT_LEAST_S = 0.5
_STILL_TRYING_AFTER_S = 1.5
# A program that respects the lock has lent it long before; one that hangs never does.
_WAIT_FOR_LOCK_S = 1.0


def stop(link: Session, lease: Lease, still_trying: Callable[[], None] = lambda: None) -> StopReport:
    """Sends STOP until the pump reports that nothing moves; gives up when the lease must be over.

    Raises LinkLostError, OutcomeUnknownError.

    Beside another program it does not read until that program has lent the port, or has had a second to do so. That
    program's lease is not known here, so the attempt ends after a fixed time. See Pump.stop for `still_trying`.
    """
    lease.keep_alive = False
    began_s = link.now_s
    until_s = began_s + (_TIMEOUT_S if link.session else _TIMEOUT_OF_ANOTHER_S)
    if link.session and lease.lease_ms:
        # Only this session's own lease can keep anything moving, and its end is known.
        until_s = max(began_s + _TIMEOUT_LEAST_S, lease.over_s)
    first, sent_s = link.send_stop(), link.now_s
    answered = reported = False
    while True:
        report, lent = None, False
        if link.lock.acquire() or link.now_s >= began_s + _WAIT_FOR_LOCK_S:
            report = _stop_report(link, first, sent_s + TRY_S)
        else:
            link.lock.wait()
            lent = link.lock.acquire()
        if report is not None:
            answered = True
            # Frames that arrived meanwhile must not be taken for new ones by the next reader of the port.
            link.listen(link.now_s + (_REPEAT_S if report.moving else 0.0))
            if not report.moving:
                return report
        if link.now_s >= until_s:
            raise _unconfirmed(link, answered)
        if not answered and not reported and link.now_s >= began_s + _STILL_TRYING_AFTER_S:
            reported = True
            still_trying()
        if lent or report is not None or link.now_s >= sent_s + TRY_S:
            link.send_stop()
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
    if not link.lock.acquire():
        return OutcomeUnknownError(
            "another program has the port and reads the pump's answers to STOP",
            "check that nothing moves, else press the pump's stop button or cut its power",
        )
    if not link.session:
        return OutcomeUnknownError("the pump does not answer STOP", "press its stop button or cut its power")
    return LinkLostError(
        "the pump does not answer STOP, but without its host it has stopped by itself by now", "check cable and power"
    )
