"""`flushpump records export`: every format, held against what reads it, and nothing lost or written over."""

import csv
import io
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path as FilePath
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle
from flushpump.records.export.common import Export, fluid_volumes
from flushpump.records.export.csv import COLUMNS, as_csv
from flushpump.records.export.fhir import as_fhir
from flushpump.records.export.html import as_html
from flushpump.records.store import Record, Records
from pydantic import ValidationError

PATH = ["--line", "smartport-ct-8f", "--needle", "huber-20g", "--syringe", "bd-10"]
PICC = ["--line", "picc-5f", "--syringe", "bd-20"]
PORT = "flushsim://?target=native"
RUNS = (
    ["run", "port-maintenance", *PATH, "--port", PORT, "--label", "bed 4", "--operator", '=Ada & <b>"B"</b>'],
    ["run", "port-maintenance", *PATH, "--port", f"{PORT}&fault=occlusion@3s"],
    ["run", "sash", *PICC, "--port", PORT],
    ["run", "port-maintenance", *PATH, "--port", f"{PORT}&fault=link-loss@3s"],
    ["run", "sash", *PICC, "--port", f"{PORT}&fault=power-cut@3s~200ms"],
)
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def recorded(run_flushpump: Command, tmp_path_factory: pytest.TempPathFactory) -> FilePath:
    """A file with one record of each ending: completed, occluded, two fluids, link lost, power cut."""
    file = tmp_path_factory.mktemp("records") / "records.sqlite"
    for arguments in RUNS:
        run_flushpump(*arguments, "--yes", "--json", env={**os.environ, "FLUSHPUMP_RECORDS": str(file)})
    assert len(Records(file).all()) == len(RUNS)
    return file


@pytest.fixture
def export(flushpump: Command, recorded: FilePath) -> Command:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return flushpump("records", "export", *arguments, FLUSHPUMP_RECORDS=str(recorded))

    return run


def resources(text: str, kind: str) -> list[dict[str, Any]]:
    entries = [entry["resource"] for entry in json.loads(text)["entry"]]
    return [resource for resource in entries if resource["resourceType"] == kind]


def test_json_gives_every_record_as_it_was_written_with_its_hash(export: Command, recorded: FilePath):
    result = json.loads(export("--format", "json").stdout)
    assert result["unaltered"] is True
    for exported, record in zip(result["records"], Records(recorded).all(), strict=True):
        assert exported == {
            **record.body, "record_id": record.record_id, "written_at": record.written_at, "hash": record.hash,
        }  # fmt: skip


def test_csv_gives_one_row_per_run_that_a_spreadsheet_takes_for_text(export: Command):
    rows = list(csv.DictReader(io.StringIO(export("--format", "csv").stdout)))
    assert tuple(rows[0]) == COLUMNS
    assert [row["outcome"] for row in rows] == ["completed", "occluded", "completed", "link_lost", rows[4]["outcome"]]
    assert rows[0]["operator"] == '\'=Ada & <b>"B"</b>'
    assert rows[0]["label"] == "bed 4"
    assert rows[0]["blood_return"] == "yes"
    assert float(rows[0]["delivered_ml"]) == pytest.approx(9.5, abs=0.05)
    assert rows[2]["fluids"] == "saline heparin_100"
    assert {row["chain"] for row in rows} == {"unaltered"}


