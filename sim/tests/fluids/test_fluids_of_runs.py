"""Fluids of whole runs: the real firmware and client, the plant's flows."""

import pytest
from flushsim.fluids.deposit import removal
from flushsim.fluids.line import SEGMENTS
from flushsim.fluids.summary import FluidSummary
from flushsim.scenario import Scenario, run


@pytest.fixture(scope="module")
def maintained():
    """A run of port-maintenance on a port with a rounded chamber."""
    return run(Scenario(), flows=True)


def test_port_maintenance_replaces_chamber_and_catheter_but_for_what_the_blood_return_drew_back(maintained):
    history = maintained.fluid_history()
    summary = FluidSummary.of(history)
    assert 0.97 < summary.chamber_replaced < 1
    assert 0.97 < summary.catheter_replaced < 1
    assert 0.1 < summary.drawn_back_ml < 0.3
    assert 0.45 < history.blood_in_ml < 0.51
    assert summary.to_vein_ml["blood"] == pytest.approx(history.blood_in_ml, abs=0.002)


def test_fluids_are_where_the_plant_moved_the_volume(maintained):
    history = maintained.fluid_history()
    assert history.error_ml < 1e-9
    came_out = history.out_ml[-1].sum() - history.blood_in_ml
    assert came_out == pytest.approx(maintained.ground_truth.tip_ml, abs=1e-9)
    left = history.held_ml[-1, SEGMENTS.index("syringe")].sum()
    assert left == pytest.approx(maintained.plan.loaded_ml - maintained.ground_truth.driven_ml, abs=5e-3)


def test_the_record_of_flows_changes_nothing_and_ends_where_the_run_does(maintained):
    plain = run(Scenario())
    assert plain.flows is None
    assert plain.reported == maintained.reported
    assert plain.ground_truth == maintained.ground_truth
    flows = maintained.flows
    assert flows.time_us[-1] == maintained.duration_us
    stored = flows.driven_ml - flows.tip_ml - flows.leaked_ml
    assert abs(stored).max() < 0.5


def test_a_run_without_its_flows_cannot_be_followed():
    with pytest.raises(ValueError, match="flows=True"):
        run(Scenario(sequence="lock")).fluid_history()


def test_sash_gives_a_drug_takes_it_out_again_and_brings_its_heparin_to_the_tip():
    history = run(Scenario(sequence="sash"), flows=True).fluid_history()
    summary = FluidSummary.of(history)
    assert history.shares("catheter")["drug"].max() > 0.99
    assert summary.catheter["drug"] < 0.01
    assert summary.lock.fluid == "heparin"
    assert summary.lock.reached_tip
    assert 0.1 < summary.lock.passed_ml < 0.6


def test_a_leak_at_the_connector_takes_fluid_that_never_reaches_the_line():
    history = run(Scenario(faults=("leak:0.2@0s",)), flows=True).fluid_history()
    assert history.leaked_ml.sum() > 0.2
    assert history.error_ml < 1e-9


@pytest.mark.parametrize("fault", ["disconnect@3s", "bubble:0.3@2s", "occlusion@3s", "growing:2@1s"])
def test_nothing_is_lost_whatever_fault_the_run_has(fault):
    assert run(Scenario(faults=(fault,)), flows=True).fluid_history().error_ml < 1e-9


def test_blood_return_ten_pulses_and_lock_are_twelve_starts_and_take_the_deposit_off_as_the_study_found(maintained):
    taken = removal(maintained.flows, maintained.scenario.true_path())
    assert taken.starts == pytest.approx(12, abs=0.2)
    assert taken.removed == pytest.approx(0.90, abs=0.03)


def test_a_needle_that_has_come_out_of_the_port_flushes_tissue_and_not_the_chamber():
    result = run(Scenario(faults=("dislodged:0.2@0s",)), flows=True)
    history = result.fluid_history()
    assert history.error_ml < 1e-9
    assert history.leaked_ml.sum() > 5
    assert FluidSummary.of(history).chamber_replaced < 0.05


def test_behind_a_torn_catheter_nothing_is_replaced():
    result = run(Scenario(faults=("rupture:3@0s",)), flows=True)
    history = result.fluid_history()
    assert history.error_ml < 1e-9
    assert history.astray_ml.sum() > 5
    summary = FluidSummary.of(history)
    assert summary.chamber_replaced > 0.95
    assert summary.catheter_replaced < 0.7
