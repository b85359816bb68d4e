"""What commands write: sentences, tables, JSON, and what happens when nobody can read them."""

import contextlib
import json
import os
import sys
import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TextIO

import click

from flushpump.errors import UsageError
from flushpump.text_table import aligned

if TYPE_CHECKING:
    from rich.console import Console

    from flushpump.units import DisplayUnits

LABEL_CELLS = 10
"""Width of the labels of lines such as `volume    9.50 mL`."""


def one_line(text: str) -> str:
    """The text without line breaks, and with every character that cannot be shown as its escape."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in " ".join(text.split())
    )


def echo_error(sentence: str) -> None:
    """One sentence on stderr, if anybody reads it; a terminal breaks it between two words."""
    text = f"flushpump: {one_line(sentence)}"
    with contextlib.suppress(OSError):
        width = terminal_width(sys.stderr)
        if width is not None:
            # Two columns stay free for the ^C that a terminal echoes.
            text = textwrap.fill(text, max(width - 2, 1), break_on_hyphens=False, break_long_words=False)
        click.echo(text, err=True)


def try_write(write: Callable[[], None], otherwise: str) -> bool:
    """Whether the output could be written; if not, `otherwise` names where else the result is."""
    try:
        write()
    except OSError as problem:
        output_gone(problem, otherwise)
        return False
    return True


def output_gone(problem: OSError, otherwise: str = "") -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            # Python flushes once more at exit, which must not echo_error either.
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    # A reader that has gone, as in `| head -1`, has read what it wanted.
    if not isinstance(problem, BrokenPipeError):
        sentence = f"the output cannot be written: {problem.strerror or problem}"
        echo_error(f"{sentence}; {otherwise}" if otherwise else sentence)


def shown_text(text: str) -> str:
    """The text with pressures and flows in the user's units."""
    return display_units().in_text(text) if "kPa" in text or "mL/s" in text else text


def shown_table(rows: list[list[str]]) -> list[list[str]]:
    """The rows of a table with pressures and flows in the user's units."""
    return display_units().in_table(rows)


def display_units() -> "DisplayUnits":
    """The units of `config.toml`; kPa and mL/s where it is broken, which the command has refused or reported."""
    from flushpump import user_config
    from flushpump.units import DisplayUnits

    try:
        return user_config.load().units
    except UsageError:
        return DisplayUnits()


def echo_lines(console: "Console", lines: list[str]) -> None:
    """Lines for a person; on a terminal what is too long goes on below its text, in a pipe nothing is broken."""
    for line in map(shown_text, lines):
        if console.is_terminal:
            indent = " " * LABEL_CELLS if line[LABEL_CELLS - 2 : LABEL_CELLS] == "  " else ""
            line = textwrap.fill(line, console.width, subsequent_indent=indent, break_on_hyphens=False)
        console.print(line, markup=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """One JSON value on stdout, in ASCII, so that it is the same everywhere."""
    click.echo(json.dumps(value, indent=2, allow_nan=False))


def terminal_width(stream: TextIO | None = None) -> int | None:
    """The columns of the terminal that the stream (stdout) is; None where it is none."""
    stream = stream or sys.stdout
    # Not shutil's, which loads all that can be compressed; COLUMNS goes before, as there.
    if not stream.isatty():
        return None
    named = os.environ.get("COLUMNS", "")
    return int(named) if named.isdecimal() and int(named) else os.get_terminal_size(stream.fileno()).columns or None


def echo_table(rows: list[list[str]]) -> None:
    """Rows on stdout, columns under each other and as wide as the terminal at most."""
    click.echo("\n".join(aligned(shown_table(rows), terminal_width())))


def console_for(as_json: bool) -> "Console":
    """Where people read: stdout, or stderr where stdout is for JSON."""
    # rich takes as long to load as all that `flushpump stop` needs.
    from flushpump.cli.console import OutputConsole

    return OutputConsole(stderr=as_json, highlight=False)
