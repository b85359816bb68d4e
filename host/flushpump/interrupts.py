"""Ctrl-C as a wish that is read, not as an exception: a run ends only when the pump has said that nothing moves."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self


class Interrupts:
    """While the block lasts, SIGINT and SIGTERM set `wanted`; a second one changes nothing, so it cannot skip the stop.

    Outside the main thread, where Python takes no signals, the block has no effect and `wanted` can be set by hand.
    """

    def __init__(self) -> None:
        self.wanted = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        # Nothing is printed here: the signal may have come in the middle of a write.
        self.wanted = True
