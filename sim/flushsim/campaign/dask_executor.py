"""Cases on a Dask cluster: the workers have flushpump installed, the scheduler assigns the cases."""

import logging
import re
import threading
from collections.abc import Iterable, Iterator
from itertools import islice
from types import TracebackType
from typing import Any, Self

from distributed import CancelledError, Client, wait
from flushpump.errors import NoDeviceError, UsageError

from flushsim.campaign.code_fingerprint import code_fingerprint
from flushsim.campaign.config import CampaignConfig
from flushsim.campaign.executor import POLL_S, CaseResult
from flushsim.campaign.rows import Row, row_of

_CASES_PER_WORKER = 2
_ANSWER_S = 10
_WORKERS_S = 30


_ADDRESS = re.compile(r"((tcp|tls|ws|wss|ucx)://)?(\[[0-9a-fA-F:.]+\]|[^\s:/\[\]]+):(\d{1,5})")


def check_address(address: str) -> None:
    """UsageError for an impossible address.

    With one a Dask client leaves threads behind, and the program ends with a traceback after 20 s.
    """
    found = _ADDRESS.fullmatch(address)
    if found is None or not 0 < int(found[4]) < 65536:
        raise UsageError(
            f"{address!r} is no address of a Dask scheduler", "write it as in --scheduler tcp://localhost:8786"
        )


class Cluster:
    """Executor on a Dask cluster with its scheduler at `address`, as in tcp://10.0.0.1:8786.

    Raises NoDeviceError when no scheduler answers.
    """

    def __init__(self, config: CampaignConfig, address: str) -> None:
        check_address(address)
        self._address = address
        # Failures are reported here, in one sentence.
        logging.getLogger("distributed").setLevel(logging.CRITICAL + 1)
        try:
            self._client = Client(address, timeout=_ANSWER_S, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as problem:
            raise NoDeviceError(
                f"no Dask scheduler answers at {address}", "give its address, as in --scheduler tcp://localhost:8786"
            ) from problem
        try:
            self._client.wait_for_workers(1, timeout=_WORKERS_S)
        except TimeoutError as problem:
            self._client.close()
            raise NoDeviceError(f"the Dask scheduler at {address} has no workers", "start some") from problem
        self._config = self._client.scatter(config, broadcast=True, hash=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def run(self, cases: Iterable[int]) -> Iterator[CaseResult | None]:
        """See Executor. Dask runs a case again when its worker died, at most three times."""
        try:
            yield from self._run(iter(cases))
        except (OSError, CancelledError) as problem:
            raise self._connection_lost() from problem

    def _run(self, waiting: Iterator[int]) -> Iterator[CaseResult | None]:
        running: dict[Any, int] = {}
        while True:
            at_once = _CASES_PER_WORKER * max(1, sum(self._client.nthreads().values()))
            for case in islice(waiting, max(0, at_once - len(running))):
                running[self._client.submit(_run_case, self._config, case, code_fingerprint(), pure=False)] = case
            if not running:
                return
            try:
                with self._client.as_current():
                    ended = wait(list(running), timeout=POLL_S, return_when="FIRST_COMPLETED").done
            except TimeoutError:
                yield None
                continue
            for future in ended:
                yield self._result_of(future, running.pop(future))

    def _result_of(self, future: Any, case: int) -> CaseResult:
        if future.status == "finished":
            return CaseResult(case, future.result())
        if future.status in ("cancelled", "lost"):
            raise self._connection_lost()
        problem = future.exception()
        return CaseResult(case, None, f"case {case} failed: {type(problem).__name__}: {problem}")

    def _connection_lost(self) -> NoDeviceError:
        return NoDeviceError(f"the Dask scheduler at {self._address} no longer answers")


# Importing the firmware changes sys.modules of the whole process, so a process runs one case at a time.
_one_at_a_time = threading.Lock()


def _run_case(config: CampaignConfig, case: int, code: str) -> Row:
    if code_fingerprint() != code:
        raise RuntimeError("this worker has another version of flushpump")
    with _one_at_a_time:
        return row_of(config, case)
