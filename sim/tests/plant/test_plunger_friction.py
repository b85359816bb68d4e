"""What friction does to the flow, what a dry plunger does, and what moves one that nobody holds."""

from dataclasses import replace
from typing import Any

import pytest
from flushsim.plant.plant import Plant, PlantPath

from sim.tests.plant.support.plant_bench import BOARD, play, pulse

GIVING = PlantPath(drive_n_per_mm=200.0, backlash_um=0.0, inertia=True)
BACK_DRIVING: dict[str, Any] = BOARD | {"drive": BOARD["drive"] | {"back_drives": True}}
# A 60 mL barrel whose rubber slides well.
SLIPPERY = PlantPath(
    barrel_mm=26.59, capacity_ml=60.0, loaded_ml=50.0, syringe_compliance_ul_per_kpa=15.0, friction_break_n=2.0,
    friction_glide_n=1.0, back_drive_n=1.0, inertia=True,
)  # fmt: skip


def moved_ul(plant: Plant, volume_ml: float, direction: int = 1) -> float:
    before_ul = plant.driven_ul
    play(plant, pulse(plant, 0, volume_ml, 0.5, direction), plant.now_us + 2_000_000)
    return plant.driven_ul - before_ul


def test_after_a_reversal_the_plunger_lags_by_twice_its_friction_over_the_drives_stiffness() -> None:
    plant = Plant(GIVING, BOARD)
    moved_ul(plant, 0.3)
    lag_ul = 2 * GIVING.friction_glide_n / 200 * GIVING.barrel_area_mm2
    assert moved_ul(plant, 0.2, -1) == pytest.approx(-200 + lag_ul, abs=1.0)
    assert moved_ul(plant, 0.2) == pytest.approx(200 - lag_ul, abs=1.0)
    assert moved_ul(plant, 0.2) == pytest.approx(200, abs=0.1)


def test_a_rested_plunger_breaks_loose_late_and_catches_up() -> None:
    plant = Plant(replace(GIVING, friction_break_n=8.0), BOARD)
    late_ul = 4.0 / 200 * GIVING.barrel_area_mm2
    slices = pulse(plant, 0, 0.3, 0.5)
    behind = []
    ideal = plant.plunger.ml_per_step * 1000
    play(plant, slices, 1_500_000, lambda now_us: behind.append(plant.stepper.position * ideal - plant.driven_ul))
    assert max(behind) == pytest.approx(late_ul, rel=0.15)
    assert behind[-1] == pytest.approx(0.0, abs=0.1)


def test_a_dry_plunger_sticks_and_slips_and_the_pressure_saws() -> None:
    def roughness(faults: list[str]) -> tuple[float, Plant]:
        plant = Plant(PlantPath(inertia=True), BOARD, faults)
        kpa: list[float] = []
        play(plant, pulse(plant, 0, 0.9, SLOW), 3_000_000, lambda now_us: kpa.append(plant.line.p1))
        middle = kpa[200:500]
        return sum(abs(c - 2 * b + a) for a, b, c in zip(middle, middle[1:], middle[2:], strict=False)), plant

    sound, _ = roughness([])
    dry, plant = roughness(["stiction:25@0s"])
    assert dry > 20 * sound
    # What is left behind is less than one slip.
    assert plant.driven_ul == pytest.approx(900, abs=(25 - 4) / 300 * plant.path.barrel_area_mm2 + 0.1)


SLOW = 0.3


def test_a_plunger_needs_more_force_when_it_is_dry() -> None:
    plant = Plant(PlantPath(), BOARD, ["stiction:25@0s"])
    play(plant, pulse(plant, 0, 0.3, 1.0), 200_000)
    assert plant.plunger_force_n - plant.pressure_pa / 1e6 * plant.path.barrel_area_mm2 == pytest.approx(25.0)


def test_the_barrel_can_end_sooner_than_the_pump_has() -> None:
    plant = Plant(PlantPath(), BOARD, ["empty:0.1@200ms"])
    play(plant, pulse(plant, 0, 0.9, 1.0), 1_500_000)
    assert plant.driven_ul == pytest.approx(200 - 10 + 100, abs=3)
    assert plant.syringe_ul == pytest.approx(0.0, abs=1e-6)


def test_a_wrong_syringe_gives_as_much_more_as_its_barrel_is_wider() -> None:
    volumes = []
    for faults in ([], ["wrong-syringe:15.8@0s"]):
        plant = Plant(PlantPath(), BOARD, faults)
        slices = pulse(Plant(PlantPath(), BOARD), 0, 0.5, 1.0)
        play(plant, slices, 1_500_000)
        volumes.append(plant.driven_ul)
    assert volumes[1] / volumes[0] == pytest.approx((15.8 / 14.43) ** 2)


def _left_alone(path: PlantPath, board: dict[str, Any]) -> Plant:
    plant = Plant(path, board)
    plant.stepper.enable(False)
    for turn in range(1, 2001):
        plant.advance(turn * 5000)
    return plant


def test_a_pump_far_above_the_heart_is_siphoned_empty_through_a_screw_that_back_drives() -> None:
    high = replace(SLIPPERY, height_mm=1000.0)
    plant = _left_alone(high, BACK_DRIVING)
    assert plant.delivered_ul > 1000
    assert plant.stepper.position == 0
    assert plant.syringe_ul == pytest.approx(50_000 - plant.driven_ul)
    assert abs(plant.mass_error_ul) < 1e-6
    # The force that friction and screw hold stays in the barrel as a vacuum.
    assert plant.line.p1 * high.barrel_area_mm2 / 1000 < -1.9


def test_a_pump_far_below_the_heart_lets_blood_in_through_a_screw_that_back_drives() -> None:
    assert _left_alone(replace(SLIPPERY, height_mm=-1000.0), BACK_DRIVING).delivered_ul < -500


@pytest.mark.parametrize("height_mm", [-1000.0, 1000.0])
def test_a_screw_that_locks_itself_or_enough_friction_keeps_the_plunger(height_mm: float) -> None:
    assert _left_alone(replace(SLIPPERY, height_mm=height_mm), BOARD).driven_ul == 0.0
    rough = replace(SLIPPERY, height_mm=height_mm, friction_break_n=8.0)
    assert _left_alone(rough, BACK_DRIVING).driven_ul == 0.0
