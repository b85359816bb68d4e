"""Commands over a bad link: sent again until their outcome is known, and never executed twice where that matters."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from flushpump.errors import ExecutedLateError, OutcomeUnknownError, refusal_of

if TYPE_CHECKING:
    from flushpump.device.pump import Pump

_TRIES = 5
_Reply = TypeVar("_Reply")


def retry_idempotent(pump: Pump, command: Callable[[], _Reply]) -> _Reply:
    """For what may be executed again without harm: questions, settings, loading. Raises what the command raises."""
    for _ in range(_TRIES - 1):
        try:
            return command()
        except ExecutedLateError:
            continue
        except OutcomeUnknownError:
            pump.settle()
            pump.lease.check_session()
    return command()


def execute_once(pump: Pump, command: Callable[[], object]) -> None:
    """For what must happen once: sent again only where the pump says that it was not executed."""
    for attempt in range(_TRIES):
        try:
            command()
            return
        except OutcomeUnknownError:
            settled = pump.settle()
            pump.lease.check_session()
            if settled is None or settled.executed is None or attempt == _TRIES - 1:
                raise
            if settled.executed:
                if settled.status:
                    raise refusal_of(settled.name, settled.status) from None
                return
