"""A command whose outcome is not yet known, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class PendingCommand:
    """A command that was sent and not yet answered; `before` is (session, sequence) executed last until then."""

    name: str
    session: int
    sequence: int
    payload: bytes
    encoded: bytes
    before: tuple[int, int]
    sends: int = 0


@dataclass(frozen=True)
class ResolvedCommand:
    """What became of a command with an unknown outcome. `executed` is None where it cannot be found out."""

    name: str
    executed: bool | None
    status: int | None

    def __str__(self) -> str:
        if self.executed is None:
            return f"it is not known whether {self.name} was executed: the pump restarted or another host took over"
        if not self.executed:
            return f"{self.name} was not executed"
        return f"{self.name} was executed" + (f" and answered with status {self.status}" if self.status else "")
