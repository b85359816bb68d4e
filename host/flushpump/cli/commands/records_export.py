"""`flushpump records export`: records as JSON, CSV, one HTML page, or a FHIR R4 bundle."""

import contextlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path as FilePath

import click

from flushpump.cli.completion import record_names
from flushpump.cli.output import echo_error
from flushpump.errors import UsageError
from flushpump.records.export.common import Export
from flushpump.records.export.csv import as_csv
from flushpump.records.export.fhir import as_fhir
from flushpump.records.export.html import as_html
from flushpump.records.store import RecordError, Records


def as_json(export: Export) -> str:
    """One object: the records as they were written, their hashes, and whether the chain is whole."""
    records = [
        {**record.body, "record_id": record.record_id, "written_at": record.written_at, "hash": record.hash}
        for record in export.records
    ]
    return json.dumps({"unaltered": not export.altered, "records": records}, indent=2) + "\n"


_FORMATS: dict[str, Callable[[Export], str]] = {"json": as_json, "csv": as_csv, "html": as_html, "fhir": as_fhir}


@click.command("export", short_help="Writes records as json, csv, html or fhir.")
@click.argument("record_ids", nargs=-1, metavar="[RECORD]...", shell_complete=record_names)
@click.option("--format", "kind", type=click.Choice(list(_FORMATS)), required=True, help="See above.")
@click.option("--out", "file", type=click.Path(path_type=FilePath), metavar="FILE", help="Default: standard output.")
def export_command(record_ids: tuple[str, ...], kind: str, file: FilePath | None) -> None:
    """Writes the records named by id or number, or all of them.

    \b
    json   everything, as it was recorded
    csv    one row per run, without its pulses; for a spreadsheet
    html   one page for reading and printing
    fhir   one FHIR R4 bundle; it names no patient, because a record does not

    The export first checks whether the records are unaltered, and contains the result. An existing FILE is not
    replaced.
    """
    records = Records()
    chosen = tuple(records.get(each) for each in record_ids) if record_ids else tuple(records.all())
    if not chosen:
        records.newest()
    altered = records.altered()
    if altered:
        echo_error(f"do not trust these records: {altered}")
    text = _FORMATS[kind](Export(chosen, altered))
    if file is not None:
        _write(file, text)
        click.echo(f"{len(chosen)} {'record' if len(chosen) == 1 else 'records'} written to {file}", err=True)
    else:
        click.echo(text, nl=False)


def _write(file: FilePath, text: str) -> None:
    """The whole file or none."""
    if file.exists():
        raise UsageError(f"{file} is there already", "name another file")
    try:
        descriptor, part = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        try:
            with open(descriptor, "w", encoding="utf-8", newline="") as stream:
                stream.write(text)
            os.chmod(part, 0o600)
            os.link(part, file)
        finally:
            with contextlib.suppress(OSError):
                os.unlink(part)
    except FileExistsError as problem:
        raise UsageError(f"{file} is there already", "name another file") from problem
    except OSError as problem:
        raise RecordError(f"{file} cannot be written: {problem.strerror}", "name a file elsewhere") from problem
