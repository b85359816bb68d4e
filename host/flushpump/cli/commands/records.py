"""`flushpump records list | show | verify | due | export`: what was run, and that nobody has changed it since."""

import click

from flushpump.cli.commands.records_due import due_command
from flushpump.cli.commands.records_export import export_command
from flushpump.cli.completion import record_names
from flushpump.cli.output import display_units, echo_error, echo_table, print_json, terminal_width
from flushpump.cli.params import json_option
from flushpump.records.store import Records
from flushpump.records.text import record_lines
from flushpump.times import shown_time


@click.group("records", short_help="The records of runs.")
def records_group() -> None:
    """The records of runs."""


@records_group.command("list", short_help="Lists every run, oldest first.")
@json_option
def list_command(as_json: bool) -> None:
    """Lists every run, oldest first: number, local time, volume delivered. --json has all of each record."""
    file = Records()
    records = file.all()
    _warn(file)
    if as_json:
        print_json([{**record.body, "record_id": record.record_id} for record in records])
        return
    if not records:
        click.echo("no record yet")
        return
    rows = [["record", "written", "sequence", "line", "outcome", "mL"]]
    for record in records:
        body = record.body
        try:
            path = body["plan"]["path"]
            values = [body["sequence"], path["line"], body["outcome"], f"{body['delivered_ml']:.2f}"]
        except (KeyError, TypeError, ValueError):
            values = ["", "", "cannot be read", ""]
        rows.append([str(record.number), shown_time(record.written_at), *map(str, values)])
    echo_table(rows)


@records_group.command("show", short_help="Shows one record, by default the newest.")
@click.argument("record_id", required=False, shell_complete=record_names)
@json_option
def show_command(record_id: str | None, as_json: bool) -> None:
    """Shows one record, named by its id or its number; without either the newest."""
    records = Records()
    record = records.get(record_id) if record_id is not None else records.newest()
    _warn(records)
    if as_json:
        print_json({**record.body, "record_id": record.record_id, "written_at": record.written_at, "hash": record.hash})
        return
    for line in record_lines(record, terminal_width(), display_units()):
        click.echo(line)


@records_group.command("verify", short_help="Checks that no record was altered.")
@json_option
def verify_command(as_json: bool) -> None:
    """Checks the chain of all records: an altered, removed or inserted one is named."""
    records = Records()
    count = records.verify()
    if as_json:
        print_json({"records": count, "unaltered": True, "file": str(records.file)})
    else:
        click.echo(f"{count} {'record' if count == 1 else 'records'} in {records.file}, none altered")


records_group.add_command(due_command)
records_group.add_command(export_command)


def _warn(records: Records) -> None:
    if problem := records.altered():
        echo_error(f"do not trust these records: {problem}")
