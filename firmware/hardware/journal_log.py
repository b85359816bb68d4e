"""The event log: entries with numbers that count from 1 and never repeat, the oldest dropped in whole segments.

Each entry is stored with its number and a CRC-32 over both. New ones go to the file `tail`, which stays so
small that LittleFS keeps it inside its directory: lengthening it programs a page or two and seldom erases. A full
tail is moved to the end of the newest segment, a file of one flash sector named by the number of its first entry.
"""

import struct
from binascii import crc32

from micropython import const

ENTRY_SIZE = 16
_STORED_SIZE = const(24)
# LittleFS keeps files of up to 512 bytes inside the directory.
TAIL_ENTRIES = 20
SEGMENT_ENTRIES = 160
# One segment goes when another is begun, so at least seven are full: 1120 entries.
SEGMENTS = 8

_TAIL = const("tail")


def pack(number, entry):
    stored = struct.pack("<I", number) + entry
    return stored + struct.pack("<I", crc32(stored))


def unpack(stored):
    """(number, entry) as stored, (-1, b"") when damaged."""
    if len(stored) != _STORED_SIZE or struct.unpack("<I", stored[-4:])[0] != crc32(stored[:-4]):
        return -1, b""
    return struct.unpack("<I", stored[:4])[0], stored[4:-4]


def _places(size):
    """Entries in a file of `size` bytes, a last incomplete one counted: its number has been used."""
    return (size + _STORED_SIZE - 1) // _STORED_SIZE


def _name(first):
    return f"{first:08d}"


class LogRing:
    """The log in the folder of `files`; writing needs a pump at rest."""

    def __init__(self, files):
        self._files = files
        # (number of the first entry, entries), oldest first.
        self._segments = []
        for name in sorted(files.names()):
            if len(name) == 8 and name.isdigit():
                self._segments.append((int(name), _places(max(files.size(name), 0))))
        end = 1
        if self._segments:
            end = self._segments[-1][0] + self._segments[-1][1]
        self._find_tail(end)

    def _find_tail(self, end):
        """`end` is the number after the last segment's."""
        tail = self._files.read(_TAIL) or b""
        count = _places(len(tail))
        first = end
        for index in range(count):
            number = unpack(tail[index * _STORED_SIZE : (index + 1) * _STORED_SIZE])[0]
            if number >= 0:
                first = number - index
                break
        self._tail_first = first
        self._tail_count = count
        self.newest = first + count - 1
        if first < end:
            # Power went after the tail had been moved to the segment, and before a new one was begun.
            self.newest = max(self.newest, end - 1)
            self._begin_tail()
        elif len(tail) % _STORED_SIZE:
            self._move_tail()

    def append(self, entry):
        """Stores one entry; False when the file system takes none, which is reported."""
        if self._tail_count >= TAIL_ENTRIES:
            self._move_tail()
        number = self.newest + 1
        if not self._write(_TAIL, "ab" if self._tail_count else "wb", pack(number, entry)):
            return False
        self.newest = number
        self._tail_count += 1
        return True

    def entry(self, number, buffer):
        """Puts the first whole entry at or after `number` into `buffer`; its number, -1 when there is none."""
        for first, count in self._segments:
            found = self._entry_in(_name(first), first, count, number, buffer)
            if found >= 0:
                return found
        return self._entry_in(_TAIL, self._tail_first, self._tail_count, number, buffer)

    def _entry_in(self, name, first, count, number, buffer):
        begun = number = max(number, first)
        found = -1
        while number < first + count and found < 0:
            stored, entry = unpack(self._files.read(name, (number - first) * _STORED_SIZE, _STORED_SIZE) or b"")
            if stored == number:
                found = number
                for index in range(min(len(buffer), ENTRY_SIZE)):
                    buffer[index] = entry[index]
            else:
                number += 1
        if begun < number:
            # One sentence for all: each may be a write to the flash.
            self._files.report(f"the log is damaged from entry {begun} to entry {number - 1}")
        return found

    def _begin_tail(self):
        self._tail_first = self.newest + 1
        self._tail_count = 0

    def _move_tail(self):
        """Moves the tail's entries to a segment. If that fails they are lost: the log's newest entries go on."""
        tail = self._files.read(_TAIL) or b""
        tail += bytes(_places(len(tail)) * _STORED_SIZE - len(tail))
        if not self._lengthen(tail):
            self._files.report(f"entries {self._tail_first} to {self.newest} of the log are lost")
        self._begin_tail()

    def _lengthen(self, tail):
        count = len(tail) // _STORED_SIZE
        segments = self._segments
        while True:
            first, before = self._tail_first, 0
            if segments and self._fits(segments[-1], count):
                first, before = segments.pop()
            while len(segments) >= SEGMENTS:
                self._drop_oldest()
            written = self._files.write(_name(first), "ab", tail)
            if written or before:
                segments.append((first, before + count if written else before))
            if written:
                return True
            if not self._files.full or not self._drop_oldest():
                return False

    def _fits(self, segment, count):
        first, before = segment
        return (
            before + count <= SEGMENT_ENTRIES
            and first + before == self._tail_first
            and self._files.size(_name(first)) in (before * _STORED_SIZE, -1)
        )

    def _write(self, name, mode, data):
        while not self._files.write(name, mode, data):
            if not self._files.full or not self._drop_oldest():
                return False
        return True

    def _drop_oldest(self):
        """False when there is no segment left."""
        if not self._segments:
            return False
        first, _ = self._segments.pop(0)
        self._files.remove(_name(first))
        return True
