"""What each fault of line and drive does to pressure, flow and count, in the words of its kind."""

import pytest
from flushsim.plant.plant import Plant, PlantPath

from sim.tests.plant.support.plant_bench import BOARD, play, pulse, pulses

Row = tuple[int, float, float, float]


def run(
    fault: str, path: PlantPath | None = None, flow: float = 2.0, until_us: int = 600_000, volume: float = 0.9
) -> tuple[Plant, list[Row]]:
    """A pulse with a fault; rows of time in us, kPa at the outlet, uL out of the tip, uL leaked."""
    plant = Plant(path or PlantPath(), BOARD, [fault] if fault else [])
    rows: list[Row] = []
    play(
        plant,
        pulse(plant, 0, volume, flow),
        until_us,
        lambda now_us: rows.append((now_us, plant.line.p1, plant.delivered_ul, plant.leaked_ul)),
    )
    return plant, rows


def kpa_at(rows: list[Row], at_us: int) -> float:
    return next(row[1] for row in rows if row[0] == at_us)


@pytest.mark.parametrize("compliance", [2.0, 5.0])
def test_a_total_occlusion_raises_the_pressure_by_flow_over_compliance(compliance: float) -> None:
    path = PlantPath(extension_compliance_ul_per_kpa=0, line_compliance_ul_per_kpa=0).with_compliance(compliance)
    plant, rows = run("occlusion@200ms", path)
    rise_kpa_per_s = (kpa_at(rows, 250_000) - kpa_at(rows, 220_000)) / 0.030
    # The pulse's plateau is a whole number of steps per slice, so within 1 % of 2 mL/s.
    assert rise_kpa_per_s == pytest.approx(2000 / compliance, rel=0.01)
    blocked = [row[2] for row in rows if row[0] >= 205_000]
    assert max(blocked) == min(blocked)
    assert plant.flow_tip_ul_per_s == 0.0


def test_an_occluded_line_keeps_its_pressure_in_the_pause_and_lets_go_when_it_opens() -> None:
    path = PlantPath().with_compliance(10.0)
    _, rows = run("occlusion@200ms~500ms", path, until_us=1_500_000)
    # Within what still swings between the extension's column and the connector.
    assert kpa_at(rows, 500_000) == pytest.approx(kpa_at(rows, 690_000), rel=1e-3)
    assert kpa_at(rows, 690_000) > 70
    assert kpa_at(rows, 1_400_000) < 5


def test_a_partial_occlusion_multiplies_what_needle_and_catheter_need() -> None:
    plant, rows = run("", flow=0.5, until_us=2_000_000)
    partial, partial_rows = run("partial:5@0s", flow=0.5, until_us=2_400_000)
    extension_kpa = plant.path.near()[0].kpa(0.5)
    vein_kpa = plant.path.vein_kpa
    needed = kpa_at(rows, 1_700_000) - vein_kpa - extension_kpa
    assert kpa_at(partial_rows, 1_700_000) == pytest.approx(vein_kpa + extension_kpa + 5 * needed, rel=0.01)
    assert partial.delivered_ul == pytest.approx(plant.delivered_ul, rel=1e-3)


def test_a_growing_occlusion_raises_the_pressure_slowly_and_ever_faster_until_nothing_passes() -> None:
    _, rows = run("growing:10@100ms", flow=0.5, until_us=1_700_000)
    steps = [kpa_at(rows, at) for at in (200_000, 600_000, 1_000_000, 1_400_000)]
    assert steps[1] < steps[2] < steps[3]
    assert steps[2] - steps[1] > steps[1] - steps[0]
    plant, rows = run("growing:1000000@0s", flow=0.2, until_us=4_000_000)
    blocked = [row[2] for row in rows if row[0] > 1_100_000]
    assert max(blocked) == min(blocked)
    assert plant.line.closed


def test_a_bubble_makes_rise_and_fall_slower_and_leaves_the_plateau() -> None:
    sound, straight = run("", until_us=3_000_000, volume=4.0)
    bubbly, soft = run("bubble:0.5@0s", until_us=3_000_000, volume=4.0)
    assert kpa_at(soft, 50_000) < 0.7 * kpa_at(straight, 50_000)
    assert kpa_at(soft, 1_900_000) == pytest.approx(kpa_at(straight, 1_900_000), rel=0.01)
    assert kpa_at(soft, 2_100_000) > 1.3 * kpa_at(straight, 2_100_000)
    assert bubbly.delivered_ul == pytest.approx(sound.delivered_ul, abs=1.0)


