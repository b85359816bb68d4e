"""The same cases on one process, on several, and on a Dask cluster; and workers that die."""

import os
import signal
from collections.abc import Iterator

import pytest
from distributed import LocalCluster
from flushpump.errors import FlushPumpError, NoDeviceError, UsageError
from flushsim.campaign import executor as labour_module
from flushsim.campaign.config import CampaignConfig
from flushsim.campaign.dask_executor import Cluster
from flushsim.campaign.executor import Done, Executor, Processes
from flushsim.campaign.rows import Row, row_of

# One worker of the tests starts the cluster for all of them.
pytestmark = pytest.mark.xdist_group("cluster")
CASES = range(4)


def rows_by(labour: Executor) -> dict[int, Row | None]:
    with labour:
        return {done.case: done.row for done in labour.run(CASES) if done is not None}


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    with LocalCluster(n_workers=2, threads_per_worker=2, processes=True, dashboard_address=":0") as local:
        yield local.scheduler_address


def test_processes_and_a_cluster_give_the_rows_that_one_process_gives(
    description: CampaignConfig, cluster: str
) -> None:
    here = {case: row_of(description, case) for case in CASES}
    assert rows_by(Processes(description, 2)) == here
    assert rows_by(Cluster(description, cluster)) == here


def test_a_scheduler_that_does_not_answer_is_named(
    description: CampaignConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flushsim.campaign.dask_executor._ANSWER_S", 1)
    with pytest.raises(NoDeviceError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        Cluster(description, "tcp://127.0.0.1:9")
    with pytest.raises(UsageError, match=r"'nonsense://x' is no address of a Dask scheduler"):
        Cluster(description, "nonsense://x")


def test_a_cluster_with_another_version_of_the_pump_is_refused(
    description: CampaignConfig, cluster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flushsim.campaign.dask_executor.code_fingerprint", lambda: "00000000")
    with Cluster(description, cluster) as labour:
        done = next(done for done in labour.run([0]) if done is not None)
    assert done == Done(0, None, "case 0 failed: RuntimeError: this worker has another version of flushpump")


def test_a_scheduler_that_is_lost_under_way_is_named(description: CampaignConfig) -> None:
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, processes=True, dashboard_address=":0") as local,
        Cluster(description, local.scheduler_address) as labour,
    ):
        cases = iter(labour.run(range(1000)))
        while next(cases) is None:
            pass
        local.close()
        with pytest.raises(FlushPumpError, match=r"the Dask scheduler at .* does not answer any more"):
            for _ in cases:
                pass


def _dies(case: int) -> Row:
    """Stands in for a worker's case: case 2 kills the worker."""
    if case == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"case": case}


def _fails(case: int) -> Row:
    raise ValueError(f"no {case}")


def test_a_worker_that_dies_is_replaced_and_its_case_named(
    description: CampaignConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labour_module, "_work", _dies)
    with Processes(description, 2) as labour:
        done = [done for done in labour.run(range(6)) if done is not None]
    assert {one.case for one in done if one.row is not None} == {0, 1, 3, 4, 5}
    assert [one for one in done if one.row is None] == [
        Done(2, None, "a worker was killed by SIGKILL in case 2; the case is run again", again=True),
        Done(2, None, "a worker was killed by SIGKILL in case 2 once more"),
    ]


def test_a_worker_that_hangs_is_ended_and_its_case_named(
    description: CampaignConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labour_module, "_work", _hangs)
    monkeypatch.setattr(labour_module, "CASE_MOST_S", 0.5)
    with Processes(description, 1) as labour:
        done = [done for done in labour.run([0]) if done is not None]
    assert [one.problem for one in done] == [
        "a worker took more than 0.5 s and was ended in case 0; the case is run again",
        "a worker took more than 0.5 s and was ended in case 0 once more",
    ]


def _hangs(case: int) -> Row:
    while True:
        signal.pause()


def test_a_case_that_raises_is_named_with_its_reason(
    description: CampaignConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labour_module, "_work", _fails)
    with Processes(description, 1) as labour:
        done = [done for done in labour.run([7]) if done is not None]
    assert done == [Done(7, None, "case 7 failed: ValueError: no 7")]
