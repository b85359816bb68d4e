"""Two programs at one serial port, `flushpump stop` beside the one that runs the pump: the lock's owner reads.

The first reader gets the pump's bytes, so two readers take each other's replies. A program has the lock while it has
the port open. `stop` opens the port too and sends STOP, but does not read while another program has the lock. That
program then receives an answer to a STOP that it did not send, and lends the lock until `stop` has its proof and ends.
A program that does not use the lock may still read every answer; then `stop` repeats STOP and reports that the outcome
is unknown. On Windows only one program can open a port, so there `stop` refuses.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

from flushpump.link.ports import Port

_RETRY_S = 0.02
# Long enough for a program on a busy machine to find the lock free. If it does not, the next STOP lends it again.
_LEND_MIN_S = 0.2
# A stop that the pump answers takes at most this long.
_LEND_MAX_S = 4.0


class PortLock:
    """The lock on one port. Simulated ports and sockets, which only one program can have, are always free."""

    def __init__(self, port: Port, *, shared: bool = False) -> None:
        """`shared`: the port is open, but another program may have the lock."""
        self._port: Any = port
        self._shared = shared
        # A stop ends soon in any case; two of them would pass the port to and fro.
        self._lends = not shared
        self._sleep: Callable[[float], None] = getattr(port, "sleep", time.sleep)

    def acquire(self) -> bool:
        """Whether this program has the lock, acquired now or before."""
        if self._shared and self._lock():
            self._shared = False
        return not self._shared

    def wait(self) -> None:
        """Waits without reading before the next try."""
        self._sleep(_RETRY_S)

    def lend(self) -> None:
        """Releases the lock until another program has read what it needs, at most for seconds."""
        if not self._lends or not getattr(self._port, "exclusive", False):
            return
        with contextlib.suppress(OSError):
            self._port.exclusive = False
        self._sleep(_LEND_MIN_S)
        waited_s = _LEND_MIN_S
        while not self._lock() and waited_s < _LEND_MAX_S:
            self.wait()
            waited_s += _RETRY_S

    def _lock(self) -> bool:
        try:
            self._port.exclusive = True
        except OSError:
            return False
        return True
