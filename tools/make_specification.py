"""Renews the generated parts of SPECIFICATION.md: tables from the message table, examples from the host's codec.

Each part is between <!-- generated: NAME --> and <!-- end -->. Run it after a change of the message
table: python -m tools.make_specification
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from flushlink import messages
from flushlink.frames import size_of

from tools.specification_examples import authentication, cobs, exchange

PATH = Path(__file__).parents[1] / "protocol" / "SPECIFICATION.md"
_PART = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)

_ADMISSIONS = {
    messages.OPEN: "open: any session, any sequence, any version",
    messages.SEQUENCED: "sequenced",
    messages.THERAPY: "sequenced, authenticated",
}

Field = tuple[str, str, int, int, str]


def table(heads: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table."""
    heads = list(heads)
    lines = [" | ".join(heads), " | ".join("---" for _ in heads)]
    lines += [" | ".join(str(cell) for cell in row) for row in rows]
    return "".join(f"| {line} |\n" for line in lines)


def fields(rows: Iterable[Field]) -> str:
    """The fields of a payload with their offsets."""
    cells = []
    at = 0
    for name, kind, minimum, maximum, meaning in rows:
        limits = "" if kind[0] == "b" else f"{minimum} to {maximum}"
        cells.append((at, f"`{name}`", kind, limits, meaning))
        at += size_of(kind)
    return table(("at", "field", "type", "range", "meaning"), cells)


def _payload(title: str, rows: tuple[Field, ...]) -> str:
    if not rows:
        return f"{title}: no payload.\n\n"
    return f"{title}, {sum(size_of(row[1]) for row in rows)} bytes:\n\n{fields(rows)}\n"


def _messages() -> str:
    parts = []
    for number, name, admission, request, response, meaning in messages.MESSAGES:
        sentence = meaning[0].upper() + meaning[1:]
        parts.append(f"### 0x{number:02x} {name}\n\n{sentence}. Admission: {_ADMISSIONS[admission]}.\n\n")
        parts.append(_payload("Request", request) + _payload("Response", response))
    return "".join(parts).rstrip("\n") + "\n"


def _events() -> str:
    parts = [f"### 0x{number:02x} {name}\n\n{meaning[0].upper()}{meaning[1:]}.\n\n{_payload('Event', rows)}"
             for number, name, rows, meaning in messages.EVENTS]  # fmt: skip
    return "".join(parts).rstrip("\n") + "\n"


def _names(rows: tuple[tuple[int, str], ...]) -> str:
    return table(("number", "name"), ((number, f"`{name}`") for number, name in rows))


def _bits(prefix: str) -> str:
    found = [(bit, name.removeprefix(prefix)) for name, bit in vars(messages).items() if name.startswith(prefix)]
    return table(("bit value", "name"), ((bit, f"`{name}`") for bit, name in sorted(found)))


def _overview() -> str:
    rows = (
        (f"0x{number:02x}", f"[{name}](#0x{number:02x}-{name.lower()})", _ADMISSIONS[admission], meaning)
        for number, name, admission, _, _, meaning in messages.MESSAGES
    )
    return table(("number", "message", "admission", "meaning"), rows)


PARTS: dict[str, Callable[[], str]] = {
    "header": lambda: fields(messages.HEADER),
    "statuses": lambda: table(
        ("status", "name", "meaning"), ((number, f"`{name}`", what) for number, name, what in messages.STATUSES)
    ),
    "states": lambda: _names(messages.STATES),
    "phase_kinds": lambda: _names(messages.PHASE_KINDS),
    "questions": lambda: _names(messages.QUESTIONS),
    "outcomes": lambda: _names(messages.OUTCOMES),
    "verdicts": lambda: _names(messages.VERDICTS),
    "evidence": lambda: table(
        ("number", "name", "what is given in permille"),
        ((number, f"`{name}`", what) for number, name, what in messages.EVIDENCE),
    ),
    "fluids": lambda: _names(messages.FLUIDS),
    "reset_causes": lambda: _names(messages.RESET_CAUSES),
    "flags": lambda: _bits("FLAG_"),
    "line_flags": lambda: _bits("LINE_"),
    "test_bits": lambda: _bits("TEST_"),
    "alarms": lambda: table(
        ("code", "name", "priority", "what happened", "what to do"),
        ((code, f"`{name}`", {3: "high", 2: "medium", 1: "low"}[priority], happened, remedy)
         for code, name, priority, happened, remedy in messages.ALARMS),
    ),
    "settings": lambda: table(
        ("index", "name", "from", "to", "default", "meaning"),
        ((index, f"`{name}`", *rest) for index, name, *rest in messages.SETTINGS),
    ),
    "log_codes": lambda: table(
        ("code", "name", "content"), ((code, f"`{name}`", what) for code, name, what in messages.LOG_CODES)
    ),
    "overview": _overview,
    "messages": _messages,
    "events": _events,
    "cobs": cobs,
    "authentication": authentication,
    "exchange": exchange,
}  # fmt: skip


def renewed(text: str) -> str:
    """The text with every generated part made anew; KeyError for a part that nobody makes."""
    return _PART.sub(lambda part: f"{part[1]}\n{PARTS[part[2]]()}\n{part[3]}", text)


if __name__ == "__main__":
    PATH.write_text(renewed(PATH.read_text(encoding="utf-8")), encoding="utf-8")
