"""Frames over a port: cuts the incoming bytes at 00, drops what is damaged, and tells the port's time.

All waiting of the client is done here, inside the port's `read`, so that a simulated port advances its clock.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from flushlink.messages import FRAME_MAX, KIND_EVENT

from flushpump.errors import LinkLostError
from flushpump.link.ports import Port
from flushpump.wire import codec

# What pyserial says when there were bytes to read and then there were none.
_TAKEN_AWAY = "multiple access"
_TAKEN_AWAY_PAUSE_S = 0.005
_TAKEN_AWAY_MOST = 60


class FrameStream:
    """Sends and receives frames; LinkLostError with one sentence when the port vanishes."""

    def __init__(self, port: Port, name: str = "the port") -> None:
        self._port = port
        self._name = name
        self._clock: Callable[[], float] = getattr(port, "monotonic", time.monotonic)
        self._partial = bytearray()
        self._overlong = False
        self._frames: deque[codec.Frame] = deque()
        # Equal frames carry the same counter of the same session: the link has doubled them.
        self._recent_events: deque[bytes] = deque(maxlen=16)
        self._taken_away = 0
        self.bytes_received = 0
        self.frames_received = 0

    @property
    def now_s(self) -> float:
        """Seconds of the port's clock: simulated time, or time.monotonic()."""
        return self._clock()

    def send(self, frame: bytes) -> None:
        """Hands the bytes to the port."""
        try:
            self._port.write(frame)
        except OSError as problem:
            raise self._vanished(problem) from problem

    def receive(self, until_s: float) -> codec.Frame | None:
        """The next undamaged frame, or None when `until_s` has come. Takes what has arrived already in any case."""
        while not self._frames:
            try:
                waiting = self._port.in_waiting
                if not waiting and self.now_s >= until_s:
                    return None
                data = self._port.read(max(1, waiting))
            except OSError as problem:
                if not self._was_taken_away(problem):
                    raise self._vanished(problem) from problem
                time.sleep(_TAKEN_AWAY_PAUSE_S)
                continue
            self._taken_away = 0
            if data:
                self._take(data)
        return self._frames.popleft()

    def close(self) -> None:
        """Closes the port; one that has vanished is closed already."""
        try:
            self._port.close()
        except OSError:
            return

    def _take(self, data: bytes) -> None:
        self.bytes_received += len(data)
        if 0 in data:
            *ends, data = data.split(b"\0")
            for end in ends:
                self._partial += end
                self._finish()
        self._partial += data
        if len(self._partial) > FRAME_MAX:
            self._partial.clear()
            self._overlong = True

    def _finish(self) -> None:
        encoded = bytes(self._partial)
        self._partial.clear()
        overlong, self._overlong = self._overlong, False
        if overlong or not encoded:
            return
        try:
            frame = codec.decode_frame(encoded)
        except codec.FrameError:
            return
        self.frames_received += 1
        if frame.kind == KIND_EVENT:
            if encoded in self._recent_events:
                return
            self._recent_events.append(encoded)
        self._frames.append(frame)

    def _was_taken_away(self, problem: OSError) -> bool:
        """Whether another program that reads this port, as `flushpump stop` may, has been faster.

        A port that has vanished can look the same, but it stays so.
        """
        if _TAKEN_AWAY not in str(problem):
            return False
        # Counted, not timed: a busy machine may pause this program for longer than any time that would do.
        self._taken_away += 1
        return self._taken_away < _TAKEN_AWAY_MOST

    def _vanished(self, problem: OSError) -> LinkLostError:
        return LinkLostError(
            f"{self._name} has vanished ({' '.join(str(problem).split())})",
            "the pump stops by itself within 2 s; check cable and power",
        )
