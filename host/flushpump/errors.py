"""The errors that a user can meet, each with what happened, what to do, and its exit status.

`str(error)` is one sentence. The exit statuses are those of the command line.
"""

# ruff: noqa: N818 -- FileProblem and its like are named for what happened
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flushpump.exit_status import ExitStatus


def nearest_or(otherwise: str, name: str, known: Iterable[str]) -> str:
    """The remedy for a name that is not among the known ones: did you mean the nearest? `otherwise` if none is near."""
    import difflib

    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]}?" if near else otherwise


class FlushPumpError(Exception):
    """Base of all errors. `message` is what happened, `remedy` what to do, both parts of one sentence."""

    exit_status: ExitStatus = ExitStatus.INTERNAL

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(f"{message}; {remedy}" if remedy else message)
        self.message = message
        self.remedy = remedy
        # The FlushResult of a run that `flush` has begun.
        self.result: Any = None


class ProgramError(FlushPumpError):
    """This program or the simulated firmware failed: an error that the user cannot cause."""


class UsageError(FlushPumpError):
    """The request is not valid: an unknown name, a value outside its range."""

    exit_status = ExitStatus.USAGE


class NoDeviceError(FlushPumpError):
    """No port, several ports, a port that cannot be opened, or something that is not a pump."""

    exit_status = ExitStatus.NO_DEVICE


class RefusedError(FlushPumpError):
    """The pump refused. `status` is the protocol's status number, None where the client itself refuses."""

    exit_status = ExitStatus.REFUSED

    def __init__(self, message: str, remedy: str = "", status: int | None = None) -> None:
        super().__init__(message, remedy)
        self.status = status

    @property
    def status_name(self) -> str:
        """The status's name in the message table, "" without one."""
        return "" if self.status is None else _status_row(self.status)[0]


class FileProblem(FlushPumpError):
    """A file or an output cannot be read or written."""

    exit_status = ExitStatus.REFUSED


class ExecutedLateError(RefusedError):
    """A command that had gone unanswered was executed after all, in the session before this one."""


class StoppedByAlarmError(FlushPumpError):
    """An alarm or an occlusion ended the motion."""

    exit_status = ExitStatus.ALARM


class LinkLostError(FlushPumpError):
    """The pump can no longer be reached, and is known to stop: its lease runs out."""

    exit_status = ExitStatus.LINK_LOST


class NoReplyError(LinkLostError):
    """No answer to any try of a message that may always be sent again: HELLO, STATUS, STOP."""


class OutcomeUnknownError(FlushPumpError):
    """It is not known whether a command was executed. Until status() has resolved it, only status() and stop() work."""

    exit_status = ExitStatus.OUTCOME_UNKNOWN


class StoppedByUserError(FlushPumpError):
    """The user stopped the run, and the pump has confirmed that nothing moves."""

    exit_status = ExitStatus.INTERRUPTED


def not_installed(what: str, *packages: str) -> UsageError:
    """The UsageError of `what` where packages are missing: they are named, because flushpump is on no index."""
    verb = "is" if len(packages) == 1 else "are"
    return UsageError(
        f"{what} needs {' and '.join(packages)}, which {verb} not installed", f"pip install {' '.join(packages)}"
    )


def refusal_of(command: str, status: int) -> RefusedError:
    """The RefusedError for a status of the table, with its sentence."""
    return RefusedError(f"the pump refused {command}: {_status_row(status)[1]}", status=status)


def _status_row(status: int) -> tuple[str, str]:
    """Name and sentence of a status of the message table."""
    # The table is loaded late: `flushpump --version` raises no refusal.
    from flushlink import messages

    for number, name, sentence in messages.STATUSES:
        if number == status:
            return name, sentence
    return f"STATUS_{status}", f"status {status}, which this version does not know"
