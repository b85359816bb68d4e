"""Relief draws back no more than it may, never below zero gauge, and never without a reading that follows."""

from types import SimpleNamespace

import pytest
from pump.board import Board
from pump.line_model import LineModel
from pump.motion import Motion
from pump.relief import DONE, INCOMPLETE, STUCK, UNDER_WAY, Relief

from firmware.tests.support.ports import TICKS_PER_US, Drive, board_data

STEP_PL = 102_214


def relieve(
    start_kpa, compliance, believed=None, cap_ul=500, rest_pa=0, reading=None, behind=0.0, fastest=1e9, ticks=1_200
):
    """(result, drawn back uL, pressures kPa, ticks) of a relief in a closed line of `compliance` uL/kPa.

    `reading` turns pressure and tick into a sensor's (value, fault); `behind` uL come out of a far part, slowly, and by
    no more than `fastest` in a tick.
    """
    drive = Drive()
    motion = Motion(Board(board_data()), drive, drive)
    path = LineModel()
    path.configure(STEP_PL, 2_000, 10_000, round((believed or compliance) * 1000))
    sensor = SimpleNamespace(value_pa=round(start_kpa * 1000), fault=0)
    relief = Relief(motion, sensor, path)
    pressure = start_kpa
    left = behind
    relief.start(path.steps_per_ul() * cap_ul, rest_pa)
    pressures = []
    for number in range(ticks):
        sensor.value_pa, sensor.fault = reading(pressure, number) if reading else (round(pressure * 1000), 0)
        result = relief.tick()
        if result != UNDER_WAY:
            return result, -drive.position() * STEP_PL / 1e6, pressures, number
        motion.fill(drive.now // TICKS_PER_US)
        before = drive.position()
        drive.advance(5_000)
        pressure += (drive.position() - before) * STEP_PL / 1e6 / compliance
        flows = min(left, behind * 0.01, fastest)
        left -= flows
        pressure += flows / compliance
        pressures.append(pressure)
    raise AssertionError("relief does not end")


@pytest.mark.requirement("REQ-OCCL-2")
@pytest.mark.parametrize("start_kpa", [5, 40, 138, 172])
@pytest.mark.parametrize("compliance", [0.5, 2.0, 5.0])
def test_pressure_is_relieved_to_a_little_above_zero_and_never_below(start_kpa, compliance):
    result, drawn_ul, pressures, ticks = relieve(start_kpa, compliance, cap_ul=5_000)
    assert result == DONE
    assert ticks * 5 <= 3_100
    assert min(pressures) > -0.5
    assert pressures[-1] < 4.0
    assert drawn_ul == pytest.approx((start_kpa - pressures[-1]) * compliance, abs=0.2)


@pytest.mark.requirement("REQ-OCCL-2")
@pytest.mark.parametrize("factor", [0.4, 2.5])
def test_a_wrong_compliance_does_not_draw_below_zero_by_more_than_a_vein_has(factor):
    _, _, pressures, _ = relieve(138, 2.0, 2.0 * factor, cap_ul=5_000)
    assert min(pressures) > -1.5


@pytest.mark.requirement("REQ-OCCL-2", "REQ-MOVE-3")
def test_the_volume_is_bounded_though_pressure_stays():
    result, drawn_ul, _, _ = relieve(138, 2.0, cap_ul=50)
    assert result == INCOMPLETE
    assert drawn_ul <= 55


@pytest.mark.requirement("REQ-OCCL-2", "REQ-MOVE-3")
def test_the_time_is_bounded_though_pressure_stays():
    # What comes back all the time is drawn all the time, as long as it is no more than may be stored.
    result, drawn_ul, _, ticks = relieve(138, 2.0, cap_ul=100_000, behind=330, fastest=0.52)
    assert result == INCOMPLETE
    assert 2_990 <= ticks * 5 <= 3_010
    assert drawn_ul > 400


@pytest.mark.requirement("REQ-OCCL-2", "REQ-MOVE-3")
@pytest.mark.parametrize("start_kpa", [20, 60, 138])
def test_what_comes_from_beyond_the_line_is_left_there(start_kpa):
    # Tissue or a vein gives a hundred times what the line has stored.
    result, drawn_ul, pressures, _ = relieve(start_kpa, 200.0, 2.0, cap_ul=100_000)
    assert result in (INCOMPLETE, STUCK)
    assert pressures[-1] > start_kpa - 1
    # The screw's play, what is stored at 12 kPa, and little more.
    assert drawn_ul < 20 + 2.0 * 12 + 6


@pytest.mark.requirement("REQ-OCCL-4")
@pytest.mark.parametrize("compliance", [1.0, 2.0, 4.0])
def test_a_compliance_of_half_to_twice_what_is_believed_is_relieved_in_full(compliance):
    result, _, pressures, _ = relieve(138, compliance, 2.0, cap_ul=100_000)
    assert result == DONE
    assert pressures[-1] < 4.0


@pytest.mark.requirement("REQ-OCCL-2", "REQ-PRES-3")
def test_a_reading_that_does_not_follow_ends_it():
    result, drawn_ul, _, _ = relieve(138, 2.0, cap_ul=5_000, reading=lambda pressure, number: (138_000, 0))
    assert result == STUCK
    assert drawn_ul <= 50


@pytest.mark.requirement("REQ-OCCL-2", "REQ-PRES-3")
def test_a_faulty_sensor_ends_it_in_the_same_tick():
    result, _drawn_ul, pressures, ticks = relieve(
        138, 2.0, cap_ul=5_000, reading=lambda pressure, number: (round(pressure * 1000), 1 if number >= 20 else 0)
    )
    assert (result, ticks) == (INCOMPLETE, 20)
    assert pressures[-1] > 20


@pytest.mark.requirement("REQ-OCCL-4")
def test_pressure_that_comes_back_from_beyond_a_needle_is_relieved_again():
    result, drawn_ul, pressures, _ = relieve(60, 2.0, cap_ul=1_000, behind=60.0)
    assert result == DONE
    assert drawn_ul > 60 * 2.0 * 0.9
    assert pressures[-1] < 4.0


def test_a_high_rest_pressure_is_where_relief_ends():
    result, _, pressures, _ = relieve(100, 2.0, cap_ul=1_000, rest_pa=5_000)
    assert result == DONE
    assert 4.5 < pressures[-1] < 9.0
