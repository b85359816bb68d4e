"""The console of rich for people, which loads rich: import it only where something is drawn."""

import errno
import os

from rich.console import Console


class OutputConsole(Console):
    """A console that reports a reader who has gone."""

    def on_broken_pipe(self) -> None:
        # rich would end the process here, and with it a run before its result is printed and recorded.
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