def test_a_leak_loses_its_share_and_lowers_the_pressure() -> None:
    sound, _ = run("", until_us=1_500_000)
    leaking, _ = run("leak:0.2@0s", until_us=1_500_000)
    assert leaking.leaked_ul == pytest.approx(0.2 * leaking.driven_ul, rel=1e-3)
    assert leaking.delivered_ul == pytest.approx(0.8 * leaking.driven_ul, rel=1e-3)
    assert leaking.peak_kpa < 0.75 * sound.peak_kpa


def test_a_disconnected_line_falls_to_what_the_extension_needs_and_delivers_nothing() -> None:
    plant, rows = run("disconnect@200ms", until_us=2_500_000, volume=1.7)
    delivered = plant.delivered_at_us(205_000)
    assert kpa_at(rows, 800_000) == pytest.approx(plant.path.near()[0].kpa(2.0), rel=0.02)
    assert plant.delivered_ul == pytest.approx(delivered, abs=1e-9)
    # The line is emptied from the vein's pressure down to the room's, 2.1 uL/kPa.
    assert plant.leaked_ul == pytest.approx(plant.driven_ul - delivered + 2.12 * 0.667, abs=0.1)


def test_lost_steps_are_neither_counted_nor_pushed() -> None:
    plant, _ = run("step-loss:0.1@0s", until_us=1_000_000)
    ordered = round(0.9 / plant.plunger.ml_per_step)
    assert plant.stepper.position == pytest.approx(0.9 * ordered, abs=2)
    assert plant.driven_ul == pytest.approx(plant.stepper.position * plant.plunger.ml_per_step * 1000, rel=1e-9)


def test_a_stalled_motor_pushes_and_counts_nothing_until_it_turns_again() -> None:
    plant, rows = run("stall@100ms~100ms", until_us=1_000_000)
    assert kpa_at(rows, 195_000) < 0.2 * kpa_at(rows, 95_000)
    missing = round(0.9 / plant.plunger.ml_per_step) - plant.stepper.position
    assert missing * plant.plunger.ml_per_step == pytest.approx(0.1 * 2.0, rel=0.01)


def test_fault_times_count_from_the_first_step_and_not_from_the_start() -> None:
    plant = Plant(PlantPath(), BOARD, ["disconnect@100ms"])
    plant.advance(700_000)
    assert plant.motion_started_us is None
    play(plant, pulse(plant, 700_000 * 125, 0.9, 2.0), 795_000)
    assert plant.leaked_ul == 0.0
    plant.advance(810_000)
    assert plant.leaked_ul > 0.0


def test_drawing_from_a_patent_line_gives_blood_and_from_an_occluded_one_a_vacuum() -> None:
    patent = Plant(PlantPath(), BOARD)
    play(patent, pulse(patent, 0, 0.5, 0.5, -1), 2_000_000)
    assert patent.delivered_ul == pytest.approx(patent.driven_ul, abs=0.01)
    assert patent.delivered_ul < -495
    blocked = Plant(PlantPath(), BOARD, ["occlusion@0s"])
    play(blocked, pulse(blocked, 0, 0.5, 0.5, -1), 2_000_000)
    # Liquid boils before it can be torn.
    assert -101 < blocked.line.p1 < -90
    assert blocked.delivered_ul == pytest.approx(0, abs=0.2)


def test_faults_of_the_link_leave_the_plant_alone() -> None:
    plant = Plant(PlantPath(), BOARD, ["link-loss@0s"])
    sound = Plant(PlantPath(), BOARD)
    for one in (plant, sound):
        play(one, pulses(one, 1, 0.3, 1.0, 500_000), 500_000)
    assert plant.delivered_ul == sound.delivered_ul


@pytest.mark.parametrize(
    "faults",
    [
        ["occlusion@0s", "leak:1@0s"],
        ["bubble:0.05@50ms"],
        ["occlusion@50ms", "bubble:0.05@50ms"],
        ["disconnect@30ms~50ms", "growing:1000@0s", "bubble:1@40ms~20ms"],
    ],
)
def test_a_line_that_stretches_nowhere_can_be_solved_down_to_boiling(faults: list[str]) -> None:
    path = PlantPath(syringe_compliance_ul_per_kpa=0.3, extension_compliance_ul_per_kpa=0, line_compliance_ul_per_kpa=0)
    plant = Plant(path, BOARD, faults)
    slices = pulse(plant, 0, 0.1, 2.0)
    slices += pulse(plant, slices[-1].end_ticks, 0.6, 4.0, -1)
    play(plant, slices, 500_000)
    assert plant.line.p1 > -101
    assert abs(plant.mass_error_ul) < 1e-6
