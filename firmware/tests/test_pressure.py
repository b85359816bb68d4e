"""Pressure from raw counts: right within 0.03 %, and silent, out of range or stuck when it is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pump.board import Board
from pump.pressure import GAIN, GOOD, RANGE, SHIFT, SILENT, STUCK, ZERO, Pressure

from firmware.tests.support.ports import Sensor, board_data

FINE = {}
# A 12-bit converter behind an amplifier: 10 % to 90 % of its counts over 0 to 250 kPa.
COARSE = {"raw_min": 410, "raw_max": 3_686, "range_min_pa": 0, "range_max_pa": 250_000}
# The same wired the other way round.
FALLING = {"raw_min": 3_686, "raw_max": 410, "range_min_pa": 0, "range_max_pa": 250_000}
KINDS = {"fine": FINE, "coarse": COARSE, "falling": FALLING}


def make(counts, changes=FINE):
    sensor = Sensor(counts)
    return Pressure(Board(board_data(**changes)), sensor), sensor


def true_pa(board, raw, offset_pa=0, gain_ppm=1_000_000):
    share = (raw - board.raw_min) / (board.raw_max - board.raw_min)
    reading = board.range_min_pa + share * (board.range_max_pa - board.range_min_pa)
    return reading * gain_ppm / 1e6 + offset_pa


@pytest.mark.parametrize("kind", KINDS)
@given(st.floats(0, 1), st.integers(-20_000, 20_000), st.integers(900_000, 1_100_000))
def test_a_reading_is_right_within_three_hundredths_of_a_percent(kind, share, offset_pa, gain_ppm):
    board = Board(board_data(**KINDS[kind]))
    raw = round(board.raw_min + share * (board.raw_max - board.raw_min))
    pressure, _ = make([raw], KINDS[kind])
    pressure.calibrate(offset_pa, gain_ppm)
    pressure.sample()
    expected = true_pa(board, raw, offset_pa, gain_ppm)
    per_count = abs(board.range_max_pa - board.range_min_pa) / abs(board.raw_max - board.raw_min)
    # Besides the gain's rounding: one count of the zero's, and what the shift to 17 bits drops.
    allowed = 0.0003 * abs(expected - offset_pa) + 1 + per_count + (4 if kind == "fine" else 0)
    assert abs(pressure.value_pa - expected) <= allowed


@given(
    st.integers(0, 2**24), st.integers(0, 2**24), st.integers(-1_000_000, 0), st.integers(10_000, 2_000_000),
    st.integers(900_000, 1_100_000), st.floats(-0.04, 1.04),
)  # fmt: skip
def test_the_product_of_a_reading_stays_in_31_bits_for_every_sensor_that_a_board_may_have(
    raw_min, raw_max, low_pa, high_pa, gain_ppm, share
):
    if raw_min == raw_max:
        return
    changes = {"raw_min": raw_min, "raw_max": raw_max, "range_min_pa": low_pa, "range_max_pa": high_pa}
    pressure, _ = make([0], changes)
    pressure.calibrate(0, gain_ppm)
    raw = round(raw_min + share * (raw_max - raw_min))
    state = pressure._state
    assert -(2**30) <= (raw - state[ZERO] >> state[SHIFT]) * state[GAIN] < 2**30


def test_the_slope_is_that_of_a_tick_and_is_halved_after_a_missing_conversion():
    pressure, _ = make([1_000, 1_100, -1, 1_300], COARSE)
    pressure.sample()
    pressure.sample()
    slope_pa = pressure.slope_pa
    pressure.sample()
    assert pressure.fault == GOOD
    pressure.sample()
    assert abs(pressure.slope_pa - slope_pa) <= 40


@pytest.mark.requirement("REQ-PRES-3")
@pytest.mark.parametrize("missing", [-1, -2])
def test_a_sensor_that_misses_two_conversions_is_silent_until_it_speaks(missing):
    pressure, _ = make([8_000_000, missing, 8_000_100, missing, missing, 8_000_200])
    faults = []
    for _ in range(6):
        pressure.sample()
        faults.append(pressure.fault)
    assert faults == [GOOD, GOOD, GOOD, GOOD, SILENT, GOOD]


@pytest.mark.requirement("REQ-PRES-3")
@pytest.mark.parametrize("kind", ["coarse", "falling"])
@pytest.mark.parametrize("raw", [0, 4_095])
def test_a_reading_beyond_the_range_by_a_twentieth_is_out_of_range(kind, raw):
    pressure, _ = make([2_000, raw], KINDS[kind])
    pressure.sample()
    value_pa = pressure.value_pa
    pressure.sample()
    assert pressure.fault == RANGE
    assert pressure.value_pa == value_pa, "no pressure is made of it"


@pytest.mark.requirement("REQ-PRES-3")
def test_a_fine_sensor_that_repeats_itself_for_20_ms_is_stuck():
    pressure, _ = make([8_000_000, 8_000_001, 8_000_001, 8_000_001, 8_000_001, 8_000_002])
    faults = []
    for _ in range(6):
        pressure.sample()
        faults.append(pressure.fault)
    assert faults == [GOOD, GOOD, GOOD, GOOD, STUCK, GOOD]


def test_a_coarse_sensor_may_repeat_itself_at_rest():
    pressure, _ = make([1_000], COARSE)
    for _ in range(100):
        pressure.sample()
        assert pressure.fault == GOOD
    pressure.set_reference(0)
    assert pressure.follows_model(11_000)


@pytest.mark.requirement("REQ-PRES-3")
def test_a_coarse_sensor_that_does_not_follow_the_motion_is_found_out():
    pressure, sensor = make([1_000], COARSE)
    pressure.sample()
    pressure.set_reference(0)
    assert not pressure.follows_model(12_000)
    sensor.counts = [1_010]
    pressure.sample()
    assert pressure.follows_model(12_000)
    assert pressure.follows_model(20_000), "counted from where it moved last"
    assert not pressure.follows_model(24_000)


def test_the_rest_is_the_mean_of_a_quiet_line_only():
    quiet = [1_000 + index % 3 for index in range(16)]
    falling = [1_000 + 40 * (16 - index) for index in range(16)]
    pressure, _ = make([*quiet, *falling, *quiet], COARSE)
    rests = []
    for _ in range(48):
        pressure.sample()
        pressure.average_rest()
        rests.append(pressure.rest_pa)
    board = Board(board_data(**COARSE))
    assert rests[14] == 0
    assert abs(rests[15] - true_pa(board, 1_001)) < 80
    assert rests[31] == rests[15], "a line that still relaxes is not at rest"
    assert abs(rests[47] - rests[15]) < 5
