"""Writes plots to files: the whole file or none, and one sentence on failure."""

import contextlib
import os
import tempfile
from pathlib import Path

from flushpump.errors import FileProblem, UsageError

SUFFIXES = (".svg", ".png", ".html")


class PlotError(FileProblem):
    """A plot that cannot be drawn or written."""


def check_target(file: Path) -> None:
    """Checks before the work that the file can be written. UsageError, PlotError."""
    if file.suffix.lower() not in SUFFIXES:
        kind = f"the suffix {file.suffix!r}" if file.suffix else "no suffix"
        raise UsageError(f"{file} has {kind}, which names no kind of plot", f"end it in {', '.join(SUFFIXES)}")
    if file.is_dir():
        raise UsageError(f"{file} is a folder", "name a file in it")
    if file.exists() and not file.is_file():
        raise UsageError(f"{file} is a fifo or a device", "name a file")
    if not file.name.isprintable():
        raise UsageError(f"the file name {file.name!r} cannot be printed", "name another")
    if not file.parent.is_dir():
        raise PlotError(f"there is no folder {file.parent} for {file.name}", "make it first, or name another")
    if not os.access(file.parent, os.W_OK):
        raise PlotError(f"the folder {file.parent} may not be written to", "name a file elsewhere")


def write(file: Path, data: bytes) -> None:
    """Writes the file, in place of an older one; when that fails the older one stays. PlotError."""
    try:
        descriptor, part = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        try:
            with open(descriptor, "wb") as stream:
                stream.write(data)
            os.chmod(part, 0o666 & ~_umask())
            os.replace(part, file)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(part)
            raise
    except OSError as problem:
        reason = problem.strerror or problem
        raise PlotError(f"{file} cannot be written: {reason}", "name a file elsewhere") from problem


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
