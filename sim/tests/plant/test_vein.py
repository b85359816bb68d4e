"""The vein breathes, beats and coughs, is below the pump, and the line follows."""

from itertools import pairwise

import pytest
from flushsim.plant.plant import Plant, PlantPath
from flushsim.plant.vein import COUGH_EVERY_S, Vein, cough_kpa

from sim.tests.plant.support.plant_bench import BOARD, play, pulse


def test_a_vein_swings_about_its_mean_as_often_as_the_patient_breathes() -> None:
    vein = Vein(PlantPath(breath_kpa=0.3, breaths_per_min=15.0, vein_phase=0.1))
    values = [vein.kpa(t / 100) for t in range(2400)]
    assert sum(values) / len(values) == pytest.approx(PlantPath().vein_kpa, abs=0.01)
    assert max(values) - min(values) == pytest.approx(0.6, rel=0.01)
    mean = PlantPath().vein_kpa
    assert sum(before < mean <= after for before, after in pairwise(values)) == 6


def test_a_heartbeat_is_an_a_wave_and_a_lower_v_wave() -> None:
    vein = Vein(PlantPath(beat_kpa=0.2, beats_per_min=60.0))
    values = [vein.kpa(t / 1000) - PlantPath().vein_kpa for t in range(1000)]
    assert 0.15 < max(values) < 0.2
    assert values == pytest.approx([vein.kpa(1 + t / 1000) - PlantPath().vein_kpa for t in range(1000)])


def test_coughs_come_three_times_and_then_no_more() -> None:
    values = [cough_kpa(8.0, t / 100) for t in range(500)]
    assert max(values) == 8.0
    assert cough_kpa(8.0, COUGH_EVERY_S + 0.15) == pytest.approx(8.0)
    assert max(values[160:]) == 0.0


def test_a_cough_shows_at_the_resting_sensor() -> None:
    plant = Plant(PlantPath(inertia=True), BOARD, ["cough:8@500ms"], noise_kpa=0.0)
    kpa: list[float] = []
    play(plant, pulse(plant, 0, 0.02, 0.2), 3_000_000, lambda now_us: kpa.append(plant.line.p1))
    assert max(kpa[100:]) == pytest.approx(8 + 0.667, abs=2.0)
    assert kpa[-1] == pytest.approx(0.667, abs=0.1)
    assert abs(plant.mass_error_ul) < 1e-7


def test_a_breathing_vein_shows_at_the_sensor_without_any_motion() -> None:
    plant = Plant(PlantPath(breath_kpa=0.3, inertia=True), BOARD)
    kpa = []
    for turn in range(1, 1601):
        plant.advance(turn * 5000)
        kpa.append(plant.line.p1)
    assert max(kpa) - min(kpa) == pytest.approx(0.6, rel=0.05)


def test_a_pump_above_the_heart_reads_less_by_the_column_between() -> None:
    high, low = (Plant(PlantPath(height_mm=height), BOARD).line.p1 for height in (500.0, -500.0))
    assert low - high == pytest.approx(2 * 1.005 * 9.80665 * 0.5)
    lifted = Plant(PlantPath(), BOARD, ["height:300@100ms"])
    play(lifted, pulse(lifted, 0, 0.01, 0.1), 2_000_000)
    assert lifted.line.p1 == pytest.approx(0.667 - 1.005 * 9.80665 * 0.3, abs=0.01)
