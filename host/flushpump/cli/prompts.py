"""Questions to the person at the pump, asked without ever holding up the link.

A question is put with `ask` and its answer is fetched with `answer`, which gives None until there is one: meanwhile the
run goes on polling the pump, which would otherwise think that its host had died.
"""

import contextlib
import os
import sys
import termios
import threading
from typing import TextIO

from flushpump.runs.ports import QUESTION_SENTENCES
from flushpump.wire.messages import Question


def drop_typed_ahead(descriptor: int) -> None:
    """Forgets what was typed before the question stood there: it cannot be its answer."""
    with contextlib.suppress(OSError, termios.error):
        if os.isatty(descriptor):
            termios.tcflush(descriptor, termios.TCIFLUSH)


class YesPrompter:
    """Answers yes to everything, because the user gave --yes; the record notes it."""

    by = "--yes"
    is_person = False

    def ask(self, question: Question) -> None:
        """Nothing to do."""

    def answer(self) -> bool | None:
        """Yes."""
        return True


class TerminalPrompter:
    """Asks on `out`, and reads the answer from a terminal in a thread of its own.

    The thread reads the file descriptor, because a thread that holds Python's buffered stdin would keep the program
    from ending after Ctrl-C. An end of input is a no.
    """

    by = "operator"
    is_person = True

    def __init__(self, out: TextIO | None = None, descriptor: int | None = None) -> None:
        self._out = out or sys.stderr
        self._descriptor = sys.stdin.fileno() if descriptor is None else descriptor
        self._answer: bool | None = None

    def ask(self, question: Question) -> None:
        """Writes the question and begins to read."""
        self._answer = None
        drop_typed_ahead(self._descriptor)
        self._write(f"{QUESTION_SENTENCES[question]} [y/n] ")
        threading.Thread(target=self._read, name="answer", daemon=True).start()

    def answer(self) -> bool | None:
        """The answer, None while there is none."""
        return self._answer

    def _read(self) -> None:
        while True:
            line = self._line()
            if line is None or line in ("n", "no"):
                self._answer = False
                return
            if line in ("y", "yes"):
                self._answer = True
                return
            with contextlib.suppress(OSError):
                self._write("Please answer y or n: ")

    def _line(self) -> str | None:
        text = b""
        while not text.endswith(b"\n"):
            try:
                read = os.read(self._descriptor, 1)
            except OSError:
                return None
            if not read:
                return None
            text += read
        return text.decode(errors="replace").strip().lower()

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()
