"""A running campaign, and what can end it: finished runs are kept."""

import signal
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow.parquet as pq
import pytest
from flushpump.errors import RefusedError, StoppedByUserError, UsageError
from flushsim.campaign import result_store
from flushsim.campaign.config import CampaignConfig
from flushsim.campaign.executor import CaseResult
from flushsim.campaign.result_store import NoRoomError, ResultStore
from flushsim.campaign.results import read
from flushsim.campaign.rows import Row
from flushsim.campaign.runner import Progress, failed_runs_error, run_campaign

MakeRow = Callable[[int], Row]


class FakeExecutor:
    """An executor that makes rows without a run; `before` is called with each case before it ends."""

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

    def run(self, cases: Iterable[int]) -> Iterator[CaseResult | None]:
        for case in cases:
            self._before(case)
            self.ran.append(case)
            yield CaseResult(case, self._row(case))
            yield None


@pytest.fixture
def progress() -> Progress:
    return Progress(on_problem=lambda sentence: None, on_run=lambda runs: None)


@pytest.fixture
def store(tmp_path: Path, config: CampaignConfig) -> ResultStore:
    store = ResultStore(tmp_path / "results")
    store.open_for(config)
    return store


def cases_in(folder: Path) -> list[int]:
    return read(folder.glob("part-*.parquet")).runs["case"].to_list()


def test_a_stopped_campaign_continues_with_the_cases_that_are_missing(
    config: CampaignConfig, store: ResultStore, progress: Progress, a_row: MakeRow
) -> None:
    def ctrl_c(case: int) -> None:
        if case == 3:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(StoppedByUserError) as stopped:
        run_campaign(config, 10, store, lambda: FakeExecutor(a_row, ctrl_c), progress)
    assert stopped.value.exit_status == 130
    assert "4 of 10 runs are kept in" in str(stopped.value)
    again = ResultStore(store.folder)
    again.open_for(config)
    executor = FakeExecutor(a_row)
    run_campaign(config, 10, again, lambda: executor, progress)
    assert executor.ran == [4, 5, 6, 7, 8, 9]
    assert cases_in(store.folder) == list(range(10))


def test_nothing_is_run_again_when_all_is_there(
    config: CampaignConfig, store: ResultStore, progress: Progress, a_row: MakeRow
) -> None:
    run_campaign(config, 5, store, lambda: FakeExecutor(a_row), progress)
    executor = FakeExecutor(a_row)
    run_campaign(config, 5, store, lambda: executor, progress)
    assert executor.ran == []
    run_campaign(config, 7, store, lambda: executor, progress)
    assert executor.ran == [5, 6]


def test_a_full_disk_gives_one_sentence_and_earlier_parts_are_kept(
    config: CampaignConfig,
    store: ResultStore,
    progress: Progress,
    a_row: MakeRow,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run_campaign(config, 3, store, lambda: FakeExecutor(a_row), progress)

    def full(table: object, place: Path) -> None:
        place.write_bytes(b"half a par")
        # Arrow's own message.
        raise OSError("Error writing bytes to file. Detail: [errno 28] No space left on device")

    monkeypatch.setattr(result_store, "_write", full)
    with pytest.raises(NoRoomError) as refused:
        run_campaign(config, 6, store, lambda: FakeExecutor(a_row), progress)
    assert "No space left on device; 3 finished runs are kept; make room" in str(refused.value)
    assert refused.value.exit_status == 4
    monkeypatch.undo()
    assert cases_in(store.folder) == [0, 1, 2]
    assert not list(store.folder.glob("*.writing"))


def test_a_part_that_was_being_written_when_the_machine_went_down_is_not_taken_for_one(
    config: CampaignConfig, store: ResultStore, a_row: MakeRow
) -> None:
    store.add([a_row(0)])
    (store.folder / "part-0000001-0000002.parquet.writing").write_bytes(b"half a par")
    again = ResultStore(store.folder)
    again.open_for(config)
    assert again.done == {0}
    assert not list(store.folder.glob("*.writing"))


def test_a_damaged_part_is_named_with_what_to_do(config: CampaignConfig, store: ResultStore, a_row: MakeRow) -> None:
    store.add([a_row(0)])
    (file,) = store.files()
    file.write_bytes(b"PAR1 and then nothing")
    with pytest.raises(RefusedError, match=r"part-0000000-0000000.parquet cannot be read: .*; delete it"):
        ResultStore(store.folder).open_for(config)


def test_a_folder_that_holds_another_campaign_is_refused(store: ResultStore, text: str) -> None:
    from dataclasses import replace

    from flushsim.campaign.config import parse

    other = parse(text.replace("[1, 2]", "[1, 3]"), "two", "two.toml")
    with pytest.raises(RefusedError, match="holds runs made with another config"):
        ResultStore(store.folder).open_for(other)
    with pytest.raises(RefusedError, match="holds runs made with another seed"):
        ResultStore(store.folder).open_for(replace(parse(text, "two", "two.toml"), seed=4))


def test_runs_of_another_firmware_are_not_mixed_in(
    config: CampaignConfig, store: ResultStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(result_store, "code_fingerprint", lambda: "00000000")
    with pytest.raises(RefusedError, match="holds runs made with another firmware or simulator"):
        ResultStore(store.folder).open_for(config)


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path: Path, config: CampaignConfig) -> None:
    (tmp_path / "letter.txt").write_text("dear all")
    with pytest.raises(UsageError, match="is not empty and holds no campaign"):
        ResultStore(tmp_path).open_for(config)
    with pytest.raises(UsageError, match=r"letter.txt cannot hold the results"):
        ResultStore(tmp_path / "letter.txt").open_for(config)


def test_parts_are_written_while_the_campaign_runs(
    config: CampaignConfig,
    store: ResultStore,
    progress: Progress,
    a_row: MakeRow,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("flushsim.campaign.runner.PART_RUNS", 4)
    run_campaign(config, 10, store, lambda: FakeExecutor(a_row), progress)
    assert [pq.read_metadata(file).num_rows for file in store.files()] == [4, 4, 2]


def test_cases_that_could_not_be_run_are_named_at_the_end(store: ResultStore) -> None:
    problem = failed_runs_error([3, 17], store, 20)
    assert str(problem).startswith("2 of 20 runs could not be made, of case 3, 17; ")
    assert problem.exit_status == 1
