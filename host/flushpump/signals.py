"""Ctrl-C, SIGTERM and SIGHUP: as one exception before a run, and in a run as a wish, so that nothing skips the stop."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

_HANGUP = getattr(signal, "SIGHUP", None)


def _signals() -> list[int]:
    # Whoever starts a command with nohup wants it to outlive the terminal.
    hangup = [] if _HANGUP is None or signal.getsignal(_HANGUP) is signal.SIG_IGN else [_HANGUP]
    return [signal.SIGINT, signal.SIGTERM, *hangup]


class _Came:
    """Whether such a signal has come before any block: Python drops an exception that meets a destructor."""

    yes = False


def _raise(number: int, frame: FrameType | None) -> None:
    _Came.yes = True
    raise KeyboardInterrupt


def raise_on_signals() -> None:
    """From now on SIGTERM and SIGHUP end the command as Ctrl-C does: KeyboardInterrupt."""
    if threading.current_thread() is threading.main_thread():
        for number in _signals():
            if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                signal.signal(number, _raise)


def ignore_signals() -> None:
    """The command ends already."""
    if threading.current_thread() is threading.main_thread():
        for number in _signals():
            signal.signal(number, signal.SIG_IGN)


class StopSignals:
    """While the block lasts, such a signal sets `wanted`; a second one changes nothing, so it cannot skip the stop.

    Outside the main thread, where Python takes no signals, the block has no effect and `wanted` can be set by hand.
    """

    def __init__(self) -> None:
        self.wanted = _Came.yes
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in _signals():
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def no_more(self) -> None:
        """Everything is done and told: until the process ends nothing is left to be interrupted."""
        self._before.clear()
        ignore_signals()

    def _note(self, number: int, frame: FrameType | None) -> None:
        # Nothing is printed here: the signal may have come in the middle of a write.
        self.wanted = True
