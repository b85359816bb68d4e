"""Records: a chain that shows every alteration, and one sentence for a file that cannot be used."""

import sqlite3
from pathlib import Path as FilePath

import pytest
from flushpump.errors import UsageError
from flushpump.records.store import RecordError, Records, default_file

WHEN = "2026-01-01T00:00:00+00:00"


@pytest.fixture
def records(tmp_path: FilePath) -> Records:
    found = Records(tmp_path / "deep" / "records.sqlite")
    for number in range(3):
        found.append({"outcome": "completed", "delivered_ml": 9.5 + number, "operator": "Zoë"}, WHEN)
    return found


def alter(records: Records, statement: str) -> None:
    database = sqlite3.connect(records.file)
    database.executescript("DROP TRIGGER runs_are_not_changed; DROP TRIGGER runs_are_not_deleted;" + statement)
    database.close()


def test_records_come_back_as_they_were_written(records: Records):
    assert [record.number for record in records.all()] == [1, 2, 3]
    second = records.all()[1]
    assert second.body == {"outcome": "completed", "delivered_ml": 10.5, "operator": "Zoë"}
    assert records.get(second.record_id) == second == records.get("2")
    assert records.verify() == 3


def test_reading_creates_no_file(tmp_path: FilePath):
    records = Records(tmp_path / "records.sqlite")
    assert records.all() == []
    assert records.verify() == 0
    assert not records.file.exists()


@pytest.mark.requirement("REQ-LOG-2")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE runs SET body = replace(body, '10.5', '11.5') WHERE number = 2;",
        "UPDATE runs SET written_at = '2020' WHERE number = 2;",
        "UPDATE runs SET hash = replace(hash, substr(hash, 1, 1), 'x') WHERE number = 2;",
        "DELETE FROM runs WHERE number = 2;",
        "DELETE FROM runs WHERE number = 2; UPDATE runs SET number = 2 WHERE number = 3;",
    ],
)
def test_a_record_that_was_changed_or_removed_is_named(records: Records, statement: str):
    alter(records, statement)
    with pytest.raises(RecordError, match="record 2 "):
        records.verify()


@pytest.mark.requirement("REQ-LOG-2")
def test_a_chain_that_was_computed_again_is_detected_by_an_id_that_was_written_down(records: Records):
    written_down = records.all()[-1].record_id
    records.file.unlink()
    forged = Records(records.file)
    for _ in range(3):
        forged.append({"outcome": "completed", "delivered_ml": 9.5}, WHEN)
    assert forged.verify() == 3
    with pytest.raises(RecordError, match="is not the one with the id"):
        forged.get(written_down)


@pytest.mark.requirement("REQ-LOG-2")
def test_the_file_itself_refuses_changes_and_deletions(records: Records):
    database = sqlite3.connect(records.file)
    for statement in ("UPDATE runs SET body = '{}'", "DELETE FROM runs"):
        with pytest.raises(sqlite3.IntegrityError, match="records are not"):
            database.execute(statement)
    database.close()


def test_a_file_that_is_no_database_is_refused_with_one_sentence(tmp_path: FilePath):
    file = tmp_path / "records.sqlite"
    file.write_bytes(b"this is not a database" * 100)
    for action in (Records(file).all, Records(file).verify, lambda: Records(file).append({}, WHEN)):
        with pytest.raises(RecordError, match="cannot be used: file is not a database; restore it from backup"):
            action()


def test_a_folder_that_cannot_be_made_is_refused_with_one_sentence(tmp_path: FilePath):
    (tmp_path / "taken").write_text("")
    with pytest.raises(RecordError, match="cannot be used"):
        Records(tmp_path / "taken" / "records.sqlite").append({}, WHEN)


def test_an_unknown_record_is_refused_with_where_to_look(records: Records):
    with pytest.raises(UsageError, match="flushpump records list"):
        records.get("99")


def test_the_environment_names_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: FilePath):
    monkeypatch.setenv("FLUSHPUMP_RECORDS", str(tmp_path / "elsewhere.sqlite"))
    assert default_file() == tmp_path / "elsewhere.sqlite"
    monkeypatch.delenv("FLUSHPUMP_RECORDS")
    assert default_file().name == "records.sqlite"
