"""`flushpump flash`: the firmware onto a board that runs MicroPython, and what runs there afterwards."""

from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from flushpump.cli.completion import board_names
from flushpump.cli.configured import ConfiguredOption
from flushpump.cli.output import console_for, echo_lines, print_json
from flushpump.cli.params import json_option
from flushpump.flash.discovery import OLDEST, OLDEST_AT_ALL, find_board
from flushpump.flash.image import checked_board
from flushpump.flash.job import Flashing, release_text

_OLDEST = ".".join(str(part) for part in OLDEST)
_OLDEST_AT_ALL = ".".join(str(part) for part in OLDEST_AT_ALL)


@click.command("flash", short_help="Puts the firmware on a board.")
@click.option(
    "--board",
    "name",
    metavar="NAME",
    required=True,
    shell_complete=board_names,
    help="Wiring, as in rpi_pico; see boards/README.md.",
)
@click.option(
    "--port",
    cls=ConfiguredOption,
    config="port",
    metavar="DEVICE",
    envvar="FLUSHPUMP_PORT",
    show_envvar=True,
    help="Serial port; default: the one found.",
)
@click.option("--yes", is_flag=True, help="Replace a boot.py or main.py that is not flushpump's.")
@click.option(
    "--old-micropython", is_flag=True, help=f"Accept a MicroPython from {_OLDEST_AT_ALL} on, older than {_OLDEST}."
)
@json_option
def flash_command(name: str, port: str | None, yes: bool, old_micropython: bool, as_json: bool) -> None:
    """Puts the firmware on a board that runs MicroPython, and asks it what it runs then.

    Settings, log and files of your own stay. Interrupted at any point it can be run again.
    """
    board = checked_board(name)
    port = find_board(port)
    progress = _Progress(Console(stderr=True, highlight=False))
    with progress:
        flashing = Flashing(board, port, progress.note, progress.written, old_micropython, yes)
        flashing.perform()
    values = _result(name, flashing)
    if as_json:
        print_json(values)
    else:
        echo_lines(console_for(False), _lines(values))


def _result(name: str, flashing: Flashing) -> dict[str, Any]:
    about, plan, after = flashing.about, flashing.plan, flashing.after
    assert about is not None
    assert plan is not None
    assert after is not None
    return {
        "board": name,
        "port": flashing.port,
        "micropython": about.release,
        "machine": about.machine,
        "version": release_text(),
        "fingerprint": flashing.fingerprint,
        "files": {"copied": len(plan.write), "kept": len(plan.kept), "removed": len(plan.remove)},
        "copied_bytes": plan.bytes_to_write,
        "firmware_bytes": sum(size for size, _ in after.files.values()),
        "used_bytes": (after.blocks - after.blocks_free) * after.block_size,
        "free_bytes": after.blocks_free * after.block_size,
        "seconds": round(flashing.seconds, 1),
    }


def _lines(values: dict[str, Any]) -> list[str]:
    files = values["files"]
    return [
        f"board     {values['board']} at {values['port']}: {values['machine']}, MicroPython {values['micropython']}",
        f"firmware  {values['version']} {values['fingerprint']}, as the board reports",
        f"files     {files['copied']} copied ({values['copied_bytes'] / 1000:.0f} kB), {files['kept']} unchanged, "
        f"{files['removed']} removed",
        f"flash     {values['used_bytes'] / 1000:.0f} kB used, {values['free_bytes'] / 1000:.0f} kB free",
        f"time      {values['seconds']:.0f} s",
    ]


class _Progress:
    """A bar on a terminal; in a pipe a line for each thing that is done."""

    def __init__(self, console: Console) -> None:
        self._console = console
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=console, transient=True)
        self._task = self._bar.add_task("", total=None, visible=False)

    def __enter__(self) -> None:
        if self._console.is_terminal:
            self._bar.start()

    def __exit__(self, *error: object) -> None:
        if self._console.is_terminal:
            self._bar.stop()

    def note(self, text: str) -> None:
        """What is being done."""
        self._console.print(text, markup=False, soft_wrap=True)

    def written(self, name: str, done: int, total: int) -> None:
        """So much has been copied."""
        self._bar.update(self._task, description=name, completed=done, total=total, visible=True)
