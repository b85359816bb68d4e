"""One direction of the serial link: bytes arrive after a latency, and frames suffer the link's faults."""

import heapq
import random
from collections.abc import Sequence

from flushsim.faults.routing import active
from flushsim.faults.spec import Fault

LATENCY_US = 1_000
"""A full-speed USB frame."""

_LONGEST_US = 200_000
_SHORTEST_US = 5_000
_NO_FRAME = 300  # bytes without a delimiter that are let go as if they were a frame


class Pipe:
    """Faults work on whole frames (up to their 00); a link without faults passes bytes as they come."""

    def __init__(self, faults: Sequence[Fault], seed: str) -> None:
        self._faults = list(faults)
        self._random = random.Random(seed)
        self._waiting: list[tuple[int, int, bytes]] = []
        self._partial = b""
        self._order = 0
        self._arrived = bytearray()
        self._in_flight = 0

    def send(self, data: bytes, now_us: int, motion_started_us: int | None = None) -> None:
        """Takes bytes in at `now_us`."""
        if not self._faults:
            self._put(data, now_us + LATENCY_US)
            return
        pieces = (self._partial + data).split(b"\0")
        self._partial = pieces.pop()
        frames = [piece + b"\0" for piece in pieces]
        if len(self._partial) >= _NO_FRAME:
            frames.append(self._partial)
            self._partial = b""
        for frame in frames:
            self._suffer(frame, now_us, motion_started_us)

    def arrived(self, now_us: int) -> bytearray:
        """Everything that has arrived by `now_us` and was not taken yet; take it with `take`."""
        waiting = self._waiting
        while waiting and waiting[0][0] <= now_us:
            data = heapq.heappop(waiting)[2]
            self._in_flight -= len(data)
            self._arrived += data
        return self._arrived

    def take(self, count: int) -> bytes:
        """Removes and returns the first `count` bytes that have arrived."""
        data = bytes(self._arrived[:count])
        if data:
            del self._arrived[:count]
        return data

    def held(self) -> int:
        """Bytes that are under way or not taken."""
        return self._in_flight + len(self._arrived)

    def clear(self) -> None:
        """Forgets all bytes, as when the device restarts."""
        self._waiting.clear()
        self._partial = b""
        self._arrived.clear()
        self._in_flight = 0

    def _put(self, data: bytes, arrival_us: int) -> None:
        self._order += 1
        self._in_flight += len(data)
        heapq.heappush(self._waiting, (arrival_us, self._order, data))

    def _suffer(self, frame: bytes, now_us: int, motion_started_us: int | None) -> None:
        copies = 1
        arrival_us = now_us + LATENCY_US
        for fault in self._faults:
            if not active(fault, now_us, motion_started_us):
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
                arrival_us += self._random.randrange(_SHORTEST_US, _LONGEST_US)
        for _ in range(copies):
            self._put(frame, arrival_us)
