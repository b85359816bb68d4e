"""Runs a campaign: executes its cases and writes their rows in time, so that finished runs are kept."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from flushpump.errors import FlushPumpError, ProgramError, StoppedByUserError
from flushpump.signals import StopSignals

from flushsim.campaign.config import CampaignConfig
from flushsim.campaign.executor import Executor
from flushsim.campaign.result_store import ResultStore
from flushsim.campaign.rows import Row

# At most this many runs, or this much time, is lost when the machine goes down.
PART_RUNS = 200
PART_S = 15.0


@dataclass
class Progress:
    """How far the campaign is. `on_problem` gets a sentence on a failed case, `on_run` the count of finished runs."""

    on_problem: Callable[[str], None]
    on_run: Callable[[int], None]
    failed: list[int] = field(default_factory=list)


def run_campaign(
    config: CampaignConfig, runs: int, store: ResultStore, start_executor: Callable[[], Executor], progress: Progress
) -> None:
    """Runs every case from 0 to `runs` that the store does not have yet; failed cases are in `progress.failed`.

    Raises StoppedByUserError when the user stops it, NoRoomError when the disk is full, or what the executor raises.
    Finished runs are kept, and another call continues with the rest.
    """
    waiting = [case for case in range(runs) if case not in store.done]
    if not waiting:
        return
    rows: list[Row] = []
    with StopSignals() as signals:
        try:
            with start_executor() as executor:
                written_s = time.monotonic()
                for done in executor.run(waiting):
                    if done is not None and done.row is not None:
                        rows.append(done.row)
                        progress.on_run(len(store.done) + len(rows))
                    elif done is not None:
                        progress.on_problem(done.problem)
                        if not done.again:
                            progress.failed.append(done.case)
                    if len(rows) >= PART_RUNS or time.monotonic() - written_s > PART_S:
                        store.add(_drained(rows))
                        written_s = time.monotonic()
                    if signals.stop_requested:
                        break
        finally:
            store.add(_drained(rows))
        if signals.stop_requested:
            raise StoppedByUserError("stopped by the user", kept(store, runs))


def kept(store: ResultStore, runs: int) -> str:
    """The sentence about the runs that an unfinished campaign keeps."""
    done = sum(1 for case in store.done if case < runs)
    return f"{done} of {runs} runs are kept in {store.folder}, and the same command continues with them"


def _drained(rows: list[Row]) -> list[Row]:
    drained = list(rows)
    rows.clear()
    return drained


def failed_runs_error(failed: list[int], store: ResultStore, runs: int) -> FlushPumpError:
    """The error at the end when some cases could not be run."""
    named = ", ".join(map(str, failed[:5])) + (" and more" if len(failed) > 5 else "")
    return ProgramError(f"{len(failed)} of {runs} runs could not be made, of case {named}", kept(store, runs))
