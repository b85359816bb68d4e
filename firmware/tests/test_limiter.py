"""The limiter brings pressure to the working limit and holds it there: no ringing, whatever the line is like."""

import pytest
from pump.board import Board
from pump.limiter import Limiter
from pump.line_model import LineModel
from pump.motion import Motion

from firmware.tests.support.ports import TICKS_PER_US, Drive, board_data

WORKING_PA = 137_600
STEP_PL = 102_214
WANTED = 19_567  # 2 mL/s in a 14.43 mm barrel
LATENCY_US = 1_500
SUB_US = 250


def drive_line(compliance_ul_per_kpa, believed, resistance_kpa_s_per_ml, ticks, wanted=WANTED, noise_pa=0):
    """[(pressure Pa, uL/s made, allowed)] per tick, of a first-order line: C dP/dt = Q - P / R. R None: closed."""
    drive = Drive()
    motion = Motion(Board(board_data()), drive, drive)
    path = LineModel()
    path.configure(STEP_PL, 2_000, 10_000, round(believed * 1000))
    limiter = Limiter(path)
    limiter.working_pa = WORKING_PA
    limiter.start_burst(wanted)
    motion.start_burst(1_000_000, wanted, 1)
    pressure_pa = before_pa = sampled_pa = 0.0
    last = 0
    rows = []
    for number in range(ticks):
        value_pa = round(sampled_pa)
        value_pa += noise_pa if number % 2 else -noise_pa
        made = drive.position() - last
        last = drive.position()
        allowed = limiter.allowed_rate(value_pa, round(value_pa - before_pa), made * 200)
        before_pa = value_pa
        motion.limit(allowed)
        motion.fill(drive.now // TICKS_PER_US)
        start = drive.position()
        for sub in range(5_000 // SUB_US):
            at = drive.position()
            drive.advance(SUB_US)
            into_ul = (drive.position() - at) * STEP_PL / 1e6
            out_ul = pressure_pa / 1000 / resistance_kpa_s_per_ml * SUB_US / 1000 if resistance_kpa_s_per_ml else 0.0
            pressure_pa += (into_ul - out_ul) / compliance_ul_per_kpa * 1000
            if (sub + 1) * SUB_US == 5_000 - LATENCY_US:
                sampled_pa = pressure_pa
        rows.append((pressure_pa, (drive.position() - start) * STEP_PL / 1e6 / 5e-3, allowed))
        assert not motion.starved
        assert motion.mismatch(motion.position()) == 0
    return rows


@pytest.mark.requirement("REQ-PRES-2")
@pytest.mark.parametrize("compliance", [2.0, 5.0, 15.0])
def test_in_a_closed_line_pressure_comes_to_the_limit_and_passes_it_by_less_than_15_kpa(compliance, record_measurement):
    rows = drive_line(compliance, compliance, None, 400)
    over_kpa = (max(pressure for pressure, _, _ in rows) - WORKING_PA) / 1000
    record_measurement(f"overshoot in a closed line of {compliance:g} uL/kPa", over_kpa, "kPa", 15.0)
    assert rows[-1][0] > 0.9 * WORKING_PA


@pytest.mark.requirement("REQ-PRES-2")
@pytest.mark.parametrize("factor", [0.4, 2.5])
@pytest.mark.parametrize("compliance", [2.0, 5.0])
def test_a_compliance_wrong_by_two_and_a_half_does_not_make_it_pass_the_limit_by_more_than_20_kpa(compliance, factor):
    rows = drive_line(compliance, compliance * factor, None, 400)
    assert max(pressure for pressure, _, _ in rows) - WORKING_PA < 20_000


@pytest.mark.requirement("REQ-PRES-2")
@pytest.mark.parametrize("factor", [0.4, 1.0, 2.5])
@pytest.mark.parametrize("resistance", [80.0, 150.0, 400.0])
@pytest.mark.parametrize("compliance", [1.0, 2.0, 5.0, 15.0])
def test_in_a_narrow_line_flow_settles_where_pressure_is_the_limit(compliance, resistance, factor):
    rows = drive_line(compliance, compliance * factor, resistance, 1_200)
    settled = rows[600:]
    pressures = [pressure for pressure, _, _ in settled]
    assert max(pressures) - min(pressures) < 4_000, "it rings"
    assert max(pressures) < WORKING_PA + 3_000
    assert min(pressures) > 0.93 * WORKING_PA
    flow = sum(flow for _, flow, _ in settled) / len(settled)
    assert flow == pytest.approx(WORKING_PA / resistance, rel=0.07)


def test_a_wide_line_is_not_limited_at_all():
    rows = drive_line(2.0, 2.0, 30.0, 400)
    assert all(allowed == WANTED for _, _, allowed in rows)
    assert drive_line(2.0, 2.0, 30.0, 100, noise_pa=300)[-1][2] == WANTED


def test_noise_of_the_sensor_costs_no_flow_worth_the_name():
    quiet = drive_line(2.0, 2.0, 150.0, 800)[400:]
    noisy = drive_line(2.0, 2.0, 150.0, 800, noise_pa=150)[400:]
    assert sum(row[1] for row in noisy) > 0.95 * sum(row[1] for row in quiet)


def test_a_slow_flow_that_was_limited_may_rise_again():
    path = LineModel()
    path.configure(STEP_PL, 2_000, 10_000, 2_000)
    limiter = Limiter(path)
    limiter.working_pa = WORKING_PA
    limiter.start_burst(10)
    assert limiter.allowed_rate(WORKING_PA + 30_000, 0, 10) == 1
    for _ in range(12):
        allowed = limiter.allowed_rate(0, 0, 10)
    assert allowed == 10


def test_the_largest_lowering_is_reported_rounded_up_and_a_lowering_within_the_noise_is_not():
    limiter = Limiter(LineModel())
    limiter.start_burst(10_000)
    limiter.lowest = 9_900
    assert limiter.derated_percent(10_000) == 0
    limiter.lowest = 9_799
    assert limiter.derated_percent(10_000) == 3
    limiter.lowest = 1
    assert limiter.derated_percent(10_000) == 100
