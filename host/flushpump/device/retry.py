"""Commands over a bad link: sent again until their outcome is known, and never executed twice where that matters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from flushpump.errors import ExecutedLateError, OutcomeUnknownError, refusal_of
from flushpump.link.lease import Lease
from flushpump.link.pending import ResolvedCommand

_TRIES = 5
_Reply = TypeVar("_Reply")


class Resolver(Protocol):
    """The part of a pump that finds out what became of a command."""

    @property
    def lease(self) -> Lease: ...

    def resolve_pending(self) -> ResolvedCommand | None: ...


def retry_idempotent(pump: Resolver, command: Callable[[], _Reply]) -> _Reply:
    """Repeats a command that may be executed twice: a query, a setting, a load. Raises what the command raises."""
    for _ in range(_TRIES - 1):
        try:
            return command()
        except ExecutedLateError:
            continue
        except OutcomeUnknownError:
            pump.resolve_pending()
            pump.lease.check_session()
    return command()


def execute_once(pump: Resolver, command: Callable[[], object]) -> None:
    """Repeats a command only where the pump reports that it was not executed."""
    for attempt in range(_TRIES):
        try:
            command()
            return
        except OutcomeUnknownError:
            resolved = pump.resolve_pending()
            pump.lease.check_session()
            if resolved is None or resolved.executed is None or attempt == _TRIES - 1:
                raise
            if resolved.executed:
                if resolved.status:
                    raise refusal_of(resolved.name, resolved.status) from None
                return
