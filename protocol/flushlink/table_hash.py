"""The message table's fingerprint: CRC-32 of a canonical text, so that host and device know they share one table.

Prose does not count: a reworded meaning leaves the fingerprint as it is, a changed number, name, type,
range or default does not. Runs in CPython and MicroPython; it allocates, so call it once, at start.
"""

from binascii import crc32


def _fields(fields: tuple[tuple[str, str, int, int, str], ...]) -> str:
    return ",".join(f"{name}:{kind}:{minimum}:{maximum}" for name, kind, minimum, maximum, _ in fields)


def _add(crc: int, line: str) -> int:
    return crc32((line + "\n").encode(), crc)


def table_hash() -> bytes:
    """CRC-32 of the table's canonical text (one line per row, each ended by a line feed), 4 bytes, little-endian."""
    # Not beyond this function: a board lets go of the table once it has started.
    from . import messages

    crc = 0
    crc = _add(crc, f"version {messages.VERSION}")
    crc = _add(crc, f"sizes {messages.HEADER_SIZE} {messages.PAYLOAD_MAX} {messages.CRC_SIZE}")
    crc = _add(crc, f"header {_fields(messages.HEADER)}")
    for name in (
        "STATUSES",
        "STATES",
        "PHASE_KINDS",
        "QUESTIONS",
        "OUTCOMES",
        "VERDICTS",
        "FLUIDS",
        "RESET_CAUSES",
        "LOG_CODES",
    ):
        for row in getattr(messages, name):
            crc = _add(crc, f"{name} {row[0]} {row[1]}")
    for number, name, priority, _, _ in messages.ALARMS:
        crc = _add(crc, f"ALARMS {number} {name} {priority}")
    for index, name, minimum, maximum, default, _ in messages.SETTINGS:
        crc = _add(crc, f"SETTINGS {index} {name} {minimum} {maximum} {default}")
    for number, name, admission, request, response, _ in messages.MESSAGES:
        crc = _add(crc, f"MESSAGES {number} {name} {admission} ({_fields(request)}) ({_fields(response)})")
    for number, name, fields, _ in messages.EVENTS:
        crc = _add(crc, f"EVENTS {number} {name} ({_fields(fields)})")
    return (crc & 0xFFFFFFFF).to_bytes(4, "little")