class _Page(HTMLParser):
    """Tags that are closed in the order in which they were opened, the text, and everything that leads elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words = ""
        self.elsewhere: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elsewhere += [f"{tag} {name}" for name, _ in attrs if name in ("src", "href")]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def test_html_is_one_whole_page_that_needs_nothing_else_and_runs_no_markup_of_a_record(export: Command):
    page = _Page()
    page.feed(export("--format", "html").stdout)
    page.close()
    assert page.open == []
    assert page.elsewhere == []
    assert '=Ada & <b>"B"</b>' in page.words
    for words in ("port-maintenance", "occluded", "outcome", "peak kPa", "no medical device", "On a simulated pump"):
        assert words in page.words


def test_fhir_is_a_valid_r4_bundle_whose_references_all_lead_somewhere(export: Command):
    text = export("--format", "fhir").stdout
    bundle = json.loads(text)
    # R4B did not change these resources.
    Bundle.model_validate(bundle)
    urls = [entry["fullUrl"] for entry in bundle["entry"]]
    assert len(set(urls)) == len(urls)
    referred = {part.split('"')[0] for part in text.split('"reference": "')[1:]}
    assert referred <= set(urls)
    assert {resource["subject"]["display"] for resource in resources(text, "Procedure")} == {
        "not identified by this record"
    }
    bundle["entry"][2]["resource"]["operator"] = "Ada"
    with pytest.raises(ValidationError):
        Bundle.model_validate(bundle)


def test_fhir_reports_what_was_given_of_each_fluid_and_how_it_ended(export: Command):
    text = export("--format", "fhir").stdout
    assert [one["status"] for one in resources(text, "Procedure")][:4] == [
        "completed", "stopped", "completed", "stopped",
    ]  # fmt: skip
    given = resources(text, "MedicationAdministration")
    assert [one["status"] for one in given][:2] == ["completed", "stopped"]
    assert given[0]["dosage"]["dose"] == {
        "value": pytest.approx(9.5, abs=0.05), "unit": "mL", "system": "http://unitsofmeasure.org", "code": "mL",
    }  # fmt: skip
    names = [one["medicationCodeableConcept"]["text"] for one in given[2:4]]
    assert names == ["sodium chloride 0.9 %", "heparin 100 U/mL in sodium chloride 0.9 %"]
    observed = [one["code"]["text"] for one in resources(text, "Observation")]
    assert "alarm of the pump: occlusion" in observed or "alarm of the pump: hard limit" in observed
    assert observed.count("pulse 10") >= 1
    audit = resources(text, "AuditEvent")
    assert len(audit) == len(RUNS)
    assert {one["outcome"] for one in audit} == {"0"}


def test_fhir_tags_a_simulated_run_as_test_data_and_a_real_one_not(recorded: FilePath):
    simulated = Records(recorded).all()[0]
    real = Record(1, simulated.written_at, {**simulated.body, "target": "serial:/dev/ttyACM0"}, simulated.hash)
    assert as_fhir(Export((simulated,))).count("HTEST") == len(json.loads(as_fhir(Export((simulated,))))["entry"])
    assert "HTEST" not in as_fhir(Export((real,)))
    assert "On a simulated pump" not in as_html(Export((real,)))


def test_the_same_records_give_the_same_bytes(export: Command):
    for kind in ("json", "csv", "html", "fhir"):
        assert export("--format", kind).stdout == export("--format", kind).stdout


def test_what_was_delivered_is_assigned_to_the_fluids_in_the_order_of_the_plan():
    def phase(fluid: str, volume_ml: float, kind: str = "steady", count: int = 1) -> dict[str, Any]:
        return {"kind": kind, "fluid": fluid, "volume_ml": volume_ml, "count": count}

    phases = [phase("saline", 0.5, "aspirate"), phase("saline", 1, "pulses", 5), phase("heparin_10", 3, "lock")]
    for delivered_ml, saline_ml, heparin_ml in ((8.0, 5.0, 3.0), (6.0, 5.0, 1.0), (2.0, 2.0, 0.0), (0.0, 0.0, 0.0)):
        given = fluid_volumes({"delivered_ml": delivered_ml, "plan": {"phases": phases}})
        assert [(one.planned_ml, one.infused_ml) for one in given] == [(5.0, saline_ml), (3.0, heparin_ml)]


def test_some_records_are_chosen_by_number_or_id(export: Command, recorded: FilePath):
    second = Records(recorded).all()[1].record_id
    result = json.loads(export("--format", "json", "1", second).stdout)
    assert [record["record_id"].split("-")[0] for record in result["records"]] == ["1", "2"]
    unknown = export("--format", "json", "99")
    assert (unknown.returncode, unknown.stdout) == (2, "")


def test_a_file_is_written_whole_and_none_is_written_over(export: Command, tmp_path: FilePath):
    file = tmp_path / "runs.csv"
    done = export("--format", "csv", "--out", str(file))
    assert (done.returncode, done.stdout) == (0, "")
    assert file.read_text(encoding="utf-8") == export("--format", "csv").stdout
    again = export("--format", "html", "--out", str(file))
    assert again.returncode == 2
    assert "is there already" in again.stderr
    assert file.read_text(encoding="utf-8").startswith("record_id")
    assert [path.name for path in tmp_path.iterdir()] == ["runs.csv"]
    nowhere = export("--format", "csv", "--out", str(tmp_path / "no" / "runs.csv"))
    assert nowhere.returncode == 4
    assert len(nowhere.stderr.splitlines()) == 1


def test_no_record_and_no_format_are_one_sentence_each(flushpump: Command):
    for arguments in (["--format", "json"], [], ["--format", "xml"]):
        done = flushpump("records", "export", *arguments)
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) == 1


def test_a_full_disk_and_a_reader_that_goes_are_no_traceback(own_environment: dict[str, str], recorded: FilePath):
    environment = {**own_environment, "FLUSHPUMP_RECORDS": str(recorded)}
    for redirection, status in ((">/dev/full", 4), ("| head -c 10 >/dev/null", 0)):
        command = ["bash", "-c", f'"$@" {redirection}', "bash", sys.executable, "-m", "flushpump.cli.main"]
        done = subprocess.run(
            [*command, "records", "export", "--format", "fhir"],
            env=environment, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert (done.returncode, "Traceback" in done.stderr) == (status, False), done.stderr


@pytest.mark.requirement("REQ-LOG-2")
def test_every_format_marks_altered_records(flushpump: Command, recorded: FilePath, tmp_path: FilePath):
    file = tmp_path / "altered.sqlite"
    file.write_bytes(recorded.read_bytes())
    database = sqlite3.connect(file)
    database.executescript("DROP TRIGGER runs_are_not_changed; UPDATE runs SET written_at = '2020' WHERE number = 1;")
    database.close()
    for kind, words in (
        ("json", '"unaltered": false'), ("csv", ",altered"), ("html", "Do not trust these records"),
        ("fhir", "DO NOT TRUST THIS RECORD"),
    ):  # fmt: skip
        done = flushpump("records", "export", "--format", kind, FLUSHPUMP_RECORDS=str(file))
        assert done.returncode == 0
        assert words in done.stdout
        assert "do not trust these records: record 1" in done.stderr


@pytest.mark.parametrize("make", [as_csv, as_fhir, as_html])
def test_a_record_that_cannot_be_read_is_named(make: Callable[[Export], str]):
    with pytest.raises(Exception, match="record 7 cannot be read") as caught:
        make(Export((Record(7, "2026-01-01T00:00:00+00:00", {"plan": {}}, "0" * 64),)))
    assert getattr(caught.value, "exit_status", None) == 4
