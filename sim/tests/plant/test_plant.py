"""The plant's chain without faults: what is pushed comes out, when and with what pressure; play, force, ends."""

import math
from itertools import pairwise

import pytest
from flushpump.access import hydraulics
from flushpump.access.catalog import load
from flushsim.plant.plant import Plant, PlantPath
from hypothesis import given
from hypothesis import strategies as st

from sim.tests.plant.support.plant_bench import BOARD, Slice, dwell, play, pulse, pulses


def test_a_patent_line_gives_out_what_the_plunger_pushes_once_the_pressure_has_gone() -> None:
    plant = Plant(PlantPath(), BOARD)
    play(plant, pulses(plant, 3, 0.9, 2.0, 850_000), 3_000_000)
    assert plant.driven_ul == pytest.approx(2700, abs=3 * 0.06)
    assert plant.delivered_ul == pytest.approx(plant.driven_ul, abs=1e-3)
    assert plant.leaked_ul == 0.0
    assert plant.pressure_pa == pytest.approx(667, abs=1)


def test_the_plateau_pressure_is_the_drop_of_the_tubes_above_the_vein() -> None:
    plant = Plant(PlantPath(), BOARD)
    play(plant, pulse(plant, 0, 3.0, 2.0), 1_600_000)
    expected = 5 * 0.1333224 + sum(
        hydraulics.drop_kpa(2.0, bore, length) for bore, length in ((1.382, 200), (0.603, 25), (1.5, 250))
    )
    assert plant.peak_kpa == pytest.approx(expected, abs=0.1)


def test_without_inertia_the_pressure_after_a_pulse_fades_with_the_lines_time_constant() -> None:
    plant = Plant(PlantPath(inertia=False), BOARD)
    play(plant, pulse(plant, 0, 0.4, 0.5), 900_000)
    rest_kpa = plant.path.vein_kpa
    play(plant, pulse(plant, 0, 0.05, 0.1), 1_450_000)
    first = plant.line.p1 - rest_kpa
    plant.advance(plant.now_us + 20_000)
    second = plant.line.p1 - rest_kpa
    # At the end the flow is slow, so R is the laminar share of the three tubes.
    linear = sum(tube.linear for tube in (*plant.path.near(), *plant.path.far()))
    assert first / second == pytest.approx(2.718281828 ** (0.020 / (linear * 2.12e-3)), rel=0.03)


def test_the_columns_inertia_swings_against_the_syringes_stretch_after_a_pulse() -> None:
    # Wide and without an extension: one column, and so slow that R is the laminar share.
    path = PlantPath(
        catheter_bore_mm=1.6, catheter_length_mm=600, needle_length_mm=0, extension_length_mm=0, inertia=True,
        tube_loss=0.0,
    )  # fmt: skip
    plant = Plant(path, BOARD)
    slices = pulse(plant, 0, 0.02, 0.05)
    rows: list[tuple[int, float]] = []
    play(plant, slices, 1_500_000, lambda now_us: rows.append((now_us, plant.line.p1 - path.vein_kpa)))
    after = [row for row in rows if row[0] > 420_000]
    crossings_us = []
    for (before_us, before), (now_us, now) in pairwise(after):
        if before * now < 0:
            crossings_us.append(before_us + (now_us - before_us) * before / (before - now))
    (linear,) = (tube.linear for tube in path.far())
    inertia = 1.005 * 600 / (math.pi * 1.6**2 / 4) / 1000
    assert path.flow_paths()[1].inertia == pytest.approx(inertia)
    decay_per_s = linear / (2 * inertia)
    swing_per_s = math.sqrt(1 / (inertia * 2.12e-3) - decay_per_s**2)
    assert crossings_us[1] - crossings_us[0] == pytest.approx(math.pi / swing_per_s * 1e6, rel=0.01)
    half_us = math.pi / swing_per_s * 1e6
    first, second = (
        next(kpa for now_us, kpa in after if now_us > crossings_us[0] + half_us * (k + 0.5)) for k in (0, 1)
    )
    assert -second / first == pytest.approx(math.exp(-decay_per_s * half_us / 1e6), rel=0.1)


