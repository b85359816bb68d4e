"""The exit statuses of the command line: the number, the kind that an error object of `--json` names, the meaning."""

from enum import IntEnum


class ExitStatus(IntEnum):
    """How a command ended."""

    DONE = 0
    INTERNAL = 1
    USAGE = 2
    NO_DEVICE = 3
    REFUSED = 4
    ALARM = 5
    LINK_LOST = 6
    OUTCOME_UNKNOWN = 7
    INTERRUPTED = 130


MEANINGS = {
    ExitStatus.DONE: "done",
    ExitStatus.INTERNAL: "error in this program, please report it",
    ExitStatus.USAGE: "usage: unknown name, value out of range, unfit file",
    ExitStatus.NO_DEVICE: "no such device",
    ExitStatus.REFUSED: "refused: limit, not confirmed, wrong state, file or output unusable",
    ExitStatus.ALARM: "stopped by an alarm or an occlusion",
    ExitStatus.LINK_LOST: "link lost, device known to stop",
    ExitStatus.OUTCOME_UNKNOWN: "outcome unknown, or done but the result could not be written",
    ExitStatus.INTERRUPTED: "stopped by the user, stop verified",
}


def kind_of(status: int) -> str:
    """The kind of an error, as in `no_device`."""
    return ExitStatus(status).name.lower()


def table_lines() -> list[str]:
    """The table of exit statuses, a line each."""
    return [f"{status:>3}  {meaning}" for status, meaning in MEANINGS.items()]
