"""The event log: entries are made at any time, and written to the journal once nothing moves.

An entry is 16 bytes: boot count u16, code u8, argument u8, device time u32, detail i32, four spare. More
entries than the ring holds during one motion: the newest ones are dropped, and the drop is logged.
"""

from flushlink.frames import put_u16, put_u32
from flushlink.messages import LOG_FAULT
from flushlink.viper_compat import const

ENTRY_SIZE = 16
_RING = const(48)


class EventLog:
    def __init__(self, journal, boot_count):
        self._journal = journal
        self._boot_count = boot_count
        self._ring = bytearray(_RING * ENTRY_SIZE)
        self._entry = bytearray(ENTRY_SIZE)
        self._first = 0
        self._count = 0
        self._dropped = 0

    def add(self, code, argument, now_ms, detail=0):
        if self._count == _RING:
            self._dropped += 1
            return
        at = (self._first + self._count) % _RING * ENTRY_SIZE
        self._count += 1
        ring = self._ring
        put_u16(ring, at, self._boot_count)
        ring[at + 2] = code
        ring[at + 3] = argument
        put_u32(ring, at + 4, now_ms)
        put_u32(ring, at + 8, detail)

    def flush_one(self, now_ms):
        """Writes the oldest unwritten entry, only while nothing moves; False when the journal does not take it."""
        if self._count == 0:
            if self._dropped:
                dropped = self._dropped
                self._dropped = 0
                self.add(LOG_FAULT, 255, now_ms, dropped)
            return True
        at = self._first * ENTRY_SIZE
        for index in range(ENTRY_SIZE):
            self._entry[index] = self._ring[at + index]
        if not self._journal.append(self._entry, ENTRY_SIZE):
            return False
        self._first = (self._first + 1) % _RING
        self._count -= 1
        return True
