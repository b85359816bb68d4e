"""One direction of the serial link: bytes arrive after a latency, and the link's faults act on frames."""

import heapq
import random
from collections.abc import Sequence

from flushsim.faults.routing import is_active
from flushsim.faults.spec import Fault

LATENCY_US = 1_000
"""A full-speed USB frame."""

_HOLD_MOST_US = 200_000
_HOLD_LEAST_US = 5_000
_UNFRAMED_MOST = 300  # so many bytes without a delimiter are passed on like a frame


class Pipe:
    """Faults act on whole frames (up to their 00); a link without faults passes bytes at once."""

    def __init__(self, faults: Sequence[Fault], seed: str) -> None:
        self._faults = list(faults)
        self._random = random.Random(seed)
        self._waiting: list[tuple[int, int, bytes]] = []
        self._partial = b""
        self._order = 0
        self._arrived = bytearray()
        self._in_flight = 0

    def send(self, data: bytes, now_us: int, motion_started_us: int | None = None) -> None:
        """Accepts bytes at `now_us`."""
        if not self._faults:
            self._put(data, now_us + LATENCY_US)
            return
        pieces = (self._partial + data).split(b"\0")
        self._partial = pieces.pop()
        frames = [piece + b"\0" for piece in pieces]
        if len(self._partial) >= _UNFRAMED_MOST:
            frames.append(self._partial)
            self._partial = b""
        for frame in frames:
            self._apply_faults(frame, now_us, motion_started_us)

    def arrived(self, now_us: int) -> bytearray:
        """Everything that has arrived by `now_us` and was not taken yet; take it with `take_bytes`."""
        waiting = self._waiting
        while waiting and waiting[0][0] <= now_us:
            data = heapq.heappop(waiting)[2]
            self._in_flight -= len(data)
            self._arrived += data
        return self._arrived

    def take_bytes(self, count: int) -> bytes:
        """Removes and returns the first `count` bytes that have arrived."""
        data = bytes(self._arrived[:count])
        if data:
            del self._arrived[:count]
        return data

    def held(self) -> int:
        """Bytes in flight or not taken."""
        return self._in_flight + len(self._arrived)

    def clear(self) -> None:
        """Drops all bytes, as when the device restarts."""
        self._waiting.clear()
        self._partial = b""
        self._arrived.clear()
        self._in_flight = 0

    def _put(self, data: bytes, arrival_us: int) -> None:
        self._order += 1
        self._in_flight += len(data)
        heapq.heappush(self._waiting, (arrival_us, self._order, data))

    def _apply_faults(self, frame: bytes, now_us: int, motion_started_us: int | None) -> None:
        copies = 1
        arrival_us = now_us + LATENCY_US
        for fault in self._faults:
            if not is_active(fault, now_us, motion_started_us):
                continue
            if fault.name == "link-loss":
                return
            if fault.name == "link-delay":
                arrival_us += round(fault.severity * 1_000)
            elif self._random.random() >= fault.severity:
                continue
            elif fault.name == "link-drop":
                return
            elif fault.name == "link-duplicate":
                copies += 1
            elif fault.name == "link-corrupt":
                at = self._random.randrange(len(frame))
                frame = frame[:at] + bytes([frame[at] ^ 1 << self._random.randrange(8)]) + frame[at + 1 :]
            elif fault.name == "link-reorder":
                arrival_us += self._random.randrange(_HOLD_LEAST_US, _HOLD_MOST_US)
        for _ in range(copies):
            self._put(frame, arrival_us)
