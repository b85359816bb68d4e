"""The same cases on one process, on several, and on a Dask cluster; and workers that die."""

import os
import signal
from collections.abc import Iterator

import pytest
from distributed import LocalCluster
from flushpump.errors import FlushPumpError, NoDeviceError, UsageError
from flushsim.campaign import executor as executor_module
from flushsim.campaign.config import CampaignConfig
from flushsim.campaign.dask_executor import Cluster
from flushsim.campaign.executor import CaseResult, Executor, Processes
from flushsim.campaign.rows import Row, row_of

# One worker of the tests starts the cluster for all of them.
pytestmark = pytest.mark.xdist_group("cluster")
CASES = range(4)


def rows_by(executor: Executor) -> dict[int, Row | None]:
    with executor:
        return {done.case: done.row for done in executor.run(CASES) if done is not None}


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    with LocalCluster(n_workers=2, threads_per_worker=2, processes=True, dashboard_address=":0") as local:
        yield local.scheduler_address


def test_processes_and_a_cluster_give_the_rows_that_one_process_gives(config: CampaignConfig, cluster: str) -> None:
    here = {case: row_of(config, case) for case in CASES}
    assert rows_by(Processes(config, 2)) == here
    assert rows_by(Cluster(config, cluster)) == here


def test_a_scheduler_that_does_not_answer_is_named(config: CampaignConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flushsim.campaign.dask_executor._ANSWER_S", 1)
    with pytest.raises(NoDeviceError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        Cluster(config, "tcp://127.0.0.1:9")
    with pytest.raises(UsageError, match=r"'nonsense://x' is no address of a Dask scheduler"):
        Cluster(config, "nonsense://x")


def test_a_cluster_with_another_version_of_the_pump_is_refused(
    config: CampaignConfig, cluster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flushsim.campaign.dask_executor.code_fingerprint", lambda: "00000000")
    with Cluster(config, cluster) as executor:
        done = next(done for done in executor.run([0]) if done is not None)
    assert done == CaseResult(0, None, "case 0 failed: RuntimeError: this worker has another version of flushpump")


def test_a_scheduler_that_is_lost_while_cases_run_is_named(config: CampaignConfig) -> None:
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, processes=True, dashboard_address=":0") as local,
        Cluster(config, local.scheduler_address) as executor,
    ):
        cases = iter(executor.run(range(1000)))
        while next(cases) is None:
            pass
        local.close()
        with pytest.raises(FlushPumpError, match=r"the Dask scheduler at .* no longer answers"):
            for _ in cases:
                pass


def _dies(case: int) -> Row:
    """Replaces the run of a case: case 2 kills the worker."""
    if case == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"case": case}


def _fails(case: int) -> Row:
    raise ValueError(f"no {case}")


def test_a_worker_that_dies_is_replaced_and_its_case_named(
    config: CampaignConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor_module, "_run_case", _dies)
    with Processes(config, 2) as executor:
        done = [done for done in executor.run(range(6)) if done is not None]
    assert {one.case for one in done if one.row is not None} == {0, 1, 3, 4, 5}
    assert [one for one in done if one.row is None] == [
        CaseResult(2, None, "a worker was killed by SIGKILL in case 2; the case is run again", again=True),
        CaseResult(2, None, "a worker was killed by SIGKILL in case 2 once more"),
    ]


def test_a_worker_that_hangs_is_stopped_and_its_case_named(
    config: CampaignConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor_module, "_run_case", _hangs)
    monkeypatch.setattr(executor_module, "CASE_TIMEOUT_S", 0.5)
    with Processes(config, 1) as executor:
        done = [done for done in executor.run([0]) if done is not None]
    assert [one.problem for one in done] == [
        "a worker took more than 0.5 s and was stopped in case 0; the case is run again",
        "a worker took more than 0.5 s and was stopped in case 0 once more",
    ]


def _hangs(case: int) -> Row:
    while True:
        signal.pause()


def test_a_case_that_raises_is_named_with_its_reason(config: CampaignConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor_module, "_run_case", _fails)
    with Processes(config, 1) as executor:
        done = [done for done in executor.run([7]) if done is not None]
    assert done == [CaseResult(7, None, "case 7 failed: ValueError: no 7")]
