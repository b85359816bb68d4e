"""A campaign under way and on bad days: what is finished is kept, whatever ends it."""

import signal
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow.parquet as pq
import pytest
from flushpump.errors import RefusedError, StoppedByUserError, UsageError
from flushsim.campaign import result_store as parts_module
from flushsim.campaign.config import CampaignConfig
from flushsim.campaign.executor import Done
from flushsim.campaign.result_store import NoRoomError, ResultStore
from flushsim.campaign.results import read
from flushsim.campaign.rows import Row
from flushsim.campaign.runner import Progress, perform, problem_of_failed

MakeRow = Callable[[int], Row]


class Labourers:
    """Labour that makes rows out of nothing; `before` is called with each case before it ends."""

    def __init__(self, row: MakeRow, before: Callable[[int], None] = lambda case: None) -> None:
        self.ran: list[int] = []
        self._row = row
        self._before = before

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def run(self, cases: Iterable[int]) -> Iterator[Done | None]:
        for case in cases:
            self._before(case)
            self.ran.append(case)
            yield Done(case, self._row(case))
            yield None


@pytest.fixture
def progress() -> Progress:
    return Progress(tell=lambda sentence: None, step=lambda runs: None)


@pytest.fixture
def parts(tmp_path: Path, description: CampaignConfig) -> ResultStore:
    begun = ResultStore(tmp_path / "results")
    begun.begin(description)
    return begun


def cases_in(folder: Path) -> list[int]:
    return read(folder.glob("part-*.parquet")).runs["case"].to_list()


def test_a_campaign_that_was_stopped_goes_on_where_it_was(
    description: CampaignConfig, parts: ResultStore, progress: Progress, a_row: MakeRow
) -> None:
    def ctrl_c(case: int) -> None:
        if case == 3:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(StoppedByUserError) as stopped:
        perform(description, 10, parts, lambda: Labourers(a_row, ctrl_c), progress)
    assert stopped.value.exit_status == 130
    assert "4 of 10 runs are kept in" in str(stopped.value)
    again = ResultStore(parts.folder)
    again.begin(description)
    labourers = Labourers(a_row)
    perform(description, 10, again, lambda: labourers, progress)
    assert labourers.ran == [4, 5, 6, 7, 8, 9]
    assert cases_in(parts.folder) == list(range(10))


def test_nothing_is_run_again_when_all_is_there(
    description: CampaignConfig, parts: ResultStore, progress: Progress, a_row: MakeRow
) -> None:
    perform(description, 5, parts, lambda: Labourers(a_row), progress)
    labourers = Labourers(a_row)
    perform(description, 5, parts, lambda: labourers, progress)
    assert labourers.ran == []
    perform(description, 7, parts, lambda: labourers, progress)
    assert labourers.ran == [5, 6]


def test_a_disk_that_fills_is_told_in_one_sentence_and_earlier_parts_are_kept(
    description: CampaignConfig, parts: ResultStore, progress: Progress, a_row: MakeRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    perform(description, 3, parts, lambda: Labourers(a_row), progress)

    def full(table: object, place: Path) -> None:
        place.write_bytes(b"half a par")
        # As Arrow says it.
        raise OSError("Error writing bytes to file. Detail: [errno 28] No space left on device")

    monkeypatch.setattr(parts_module, "_write", full)
    with pytest.raises(NoRoomError) as told:
        perform(description, 6, parts, lambda: Labourers(a_row), progress)
    assert "No space left on device; 3 finished runs are kept; make room" in str(told.value)
    assert told.value.exit_status == 4
    monkeypatch.undo()
    assert cases_in(parts.folder) == [0, 1, 2]
    assert not list(parts.folder.glob("*.writing"))


def test_a_part_that_was_being_written_when_the_machine_went_down_is_not_taken_for_one(
    description: CampaignConfig, parts: ResultStore, a_row: MakeRow
) -> None:
    parts.add([a_row(0)])
    (parts.folder / "part-0000001-0000002.parquet.writing").write_bytes(b"half a par")
    again = ResultStore(parts.folder)
    again.begin(description)
    assert again.done == {0}
    assert not list(parts.folder.glob("*.writing"))


def test_a_damaged_part_is_named_with_what_to_do(
    description: CampaignConfig, parts: ResultStore, a_row: MakeRow
) -> None:
    parts.add([a_row(0)])
    (file,) = parts.files()
    file.write_bytes(b"PAR1 and then nothing")
    with pytest.raises(RefusedError, match=r"part-0000000-0000000.parquet cannot be read: .*; delete it"):
        ResultStore(parts.folder).begin(description)


def test_a_folder_that_holds_another_campaign_is_refused(parts: ResultStore, text: str) -> None:
    from dataclasses import replace

    from flushsim.campaign.config import parse

    other = parse(text.replace("[1, 2]", "[1, 3]"), "two", "two.toml")
    with pytest.raises(RefusedError, match="holds runs made with another description"):
        ResultStore(parts.folder).begin(other)
    with pytest.raises(RefusedError, match="holds runs made with another seed"):
        ResultStore(parts.folder).begin(replace(parse(text, "two", "two.toml"), seed=4))


def test_runs_of_another_firmware_are_not_mixed_in(
    description: CampaignConfig, parts: ResultStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts_module, "code_fingerprint", lambda: "00000000")
    with pytest.raises(RefusedError, match="holds runs made with another firmware or simulator"):
        ResultStore(parts.folder).begin(description)


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path: Path, description: CampaignConfig) -> None:
    (tmp_path / "letter.txt").write_text("dear all")
    with pytest.raises(UsageError, match="is not empty and holds no campaign"):
        ResultStore(tmp_path).begin(description)
    with pytest.raises(UsageError, match=r"letter.txt cannot hold the results"):
        ResultStore(tmp_path / "letter.txt").begin(description)


def test_parts_are_written_while_the_campaign_goes_on(
    description: CampaignConfig, parts: ResultStore, progress: Progress, a_row: MakeRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flushsim.campaign.runner.PART_RUNS", 4)
    perform(description, 10, parts, lambda: Labourers(a_row), progress)
    assert [pq.read_metadata(file).num_rows for file in parts.files()] == [4, 4, 2]


def test_cases_that_could_not_be_run_are_named_at_the_end(parts: ResultStore) -> None:
    problem = problem_of_failed([3, 17], parts, 20)
    assert str(problem).startswith("2 of 20 runs could not be made, of case 3, 17; ")
    assert problem.exit_status == 1
