"""The host's lease on motion: renewed in time, and known to be over when the pump has been silent long enough.

The pump ramps down by itself when no KEEPALIVE was executed for the lease's time. So a silent pump is known
to stand still once the lease of the last frame that may have renewed it is over, with a margin for ramping.
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
    """One session's lease. `keep_alive` is on while somebody wants the motion to go on."""

    def __init__(self, link: Session) -> None:
        self._link = link
        self.keep_alive = False
        self.lease_ms = 0
        self.renewed_s = 0.0
        self.over_s = link.now_s

    @property
    def wake_s(self) -> float:
        """When the next KEEPALIVE should go out; never while there is none to send."""
        if not self.keep_alive or self._link.pending is not None:
            return math.inf
        return self.renewed_s + min(RENEW_EVERY_S, self.lease_ms / 3000)

    def expect(self, lease_ms: int) -> None:
        """To be called before anything goes out that may give or renew the lease."""
        self.lease_ms = lease_ms
        self.over_s = self._link.now_s + max(lease_ms / 1000, 0.0) + RAMP_MARGIN_S

    def began(self, sent_s: float) -> None:
        """The pump has taken a command that gives the lease, sent at `sent_s`."""
        self.renewed_s = sent_s
        self.keep_alive = True

    def renew(self, lease_ms: int) -> LeaseRenewed:
        """KEEPALIVE as any other command: three tries, then OutcomeUnknownError."""
        sent_s = self._link.now_s
        self.expect(lease_ms)
        renewed = LeaseRenewed.from_wire(self._link.command("KEEPALIVE", {"lease_ms": lease_ms}))
        self.renewed_s = sent_s
        return renewed

    def keep(self) -> None:
        """KEEPALIVE if it is due, retried until the lease is over; LinkLostError when the pump has then stopped."""
        if self._link.now_s < self.wake_s:
            return
        held_until_s = self.renewed_s + self.lease_ms / 1000
        try:
            self.renew(self.lease_ms)
        except OutcomeUnknownError:
            self._insist(held_until_s)
        except RefusedError as refusal:
            if refusal.status != _WRONG_STATE:
                raise
            # Motion has ended of itself; its end is told by an event or by STATUS.
            self.keep_alive = False

    def _insist(self, held_until_s: float) -> None:
        """The same KEEPALIVE again and again; each copy has the same sequence, so it renews at most once."""
        while self._link.now_s < self.over_s:
            try:
                self._link.status()
            except NoReplyError:
                continue
            self.check_session()
            settled = self._link.settled
            if settled is not None and settled.executed:
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
        raise self.silent()

    def check_session(self) -> None:
        """LinkLostError when STATUS has shown that the session is not ours any more."""
        if self._link.superseded:
            self.keep_alive = False
            raise LinkLostError(
                "the pump was restarted or another host has taken it over, so this program has ended",
                "read the status for the volume delivered",
            )

    def silent(self) -> LinkLostError:
        """The error for a pump that was silent until its lease was over."""
        self.keep_alive = False
        return LinkLostError(
            "the pump has been silent for longer than its lease, so it has stopped by itself",
            "check cable and power, then read the status for the volume delivered",
        )
