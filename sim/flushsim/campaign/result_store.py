"""The folder of a campaign's results: Parquet part files, each complete or absent, and what they were made with.

A part file is written under another name and then renamed. So the runs of all earlier part files are kept whatever
happens to program, machine or disk. A run is identified by its case number, whichever part file holds it.
"""

import json
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from flushpump.errors import FileProblem, RefusedError, UsageError

from flushsim.campaign.code_fingerprint import code_fingerprint
from flushsim.campaign.config import CampaignConfig
from flushsim.campaign.rows import Row
from flushsim.campaign.schema import SCHEMA

MADE_WITH_FILE = "campaign.json"
_PART = "part-*.parquet"
_WRITING = ".writing"


class NoRoomError(FileProblem):
    """The results cannot be written."""


class ResultStore:
    """The part files in `folder`. `open_for` makes the folder, or opens the campaign that it holds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.done: set[int] = set()

    def open_for(self, config: CampaignConfig) -> None:
        """RefusedError if the folder holds another campaign, UsageError if it cannot hold any."""
        made_with = {
            "campaign": config.name,
            "seed": config.seed,
            "code": code_fingerprint(),
            "description": config.text,
        }
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for left_over in self.folder.glob("*" + _WRITING):
                left_over.unlink()
            note = self.folder / MADE_WITH_FILE
            if note.exists():
                self._check(json.loads(note.read_text(encoding="utf-8")), made_with)
            elif any(self.folder.iterdir()):
                raise UsageError(f"{self.folder} is not empty and holds no campaign", "name another folder")
            else:
                self._write_note(note, made_with)
        except OSError as problem:
            raise UsageError(
                f"{self.folder} cannot hold the results: {problem.strerror or problem}", "name another folder"
            ) from problem
        except ValueError as problem:
            raise RefusedError(
                f"{self.folder / MADE_WITH_FILE} cannot be read: {problem}", "name another folder"
            ) from problem
        self.done = set(_cases_in(self.files()))

    def add(self, rows: Sequence[Row]) -> None:
        """Writes the rows as one more part file. Raises NoRoomError; earlier part files are kept then."""
        if not rows:
            return
        # No two part files share a case, so the case numbers make a unique name.
        cases = [row["case"] for row in rows]
        place = self.folder / f"part-{min(cases):07d}-{max(cases):07d}.parquet"
        writing = place.with_name(place.name + _WRITING)
        try:
            _write(pa.Table.from_pylist(sorted(rows, key=lambda row: row["case"]), schema=SCHEMA), writing)
            os.replace(writing, place)
        except OSError as problem:
            writing.unlink(missing_ok=True)
            raise NoRoomError(
                f"the results cannot be written to {self.folder}: {_reason(problem)}; {len(self.done)} "
                "finished runs are kept",
                "make room and give the same command again",
            ) from problem
        self.done.update(cases)

    def files(self) -> list[Path]:
        """All part files, in order."""
        return sorted(self.folder.glob(_PART))

    def _check(self, found: dict[str, object], wanted: dict[str, object]) -> None:
        differs = [key for key, value in wanted.items() if found.get(key) != value]
        if differs:
            what = {"code": "firmware or simulator", "description": "config"}.get(differs[-1], differs[-1])
            raise RefusedError(
                f"{self.folder} holds runs made with another {what}", "name another folder with --output, or delete it"
            )

    def _write_note(self, note: Path, made_with: dict[str, object]) -> None:
        writing = note.with_name(note.name + _WRITING)
        writing.write_text(json.dumps(made_with, indent=2) + "\n", encoding="utf-8")
        os.replace(writing, note)


def _reason(problem: OSError) -> str:
    """The system's own message, which Arrow puts at the end of a long one."""
    number = re.search(r"\[errno (\d+)\]", str(problem))
    return os.strerror(int(number[1])) if number else problem.strerror or str(problem)


def _write(table: pa.Table, place: Path) -> None:
    pq.write_table(table, place, compression="zstd")
    with place.open("rb") as written:
        os.fsync(written.fileno())


def _cases_in(files: Iterable[Path]) -> Iterable[int]:
    for file in files:
        try:
            yield from pq.read_table(file, columns=["case"])["case"].to_pylist()
        except (OSError, pa.ArrowInvalid) as problem:
            raise RefusedError(
                f"{file} cannot be read: {problem}", "delete it; its cases are then run again"
            ) from problem
