"""One record of the journal as bytes: its slot, its layout, how new it is, its data, and a CRC-32 over all of that."""

import struct
from binascii import crc32

from flushlink.settings_record import KEY_SIZE

SETTINGS = 0
LEDGER = 1
COUNTERS = 2

_MAGIC = b"FPJ1"
# Magic, slot, nothing, bytes of data, layout, sequence.
_HEADER = "<4sBBHII"
_HEADER_SIZE = 16


def _settings_layout():
    """The layout of the settings: indices and names of the table, in their order."""
    # Not beyond this function: the board lets go of the table once it has started.
    from flushlink.messages import SETTINGS as SETTINGS_TABLE

    crc = KEY_SIZE
    for setting in SETTINGS_TABLE:
        crc = crc32(f"{setting[0]} {setting[1]}\n".encode(), crc)
    return crc


# Ledger and counters: to be raised whenever a field of theirs changes its place or its meaning.
LAYOUTS = (_settings_layout(), 1, 1)


def pack(slot, sequence, data):
    record = struct.pack(_HEADER, _MAGIC, slot, 0, len(data), LAYOUTS[slot], sequence) + data
    return record + struct.pack("<I", crc32(record))


def unpack(slot, size, record):
    """(sequence, data, "") of a whole record, else (-1, b"", reason); `size` is what the data must have in bytes."""
    if len(record) < _HEADER_SIZE + 4:
        return -1, b"", "it is too short for a record"
    if struct.unpack("<I", record[-4:])[0] != crc32(record[:-4]):
        return -1, b"", "its CRC is wrong"
    magic, owner, _, count, layout, sequence = struct.unpack(_HEADER, record[:_HEADER_SIZE])
    if magic != _MAGIC or owner != slot or count != len(record) - _HEADER_SIZE - 4:
        return -1, b"", "it is a record of something else"
    if layout != LAYOUTS[slot] or count != size:
        return (
            -1,
            b"",
            (
                f"it has the layout of another release ({layout:08x}, {count} bytes; "
                f"this firmware has {LAYOUTS[slot]:08x}, {size} bytes)"
            ),
        )
    return sequence, record[_HEADER_SIZE:-4], ""
