"""After the reset of a board: waits until the pump answers, or reports the error that the board prints at its REPL."""

import contextlib
import time
from collections.abc import Callable

from flushpump.device.pump import Pump
from flushpump.errors import LinkLostError, NoDeviceError, NoReplyError, RefusedError
from flushpump.flash.discovery import REPL_PROMPT, read_until_prompt
from flushpump.link.ports import open_port
from flushpump.wire.messages import Hello

# Starting takes some seconds, on an emulated board more of them.
_TIMEOUT_S = 90.0
_LISTEN_S = 1.0
_PAUSE_S = 0.5
_BANNER = b"MicroPython v"


def greeting(port: Callable[[], str]) -> Hello:
    """The pump's HELLO; `port` finds the board's port. RefusedError with the board's error, LinkLostError."""
    until_s = time.monotonic() + _TIMEOUT_S
    last = ""
    while time.monotonic() < until_s:
        time.sleep(_PAUSE_S)
        # A board that restarts is absent for a moment.
        with contextlib.suppress(NoDeviceError, LinkLostError):
            url = port()
            output = read_until_prompt(url, _LISTEN_S)
            last = reason(output) or last
            if output.endswith(REPL_PROMPT):
                break
            with contextlib.suppress(NoReplyError):
                return _hello(url)
    if last:
        raise RefusedError(f"all files are on the board, but it reports: {last}")
    raise LinkLostError(
        f"all files are on the board, but the pump has not answered within {_TIMEOUT_S:.0f} s",
        "restart the board and run the command again",
    )


def reason(output: bytes) -> str:
    """The last line that a board printed before its prompt, "" without one."""
    lines = output.partition(_BANNER)[0].decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip() not in ("", ">>>")), "")


def _hello(url: str) -> Hello:
    pump = Pump(open_port(url), url, None)
    try:
        return pump.reopen()
    finally:
        pump.close()
