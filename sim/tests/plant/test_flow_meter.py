"""The record of what flowed where: it begins at zero, closes every balance, and ends with the plant's volumes."""

import numpy
import pytest
from flushsim.plant.plant import Plant, PlantPath

from sim.tests.plant.support.plant_bench import BOARD, play, pulse


@pytest.mark.parametrize("fault", ["", "leak:0.2@50ms", "occlusion@100ms", "disconnect@200ms", "bubble:0.1@0s"])
def test_a_record_ends_with_the_plants_volumes_and_its_flows_are_even_enough_to_follow(fault: str) -> None:
    plant = Plant(PlantPath(inertia=True), BOARD, [fault] if fault else [])
    play(plant, pulse(plant, 0, 0.1, 1.0), 400_000)
    before = plant.driven_ul, plant.delivered_ul, plant.leaked_ul
    at_first_kpa = plant.line.p1
    plant.record_flows()
    play(plant, pulse(plant, plant.now_us * 125, 0.4, 2.0), 1_500_000)
    record = plant.flow_record()
    assert record.time_us[0] == 400_000
    assert record.time_us[-1] == 1_500_000
    assert numpy.all(numpy.diff(record.time_us) > 0)
    assert numpy.diff(record.time_us).max() <= 10_000
    after = plant.driven_ul, plant.delivered_ul, plant.leaked_ul
    ended = record.driven_ml[-1], record.tip_ml[-1], record.leaked_ml[-1]
    assert [1000 * volume for volume in ended] == pytest.approx(
        [now - then for now, then in zip(after, before, strict=True)], abs=1e-9
    )
    assert record.line_ml == pytest.approx(record.tip_ml)
    barrel_ml = record.driven_ml - record.extension_ml
    assert barrel_ml[-1] * 1000 == pytest.approx(2.0 * (plant.line.p1 - at_first_kpa), abs=1e-9)


def test_what_a_torn_catheter_loses_has_passed_the_needle_and_not_the_tip() -> None:
    plant = Plant(PlantPath(inertia=True), BOARD, ["occlusion@50ms", "rupture:50@0s"])
    plant.record_flows()
    play(plant, pulse(plant, 0, 0.5, 1.0), 1_500_000)
    record = plant.flow_record()
    assert record.line_ml[-1] - record.tip_ml[-1] == pytest.approx(record.leaked_ml[-1], abs=1e-12)
    assert record.leaked_ml[-1] > 0.3


def test_without_being_asked_there_is_no_record() -> None:
    with pytest.raises(RuntimeError, match="no flows were recorded"):
        Plant(PlantPath(), BOARD).flow_record()
