"""Ctrl-C, SIGTERM and SIGHUP: one exception before a run; in a run a flag, so that no signal skips the stop."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

_HANGUP = getattr(signal, "SIGHUP", None)


def _signals() -> list[int]:
    # A command under nohup ignores SIGHUP, so that it outlives its terminal.
    hangup = [] if _HANGUP is None or signal.getsignal(_HANGUP) is signal.SIG_IGN else [_HANGUP]
    return [signal.SIGINT, signal.SIGTERM, *hangup]


class _Received:
    """Whether such a signal has come before any block: Python drops an exception that is raised in a destructor."""

    any = False


def _raise(number: int, frame: FrameType | None) -> None:
    _Received.any = True
    raise KeyboardInterrupt


def raise_on_signals() -> None:
    """From now on SIGTERM and SIGHUP raise KeyboardInterrupt, as Ctrl-C does."""
    if threading.current_thread() is threading.main_thread():
        for number in _signals():
            if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                signal.signal(number, _raise)


def ignore_signals() -> None:
    """From now on such signals have no effect: the command is ending."""
    if threading.current_thread() is threading.main_thread():
        for number in _signals():
            signal.signal(number, signal.SIG_IGN)


class StopSignals:
    """In its block such a signal sets `stop_requested`. A second one changes nothing and cannot skip the stop.

    Outside the main thread, where Python delivers no signals, the block has no effect; set `stop_requested` instead.
    """

    def __init__(self) -> None:
        self.stop_requested = _Received.any
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

    def ignore_from_now(self) -> None:
        """Everything is done and reported: such signals have no effect until the process ends."""
        self._before.clear()
        ignore_signals()

    def _note(self, number: int, frame: FrameType | None) -> None:
        # Nothing is printed here: the signal may have come during a write.
        self.stop_requested = True
