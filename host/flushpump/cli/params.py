"""What all commands share: options, quantities with units, output, and errors as one sentence with an exit status."""

import contextlib
import errno
import itertools
import json
import math
import os
import re
import shutil
import sys
import textwrap
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path as FilePath
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

import click
import platformdirs
from rich.console import Console

from flushpump.access.access_path import AccessPath
from flushpump.access.hydraulics import KPA_PER_MMHG, KPA_PER_PSI
from flushpump.errors import FlushPumpError
from flushpump.exit_status import ExitStatus, kind_of
from flushpump.signals import ignore_signals
from flushpump.wire.messages import Fluid

DEBUG = "FLUSHPUMP_DEBUG"
_Command = TypeVar("_Command", bound=Callable[..., Any])
_SIMULATOR = "flushsim"
_COMMON_WIDTH = 80
_CELL_LEAST = 4
LABEL_CELLS = 10
"""Width of the labels of lines such as `volume    9.50 mL`."""


class Quantity(click.ParamType):  # type: ignore[type-arg]
    """A number with its unit, as in 0.5mL; a number alone is refused. Converted to the first unit named."""

    def __init__(self, name: str, factors: dict[str, float], example: str = "0.5", most: float = 1e9) -> None:
        self.name = name
        self._most = most
        self._example = example
        self._factors = {unit.lower(): factor for unit, factor in factors.items()}
        self._units = list(factors)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number in the first unit; click's usage error otherwise."""
        if isinstance(value, float):
            return value
        matched = re.fullmatch(r"\s*([-+0-9.,eE]+?)\s*([a-zA-Z/]*)\s*", str(value))
        example = f"write it as in {self._example}{self._units[0]}"
        try:
            number = float(matched.group(1)) if matched else math.nan
        except ValueError:
            number = math.nan
        if matched is None or not math.isfinite(number):
            self.fail(f"{value!r} is no {self.name}, {example}", param, ctx)
        unit = matched.group(2).lower()
        if not unit:
            self.fail(f"{value} has no unit, {example}", param, ctx)
        if unit not in self._factors:
            units = " or ".join(self._units)
            self.fail(f"{matched.group(2)} is no unit of {_with_article(self.name)}, use {units}", param, ctx)
        if number <= 0:
            self.fail(f"{value} is not above zero, {example}", param, ctx)
        if number * self._factors[unit] > self._most:
            self.fail(f"{value} is above {self._most:g} {self._units[0]}", param, ctx)
        return number * self._factors[unit]


class FiniteRange(click.FloatRange):
    """A number within limits; click's own takes nan for one that is."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number; click's usage error otherwise."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is no number", param, ctx)
        return number


def _with_article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


class OneLine(click.ParamType):  # type: ignore[type-arg]
    """A text that is printed and recorded: one line of characters that can be shown."""

    name = "text"

    def __init__(self, what: str, most: int) -> None:
        self._what = what
        self._most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text without spaces around it; click's usage error otherwise."""
        text = str(value).strip()
        # What is not UTF-8 on the command line arrives as surrogates, which cannot be printed either.
        if not text or len(text) > self._most or not text.isprintable():
            self.fail(f"{value!r} is no {self._what}, take 1 to {self._most} letters that can be printed", param, ctx)
        return text


LABEL = OneLine("label", 60)
OPERATOR = OneLine("operator name", 80)
VOLUME = Quantity("volume", {"mL": 1.0, "uL": 1e-3})
PRESSURE = Quantity("pressure", {"kPa": 1.0, "psi": KPA_PER_PSI, "mmHg": KPA_PER_MMHG, "bar": 100.0}, "100")
FLOW = Quantity("flow", {"mL/s": 1.0, "uL/s": 1e-3, "mL/min": 1 / 60, "mL/h": 1 / 3600})


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
        return _failed(ExitStatus.USAGE, f"{message[:1].lower()}{message[1:]}; see {where} --help", as_json)
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
    _output_gone(problem)
    # A reader that has gone has what it wanted.
    return ExitStatus.DONE if isinstance(problem, BrokenPipeError) else ExitStatus.REFUSED


