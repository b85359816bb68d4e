"""Two programs at one serial port, `flushpump stop` beside the one that runs the pump: the port's lock says who reads.

What the pump says goes to whoever reads first, so two readers take each other's replies. A program has the lock while
it has the port open. `stop` opens the port all the same and sends STOP, but does not read while another has the lock.
That program then sees an answer to a STOP that it did not send, and lends the lock until `stop` has its proof and ends.
A program that does not heed the lock may still take every answer; then `stop` can only go on, and say that it knows
nothing. On Windows no two programs have a port open, so there `stop` cannot even begin, and says so.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

from flushpump.link.ports import Port

_TAKE_AGAIN_S = 0.02
# Long enough for a program on a busy machine to find the lock free; it is lent again for the next STOP if it was not.
_LENT_LEAST_S = 0.2
# As long as a stop may take that the pump answers.
_LENT_MOST_S = 4.0


class PortLock:
    """The lock on one port; ports that only one program can have, as simulated ones and sockets, are always free."""

    def __init__(self, port: Port, *, shared: bool = False) -> None:
        """`shared`: the port is open, but another program may have the lock."""
        self._port: Any = port
        self._shared = shared
        # A stop ends soon in any case; two of them would hand the port to and fro.
        self._lends = not shared
        self._sleep: Callable[[float], None] = getattr(port, "sleep", time.sleep)

    def take(self) -> bool:
        """Whether no other program that heeds the lock reads; this one has the lock from then on."""
        if self._shared and self._lock():
            self._shared = False
        return not self._shared

    def wait(self) -> None:
        """Some time passes without reading, before the lock is tried again."""
        self._sleep(_TAKE_AGAIN_S)

    def lend(self) -> None:
        """Lets another program read until it has what it wants, at most for seconds."""
        if not self._lends or not getattr(self._port, "exclusive", False):
            return
        with contextlib.suppress(OSError):
            self._port.exclusive = False
        self._sleep(_LENT_LEAST_S)
        waited_s = _LENT_LEAST_S
        while not self._lock() and waited_s < _LENT_MOST_S:
            self.wait()
            waited_s += _TAKE_AGAIN_S

    def _lock(self) -> bool:
        try:
            self._port.exclusive = True
        except OSError:
            return False
        return True
