"""`flushpump log`: what the pump has noted down, in words. Nothing moves."""

from functools import partial
from typing import Any

import click

from flushpump.cli.output import echo_error, echo_table, print_json
from flushpump.cli.params import json_option, port_option
from flushpump.device.log_text import code_name, log_words
from flushpump.device.pump import Pump
from flushpump.device.retry import retry_idempotent
from flushpump.errors import UsageError
from flushpump.wire.messages import LogEntry

_LAST = 20


@click.command("log", short_help="Shows the pump's event log in words.")
@click.option("--last", "count", type=click.IntRange(1), help=f"So many of the newest entries; default: {_LAST}.")
@click.option("--since", "number", type=click.IntRange(0), help="Every entry from this number on; 0 for all there are.")
@port_option
@json_option
def log_command(count: int | None, number: int | None, url: str | None, as_json: bool) -> None:
    """Shows the pump's event log, oldest entry first: starts, commands, alarms, results, settings.

    The number goes on for ever, restarts count how often the pump was started, and the time is that since its start:
    the pump has no calendar. The oldest entries go first when the log is full. Opens a session of its own.
    """
    if count is not None and number is not None:
        raise UsageError("--last and --since exclude each other", "give one of them")
    with Pump.open(url) as pump:
        entries = _entries(pump, count or _LAST, number)
    if as_json:
        print_json([_entry_json(entry) for entry in entries])
        return
    if not entries:
        click.echo("the log is empty" if number is None else f"no entry from number {number} on")
        return
    rows = [["number", "restart", "at", "what happened"]]
    for entry in entries:
        at = f"{entry.device_time_ms / 1000:.3f} s"
        rows.append([str(entry.number), str(entry.boot_count), at, log_words(entry)])
    echo_table(rows)
    if number is None and count is None and entries[0].number > 1:
        echo_error(f"these are the newest {len(entries)} entries; --since 0 shows all that are stored")


def _entries(pump: Pump, count: int, number: int | None) -> list[LogEntry]:
    """From `number` on, or the newest `count`; up to the entry that is the newest now, as reading adds no more."""
    entry = retry_idempotent(pump, partial(pump.log_entry, number or 0))
    if entry is None:
        return []
    newest = entry.newest
    if number is None and newest - count + 1 > entry.number:
        entry = retry_idempotent(pump, partial(pump.log_entry, newest - count + 1))
    entries: list[LogEntry] = []
    while entry is not None and entry.number <= newest:
        entries.append(entry)
        entry = retry_idempotent(pump, partial(pump.log_entry, entry.number + 1)) if entry.number < newest else None
    return entries


def _entry_json(entry: LogEntry) -> dict[str, Any]:
    return {
        "number": entry.number,
        "boot_count": entry.boot_count,
        "device_time_s": entry.device_time_ms / 1000,
        "event": code_name(entry.code),
        "code": entry.code,
        "argument": entry.argument,
        "detail": entry.detail,
        "words": log_words(entry),
    }
