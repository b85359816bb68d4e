"""Writes golden_frames.json: frames of every message and event at the edges of their ranges, as they go over the wire.

Run it after a change of the message table: python -m tools.make_golden_frames
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flushlink import messages
from flushpump.wire import codec

PATH = Path(__file__).parents[1] / "protocol" / "golden_frames.json"

# Header values at their edges, taken one after the other; 0 and 255 also put zeros and full bytes into COBS.
_HEADERS = ((0, 0), (1, 1), (0x0100, 0x00FF), (0xFFFF, 0xFFFF), (0x1234, 0xFFFE))


def _value(field: tuple[str, str, int, int, str], case: str, at: int) -> int | bytes:
    _, kind, minimum, maximum, _ = field
    if kind.startswith("b"):
        size = int(kind[1:])
        return {"lowest": bytes(size), "highest": b"\xff" * size}.get(case, bytes((at + i) % 3 for i in range(size)))
    if case == "mixed":
        # Between the edges, with another byte pattern in each field.
        return min(maximum, max(minimum, minimum + (maximum - minimum) // (at + 2)))
    return minimum if case == "lowest" else maximum


def _encodable(value: int | bytes) -> int | str:
    return value.hex() if isinstance(value, bytes) else value


def _entry(layout: codec.Layout, kind: int, case: str, number: int) -> dict[str, Any]:
    values = {field[0]: _value(field, case, at) for at, field in enumerate(layout.fields)}
    session, sequence = _HEADERS[number % len(_HEADERS)]
    frame = codec.Frame(messages.VERSION, kind, layout.number, session, sequence, 0, layout.pack(values))
    kind_name = {messages.KIND_REQUEST: "request", messages.KIND_RESPONSE: "response"}.get(kind, "event")
    return {
        "name": f"{layout.name} {kind_name}, {case}",
        "kind": kind,
        "message": layout.number,
        "session": session,
        "sequence": sequence,
        "status": 0,
        "fields": {name: _encodable(value) for name, value in values.items()},
        "wire": codec.encode_frame(frame).hex(),
    }


def _refusal(status: int, name: str) -> dict[str, Any]:
    # WRONG_SEQUENCE is the one refusal with a payload: the last executed sequence.
    payload = b"\x05\x01" if name == "WRONG_SEQUENCE" else b""
    frame = codec.Frame(messages.VERSION, messages.KIND_RESPONSE, 0x14, 0x0102, 7, status, payload)
    return {
        "name": f"START refused with {name}",
        "kind": frame.kind,
        "message": frame.message,
        "session": frame.session,
        "sequence": frame.sequence,
        "status": status,
        "payload": payload.hex(),
        "wire": codec.encode_frame(frame).hex(),
    }


def _entries() -> Iterator[dict[str, Any]]:
    number = 0
    tables = (
        (messages.KIND_REQUEST, codec.REQUESTS.values()),
        (messages.KIND_RESPONSE, codec.RESPONSES.values()),
        (messages.KIND_EVENT, codec.EVENTS.values()),
    )
    for kind, layouts in tables:
        for layout in layouts:
            for case in ("lowest", "highest", "mixed") if layout.fields else ("empty",):
                yield _entry(layout, kind, case, number)
                number += 1
    for status, name, _ in messages.STATUSES:
        if status:
            yield _refusal(status, name)


def text() -> str:
    """The whole file; one frame a line, so that a difference shows what changed."""
    lines = ",\n".join(json.dumps(entry) for entry in _entries())
    return f'{{"version": {messages.VERSION}, "table_hash": "{codec.TABLE_HASH.hex()}", "frames": [\n{lines}\n]}}\n'


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
