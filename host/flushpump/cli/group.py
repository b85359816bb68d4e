"""The group of all commands: each is imported when it is called, and ends an error in one sentence and its status."""

import contextlib
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import click

from flushpump.cli.output import echo_error, one_line, output_gone
from flushpump.errors import FlushPumpError
from flushpump.exit_status import ExitStatus, kind_of
from flushpump.signals import ignore_signals

DEBUG = "FLUSHPUMP_DEBUG"


class Commands(click.Group):
    """A click group that ends every error in one sentence on stderr and the right exit status, never a traceback.

    With `--json` an error is one line on stdout, too, and nothing else is:

        {"error": {"status": 3, "kind": "no_device", "message": "no pump is plugged in; plug one in, ..."}}

    `status` is the exit status, `kind` its name in `exit_status`. A command that began to move the pump prints its own
    result instead, whatever its outcome.
    """

    def main(self, args: Sequence[str] | None = None, *more: Any, **kwargs: Any) -> Any:
        """Runs a command and exits."""
        kwargs["standalone_mode"] = False
        arguments = list(sys.argv[1:] if args is None else args)
        sys.exit(_guarded(lambda: super(Commands, self).main(arguments, *more, **kwargs), "--json" in arguments))

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """As click does; the help is printed here."""
        with _own_output():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """As click does."""
        with _own_output():
            return super().invoke(ctx)


class _OutputProblem(Exception):  # noqa: N818 - as the other errors
    """This program's own output cannot be written."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(cause)
        self.cause = cause


@contextlib.contextmanager
def _own_output() -> Iterator[None]:
    """Keeps an OSError away from click, which ends the program with status 1 when a reader has gone."""
    try:
        yield
    except OSError as problem:
        # What a device or a file can cause has become another error before it arrives here.
        raise _OutputProblem(problem) from problem


def _guarded(run: Callable[[], Any], as_json: bool) -> int:
    try:
        status = run()
        sys.stdout.flush()
        return status if isinstance(status, int) else ExitStatus.DONE
    except FlushPumpError as problem:
        return _failed(problem.exit_status, "; ".join([str(problem), *_notes(problem)]), as_json)
    except click.exceptions.NoArgsIsHelpError as problem:
        click.echo(problem.format_message(), err=True)
        return ExitStatus.USAGE
    except click.UsageError as problem:
        where = problem.ctx.command_path if problem.ctx is not None else "flushpump"
        message = _in_our_words(problem.format_message())
        message = f"{message[:1].lower()}{message[1:]}"
        # A suggestion ends with a question mark.
        end = " See" if message.endswith("?") else "; see"
        return _failed(ExitStatus.USAGE, f"{message}{end} {where} --help", as_json)
    except click.ClickException as problem:
        return _failed(ExitStatus.USAGE, problem.format_message(), as_json)
    except (KeyboardInterrupt, click.Abort) as problem:
        ignore_signals()
        return _failed(ExitStatus.INTERRUPTED, "; ".join(["stopped by the user", *_notes(problem)]), as_json)
    except OSError as problem:
        return _output_failed(problem)
    except _OutputProblem as problem:
        return _output_failed(problem.cause)
    except Exception as problem:
        if os.environ.get(DEBUG):
            import traceback

            traceback.print_exc()
        sentence = f"an error of this program, {type(problem).__name__}: {problem}"
        sentence += f"; please report it with {_write_log()}"
        return _failed(ExitStatus.INTERNAL, sentence, as_json)


def _notes(problem: BaseException) -> list[str]:
    return getattr(problem, "__notes__", [])


def _failed(status: ExitStatus, sentence: str, as_json: bool) -> ExitStatus:
    if as_json:
        error = {"status": int(status), "kind": kind_of(status), "message": one_line(sentence)}
        with contextlib.suppress(OSError):
            click.echo(json.dumps({"error": error}))
    echo_error(sentence)
    return status


def _output_failed(problem: OSError) -> ExitStatus:
    output_gone(problem)
    # A reader that has gone has what it wanted.
    return ExitStatus.DONE if isinstance(problem, BrokenPipeError) else ExitStatus.REFUSED


def _in_our_words(message: str) -> str:
    """Click's message about a wrong argument, as part of one sentence."""
    message = " ".join(message.split()).rstrip(".")
    message = re.sub(r"(\S)\. \(?Did you mean (.*?)\)?$", r"\1; did you mean \2", message)
    message = re.sub(r"is not a valid integer( range)?$", "is no whole number", message)
    message = re.sub(r"is not a valid float( range)?$", "is no number", message)
    return re.sub(r"is not in the range x>=(\d+)", r"is below \1", message).replace("is below 0", "is below zero")


def _write_log() -> str:
    import traceback
    from pathlib import Path

    import platformdirs

    file = Path(platformdirs.user_log_dir("flushpump")) / "errors.log"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as log:
            log.write(traceback.format_exc() + "\n")
    except OSError:
        return f"what {DEBUG}=1 shows"
    return str(file)
