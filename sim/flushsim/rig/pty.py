"""A simulated pump on a pseudo-terminal, in real time: any serial client opens it like a plugged-in board."""

import os
import signal
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from flushsim.rig.base import TICK_US, PumpRig
from flushsim.rig.operator import VirtualOperator

# The pump catches up at most this much after the computer slept or was too slow.
_LAG_MOST_S = 1.0


class PseudoTerminal:
    """The master's side. Clients connect at `path`; bytes sent while there is none are lost, as on USB."""

    def __init__(self) -> None:
        self.master, client = os.openpty()
        self.path = os.ttyname(client)
        tty.setraw(client)
        # Closed here, so that a read shows whether a client is connected.
        os.close(client)
        os.set_blocking(self.master, False)
        self._unsent = b""

    def receive(self) -> tuple[bytes, bool]:
        """Bytes from the client, and whether there is one."""
        try:
            return os.read(self.master, 4096), True
        except BlockingIOError:
            return b"", True
        except OSError:  # EIO: no client has the other side open
            self._unsent = b""
            return b"", False

    def send(self, more: Callable[[], bytes]) -> None:
        """Writes unsent bytes, then those that `more` returns, as far as there is room."""
        data = self._unsent or more()
        if data:
            try:
                count = os.write(self.master, data)
            except BlockingIOError:
                count = 0
            self._unsent = data[count:]

    def close(self) -> None:
        """Hangs up."""
        os.close(self.master)


def serve(
    rig: PumpRig,
    terminal: PseudoTerminal,
    speed: float,
    goes_on: Callable[[], bool],
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Runs the pump at `speed` times real time while `goes_on()`. Raises FirmwareError when the firmware fails."""
    tick_s = TICK_US / 1_000_000 / speed
    due_s = monotonic()
    operator = VirtualOperator(rig)
    while goes_on():
        due_s += tick_s
        wait_s = due_s - monotonic()
        if wait_s > 0:
            sleep(wait_s)
        elif wait_s < -_LAG_MOST_S:
            due_s = monotonic()
        data, present = terminal.receive()
        if data:
            operator.watch(data)
            rig.to_device(data)
        rig.step()
        if present:
            terminal.send(rig.from_device)
        else:
            rig.from_device()


@contextmanager
def until_signalled() -> Iterator[Callable[[], bool]]:
    """Gives a function that is true until SIGINT or SIGTERM; the current tick is finished first."""
    ended: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        ended.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: not ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def linked(path: str, link: Path | None) -> Iterator[str]:
    """A symbolic link to the terminal while the block lasts; raises ValueError if something else is in its place."""
    if link is None:
        yield path
        return
    if link.is_symlink():
        link.unlink()
    elif link.exists():
        raise ValueError(f"{link} exists and is not a symbolic link; choose another --link")
    try:
        link.symlink_to(path)
    except OSError as problem:
        raise ValueError(f"the link {link} cannot be made: {problem.strerror}") from problem
    try:
        yield str(link)
    finally:
        if link.is_symlink() and os.readlink(link) == path:
            link.unlink()
