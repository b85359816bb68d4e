"""The message table's fingerprint: CRC-32 of a canonical text, so that host and device know they share one table.

Prose does not count: a reworded meaning leaves the fingerprint as it is, a changed number, name, type,
range or default does not. Runs in CPython and MicroPython; it allocates, so call it once, at start.
"""

from binascii import crc32

from . import messages


def _fields(fields):
    return ",".join(f"{name}:{kind}:{minimum}:{maximum}" for name, kind, minimum, maximum, _ in fields)


def _lines():
    yield f"version {messages.VERSION}"
    yield f"sizes {messages.HEADER_SIZE} {messages.PAYLOAD_MAX} {messages.CRC_SIZE}"
    yield f"header {_fields(messages.HEADER)}"
    for name in (
        "STATUSES", "STATES", "PHASE_KINDS", "QUESTIONS", "OUTCOMES", "VERDICTS", "FLUIDS", "RESET_CAUSES", "LOG_CODES",
    ):
        for row in getattr(messages, name):
            yield f"{name} {row[0]} {row[1]}"
    for number, name, priority, _, _ in messages.ALARMS:
        yield f"ALARMS {number} {name} {priority}"
    for index, name, minimum, maximum, default, _ in messages.SETTINGS:
        yield f"SETTINGS {index} {name} {minimum} {maximum} {default}"
    for number, name, admission, request, response, _ in messages.MESSAGES:
        yield f"MESSAGES {number} {name} {admission} ({_fields(request)}) ({_fields(response)})"
    for number, name, fields, _ in messages.EVENTS:
        yield f"EVENTS {number} {name} ({_fields(fields)})"


def table_hash():
    """CRC-32 of the table's canonical text (one line per row, each ended by a line feed), 4 bytes, little-endian."""
    crc = 0
    for line in _lines():
        crc = crc32((line + "\n").encode(), crc)
    return (crc & 0xFFFFFFFF).to_bytes(4, "little")
