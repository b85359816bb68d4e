"""After the reset of a board: waits until the pump answers, or tells what the board says at its prompt instead."""

import contextlib
import time
from collections.abc import Callable

from flushpump.device.pump import Pump
from flushpump.errors import LinkLostError, NoDeviceError, NoReplyError, RefusedError
from flushpump.flash.discovery import PROMPT, hear
from flushpump.link.ports import open_port
from flushpump.wire.messages import Hello

# Starting takes some seconds. An emulated board needs more of them.
_PATIENCE_S = 90.0
_LISTEN_S = 1.0
_PAUSE_S = 0.5
_BANNER = b"MicroPython v"


def greeting(port: Callable[[], str]) -> Hello:
    """The pump's HELLO; `port` finds the board's port. Raises RefusedError with what it says instead, LinkLostError."""
    until_s = time.monotonic() + _PATIENCE_S
    last = ""
    while time.monotonic() < until_s:
        time.sleep(_PAUSE_S)
        # A board that restarts is away for a moment.
        with contextlib.suppress(NoDeviceError, LinkLostError):
            url = port()
            said = hear(url, _LISTEN_S)
            last = reason(said) or last
            if said.endswith(PROMPT):
                break
            with contextlib.suppress(NoReplyError):
                return _hello(url)
    if last:
        raise RefusedError(f"the files are on the board and whole, but it says: {last}")
    raise LinkLostError(
        f"the files are on the board and whole, but the pump has not answered within {_PATIENCE_S:.0f} s",
        "restart the board, and run the command again",
    )


def reason(said: bytes) -> str:
    """The last line of what a board said before its prompt came up, "" when it said nothing."""
    lines = said.partition(_BANNER)[0].decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip() not in ("", ">>>")), "")


def _hello(url: str) -> Hello:
    pump = Pump(open_port(url), url, None)
    try:
        return pump.reopen()
    finally:
        pump.close()
