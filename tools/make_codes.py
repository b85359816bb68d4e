"""Writes the codes of the message table for the firmware and for the host: `python -m tools.make_codes`.

Run it after a change of the message table. The firmware gets integer constants, the host enumerations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from flushlink import messages

_ROOT = Path(__file__).parents[1]
FIRMWARE = _ROOT / "firmware" / "pump" / "codes.py"
HOST = _ROOT / "host" / "flushpump" / "wire" / "codes.py"

_NONE = ((0, "NONE"),)
# What a group holds, prefix of its constants, rows that begin with (number, name).
_CONSTANTS: tuple[tuple[str, str, Iterable[tuple[object, ...]]], ...] = (
    ("Requests; a response has the number of its request.", "REQUEST", messages.MESSAGES),
    ("Events.", "EVENT", messages.EVENTS),
    ("Statuses of a response.", "STATUS", messages.STATUSES),
    ("States of the pump.", "STATE", messages.STATES),
    ("Kinds of phases.", "PHASE", messages.PHASE_KINDS),
    ("Questions to the user.", "QUESTION", messages.QUESTIONS),
    ("Outcomes of a run.", "OUTCOME", messages.OUTCOMES),
    ("Verdicts on a pulse.", "VERDICT", messages.VERDICTS),
    ("What a verdict rests on.", "EVIDENCE", messages.EVIDENCE),
    ("Fluids in the syringe.", "FLUID", messages.FLUIDS),
    ("Causes of a reset.", "RESET", messages.RESET_CAUSES),
    ("Alarms.", "ALARM", messages.ALARMS),
    ("Settings, by their index.", "SETTING", messages.SETTINGS),
)
_ENUMERATIONS: tuple[tuple[str, Iterable[tuple[object, ...]]], ...] = (
    ("State", messages.STATES),
    ("PhaseKind", (*_NONE, *messages.PHASE_KINDS)),
    ("Question", messages.QUESTIONS),
    ("Outcome", messages.OUTCOMES),
    ("Verdict", messages.VERDICTS),
    ("Evidence", messages.EVIDENCE),
    ("Fluid", messages.FLUIDS),
    ("ResetCause", messages.RESET_CAUSES),
)


def _bits(prefix: str) -> list[tuple[object, ...]]:
    return [(bit, name.removeprefix(prefix)) for name, bit in vars(messages).items() if name.startswith(prefix)]


_FLAGS = (("Flag", _bits("FLAG_")), ("LineFlag", [*_NONE, *_bits("LINE_")]))


def _firmware() -> Iterator[str]:
    yield '"""Numbers of the message table; made by tools/make_codes.py. A board keeps those in use only."""'
    yield ""
    yield "from flushlink.viper_compat import const"
    for title, prefix, rows in _CONSTANTS:
        yield ""
        yield f"# {title}"
        for number, name, *_ in rows:
            yield f"{prefix}_{str(name).upper()} = const({number})"


def _host() -> Iterator[str]:
    yield '"""Enumerations of the message table; made by tools/make_codes.py."""'
    yield ""
    yield "from __future__ import annotations"
    yield ""
    yield "from enum import IntEnum, IntFlag"
    for base, groups in (("IntEnum", _ENUMERATIONS), ("IntFlag", _FLAGS)):
        for group, rows in groups:
            yield from ("", "", f"class {group}({base}):")
            for number, name, *_ in rows:
                yield f"    {name} = {number}"


def files() -> dict[Path, str]:
    """The text of each generated file."""
    return {FIRMWARE: "\n".join(_firmware()) + "\n", HOST: "\n".join(_host()) + "\n"}


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")
