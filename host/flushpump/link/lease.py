"""The host's lease on motion: when it must be renewed, and when a silent pump is known to have stopped.

The pump ramps down by itself when no KEEPALIVE was executed within the lease. So a silent pump is known to have
stopped once the lease of the last frame that may have renewed it is over, plus a margin for the ramp.
"""

from __future__ import annotations

import math

from flushlink.messages import STATUSES

from flushpump.errors import LinkLostError, NoReplyError, OutcomeUnknownError, RefusedError
from flushpump.link.session import Session
from flushpump.wire.messages import LeaseRenewed

RENEW_EVERY_S = 0.5
RAMP_MARGIN_S = 0.5
LEASE_MAX_S = 2.0

_WRONG_STATE = next(number for number, name, _ in STATUSES if name == "WRONG_STATE")


class Lease:
    """One session's lease. `keep_alive` is True while the motion is to go on."""

    def __init__(self, link: Session) -> None:
        self._link = link
        self.keep_alive = False
        self.lease_ms = 0
        self.renewed_s = 0.0
        self.over_s = link.now_s

    @property
    def wake_s(self) -> float:
        """When the next KEEPALIVE is due; infinity while none is to be sent."""
        if not self.keep_alive or self._link.pending is not None:
            return math.inf
        return self.renewed_s + min(RENEW_EVERY_S, self.lease_ms / 3000)

    def expect(self, lease_ms: int) -> None:
        """To be called before a frame is sent that may grant or renew the lease."""
        self.lease_ms = lease_ms
        self.over_s = self._link.now_s + max(lease_ms / 1000, 0.0) + RAMP_MARGIN_S

    def granted(self, sent_s: float) -> None:
        """The pump has executed a command that grants the lease, sent at `sent_s`."""
        self.renewed_s = sent_s
        self.keep_alive = True

    def renew(self, lease_ms: int) -> LeaseRenewed:
        """Sends KEEPALIVE as any other command: three tries, then OutcomeUnknownError."""
        sent_s = self._link.now_s
        self.expect(lease_ms)
        renewed = LeaseRenewed.from_wire(self._link.command("KEEPALIVE", {"lease_ms": lease_ms}))
        self.renewed_s = sent_s
        return renewed

    def renew_if_due(self) -> None:
        """Sends KEEPALIVE if it is due, and repeats it until the lease is over; then LinkLostError."""
        if self._link.now_s < self.wake_s:
            return
        held_until_s = self.renewed_s + self.lease_ms / 1000
        try:
            self.renew(self.lease_ms)
        except OutcomeUnknownError:
            self._renew_until_resolved(held_until_s)
        except RefusedError as refusal:
            if refusal.status != _WRONG_STATE:
                raise
            # The motion has ended by itself; an event or STATUS reports its end.
            self.keep_alive = False

    def _renew_until_resolved(self, held_until_s: float) -> None:
        """Repeats the same KEEPALIVE; each copy has the same sequence number, so it renews at most once."""
        while self._link.now_s < self.over_s:
            try:
                self._link.status()
            except NoReplyError:
                continue
            self.check_session()
            resolved = self._link.resolved
            if resolved is not None and resolved.executed:
                self.renewed_s = self.over_s - RAMP_MARGIN_S - self.lease_ms / 1000
                return
            if self._link.now_s >= held_until_s:
                self.keep_alive = False
                return
            try:
                self.renew(self.lease_ms)
            except OutcomeUnknownError:
                continue
            except RefusedError as refusal:
                if refusal.status != _WRONG_STATE:
                    raise
                self.keep_alive = False
            return
        raise self.expired()

    def check_session(self) -> None:
        """LinkLostError when STATUS has shown that this session has ended."""
        if self._link.superseded:
            self.keep_alive = False
            raise LinkLostError(
                "the pump was restarted or another host has taken it over, so this program has ended",
                "read the status for the volume delivered",
            )

    def expired(self) -> LinkLostError:
        """The error for a pump that was silent until its lease was over."""
        self.keep_alive = False
        return LinkLostError(
            "the pump has been silent for longer than its lease, so it has stopped by itself",
            "check cable and power, then read the status for the volume delivered",
        )
