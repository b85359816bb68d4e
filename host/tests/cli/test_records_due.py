"""`flushpump records due`: last flush and due date of each line, from records as runs write them."""

import copy
import json
import sqlite3
import subprocess
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path as FilePath
from typing import Any

import pytest
from flushpump.records.due import lines_due
from flushpump.records.store import Record, Records

PATH = ["--line", "smartport-ct-8f", "--needle", "huber-20g", "--syringe", "bd-10"]
PORT = ["--port", "flushsim://?target=native", "--yes", "--json"]
TODAY = date(2026, 6, 15)
Command = Callable[..., subprocess.CompletedProcess[str]]
BODY: dict[str, Any] = {
    "outcome": "completed",
    "delivered_ml": 9.5,
    "label": "bed 4",
    "target": "serial:/dev/ttyACM0",
    "plan": {"path": {"line": "smartport-ct-8f", "volume_ml": 1.24}},
}


def record(days_ago: int, line: str = "smartport-ct-8f", **changes: Any) -> Record:
    body = {**copy.deepcopy(BODY), **changes}
    body["plan"]["path"]["line"] = line
    # At noon, so that it is the same day in every time zone of the tests.
    body["started_at"] = (datetime(2026, 6, 15, 12, tzinfo=UTC) - timedelta(days=days_ago)).isoformat()
    return Record(1, body["started_at"], body, "0" * 64)


@pytest.mark.parametrize(
    ("line", "days_ago", "state"),
    [
        ("smartport-ct-8f", 41, "not due"), ("smartport-ct-8f", 42, "due"), ("smartport-ct-8f", 56, "due"),
        ("smartport-ct-8f", 57, "overdue"), ("picc-4f", 0, "not due"), ("picc-4f", 1, "due"), ("picc-4f", 2, "overdue"),
        ("tunneled-9.6f", 2, "overdue"), ("smartport-ct-8f", -1, "not known"), ("a-line-of-mine", 1, "not known"),
    ],
)  # fmt: skip
def test_a_port_is_due_after_six_weeks_and_other_lines_the_next_day(line: str, days_ago: int, state: str):
    (care,), unreadable = lines_due([record(days_ago, line)], TODAY)
    assert (care.state(TODAY), unreadable) == (state, 0)


def test_an_interval_of_ones_own_replaces_that_of_ports_only():
    lines, _ = lines_due([record(80), record(80, "picc-4f")], TODAY, port_days=84)
    assert [(care.line, care.state(TODAY)) for care in lines] == [
        ("picc-4f", "overdue"), ("smartport-ct-8f", "not due"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"outcome": "occluded", "delivered_ml": 8.0}, "last run occluded, 2026-06-14"),
        ({"delivered_ml": 2.0}, "last run with too small a volume for a flush, 2026-06-14"),
    ],
)
def test_only_a_completed_run_with_enough_volume_counts_as_a_flush(changes: dict[str, Any], note: str):
    (care,), _ = lines_due([record(60), record(1, **changes)], TODAY)
    assert (care.state(TODAY), care.note(TODAY)) == ("overdue", note)
    (care,), _ = lines_due([record(1, **changes)], TODAY)
    assert (care.state(TODAY), care.flushed_on) == ("not known", None)


def test_lines_are_distinguished_by_label_and_the_most_urgent_comes_first():
    runs = [record(3), record(60, label="bed 7"), record(45, label=None), record(70, label="bed 4")]
    lines, _ = lines_due(runs, TODAY)
    assert [(care.label, care.state(TODAY)) for care in lines] == [
        ("bed 7", "overdue"), ("", "due"), ("bed 4", "not due"),
    ]  # fmt: skip


@pytest.mark.parametrize("body", [{}, {"plan": None}, {**BODY, "delivered_ml": "much"}, {**BODY, "plan": {"path": {}}}])
def test_a_record_that_cannot_be_read_is_skipped_and_counted(body: dict[str, Any]):
    lines, unreadable = lines_due([record(1), Record(2, "2026-06-01T00:00:00+00:00", body, "")], TODAY)
    assert (len(lines), unreadable) == (1, 1)


def test_a_run_with_a_label_is_found_and_one_without_is_reported_to_identify_no_line(flushpump: Command):
    assert flushpump("records", "due").stdout == "no record yet\n"
    assert flushpump("run", "port-maintenance", *PATH, "--label", "Zoë's port", *PORT).returncode == 0
    done = flushpump("records", "due")
    assert "Zoë's port" in done.stdout
    assert "on a simulated pump" in done.stdout
    assert "do not name which one" not in done.stdout
    assert flushpump("run", "patency", *PATH, *PORT).returncode == 0
    assert "the records do not name which one it was" in " ".join(flushpump("records", "due").stdout.split())
    result = json.loads(flushpump("records", "due", "--json").stdout)
    assert {(line["label"], line["state"]) for line in result["lines"]} == {
        ("Zoë's port", "not_due"), (None, "not_known"),
    }  # fmt: skip
    assert "label     Zoë's port" in flushpump("records", "show", "1").stdout


@pytest.mark.requirement("REQ-LOG-2")
def test_altered_records_are_reported_as_not_to_be_trusted(flushpump: Command, own_environment: dict[str, str]):
    file = FilePath(own_environment["FLUSHPUMP_RECORDS"])
    records = Records(file)
    records.append({**BODY, "started_at": "2026-01-01T00:00:00+00:00"}, "2026-01-01T00:00:00+00:00")
    records.append({}, "2026-01-01T00:00:00+00:00")
    done = flushpump("records", "due")
    assert "1 record cannot be read and is skipped" in done.stderr
    database = sqlite3.connect(file)
    database.executescript("DROP TRIGGER runs_are_not_changed; UPDATE runs SET written_at = '' WHERE number = 1;")
    database.close()
    assert "do not trust these records: record 1" in flushpump("records", "due").stderr


@pytest.mark.parametrize("label", ["", "  ", "a\nb", "x" * 61])
def test_a_label_that_cannot_be_read_off_is_refused(flushpump: Command, label: str):
    done = flushpump("run", "patency", *PATH, "--label", label, *PORT)
    assert done.returncode == 2
    assert "is no label" in done.stderr
    assert len(done.stderr.splitlines()) == 1
