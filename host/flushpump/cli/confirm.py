"""The question before anything moves or is changed: refused without a terminal; any answer but yes is a no."""

import sys

import click
from rich.console import Console

from flushpump.cli.output import echo_lines
from flushpump.cli.prompts import drop_typed_ahead
from flushpump.errors import RefusedError


def refuse_without_answers(yes: bool, as_json: bool) -> None:
    """RefusedError where a question will be asked and nobody can answer it."""
    if not yes and (as_json or not sys.stdin.isatty()):
        why = "--json leaves nobody to ask" if as_json else "there is no terminal to ask on"
        raise RefusedError(f"this needs a confirmation and {why}", "add --yes if everything has been checked")


def confirm(console: Console, lines: list[str], yes: bool, question: str, otherwise: str = "nothing has moved") -> None:
    """Shows what will be done and asks; RefusedError on a no (REQ-PATH-2), with `otherwise` as what is then known."""
    echo_lines(console, lines)
    if yes:
        return
    drop_typed_ahead(sys.stdin.fileno())
    click.echo(f"{question} [y/n] ", nl=False, err=True)
    try:
        # An end of input gives no answer, which is a no.
        answer = sys.stdin.readline()
    except KeyboardInterrupt:
        click.echo(err=True)
        raise
    if answer.strip().lower() not in ("y", "yes"):
        raise RefusedError("not confirmed", otherwise)
