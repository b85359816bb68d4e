"""Records written by 0.1 stay readable: `data/records_of_0_1.sqlite` was written by its code, on a simulated pump.

The runs: patent, partial, occluded, a heparin lock, air in line.
"""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path as FilePath

import pytest
from flushpump.access.access_path import AccessPath
from flushpump.planning.prior_visit import last_visit
from flushpump.records.store import Records
from flushpump.wire.events import verdict_words

Command = Callable[..., "subprocess.CompletedProcess[str]"]
IDS = ["1-a066ce293f16", "2-86446d82f928", "3-4807afcfed4c", "4-e0fe0e700870", "5-565bc6fde5d6"]
VERDICTS = ["patent", "partial", "occluded", "patent", "bubble"]


@pytest.fixture
def file(tmp_path: FilePath) -> FilePath:
    return FilePath(shutil.copy(FilePath(__file__).parent / "data" / "records_of_0_1.sqlite", tmp_path))


def test_old_records_verify_and_a_new_one_continues_their_chain(file: FilePath):
    records = Records(file)
    assert records.verify() == 5
    assert [record.record_id for record in records.all()] == IDS
    assert [record.body["verdict"] for record in records.all()] == VERDICTS
    records.append({"outcome": "completed"}, "2027-01-01T00:00:00+00:00")
    assert records.verify() == 6


def test_the_last_visit_is_found_in_an_old_record(file: FilePath):
    visit = last_visit(Records(file).all(), "left", AccessPath.of("smartport-ct-8f", "huber-20g", "bd-10"))
    assert visit is not None
    assert visit.record_id == IDS[0]
    assert visit.times == pytest.approx(1.0, abs=0.1)


def test_old_records_are_listed_shown_and_due(flushpump: Command, file: FilePath):
    environment = {"FLUSHPUMP_RECORDS": str(file)}
    assert "5 records" in flushpump("records", "verify", **environment).stdout
    listed = flushpump("records", "list", **environment).stdout
    assert listed.count("port-maintenance") == 4
    assert "cannot be read" not in listed
    for record_id, verdict in zip(IDS, VERDICTS, strict=True):
        shown = flushpump("records", "show", record_id, **environment)
        assert shown.returncode == 0
        assert f"verdict {verdict_words(verdict)}" in shown.stdout
    due = flushpump("records", "due", "--json", **environment)
    assert due.stderr == ""
    assert {line["label"] for line in json.loads(due.stdout)["lines"]} == {None, "left"}


@pytest.mark.parametrize("kind", ["json", "csv", "html", "fhir"])
def test_old_records_are_exported(flushpump: Command, file: FilePath, kind: str):
    done = flushpump("records", "export", "--format", kind, FLUSHPUMP_RECORDS=str(file))
    assert done.returncode == 0
    assert done.stderr == ""
    assert all(record_id in done.stdout for record_id in IDS)
