"""Bytes from the link, kept in a ring until their frame is whole, so that a STOP behind other frames is found.

The loops over bytes are those of flushlink.kernels; here are the positions.
"""

from flushlink import kernels
from flushlink.messages import FRAME_MAX
from flushlink.viper_compat import const

_READ_SIZE = const(64)


class RxRing:
    """Frames as they came, without their 00 and not yet decoded."""

    def __init__(self, link):
        self._link = link
        self._chunk = bytearray(_READ_SIZE)
        self._ring = bytearray(kernels.RING_SIZE)
        self._at = 0
        self._held = 0
        self._searched = 0
        self._overlong = False

    def read(self):
        """Takes what the link has and the ring holds, the rest waits in the link; whether anything came."""
        came = False
        while self._held <= kernels.RING_SIZE - _READ_SIZE:
            count = self._link.readinto(self._chunk)
            if count == 0:
                break
            kernels.into_ring(self._chunk, count, self._ring, self._at + self._held)
            self._held += count
            came = True
        return came

    def look_ahead(self, size, target):
        """Copies the next frame of `size` bytes that has not been looked at; False when there is none."""
        at = self._at + self._searched
        found = kernels.find_frame(self._ring, at, self._held - self._searched, size)
        if found < 0:
            self._searched += -1 - found
            return False
        kernels.out_of_ring(self._ring, at + found, size, target)
        self._searched += found + size + 1
        return True

    def take_frame(self, target):
        """Moves the next frame into `target`; its length, or 0 when none is whole or it was too long for one."""
        gap = kernels.zeros(self._ring, self._at, self._held)
        if gap:
            self._drop(gap)
            self._overlong = False
        length = kernels.before_zero(self._ring, self._at, self._held)
        if length < 0:
            if self._held >= FRAME_MAX:
                self._drop(self._held)
                self._overlong = True
            return 0
        whole = length < FRAME_MAX and not self._overlong
        if whole:
            kernels.out_of_ring(self._ring, self._at, length, target)
        self._drop(length + 1)
        self._overlong = False
        return length if whole else 0

    def empty(self):
        return self._held == 0

    def _drop(self, count):
        self._at = (self._at + count) & kernels.RING_MASK
        self._held -= count
        self._searched = max(self._searched - count, 0)
