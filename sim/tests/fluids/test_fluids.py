"""Fluids followed from syringe to vein over a whole record."""

from dataclasses import replace

import numpy as np
import pytest
from flushpump.access.parts import lumen_ml
from flushsim.fluids import history as fluids
from flushsim.fluids.history import Charge, follow
from flushsim.fluids.line import BLOOD, FIRST_CHARGE, SEGMENTS
from flushsim.fluids.summary import FluidSummary, summarize
from flushsim.plant.flow_record import FlowRecord
from flushsim.plant.parameters import PlantPath
from hypothesis import given, settings
from hypothesis import strategies as st

PORT = PlantPath()
PULSES = [(2.0, 0.45), (0.0, 0.4)] * 10
ASPIRATE = [(-0.5, 1.0), (0.0, 0.1)]
SALINE = Charge(0, "saline", 10.0)


def lock_after(pieces: list[tuple[float, float]], volume_ml: float) -> tuple[FlowRecord, Charge]:
    """The record of these pieces and a lock from a new syringe at 0.5 mL/s after them, and the lock's charge."""
    begins_us = 1e6 * sum(time_s for _, time_s in pieces)
    return FlowRecord.of_flows([*pieces, (0.5, volume_ml / 0.5)]), Charge(begins_us, "heparin", 10.0, lock=True)


def volumes_ml(path: PlantPath) -> dict[str, float]:
    """Of the parts whose volume never changes."""
    return {
        "extension": lumen_ml(path.extension_bore_mm, path.extension_length_mm),
        "chamber": path.chamber_ml,
        "catheter": lumen_ml(path.catheter_bore_mm, path.catheter_length_mm),
    }


def test_a_flush_of_ten_pulses_replaces_all_but_what_was_drawn_back_into_the_syringe():
    without = summarize(FlowRecord.of_flows(PULSES), PORT, [SALINE])
    assert without.chamber_replaced > 0.9999
    assert without.catheter_replaced > 0.9999
    assert without.drawn_back_ml == pytest.approx(0.0, abs=1e-12)
    after_return = summarize(FlowRecord.of_flows([*ASPIRATE, *PULSES]), PORT, [SALINE])
    assert 0.1 < after_return.drawn_back_ml < 0.3
    assert 0.97 < after_return.catheter_replaced < 0.99


def test_a_blood_return_brings_blood_into_the_catheter_and_a_flush_takes_it_out_again():
    history = follow(FlowRecord.of_flows([*ASPIRATE, *PULSES]), PORT, [SALINE])
    assert history.blood_in_ml == pytest.approx(0.5)
    blood = history.shares("catheter")["blood"]
    assert blood.max() > 0.75
    assert blood[-1] < 1e-3
    assert history.out_ml[-1, BLOOD] == pytest.approx(0.5, abs=2e-3)


def test_an_angular_chamber_keeps_more_of_its_old_content():
    record = FlowRecord.of_flows(PULSES)
    shapes = (replace(PORT, chamber_shape=each) for each in ("rounded", "angular"))
    rounded, angular = (summarize(record, path, [SALINE]) for path in shapes)
    assert angular.chamber_replaced < 0.995 < 0.999 < rounded.chamber_replaced


def test_a_lock_with_a_fifth_more_than_the_paths_volume_reaches_the_tip_and_part_of_it_goes_past():
    volume_ml = 1.2 * sum(volumes_ml(PORT).values())
    record, lock = lock_after(PULSES, volume_ml)
    summary = summarize(record, PORT, [SALINE, lock]).lock
    assert summary.reached_tip
    assert sum(time_s for _, time_s in PULSES) < summary.reached_at_s < record.duration_s
    assert 0.2 < summary.passed_ml < 0.5
    assert 0.5 < summary.at_tip < summary.in_catheter < summary.in_chamber < 1


def test_a_lock_of_half_the_paths_volume_does_not_reach_the_tip():
    record, lock = lock_after(PULSES, 0.5 * sum(volumes_ml(PORT).values()))
    summary = summarize(record, PORT, [SALINE, lock])
    assert not summary.lock.reached_tip
    assert summary.lock.passed_ml < 0.01
    assert "did not reach the tip" in " ".join(summary.sentences())


def test_what_a_lock_holds_and_what_went_past_the_tip_is_what_was_given():
    record, lock = lock_after(PULSES, 1.4)
    history = follow(record, PORT, [SALINE, lock])
    label = FIRST_CHARGE + 1
    in_line = history.held_ml[-1, 1:, label].sum()
    assert in_line + history.out_ml[-1, label] == pytest.approx(1.4, abs=1e-9)


def test_a_lock_from_the_flushs_own_syringe_is_distinguished_from_the_flush():
    record = FlowRecord.of_flows([*PULSES, (0.5, 1.0)])
    history = follow(record, PORT, [SALINE, Charge(8.5e6, "saline", lock=True)])
    summary = FluidSummary.of(history).lock
    assert summary.at_tip < 0.05 < 0.999 < summary.fluid_at_tip
    assert "saline, as the flush" in summary.sentence()
    assert history.fluids[FIRST_CHARGE:] == ("saline", "saline")
    assert history.held_ml[-1, 0, FIRST_CHARGE + 1] == pytest.approx(0.5, abs=1e-9)
    assert history.shares("catheter")["saline"][-1] > 0.999


