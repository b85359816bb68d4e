"""The pressure sensor: counts as in the board's data, lag, noise, rate and its faults."""

import math
import statistics

import pytest
from flushsim.plant.plant import Plant, PlantPath
from flushsim.plant.sensor import FAULTY, SILENT, PressureSensor

from sim.tests.plant.support.plant_bench import BOARD, play, pulse


def kpa(counts: int) -> float:
    data = BOARD["sensor"]
    share = (counts - data["raw_min"]) / (data["raw_max"] - data["raw_min"])
    return float(data["range_min_pa"] + share * (data["range_max_pa"] - data["range_min_pa"])) / 1000


def test_counts_are_linear_between_the_ends_of_the_range_and_stop_at_the_converters() -> None:
    sensor = PressureSensor(BOARD["sensor"], 1)
    assert sensor.counts(-206.843) == 1_677_722
    assert sensor.counts(206.843) == 15_099_494
    assert kpa(sensor.counts(50.0)) == pytest.approx(50.0, abs=1e-4)
    assert sensor.counts(1e6) == 2**24 - 1
    assert sensor.counts(-1e6) == 0


def test_the_noise_is_a_tenth_of_a_kpa_and_follows_the_seed() -> None:
    first, same, other = (PressureSensor(BOARD["sensor"], seed) for seed in (7, 7, 8))
    readings = [first.read(20.0, 5000 * turn) for turn in range(4000)]
    assert readings == [same.read(20.0, 5000 * turn) for turn in range(4000)]
    assert readings != [other.read(20.0, 5000 * turn) for turn in range(4000)]
    assert statistics.mean(map(kpa, readings)) == pytest.approx(20.0, abs=0.01)
    assert statistics.stdev(map(kpa, readings)) == pytest.approx(0.1, rel=0.05)


def test_there_is_one_conversion_every_5_ms() -> None:
    sensor = PressureSensor(BOARD["sensor"], 1)
    assert [sensor.read(0.0, at) == SILENT for at in (0, 2500, 5000, 9999, 10_000)] == [False, True, False, True, False]


def test_the_reading_is_a_millisecond_behind_a_steady_rise() -> None:
    plant = Plant(PlantPath(backlash_um=0), BOARD, ["occlusion@0s"], noise_kpa=0.0)
    plant.stepper.queue(6250, 200, 1)
    plant.advance(10_000)
    before = plant.line.p1
    plant.advance(15_000)
    rise_per_ms = (plant.line.p1 - before) / 5
    assert kpa(plant.read_sensor()) == pytest.approx(plant.line.p1 - rise_per_ms, rel=0.001)


def _readings(fault: str) -> list[int]:
    plant = Plant(PlantPath(), BOARD, [fault])
    readings: list[int] = []
    play(plant, pulse(plant, 0, 0.4, 2.0), 300_000, lambda now_us: readings.append(plant.read_sensor()))
    return readings


def test_a_stuck_sensor_repeats_its_last_value_until_the_fault_ends() -> None:
    readings = _readings("sensor-stuck@100ms~100ms")
    assert len(set(readings[21:40])) == 1
    assert readings[21] == readings[20]
    assert len(set(readings[41:])) > 10


def test_a_silent_sensor_has_no_new_value_and_a_faulty_one_reports_it() -> None:
    assert set(_readings("sensor-silent@100ms")[21:]) == {SILENT}
    assert set(_readings("sensor-fault@100ms")[21:]) == {FAULTY}
    assert SILENT not in _readings("leak@100ms")


def test_a_drifting_sensor_wanders_from_the_fault_on() -> None:
    sound, drifting = _readings("stall@10s"), _readings("sensor-drift:10@100ms")
    assert sound[:20] == drifting[:20]
    # 0.2 s after the start of the fault, less the first step's few hundred microseconds.
    assert kpa(drifting[-1]) - kpa(sound[-1]) == pytest.approx(2.0, abs=0.02)
    assert not math.isclose(sound[-1], drifting[-1])


def test_a_dropping_sensor_misses_its_share_of_the_conversions() -> None:
    readings = _readings("sensor-dropout:0.3@100ms")
    assert SILENT not in readings[:20]
    assert 5 <= readings[21:].count(SILENT) <= 20


def test_a_noisier_sensor_scatters_by_the_given_noise() -> None:
    plant = Plant(PlantPath(), BOARD, ["sensor-noise:2@1ms"])
    plant.stepper.queue(1000, 2, 1)
    readings = []
    for turn in range(1, 2001):
        plant.advance(turn * 5000)
        readings.append(kpa(plant.read_sensor()))
    assert statistics.stdev(readings[1:]) == pytest.approx(2.0, rel=0.06)


def test_a_coarse_sensor_reads_whole_steps() -> None:
    steps = {round(kpa(counts) / 0.5, 3) % 1 for counts in _readings("sensor-coarse:0.5@0s")[1:]}
    assert max(min(step, 1 - step) for step in steps) < 0.001


def test_a_late_sensor_reads_what_was_there_its_time_ago() -> None:
    def readings(faults: list[str]) -> list[float]:
        plant = Plant(PlantPath(), BOARD, faults, noise_kpa=0.0)
        found: list[float] = []
        play(plant, pulse(plant, 0, 0.4, 2.0), 300_000, lambda now_us: found.append(kpa(plant.read_sensor())))
        return found

    prompt, late = readings([]), readings(["sensor-late:15ms@0s"])
    assert late[10:] == pytest.approx(prompt[7:-3], abs=1e-4)
    half = readings(["sensor-late:7.5ms@0s"])
    assert half[10] == pytest.approx((prompt[8] + prompt[9]) / 2, abs=1e-4)


@pytest.mark.parametrize(("faults", "reads_kpa"), [([], 100.0), (["sensor-offset:4@0s", "sensor-gain:1.05@0s"], 109.0)])
def test_a_sensor_held_at_a_known_pressure_reads_it_with_the_offset_and_gain_that_it_was_made_with(
    faults: list[str], reads_kpa: float
) -> None:
    plant = Plant(PlantPath(), BOARD, faults, noise_kpa=0.0)
    plant.advance(5_000)
    in_the_line = plant.read_sensor()
    plant.hold(100.0)
    plant.advance(10_000)
    assert plant.read_sensor() == plant.sensor.counts(reads_kpa)
    plant.hold(None)
    plant.advance(15_000)
    assert plant.read_sensor() == in_the_line
