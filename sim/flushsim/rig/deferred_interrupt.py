"""Ctrl-C takes effect at the end of the tick.

Half a tick would leave firmware and plant out of step, and the STOP that follows must still work.
"""

# What `signal` wraps; the wrapper's enumerations cost 4 us a call, a tenth of a tick, twice in every read.
import _signal  # type: ignore[import-not-found]
import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self


class DeferredInterrupt:
    """Inside, SIGINT only sets `noted`; at the end, the previous handler gets it."""

    def __init__(self) -> None:
        self.noted = False
        self._before: Any = None

    def __enter__(self) -> Self:
        self.noted = False
        self._before = None
        if threading.current_thread() is threading.main_thread():
            self._before = _signal.signal(_signal.SIGINT, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._before is None:
            return
        _signal.signal(_signal.SIGINT, self._before)
        if self.noted and error is None:
            signal.raise_signal(signal.SIGINT)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.noted = True
