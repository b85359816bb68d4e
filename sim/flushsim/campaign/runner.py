"""A campaign under way: cases are run, their rows written in time, and whatever ends it, what is finished is kept."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from flushpump.errors import FlushPumpError, ProgramError, StoppedByUserError
from flushpump.signals import StopSignals

from flushsim.campaign.config import CampaignConfig
from flushsim.campaign.executor import Executor
from flushsim.campaign.result_store import ResultStore
from flushsim.campaign.rows import Row

# No more than this is lost when the machine goes down.
PART_RUNS = 200
PART_S = 15.0


@dataclass
class Progress:
    """How far it is. `tell` gets a sentence about a case that went wrong, `step` is called when a run has ended."""

    tell: Callable[[str], None]
    step: Callable[[int], None]
    failed: list[int] = field(default_factory=list)


def perform(
    description: CampaignConfig, runs: int, parts: ResultStore, labour: Callable[[], Executor], progress: Progress
) -> None:
    """Runs every case from 0 to `runs` that the parts do not have yet; those that failed stand in `progress.failed`.

    Raises StoppedByUserError when the user stopped it, NoRoomError when the disk is full, or what the executor raises;
    the runs that had ended before are kept, and another call goes on with the rest.
    """
    waiting = [case for case in range(runs) if case not in parts.done]
    if not waiting:
        return
    rows: list[Row] = []
    with StopSignals() as signals:
        try:
            with labour() as workers:
                written_s = time.monotonic()
                for done in workers.run(waiting):
                    if done is not None and done.row is not None:
                        rows.append(done.row)
                        progress.step(len(parts.done) + len(rows))
                    elif done is not None:
                        progress.tell(done.problem)
                        if not done.again:
                            progress.failed.append(done.case)
                    if len(rows) >= PART_RUNS or time.monotonic() - written_s > PART_S:
                        parts.add(_taken(rows))
                        written_s = time.monotonic()
                    if signals.stop_requested:
                        break
        finally:
            parts.add(_taken(rows))
        if signals.stop_requested:
            raise StoppedByUserError("stopped by the user", kept(parts, runs))


def kept(parts: ResultStore, runs: int) -> str:
    """What a campaign that did not come to its end has left."""
    done = sum(1 for case in parts.done if case < runs)
    return f"{done} of {runs} runs are kept in {parts.folder}, and the same command goes on with them"


def _taken(rows: list[Row]) -> list[Row]:
    taken = list(rows)
    rows.clear()
    return taken


def problem_of_failed(failed: list[int], parts: ResultStore, runs: int) -> FlushPumpError:
    """The sentence at the end when cases could not be run."""
    named = ", ".join(map(str, failed[:5])) + (" and more" if len(failed) > 5 else "")
    return ProgramError(f"{len(failed)} of {runs} runs could not be made, of case {named}", kept(parts, runs))
