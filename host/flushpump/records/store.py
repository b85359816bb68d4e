"""The records of runs: SQLite rows in a hash chain, so that a later alteration is detected.

Each row's hash covers the row before it. The record's id has the first digits of the hash, so an id that was printed or
written down elsewhere also shows that the whole chain was computed again.
"""

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

import platformdirs

from flushpump.errors import FileProblem, UsageError

ENVIRONMENT = "FLUSHPUMP_RECORDS"
_ID_DIGITS = 12
_SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
    number INTEGER PRIMARY KEY,
    written_at TEXT NOT NULL,
    body TEXT NOT NULL,
    hash TEXT NOT NULL
);
CREATE TRIGGER IF NOT EXISTS runs_are_not_changed BEFORE UPDATE ON runs
    BEGIN SELECT RAISE(ABORT, 'records are not changed'); END;
CREATE TRIGGER IF NOT EXISTS runs_are_not_deleted BEFORE DELETE ON runs
    BEGIN SELECT RAISE(ABORT, 'records are not deleted'); END;
"""


_Row = tuple[int, str, str, str]


class RecordError(FileProblem):
    """The records cannot be read or written, or do not verify."""


@dataclass(frozen=True)
class Record:
    """One run. `body` is the object that `run --json` prints, without `record_id`."""

    number: int
    written_at: str
    body: dict[str, Any]
    hash: str

    @property
    def record_id(self) -> str:
        """Number and first digits of the hash, as in 12-0a1b2c3d4e5f."""
        return f"{self.number}-{self.hash[:_ID_DIGITS]}"


def default_file() -> FilePath:
    """The file named by FLUSHPUMP_RECORDS, or `records.sqlite` in the user's data folder."""
    named = os.environ.get(ENVIRONMENT)
    return FilePath(named) if named else FilePath(platformdirs.user_data_dir("flushpump")) / "records.sqlite"


class Records:
    """The records in one file, which is created with the first record."""

    def __init__(self, file: FilePath | None = None) -> None:
        self.file = file or default_file()

    def append(self, body: dict[str, Any], written_at: str) -> Record:
        """Adds a run; `written_at` is ISO 8601 in UTC. RecordError if it cannot be written."""
        with self._open(create=True) as database:
            database.execute("BEGIN IMMEDIATE")
            row = database.execute("SELECT number, hash FROM runs ORDER BY number DESC LIMIT 1").fetchone()
            number, before = (row[0] + 1, row[1]) if row else (1, "")
            text = _canonical(body)
            digest = _digest(before, number, written_at, text)
            database.execute("INSERT INTO runs VALUES (?, ?, ?, ?)", (number, written_at, text, digest))
            database.execute("COMMIT")
        return Record(number, written_at, body, digest)

    def all(self) -> list[Record]:
        """Every record, oldest first; none if there is no file yet. One that cannot be read has an empty body."""
        return [Record(row[0], row[1], _parsed(row[2]) or {}, row[3]) for row in self._rows()]

    def newest(self) -> Record:
        """The last record written. UsageError if there is none."""
        rows = self._rows()
        if not rows:
            raise UsageError("there is no record yet", "run a sequence first")
        return _record(rows[-1])

    def get(self, record_id: str) -> Record:
        """The record of that id or number. UsageError if there is none, RecordError if its hash has changed."""
        number, _, digits = record_id.partition("-")
        for row in self._rows():
            if str(row[0]) == number:
                record = _record(row)
                if digits and not record.hash.startswith(digits):
                    raise RecordError(
                        f"record {number} is not the one with the id {record_id} any more",
                        "see flushpump records verify",
                    )
                return record
        raise UsageError(f"there is no record {record_id or repr('')}", "see flushpump records list")

    def verify(self) -> int:
        """The number of records, all of them unaltered; RecordError names the first that is not."""
        rows = self._rows()
        before = ""
        for expected, (number, written_at, text, digest) in enumerate(rows, start=1):
            if number != expected:
                raise RecordError(f"record {expected} is missing from {self.file}", "restore the file from backup")
            if _digest(before, number, written_at, text) != digest:
                raise RecordError(
                    f"record {number} in {self.file} was altered after it was written", "restore the file from backup"
                )
            before = digest
        return len(rows)

    def altered(self) -> str:
        """The error of `verify`, "" without one."""
        try:
            self.verify()
        except RecordError as problem:
            return str(problem)
        return ""

    def _rows(self) -> list[_Row]:
        if not self.file.exists():
            return []
        with self._open(create=False) as database:
            # A run on a full disk leaves a file without the table.
            if not database.execute("SELECT name FROM sqlite_master").fetchone():
                return []
            return database.execute("SELECT number, written_at, body, hash FROM runs ORDER BY number").fetchall()

    @contextmanager
    def _open(self, *, create: bool) -> Iterator[sqlite3.Connection]:
        if self.file.exists() and not self.file.is_file():
            raise RecordError(f"{self.file} is no file, so it holds no records", f"name another in {ENVIRONMENT}")
        try:
            if create:
                self.file.parent.mkdir(parents=True, exist_ok=True)
            database = sqlite3.connect(self.file, isolation_level=None, timeout=5)
            try:
                if create:
                    database.executescript(_SCHEMA)
                yield database
            finally:
                database.close()
        except (sqlite3.Error, OSError) as problem:
            reason = getattr(problem, "strerror", None) or problem
            raise RecordError(
                f"the records in {self.file} cannot be used: {reason}",
                f"restore it from backup, or name another file in {ENVIRONMENT}",
            ) from problem


def _canonical(body: dict[str, Any]) -> str:
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _record(row: _Row) -> Record:
    number, written_at, text, digest = row
    body = _parsed(text)
    if body is None:
        raise RecordError(f"record {number} cannot be read", "restore the file from backup")
    return Record(number, written_at, body, digest)


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        body = json.loads(text)
    except (ValueError, TypeError):
        return None
    return body if isinstance(body, dict) else None


def _digest(before: str, number: int, written_at: str, text: str) -> str:
    return hashlib.sha256(f"{before}\n{number}\n{written_at}\n{text}".encode()).hexdigest()