def test_soft_tubes_take_their_share_of_the_connectors_swing_in_a_closed_line() -> None:
    def swings_kpa(loss: float) -> float:
        plant = Plant(PlantPath(inertia=True, tube_loss=loss), BOARD, ["occlusion@100ms"])
        kpa: list[float] = []
        play(plant, pulse(plant, 0, 0.25, 1.0), 400_000, lambda now_us: kpa.append(plant.line.p2))
        return max(kpa[64:]) - min(kpa[64:])

    assert swings_kpa(0.3) < 0.25 * swings_kpa(0.0)


def test_every_burst_reports_its_first_and_last_step_to_the_tick() -> None:
    plant = Plant(PlantPath(), BOARD)
    slices = pulses(plant, 3, 0.3, 1.0, 500_000)
    play(plant, slices, 1_600_000)
    runs: list[list[Slice]] = [[]]
    for one in slices:
        if one.direction == 0:
            runs.append([])
        else:
            runs[-1].append(one)
    expected = [(run[0].start_ticks + run[0].half_ticks, run[-1].end_ticks - run[-1].half_ticks) for run in runs]
    assert [(burst.first_ticks, burst.last_ticks) for burst in plant.bursts] == expected
    assert {burst.steps for burst in plant.bursts} == {round(0.3 / plant.plunger.ml_per_step)}
    assert plant.motion_started_us == expected[0][0] // 125
    assert plant.stepper.last_step_us == expected[-1][1] / 125


def test_each_burst_knows_its_own_peak_and_what_had_come_out_before_it() -> None:
    plant = Plant(PlantPath(), BOARD)
    slices = pulse(plant, 0, 0.5, 2.0)
    slices.append(dwell(slices[-1].end_ticks, 700_000))
    slices += pulse(plant, slices[-1].end_ticks, 0.5, 1.0)
    play(plant, slices, 1_800_000)
    fast, slow = plant.bursts
    assert fast.peak_kpa == plant.peak_kpa
    assert slow.peak_kpa < 0.4 * fast.peak_kpa
    assert fast.tip_before_ul == 0.0
    assert slow.tip_before_ul == pytest.approx(500, abs=0.5)
    assert plant.delivered_at_us(700_000) == pytest.approx(slow.tip_before_ul, abs=0.01)
    assert plant.delivered_at_us(0) == 0.0
    assert plant.delivered_at_us(9e9) == plant.delivered_ul


def test_a_stop_in_the_middle_of_a_pulse_leaves_plunger_and_counter_at_the_same_step() -> None:
    plant = Plant(PlantPath(), BOARD)
    play(plant, pulse(plant, 0, 0.4, 1.7), 100_000)
    plant.advance(101_537)
    plant.stepper.stop()
    last_us = plant.stepper.last_step_us
    plant.advance(1_000_000)
    assert plant.stepper.last_step_us == last_us
    assert last_us is not None
    assert 101_537 - 100 < last_us <= 101_537
    assert plant.driven_ul == pytest.approx(plant.stepper.position * plant.plunger.ml_per_step * 1000, rel=1e-12)


