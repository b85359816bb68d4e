"""Cases on all cores of this computer. A worker imports once; one that dies is replaced, and its case is reported."""

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

# Cases queued for each worker: enough that no worker is idle, few enough that an interrupt loses little work.
_CASES_PER_WORKER = 2
# No case takes this long: a worker that does hangs, and counts as dead.
CASE_TIMEOUT_S = 600.0
_TERMINAL_SIGNALS = (signal.SIGINT, signal.SIGHUP)
# How often the caller can decide whether to continue.
POLL_S = 0.2


@dataclass(frozen=True)
class CaseResult:
    """A case that has ended: its `row`, or None and the `problem` in one sentence. `again`: it is run once more."""

    case: int
    row: Row | None
    problem: str = ""
    again: bool = False


class Executor(Protocol):
    """Runs cases. Leaving the block ends those that are running."""

    def run(self, cases: Iterable[int]) -> Iterator[CaseResult | None]:
        """Every case as it ends, in any order; every POLL_S also None, so that the caller can act in between."""
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

    def __init__(self, config: CampaignConfig, jobs: int) -> None:
        self._jobs = jobs
        self._pool = ProcessPool(
            max_workers=jobs, context=get_context("spawn"), initializer=_start_worker, initargs=(config,)
        )

    def __enter__(self) -> Self:
        # Ctrl-C on the terminal is for the command, which then ends its workers. They inherit the blocked signals, as
        # do those that the pool's own threads start later.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _TERMINAL_SIGNALS)
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

    def run(self, cases: Iterable[int]) -> Iterator[CaseResult | None]:
        """See Executor. A case whose worker died is tried once more on another."""
        waiting = iter(cases)
        running: dict[Any, int] = {}
        tried: set[int] = set()
        while True:
            for case in islice(waiting, _CASES_PER_WORKER * self._jobs - len(running)):
                running[self._schedule(case)] = case
            if not running:
                return
            ended, _ = wait(running, timeout=POLL_S, return_when=FIRST_COMPLETED)
            if not ended:
                yield None
            for future in ended:
                case = running.pop(future)
                problem = future.exception()
                if problem is None:
                    yield CaseResult(case, future.result())
                elif isinstance(problem, (ProcessExpired, TimeoutError)):
                    again = case not in tried
                    consequence = "; the case is run again" if again else " once more"
                    sentence = f"{_cause_of_death(problem)} in case {case}{consequence}"
                    yield CaseResult(case, None, sentence, again)
                    if again:
                        tried.add(case)
                        running[self._schedule(case)] = case
                else:
                    yield CaseResult(case, None, f"case {case} failed: {type(problem).__name__}: {problem}")

    def _schedule(self, case: int) -> Any:
        return self._pool.schedule(_run_case, args=(case,), timeout=CASE_TIMEOUT_S)


def _cause_of_death(problem: BaseException) -> str:
    if isinstance(problem, TimeoutError):
        return f"a worker took more than {CASE_TIMEOUT_S:g} s and was stopped"
    status = getattr(problem, "exitcode", None)
    if isinstance(status, int) and status < 0:
        return f"a worker was killed by {signal.Signals(-status).name}"
    return f"a worker ended with status {status}"


_config: CampaignConfig | None = None


def _start_worker(config: CampaignConfig) -> None:
    global _config
    _config = config


def _run_case(case: int) -> Row:
    assert _config is not None
    return row_of(_config, case)
