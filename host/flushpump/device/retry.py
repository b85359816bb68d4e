"""Commands over a bad link: sent again until their outcome is known, and never executed twice where that matters."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from flushpump.errors import ExecutedLate, OutcomeUnknown, refused

if TYPE_CHECKING:
    from flushpump.device.pump import Pump

_TRIES = 5
_Reply = TypeVar("_Reply")


def patiently(pump: Pump, command: Callable[[], _Reply]) -> _Reply:
    """For what may be executed again without harm: questions, settings, loading. Raises what the command raises."""
    for _ in range(_TRIES - 1):
        try:
            return command()
        except ExecutedLate:
            continue
        except OutcomeUnknown:
            pump.settle()
            pump.lease.check_session()
    return command()


def surely(pump: Pump, command: Callable[[], object]) -> None:
    """For what must happen once: sent again only where the pump says that it was not executed."""
    for attempt in range(_TRIES):
        try:
            command()
            return
        except OutcomeUnknown:
            settled = pump.settle()
            pump.lease.check_session()
            if settled is None or settled.executed is None or attempt == _TRIES - 1:
                raise
            if settled.executed:
                if settled.status:
                    raise refused(settled.name, settled.status) from None
                return