def test_a_drug_given_by_hand_fills_the_line_and_the_next_flush_takes_it_out():
    drug = Charge(8.6e6, "drug", 10.0, by_hand=True)
    fresh = Charge(8.7e6, "saline", 10.0)
    record = FlowRecord.of_flows([*PULSES, (0.0, 1.0), *PULSES])
    history = follow(record, PORT, [SALINE, drug, fresh])
    shares = history.shares("catheter")["drug"]
    assert shares.max() > 0.999
    assert shares[-1] < 1e-3
    assert history.error_ml < 1e-9


def test_a_line_without_chamber_and_needle_is_followed_too():
    picc = replace(PORT, chamber_ml=0.0, needle_length_mm=0.0, catheter_bore_mm=1.07, catheter_length_mm=450.0)
    summary = summarize(FlowRecord.of_flows(PULSES), picc, [SALINE])
    assert summary.chamber_replaced is None
    assert summary.chamber == {}
    assert summary.catheter_replaced > 0.999


def test_without_an_extension_the_syringe_sits_on_the_needle():
    summary = summarize(FlowRecord.of_flows([*ASPIRATE, *PULSES]), replace(PORT, extension_length_mm=0.0), [SALINE])
    assert summary.drawn_back_ml > 0.3
    assert summary.error_ml < 1e-9


def test_a_syringe_that_gave_more_than_its_charge_is_taken_to_have_held_it():
    history = follow(FlowRecord.of_flows(PULSES), PORT, [Charge(0, "saline", 5.0)])
    assert history.out_ml[-1].sum() == pytest.approx(9.0)
    assert history.error_ml < 1e-9


def test_liquid_that_goes_through_the_needle_but_not_out_of_the_tip_is_astray():
    flow = FlowRecord.of_flows(PULSES)
    torn = replace(flow, tip_ml=0.7 * flow.line_ml, leaked_ml=0.3 * flow.line_ml)
    history = follow(torn, PORT, [SALINE])
    assert history.leaked_ml.sum() == pytest.approx(0.0, abs=1e-9)
    assert history.astray_ml.sum() == pytest.approx(0.3 * 9.0)
    assert history.error_ml < 1e-9


@pytest.mark.parametrize(
    ("charges", "sentence"),
    [
        ((), "first charge"),
        ((Charge(0, "saline"),), "first charge"),
        ((SALINE, Charge(2e6, "heparin", 5.0), Charge(1e6, "saline", 5.0)), "in order of time"),
    ],
)
def test_charges_that_make_no_sense_are_refused(charges, sentence):
    with pytest.raises(ValueError, match=sentence):
        follow(FlowRecord.of_flows(PULSES), PORT, charges)


def test_figures_hardly_depend_on_the_length_of_a_step(monkeypatch: pytest.MonkeyPatch):
    record, lock = lock_after([*ASPIRATE, *PULSES], 1.4)
    found = []
    for step_ml in (fluids.STEP_ML, fluids.STEP_ML / 5):
        monkeypatch.setattr(fluids, "STEP_ML", step_ml)
        summary = summarize(record, PORT, [SALINE, lock])
        found.append(
            (summary.chamber_replaced, summary.catheter_replaced, summary.lock.in_catheter, summary.lock.passed_ml)
        )
    np.testing.assert_allclose(found[0], found[1], atol=2e-3)


@st.composite
def records(draw) -> FlowRecord:
    """Any flows at all, each column its own way: stretching, leaking, sucking, opening up beyond the needle."""
    pieces = draw(st.lists(st.tuples(*[st.floats(-0.4, 0.4)] * 4, st.floats(0.0, 3.0)), min_size=1, max_size=12))
    rows = np.array([(0.0,) * 5, *pieces])
    extension, stretch, leak, tip, time_s = np.cumsum(rows, axis=0).T
    stretch = np.clip(stretch, -0.2, 0.2)
    line = extension - stretch - leak
    return FlowRecord(time_s * 1e6, extension, extension, line, line + 0.1 * tip, leak - 0.1 * tip)


@settings(max_examples=settings().max_examples * 4 // 5)
@given(record=records(), shape=st.sampled_from(["rounded", "angular"]), change_us=st.floats(0.0, 1e7))
def test_no_label_is_lost_or_made_whatever_flows_where(record: FlowRecord, shape: str, change_us: float):
    path = replace(PORT, chamber_shape=shape)
    charges = [SALINE, Charge(change_us, "saline", lock=True), Charge(change_us, "heparin", 8.0)]
    history = follow(record, path, charges)
    assert history.error_ml < 1e-9
    assert history.held_ml.min() > -1e-9
    for segment, volume_ml in volumes_ml(path).items():
        held = history.held_ml[:, SEGMENTS.index(segment)].sum(axis=1)
        np.testing.assert_allclose(held, volume_ml, atol=1e-9)
    came_out = history.out_ml[-1].sum() - history.blood_in_ml
    assert came_out == pytest.approx(record.tip_ml[-1], abs=1e-9)
