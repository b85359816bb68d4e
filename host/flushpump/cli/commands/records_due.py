"""`flushpump records due`: which lines have to be flushed again, and when."""

from datetime import date
from typing import Any

import click

from flushpump.cli.output import console_for, echo_error, echo_lines, echo_table, print_json
from flushpump.cli.params import Quantity, json_option
from flushpump.records.due import LineCare, lines_due
from flushpump.records.store import Records

INTERVAL = Quantity("interval", {"days": 1.0, "day": 1.0, "weeks": 7.0, "week": 7.0}, "60", most=3650)
_NOT_IDENTIFIED = (
    "a row without a label stands for every line of that kind together, because the records do not name which one it "
    "was: give each line a name of your own with flushpump run --label"
)


@click.command("due", short_help="Shows which lines are due for a flush.")
@click.option("--ports-every", "port_days", type=INTERVAL, help="Your own interval of ports, as in 12weeks.")
@json_option
def due_command(port_days: float | None, as_json: bool) -> None:
    """Shows for each line when it was last flushed, and from when on it is due again; the most urgent first.

    An idle port is due after 6 weeks and overdue after 8, a PICC or a tunneled catheter on the next day. Only a
    completed run counts that gave at least twice what line and extension hold.
    """
    today = date.today()
    file = Records()
    records = file.all()
    if problem := file.altered():
        echo_error(f"do not trust these records: {problem}")
    lines, unreadable = lines_due(records, today, None if port_days is None else max(1, round(port_days)))
    if unreadable:
        many = "record cannot be read and is" if unreadable == 1 else "records cannot be read and are"
        echo_error(f"{unreadable} {many} skipped")
    nameless = any(not care.label for care in lines)
    if as_json:
        print_json({"today": str(today), "lines": [_line_json(care, today) for care in lines]})
        return
    if not lines:
        click.echo("no record yet")
        return
    rows = [["state", "label", "line", "last flush", "due from", "overdue after", "note"]]
    for care in lines:
        days = (care.flushed_on, care.due_from, care.overdue_after)
        rows.append(
            [care.state(today), care.label or "-", care.line, *(str(day or "-") for day in days), care.note(today)]
        )
    echo_table(rows)
    if nameless:
        echo_lines(console_for(False), ["", f"note      {_NOT_IDENTIFIED}"])


def _line_json(care: LineCare, today: date) -> dict[str, Any]:
    def day(value: date | None) -> str | None:
        return None if value is None else str(value)

    return {
        "state": care.state(today).replace(" ", "_"),
        "label": care.label or None,
        "line": care.line,
        "kind": care.kind or None,
        "last_flush": day(care.flushed_on),
        "record_id": care.flushed.record_id if care.flushed is not None else None,
        "due_from": day(care.due_from),
        "overdue_after": day(care.overdue_after),
        "last_run": day(care.last_on),
        "last_run_outcome": None if care.last is None else care.last.body.get("outcome"),
        "note": care.note(today) or None,
    }