def test_the_play_of_the_screw_swallows_the_first_way_after_each_reversal() -> None:
    play_um = 50.0
    plant = Plant(PlantPath(backlash_um=play_um), BOARD)
    slices = pulse(plant, 0, 0.2, 0.5, -1)
    slices += pulse(plant, slices[-1].end_ticks, 0.2, 0.5)
    slices += pulse(plant, slices[-1].end_ticks, 0.2, 0.5)
    swallowed = play_um / 1000 * plant.path.barrel_area_mm2
    play(plant, slices[: len(slices) // 3], 600_000)
    assert plant.driven_ul == pytest.approx(-200 + swallowed, abs=0.06)
    play(plant, slices[len(slices) // 3 :], 1_800_000)
    assert plant.stepper.position == pytest.approx(0.2 / plant.plunger.ml_per_step, abs=1)
    assert plant.driven_ul == pytest.approx(200, abs=0.06)


def test_the_motor_stalls_at_the_drives_force_and_its_counter_stops_with_it() -> None:
    plant = Plant(PlantPath(), BOARD, ["occlusion@0s"])
    play(plant, pulse(plant, 0, 2.0, 2.0), 1_500_000)
    # 90 N less 4 N of friction on 1.635 cm2.
    assert plant.peak_kpa == pytest.approx(86 / plant.path.barrel_area_mm2 * 1000, abs=6)
    assert plant.driven_ul == pytest.approx(plant.stepper.position * plant.plunger.ml_per_step * 1000, abs=0.06)
    assert plant.plunger_force_n == pytest.approx(90, abs=2)
    before = plant.stepper.position
    play(plant, [Slice(0, 3000, 50, -1)], 1_600_000)
    assert plant.stepper.position == before - 50


def test_an_empty_syringe_gives_no_more_and_takes_no_more_steps() -> None:
    plant = Plant(PlantPath(loaded_ml=0.25), BOARD)
    play(plant, pulse(plant, 0, 0.5, 1.0), 1_500_000)
    assert plant.driven_ul == pytest.approx(250, abs=1e-6)
    assert plant.syringe_ul == pytest.approx(0, abs=1e-6)
    assert plant.stepper.position == pytest.approx(0.25 / plant.plunger.ml_per_step, abs=1)
    plant.change_syringe(10.0)
    assert plant.syringe_ul == pytest.approx(10_000)


def test_a_resting_plunger_needs_more_force_than_a_moving_one() -> None:
    plant = Plant(PlantPath(), BOARD)
    resting = plant.plunger_force_n - plant.pressure_pa / 1e6 * plant.path.barrel_area_mm2
    play(plant, pulse(plant, 0, 0.3, 1.0), 200_000)
    moving = plant.plunger_force_n - plant.pressure_pa / 1e6 * plant.path.barrel_area_mm2
    assert (resting, moving) == (pytest.approx(5.0), pytest.approx(4.0))


def test_priming_runs_into_the_room_and_not_into_the_vein() -> None:
    plant = Plant(PlantPath(), BOARD)
    plant.connect(False)
    play(plant, pulse(plant, 0, 0.4, 1.0), 1_000_000)
    assert plant.delivered_ul == 0.0
    assert plant.leaked_ul == pytest.approx(400, abs=2)
    plant.connect(True)
    play(plant, pulse(plant, 0, 0.4, 1.0), 2_500_000)
    assert plant.delivered_ul == pytest.approx(400, abs=2)


def _trace(seed: int) -> list[tuple[int, float, int, float]]:
    plant = Plant(PlantPath(), BOARD, ["partial:3@200ms~200ms", "step-loss@0s", "bubble@500ms"], seed)
    rows: list[tuple[int, float, int, float]] = []

    def look(now_us: int) -> None:
        rows.append((plant.read_sensor(), plant.pressure_pa, plant.stepper.position, plant.delivered_ul))

    play(plant, pulses(plant, 2, 0.4, 2.0, 400_000), 900_000, look)
    return rows


def test_the_same_seed_gives_the_same_trace_and_another_seed_another_noise() -> None:
    assert _trace(3) == _trace(3)
    assert [row[1:] for row in _trace(3)] == [row[1:] for row in _trace(4)]
    assert _trace(3) != _trace(4)


def test_time_does_not_go_back() -> None:
    plant = Plant(PlantPath(), BOARD)
    plant.advance(5000)
    with pytest.raises(ValueError, match="is at 5000 us and cannot go back to 4999 us"):
        plant.advance(4999)


@given(
    volume=st.floats(0.05, 1.0),
    flow=st.floats(0.05, 4.0),
    back=st.booleans(),
    faults=st.lists(
        st.sampled_from(
            [
                "occlusion@50ms",
                "partial:20@50ms",
                "growing:1000@10ms",
                "bubble:1@30ms~70ms",
                "leak:0.5@20ms~50ms",
                "disconnect@60ms~60ms",
                "step-loss:0.3@0s",
                "stall@100ms",
                "pinch-off:100@20ms",
                "fibrin-flap:300@10ms",
                "rupture:50@0s",
                "extravasation:30@40ms~50ms",
                "dislodged:5@90ms",
                "cough:9@30ms",
                "height:700@60ms",
                "stiction:40@10ms",
                "empty:0.05@50ms",
            ]
        ),
        max_size=3,
    ),
    syringe=st.floats(0.3, 20.0),
    line=st.floats(0.0, 1.0),
    valve=st.booleans(),
    inertia=st.booleans(),
    alive=st.booleans(),
)
def test_no_liquid_is_lost_or_made(
    volume: float,
    flow: float,
    back: bool,
    faults: list[str],
    syringe: float,
    line: float,
    valve: bool,
    inertia: bool,
    alive: bool,
) -> None:
    path = PlantPath(
        syringe_compliance_ul_per_kpa=syringe,
        line_compliance_ul_per_kpa=line,
        inertia=inertia,
        opens_out_kpa=0.9 * valve,
        opens_in_kpa=10.7 * valve,
        breath_kpa=0.4 * alive,
        beat_kpa=0.2 * alive,
        drive_n_per_mm=200.0 if alive else math.inf,
    )
    plant = Plant(path, BOARD, faults)
    slices = pulse(plant, 0, volume, flow)
    if back:
        slices += pulse(plant, slices[-1].end_ticks, volume / 2, flow / 2, -1)
    play(plant, slices, 400_000)
    moved_ul = abs(plant.driven_ul) + abs(plant.delivered_ul) + abs(plant.leaked_ul) + 1
    assert abs(plant.mass_error_ul) < 1e-9 * moved_ul


def test_every_line_of_the_catalog_makes_a_plant_that_can_be_flushed() -> None:
    catalog = load()
    for line in catalog.lines.values():
        needle = catalog.needles["huber-20g" if line.needle_required else "none"]
        for extension in catalog.extensions.values():
            path = PlantPath.from_catalog(line, needle, catalog.syringes["bd-10"], extension)
            plant = Plant(path, BOARD)
            play(plant, pulse(plant, 0, 0.05, 0.2), 500_000)
            assert plant.peak_kpa > path.vein_kpa
            assert abs(plant.mass_error_ul) < 1e-6


def test_looking_at_the_truth_changes_nothing_that_comes() -> None:
    def readings(looks: bool) -> list[float]:
        plant = Plant(PlantPath(), BOARD, ["partial:3@50ms"], noise_kpa=0.0)
        slices = pulse(plant, 0, 0.3, 2.0)
        found: list[float] = []
        for now_us in range(0, 300_000, 5_000):
            while slices and plant.stepper.slots_used < 8:
                planned = slices.pop(0)
                plant.stepper.queue(planned.half_ticks, planned.count, planned.direction)
            plant.advance(now_us + 3_500)
            found.append(plant.read_sensor())
            plant.advance(now_us + 5_000)
            if looks:
                assert plant.line.p1 <= plant.peak_kpa
                assert plant.delivered_at_us(plant.now_us) == pytest.approx(plant.delivered_ul, abs=1e-9)
                assert abs(plant.mass_error_ul) < 1e-6
        return [*found, plant.pressure_pa, plant.delivered_ul, plant.peak_kpa]

    assert readings(looks=True) == readings(looks=False)


def test_the_truth_between_two_readings_is_that_of_the_time_asked_for() -> None:
    def pressures(times_us: list[int]) -> list[float]:
        plant = Plant(PlantPath(), BOARD, noise_kpa=0.0)
        for planned in pulse(plant, 0, 0.05, 2.0):
            plant.stepper.queue(planned.half_ticks, planned.count, planned.direction)
        found = []
        for time_us in times_us:
            plant.advance(time_us)
            found.append(plant.pressure_pa)
        return found

    seldom = pressures([20_000])[0]
    assert pressures([4_000, 16_000, 17_000, 19_900, 20_000])[-1] == pytest.approx(seldom, abs=10.0)
    rising = pressures([14_000, 15_000, 16_000, 17_000])
    assert rising == sorted(set(rising))
