"""Cases on all cores of this computer: a worker imports once, and one that dies is replaced and its case named."""

import os
import signal
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, wait
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from types import TracebackType
from typing import Any, Protocol, Self

from pebble import ProcessExpired, ProcessPool

from flushsim.campaign.config import CampaignConfig
from flushsim.campaign.rows import Row, row_of

# As many cases wait for each worker: enough that none is idle, few enough that an interrupt loses little work.
_AHEAD = 2
# No case takes as long; a worker that does hangs, and is taken for dead.
CASE_MOST_S = 600.0
_OF_A_TERMINAL = (signal.SIGINT, signal.SIGHUP)
# How often the caller is asked whether to go on.
LOOK_S = 0.2


@dataclass(frozen=True)
class Done:
    """A case that has ended: with its `row`, or, where there is none, with the `problem` in a sentence.

    `again`: it is run once more.
    """

    case: int
    row: Row | None
    problem: str = ""
    again: bool = False


class Executor(Protocol):
    """Where cases are run. Leaving the block ends what is under way."""

    def run(self, cases: Iterable[int]) -> Iterator[Done | None]:
        """Every case as it ends, in any order; now and then None, so that whoever asks can do something else."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


class Processes:
    """Executor of `jobs` processes."""

    def __init__(self, description: CampaignConfig, jobs: int) -> None:
        self._jobs = jobs
        self._pool = ProcessPool(
            max_workers=jobs, context=get_context("spawn"), initializer=_begin_worker, initargs=(description,)
        )

    def __enter__(self) -> Self:
        # Ctrl-C on the terminal is for the command, which then ends its workers: they inherit that it is blocked, and
        # so do those that the pool's own threads start later.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _OF_A_TERMINAL)
        try:
            assert self._pool.active, "the processes do not start"
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.stop()
        self._pool.join()

    def run(self, cases: Iterable[int]) -> Iterator[Done | None]:
        """See Executor. A case whose worker died is tried once more on another."""
        waiting = iter(cases)
        under_way: dict[Any, int] = {}
        tried: set[int] = set()
        while True:
            for case in islice(waiting, _AHEAD * self._jobs - len(under_way)):
                under_way[self._schedule(case)] = case
            if not under_way:
                return
            ended, _ = wait(under_way, timeout=LOOK_S, return_when=FIRST_COMPLETED)
            if not ended:
                yield None
            for future in ended:
                case = under_way.pop(future)
                problem = future.exception()
                if problem is None:
                    yield Done(case, future.result())
                elif isinstance(problem, (ProcessExpired, TimeoutError)):
                    again = case not in tried
                    told = f"{_death(problem)} in case {case}" + ("; the case is run again" if again else " once more")
                    yield Done(case, None, told, again)
                    if again:
                        tried.add(case)
                        under_way[self._schedule(case)] = case
                else:
                    yield Done(case, None, f"case {case} failed: {type(problem).__name__}: {problem}")

    def _schedule(self, case: int) -> Any:
        return self._pool.schedule(_work, args=(case,), timeout=CASE_MOST_S)


def _death(problem: BaseException) -> str:
    if isinstance(problem, TimeoutError):
        return f"a worker took more than {CASE_MOST_S:g} s and was ended"
    status = getattr(problem, "exitcode", None)
    if isinstance(status, int) and status < 0:
        return f"a worker was killed by {signal.Signals(-status).name}"
    return f"a worker ended with status {status}"


_description: CampaignConfig | None = None


def _begin_worker(description: CampaignConfig) -> None:
    global _description
    _description = description


def _work(case: int) -> Row:
    assert _description is not None
    return row_of(_description, case)