def one_line(text: str) -> str:
    """The text without line breaks, and with every character that cannot be shown as its escape."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in " ".join(text.split())
    )


def _in_our_words(message: str) -> str:
    """What click says of a wrong argument, as part of one sentence."""
    message = " ".join(message.split()).rstrip(".")
    message = re.sub(r"(\S)\. \(?Did you mean (.*?)\)?$", r"\1; did you mean \2", message)
    message = re.sub(r"is not a valid integer( range)?$", "is no whole number", message)
    message = re.sub(r"is not a valid float( range)?$", "is no number", message)
    return re.sub(r"is not in the range x>=(\d+)", r"is below \1", message).replace("is below 0", "is below zero")


def _write_log() -> str:
    file = FilePath(platformdirs.user_log_dir("flushpump")) / "errors.log"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as log:
            log.write(traceback.format_exc() + "\n")
    except OSError:
        return f"what {DEBUG}=1 shows"
    return str(file)


def echo_error(sentence: str) -> None:
    """One sentence on stderr, if anybody reads it."""
    with contextlib.suppress(OSError):
        click.echo(f"flushpump: {one_line(sentence)}", err=True)


def try_write(write: Callable[[], None], otherwise: str) -> bool:
    """Whether the output could be written; if not, `otherwise` says where else it is."""
    try:
        write()
    except OSError as problem:
        _output_gone(problem, otherwise)
        return False
    return True


def _output_gone(problem: OSError, otherwise: str = "") -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            # Python flushes once more at exit, which must not echo_error either.
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    # A reader that has gone, as in `| head -1`, has seen what it wanted.
    if not isinstance(problem, BrokenPipeError):
        sentence = f"the output cannot be written: {problem.strerror or problem}"
        echo_error(f"{sentence}; {otherwise}" if otherwise else sentence)


def echo_lines(console: Console, lines: list[str]) -> None:
    """Lines for a person; on a terminal what is too long goes on below its text, in a pipe nothing is broken."""
    for line in lines:
        if console.is_terminal:
            indent = " " * LABEL_CELLS if line[LABEL_CELLS - 2 : LABEL_CELLS] == "  " else ""
            line = textwrap.fill(line, console.width, subsequent_indent=indent, break_on_hyphens=False)
        console.print(line, markup=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """One JSON value on stdout, in ASCII, so that it is the same everywhere."""
    click.echo(json.dumps(value, indent=2, allow_nan=False))


def aligned(rows: list[list[str]], width: int | None = None) -> list[str]:
    """Rows as lines with columns under each other.

    What is too wide for 80 characters has its columns closer together. With `width`, that of a terminal, the widest
    cells go on below themselves; without it, as in a pipe, a row is one line that can be searched.
    """
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    gap = 2 if sum(widths) + 2 * (len(widths) - 1) <= _COMMON_WIDTH else 1
    room = None if width is None else max(width - gap * (len(widths) - 1), _CELL_LEAST * len(widths))
    while room is not None and sum(widths) > room:
        widths[widths.index(max(widths))] -= 1
    lines = []
    for row in rows:
        cells = [
            textwrap.wrap(text, each) if len(text) > each else [text] for text, each in zip(row, widths, strict=True)
        ]
        for parts in itertools.zip_longest(*cells, fillvalue=""):
            lines.append((" " * gap).join(f"{text:{each}}" for text, each in zip(parts, widths, strict=True)).rstrip())
    return lines


def terminal_width() -> int | None:
    """The columns of the terminal that stdout is; None where it is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def echo_table(rows: list[list[str]]) -> None:
    """Rows on stdout, columns under each other and as wide as the terminal at most."""
    click.echo("\n".join(aligned(rows, terminal_width())))


def console_for(as_json: bool) -> Console:
    """Where people read: stdout, or stderr where stdout is for JSON."""
    return _Console(stderr=as_json, highlight=False)


class _Console(Console):
    def on_broken_pipe(self) -> None:
        # rich would end the process here, and with it a run before its result is told and recorded.
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def port_option(command: _Command) -> _Command:
    """--port, or FLUSHPUMP_PORT; without either the one pump that is found."""
    return click.option(
        "--port",
        "url",
        envvar="FLUSHPUMP_PORT",
        show_envvar=True,
        help="Serial port or URL of the pump (flushsim:// is a simulated one); default: the one pump found.",
    )(command)


def json_option(command: _Command) -> _Command:
    """--json."""
    return click.option("--json", "as_json", is_flag=True, help="JSON on stdout, everything else on stderr.")(command)


def yes_option(command: _Command) -> _Command:
    """--yes."""
    return click.option("--yes", is_flag=True, help="Answer yes to every question; the record of a run says so.")(
        command
    )


def path_options(command: _Command) -> _Command:
    """--line, --needle, --syringe, --extension, --heparin-intolerant."""
    for option in (
        click.option("--heparin-intolerant", is_flag=True, help="The line is marked: no heparin."),
        click.option(
            "--extension", metavar="NAME", default="extension-20cm", show_default=True, help="Extension set, or none."
        ),
        click.option("--syringe", metavar="NAME", required=True, help="Syringe, brand and size, as in bd-10."),
        click.option(
            "--needle", metavar="NAME", default="none", show_default=True, help="Needle of a port, as in huber-20g."
        ),
        click.option(
            "--line",
            metavar="NAME",
            required=True,
            help="Access device, as in smartport-ct-8f; flushpump catalog lists all names.",
        ),
    ):
        command = option(command)
    return command


def fluid_option(command: _Command) -> _Command:
    """--fluid."""
    names = ", ".join(fluid.name.lower() for fluid in Fluid)
    return click.option("--fluid", metavar="NAME", help=f"Instead of the sequence's fluid: {names}.")(command)


def simulated_with(url: str | None, path: AccessPath) -> str | None:
    """The URL, a simulated pump given the parts of the path that the URL does not name itself."""
    if url is None or urlsplit(url).scheme != _SIMULATOR:
        return url
    pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    named = {key for key, _ in pairs}
    parts = zip(("line", "needle", "syringe", "extension"), path.names, strict=True)
    pairs += [(key, name) for key, name in parts if key not in named]
    return f"{_SIMULATOR}://?{urlencode(pairs, safe='@:')}"


def target_of(url: str) -> str:
    """What the run was made on: `sim`, `native`, or `serial:` and the port."""
    parts = urlsplit(url)
    if parts.scheme == _SIMULATOR:
        return dict(parse_qsl(parts.query)).get("target", "sim")
    return f"serial:{url}"
