"""One scenario: what the host was reported, beside the ground truth of the plant."""

import pytest
from flushpump.access.parts import UnknownNameError
from flushpump.errors import RefusedError
from flushpump.wire.messages import Outcome, Verdict
from flushsim.faults.spec import FaultError
from flushsim.rig.trace import TraceRow
from flushsim.scenario import Scenario, run


def test_a_scenario_gives_the_same_run_again_byte_for_byte() -> None:
    scenario = Scenario(faults=("partial:4@4s",), seed=5)
    first: list[TraceRow] = []
    second: list[TraceRow] = []
    reported = run(scenario, trace=first).reported
    assert run(scenario, trace=second).reported == reported
    assert first == second
    assert len(first) > 2_000


def test_another_seed_is_another_run() -> None:
    first: list[TraceRow] = []
    second: list[TraceRow] = []
    run(Scenario(seed=1), trace=first)
    run(Scenario(seed=2), trace=second)
    assert first != second


def test_a_healthy_scenario_delivers_what_was_asked_for_and_reports_it() -> None:
    result = run(Scenario())
    assert result.reported.end is not None
    assert result.reported.end.outcome is Outcome.COMPLETED
    assert result.reported.verdict is Verdict.PATENT
    assert len(result.reported.pulses) == 10
    assert not result.reported.alarms
    assert result.ground_truth.driven_ml == pytest.approx(9.0, abs=0.001)
    assert result.ground_truth.tip_ml == pytest.approx(9.0, abs=0.01)
    assert result.ground_truth.relief_lowest_kpa is None
    assert result.ground_truth.bolus_ml == 0.0


def test_an_occluded_scenario_has_its_relief_and_its_bolus_in_the_result() -> None:
    result = run(Scenario(faults=("occlusion@3s",)))
    ground_truth = result.ground_truth
    assert result.reported.verdict is Verdict.OCCLUDED
    onset_us = ground_truth.onset_us(result.plant.faults[0])
    assert onset_us is not None
    assert ground_truth.last_forward_us is not None
    assert 0 < ground_truth.last_forward_us - onset_us < 100_000
    assert ground_truth.relief_lowest_kpa is not None
    assert ground_truth.relief_drawn_ml is not None
    assert ground_truth.after_stop_ml < 0.001
    assert 0 < ground_truth.bolus_ml < 0.1


def test_the_plant_has_the_real_line_where_the_host_assumes_another() -> None:
    believed = run(Scenario())
    result = run(Scenario(path=Scenario(needle="huber-19g").true_path()))
    assert result.plan == believed.plan
    assert result.ground_truth.peak_kpa < 0.8 * believed.ground_truth.peak_kpa


def test_a_link_that_dies_is_part_of_the_result() -> None:
    result = run(Scenario(faults=("link-loss@4s",)))
    assert result.reported.end is None
    assert "lease" in result.reported.problem or "answer" in result.reported.problem


@pytest.mark.parametrize(
    ("scenario", "error"),
    [
        (Scenario(line="smartport"), UnknownNameError),
        (Scenario(syringe="bd-3"), RefusedError),
        (Scenario(faults=("oclusion@3s",)), FaultError),
    ],
)
def test_an_impossible_scenario_is_refused(scenario: Scenario, error: type[Exception]) -> None:
    with pytest.raises(error):
        run(scenario)
