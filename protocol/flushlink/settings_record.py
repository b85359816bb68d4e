"""The settings as a pump keeps them: one i32 per setting in the table's order, then the pairing key.

Firmware, flash command and simulator share this layout, so that a new pump can be given its defaults. The table of
settings is imported where it is needed alone: a board lets go of it once it has started.
"""

from .frames import put_u32
from .messages import SETTINGS_COUNT

KEY_SIZE = 16
KEY_AT = 4 * SETTINGS_COUNT
SIZE = KEY_AT + KEY_SIZE
# Printed in the documentation: it keeps a stray program from dosing, not an attacker. PAIR replaces it.
OPEN_KEY = b"flushpump-bench!"


def default_record() -> bytearray:
    """The record of a new pump; allocates."""
    from .messages import SETTINGS

    record = bytearray(SIZE)
    for setting in SETTINGS:
        put_u32(record, 4 * setting[0], setting[4])
    record[KEY_AT:] = OPEN_KEY
    return record
