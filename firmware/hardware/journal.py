"""The journal in the board's flash: settings, ledger and counters in two copies each, the event log, scratch registers.

Writing stops the chip for 30 to 400 ms a flash sector, so the controller writes only while nothing moves. The
scratch registers take values while it moves; they outlive a watchdog reset and a soft reset, not a power cut.
"""

from machine import mem32
from micropython import const

from .journal_files import Files, nothing
from .journal_log import LogRing
from .journal_record import pack, unpack

_COPIES = (
    ("settings.a", "settings.b"),
    ("ledger.a", "ledger.b"),
    ("counters.a", "counters.b"),
)
# RP2040 watchdog, SCRATCH0 to 3; 4 to 7 belong to the boot ROM. Made once: as numbers they are too big for
# small integers, so computing one would allocate.
_SCRATCH = (0x4005800C, 0x40058010, 0x40058014, 0x40058018)
_SCRATCH_MASK = const(0x3FFFFFFF)


class Journal:
    """`report` takes one sentence about each damage or failure; `feed` is called before each access to the flash."""

    def __init__(self, folder="/journal", report=nothing, feed=nothing):
        self._files = Files(folder, report, feed)
        self._log = LogRing(self._files)
        self._sequences = [-1, -1, -1]

    def load(self, slot, buffer):
        """Fills `buffer` from the newer whole copy of a record of exactly its size.

        Returns the bytes read, 0 when there is no record, -1 when there is none that is whole and of this
        release's layout. A copy that is older or damaged is written anew.
        """
        newest, data = -1, b""
        sequences = []
        damaged = False
        for name in _COPIES[slot]:
            record = self._files.read(name)
            sequence = -1
            if record is None:
                damaged = True
            elif record:
                sequence, found, reason = unpack(slot, len(buffer), record)
                if reason:
                    damaged = True
                    self._files.report(f"{name} is not used: {reason}")
                elif sequence > newest:
                    newest, data = sequence, found
            sequences.append(sequence)
        self._sequences[slot] = max(newest, 0)
        if newest < 0:
            return -1 if damaged else 0
        if sequences[0] != sequences[1]:
            self._write(slot, newest, data)
        for index in range(len(data)):
            buffer[index] = data[index]
        return len(data)

    def save(self, slot, buffer, count):
        """Stores buffer[:count]; False, which is reported, when the flash took neither copy."""
        if self._sequences[slot] < 0:
            self.load(slot, bytearray(count))
        self._sequences[slot] += 1
        return self._write(slot, self._sequences[slot], bytes(buffer[:count]))

    def _write(self, slot, sequence, data):
        record = pack(slot, sequence, data)
        written = False
        for name in _COPIES[slot]:
            if self._files.write(name, "wb", record):
                written = True
        return written

    def append(self, buffer, count):
        """Stores one log entry of up to 16 bytes; False, which is reported, when the flash took none."""
        return self._log.append(bytes(buffer[:count]) + bytes(16 - count))

    def entry(self, number, buffer):
        """Puts the first stored entry at or after `number` into `buffer`; its number, -1 when there is none."""
        return self._log.entry(number, buffer)

    def newest(self):
        """Number of the newest entry, 0 when there is none yet."""
        return self._log.newest

    def scratch_read(self, index):
        return mem32[_SCRATCH[index]] & _SCRATCH_MASK

    def scratch_write(self, index, value):
        """Takes 0 to 2**30 - 1; allocates nothing."""
        mem32[_SCRATCH[index]] = value
