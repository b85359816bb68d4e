"""The pump's settings by name: indices and ranges come from the message table."""

from __future__ import annotations

from flushlink import messages

from flushpump.errors import UsageError, nearest_or
from flushpump.link.session import Session
from flushpump.wire.messages import SettingValue

_BY_NAME = {row[1]: row for row in messages.SETTINGS}
NAMES = tuple(_BY_NAME)


def row_of(name: str) -> tuple[int, str, int, int, int, str]:
    """Index, name, minimum, maximum, default, meaning. UsageError for a name that the table does not have."""
    if name not in _BY_NAME:
        raise UsageError(f"there is no setting {name}", nearest_or(f"there are {', '.join(NAMES)}", name, NAMES))
    return _BY_NAME[name]


def read(link: Session, name: str) -> int:
    """The value in force."""
    return SettingValue.from_wire(link.command("SETTINGS_GET", {"index": row_of(name)[0]})).value


def write(link: Session, name: str, value: int) -> int:
    """Sets the value and returns what applies."""
    index, _, minimum, maximum, _, _ = row_of(name)
    if not minimum <= value <= maximum:
        raise UsageError(f"{name} must lie from {minimum} to {maximum}, but is {value}")
    return SettingValue.from_wire(link.command("SETTINGS_SET", {"index": index, "value": value})).value
