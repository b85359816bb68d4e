"""The deposit on the catheter's wall: what of Guiffant 2012 the model shows."""

import numpy as np
import pytest
from flushpump.access.hydraulics import wall_shear_pa
from flushsim.fluids.deposit import GUIFFANT, _wall_shear_pa, removal
from flushsim.plant.flow_record import FlowRecord
from flushsim.plant.parameters import PlantPath

PORT = PlantPath()
CATHETERS = [PlantPath(catheter_bore_mm=bore) for bore in (0.85, 1.0, 1.5)]


def removed(way: str, path: PlantPath = PORT) -> float:
    return removal(FlowRecord.of_flows(GUIFFANT[way][0]), path).removed


@pytest.mark.parametrize("path", CATHETERS, ids=lambda path: f"{path.catheter_bore_mm} mm")
def test_pulses_remove_more_than_one_bolus_and_a_bolus_more_than_a_slow_infusion(path: PlantPath):
    pulses, bolus, slow = (removed(way, path) for way in GUIFFANT)
    assert pulses > bolus + 0.05 > slow + 0.05


def test_what_was_fitted_to_two_ways_of_the_study_predicts_the_third_within_its_spread():
    pulses, bolus, slow = GUIFFANT
    assert removed(bolus) == pytest.approx(GUIFFANT[bolus][1], abs=0.003)
    assert removed(slow) == pytest.approx(GUIFFANT[slow][1], abs=0.003)
    assert removed(pulses) == pytest.approx(GUIFFANT[pulses][1], abs=0.03)


def test_the_order_of_ferroni_2014_is_the_models_too():
    # 10.2147/MDER.S71217, at 10 mL/s: unflushed is 20.71 times as contaminated as pulsed, 6.42 times as continuous.
    pulsed = removal(FlowRecord.of_flows([(10.0, 0.1), (0.0, 0.4)] * 10), PORT)
    continuous = removal(FlowRecord.of_flows([(10.0, 1.0)]), PORT)
    assert pulsed.removed > continuous.removed > 0.5


def test_every_pulse_takes_less_than_the_one_before():
    taken = np.diff([removal(FlowRecord.of_flows([(2.0, 0.5), (0.0, 0.4)] * n), PORT).removed for n in range(5, 12)])
    assert (taken > 0).all()
    assert (np.diff(taken) < 0).all()


def test_pauses_that_the_lines_compliance_fills_make_shallow_starts():
    stiff = removal(FlowRecord.of_flows([(2.0, 0.5), (0.0, 0.4)] * 10), PORT)
    soft = removal(FlowRecord.of_flows([(2.0, 0.5), (1.6, 0.4)] * 10), PORT)
    assert stiff.starts == pytest.approx(10)
    assert 1 < soft.starts < 5
    assert soft.bound_left > stiff.bound_left


def test_nothing_flows_and_nothing_is_removed():
    nothing = removal(FlowRecord.of_flows([(0.0, 10.0)]), PORT)
    assert (nothing.removed, nothing.starts) == (pytest.approx(0.0), 0)


def test_shear_is_that_of_the_path():
    flows = np.array([0.0, 0.1, 1.0, 2.0, 2.9, 3.5, 5.0, 8.0])
    expected = [wall_shear_pa(flow, 1.0, 250) for flow in flows]
    found = _wall_shear_pa(flows, PlantPath(catheter_bore_mm=1.0))
    np.testing.assert_allclose(found, expected, rtol=1e-12)
