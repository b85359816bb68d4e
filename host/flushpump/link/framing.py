"""Frames over a port: cuts the incoming bytes at 00, drops damaged frames, and reads the port's clock.

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

# pyserial's message when there were bytes to read and then there were none.
_READ_AWAY = "multiple access"
_READ_AWAY_PAUSE_S = 0.005
_READ_AWAY_LIMIT = 60


class FrameStream:
    """Sends and receives frames; LinkLostError with one sentence when the port vanishes."""

    def __init__(self, port: Port, name: str = "the port") -> None:
        self._port = port
        self._name = name
        self._clock: Callable[[], float] = getattr(port, "monotonic", time.monotonic)
        self._partial = bytearray()
        self._overlong = False
        self._frames: deque[codec.Frame] = deque()
        # Equal frames have the same counter in the same session: the link has doubled them.
        self._recent_events: deque[bytes] = deque(maxlen=16)
        self._reads_lost = 0
        self.bytes_received = 0
        self.frames_received = 0

    @property
    def now_s(self) -> float:
        """Seconds of the port's clock: simulated time, or time.monotonic()."""
        return self._clock()

    def send(self, frame: bytes) -> None:
        """Writes the bytes to the port."""
        try:
            self._port.write(frame)
        except OSError as problem:
            raise self._vanished(problem) from problem

    def receive(self, until_s: float) -> codec.Frame | None:
        """The next undamaged frame, or None at `until_s`. What has arrived already is read in any case."""
        while not self._frames:
            try:
                waiting = self._port.in_waiting
                if not waiting and self.now_s >= until_s:
                    return None
                data = self._port.read(max(1, waiting))
            except OSError as problem:
                if not self._read_by_another(problem):
                    raise self._vanished(problem) from problem
                time.sleep(_READ_AWAY_PAUSE_S)
                continue
            self._reads_lost = 0
            if data:
                self._add(data)
        return self._frames.popleft()

    def close(self) -> None:
        """Closes the port; one that has vanished is closed already."""
        try:
            self._port.close()
        except OSError:
            return

    def _add(self, data: bytes) -> None:
        self.bytes_received += len(data)
        if 0 in data:
            *ends, data = data.split(b"\0")
            for end in ends:
                self._partial += end
                self._end_frame()
        self._partial += data
        if len(self._partial) > FRAME_MAX:
            self._partial.clear()
            self._overlong = True

    def _end_frame(self) -> None:
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

    def _read_by_another(self, problem: OSError) -> bool:
        """Whether another program that reads this port, as `flushpump stop` may, has read the bytes first.

        A port that has vanished can look the same, but then it happens at every read.
        """
        if _READ_AWAY not in str(problem):
            return False
        # Counted, not timed: a busy machine may pause this program for longer than any useful time limit.
        self._reads_lost += 1
        return self._reads_lost < _READ_AWAY_LIMIT

    def _vanished(self, problem: OSError) -> LinkLostError:
        return LinkLostError(
            f"{self._name} has vanished ({' '.join(str(problem).split())})",
            "the pump stops by itself within 2 s; check cable and power",
        )
