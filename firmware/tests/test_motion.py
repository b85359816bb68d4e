"""A burst makes its steps, in the time of its trapezoid, within the ramp, and stops when it must."""

from itertools import pairwise
from math import sqrt

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pump.board import Board
from pump.motion import Motion, isqrt

from firmware.tests.support.ports import TICK_US, TICKS_PER_US, Drive, board_data

COUNTS = st.one_of(st.integers(1, 60), st.integers(1, 40_000))
RATES = st.one_of(st.integers(1, 400), st.integers(1, 64_000))
ACCELERATIONS = st.sampled_from([100, 600, 3_000, 10_000])


def make(acceleration: int = 600, **changes: int) -> tuple[Motion, Drive]:
    drive = Drive()
    return Motion(Board(board_data(acceleration_mm_per_s2=acceleration, **changes)), drive, drive), drive


def tick(motion: Motion, drive: Drive) -> None:
    motion.fill(drive.now // TICKS_PER_US)
    drive.advance(TICK_US)


def run(motion: Motion, drive: Drive, patience: int = 20_000) -> None:
    for _ in range(patience):
        tick(motion, drive)
        assert not motion.starved
        if motion.idle():
            return
    raise AssertionError("the burst does not end")


def ideal_s(count: int, rate: int, acceleration: int) -> float:
    """n / v + v / a, or 2 sqrt(n / a) when the burst is too short for v."""
    return count / rate + rate / acceleration if rate * rate < count * acceleration else 2 * sqrt(count / acceleration)


def slice_rates(drive: Drive) -> list[tuple[float, float, int]]:
    """(start s, steps/s, count) of each slice that moves."""
    ticks = TICKS_PER_US * 1e6
    return [(start / ticks, ticks / (2 * half), count) for start, half, count, way in drive.slices if way]


@given(COUNTS, RATES, ACCELERATIONS, st.sampled_from([1, -1]))
def test_a_burst_makes_exactly_its_steps_and_never_queues_more_than_20_ms(count, rate, acceleration, direction):
    count = min(count, rate * 20 + 1)
    motion, drive = make(acceleration)
    motion.start_burst(count, rate, direction)
    run(motion, drive)
    assert drive.position() == count * direction
    assert motion.commanded == drive.position()
    assert motion.mismatch(motion.position()) == 0
    assert drive.most_queued_us <= 20_000


# The ramp down began a step early, and the step that was left took 1 to 2 ms at its end.
@example(4_412, 48_962, 600)
@example(30_471, 30_471, 600)
@given(st.integers(50, 40_000), st.integers(3_000, 64_000), ACCELERATIONS)
def test_a_burst_lasts_as_long_as_its_trapezoid_within_a_millisecond(count, rate, acceleration):
    motion, drive = make(acceleration)
    motion.start_burst(count, rate, 1)
    run(motion, drive)
    expected_s = ideal_s(count, rate, acceleration * 1600)
    # The last step before rest takes sqrt(2 / a) by itself: 1.4 ms on the reference board, 3.5 ms at 100 mm/s2.
    allowed_s = 1e-3 if acceleration >= 600 else sqrt(2 / (acceleration * 1600))
    assert abs((motion.end_us - motion.start_us) / 1e6 - expected_s) < allowed_s
    assert abs(motion.duration_us(count, rate) / 1e6 - expected_s) < 1e-3


@given(st.integers(1, 2_000), st.integers(1, 3_000))
def test_a_slow_burst_lasts_as_long_as_its_trapezoid_within_a_step_or_10_ms(count, rate):
    count = min(count, rate * 20 + 1)
    motion, drive = make()
    motion.start_burst(count, rate, 1)
    run(motion, drive)
    assert abs((motion.end_us - motion.start_us) / 1e6 - ideal_s(count, rate, 960_000)) < 1e-3 + max(1 / rate, 10e-3)


@given(COUNTS, RATES, ACCELERATIONS)
def test_speed_never_exceeds_what_was_asked_nor_gains_faster_than_the_ramp(count, rate, acceleration):
    count = min(count, rate * 20 + 1)
    motion, drive = make(acceleration)
    motion.start_burst(count, rate, 1)
    run(motion, drive)
    per_s2 = acceleration * 1600
    fastest = max(rate, sqrt(per_s2) / 20)
    before_s, before, slack_before = 0.0, 0.0, 0.0
    for start_s, speed, steps in slice_rates(drive):
        # A slice has whole steps only: its speed is off by up to one step over its length.
        slack = 1.2 * speed / steps
        assert speed <= fastest + slack + 1
        assert speed - before <= per_s2 * (start_s - before_s + steps / speed + 1e-3) + slack + slack_before
        before_s, before, slack_before = start_s, speed, slack


def test_a_dwell_comes_before_the_burst_and_bursts_follow_each_other_on_the_step_clock():
    motion, drive = make()
    ends = []
    motion.start_burst(2_000, 20_000, 1)
    for _ in range(5):
        while not motion.queued():
            tick(motion, drive)
        ends.append((motion.start_us, motion.end_us))
        motion.start_burst(0, 20_000, 1, 100_000)
        while not motion.queued():
            tick(motion, drive)
        motion.start_burst(2_000, 20_000, 1)
    for (_, end_us), (start_us, _) in pairwise(ends):
        assert abs(start_us - end_us - 100_000) <= 1
    starts = [start for start, half, count, way in drive.slices if way and count]
    assert starts == sorted(starts)


@given(st.lists(st.tuples(st.integers(2, 40), st.integers(0, 30_000)), min_size=1, max_size=12))
def test_a_limited_burst_still_makes_exactly_its_steps(limits):
    motion, drive = make()
    motion.start_burst(8_000, 20_000, 1)
    for ticks, rate in limits:
        for _ in range(ticks):
            motion.limit(max(rate, 300))
            tick(motion, drive)
            assert not motion.starved
            assert motion.mismatch(motion.position()) == 0
            if motion.idle():
                break
    motion.limit(30_000)
    run(motion, drive)
    assert drive.position() == 8_000


def test_a_lowered_limit_acts_within_a_step_and_may_rise_again():
    motion, drive = make()
    motion.start_burst(20_000, 20_000, 1)
    for _ in range(20):
        tick(motion, drive)
    motion.limit(5_000)
    queued_before = len(slice_rates(drive))
    tick(motion, drive)
    assert all(speed <= 5_001 for _, speed, _ in slice_rates(drive)[queued_before:])
    motion.limit(60_000)
    for _ in range(10):
        tick(motion, drive)
    assert abs(motion.rate - 20_000) < 100


def test_a_burst_that_was_braked_near_its_end_does_not_creep_to_it():
    motion, drive = make()
    motion.start_burst(2_000, 20_000, 1)
    while motion.remaining_with_queue() > 60:
        tick(motion, drive)
    motion.limit(1)
    tick(motion, drive)
    motion.limit(20_000)
    began = drive.now
    run(motion, drive)
    assert (drive.now - began) / TICKS_PER_US < 200_000
    assert drive.position() == 2_000


def test_the_ramp_down_ends_as_fast_as_the_ramp_allows_and_within_the_burst():
    motion, drive = make()
    motion.start_burst(20_000, 20_000, 1)
    for _ in range(40):
        tick(motion, drive)
    motion.ramp_down()
    before = drive.position()
    began = drive.now
    run(motion, drive)
    # 20,000 steps/s at 960,000 steps/s2 take 21 ms, and up to 15 ms are queued before them.
    assert (drive.now - began) / TICKS_PER_US <= 45_000
    assert drive.position() - before <= 20_000**2 // (2 * 960_000) + 300 + 2


def test_the_halt_ends_all_motion_at_once_and_the_count_stays_right():
    motion, drive = make()
    motion.start_burst(20_000, 20_000, 1)
    for _ in range(40):
        tick(motion, drive)
    motion.halt()
    assert motion.idle()
    position = drive.position()
    drive.advance(50_000)
    assert drive.position() == position
    assert motion.mismatch(motion.position()) == 0
    motion.start_burst(100, 1_000, -1)
    run(motion, drive)
    assert drive.position() == position - 100


@pytest.mark.requirement("REQ-MOVE-1")
def test_steps_that_are_not_made_are_a_mismatch_before_200_are_missing():
    motion, drive = make()
    motion.start_burst(20_000, 20_000, 1)
    lost = 0
    for number in range(200):
        tick(motion, drive)
        if number >= 20:
            drive.made -= 10
            lost += 10
        if motion.mismatch(motion.position()):
            break
    assert motion.mismatch(motion.position()) > 0
    assert lost <= 200


@pytest.mark.requirement("REQ-MOVE-1")
def test_steps_that_nobody_ordered_are_a_mismatch():
    motion, drive = make()
    assert motion.mismatch(motion.position()) == 0
    drive.made += 3
    assert motion.mismatch(motion.position()) == -3


def test_no_mismatch_is_observed_in_a_healthy_burst_of_any_shape():
    for count, rate, acceleration in ((1, 1, 600), (7, 64_000, 10_000), (3_000, 64_000, 10_000), (2_000, 20_000, 100)):
        motion, drive = make(acceleration)
        motion.start_burst(count, rate, 1)
        for _ in range(500):
            tick(motion, drive)
            assert motion.mismatch(motion.position()) == 0
            if motion.queued():
                motion.start_burst(0, rate, 1, 20_000)
                break
        for _ in range(8):
            tick(motion, drive)
            assert motion.mismatch(motion.position()) == 0


@pytest.mark.requirement("REQ-STOP-4")
def test_a_queue_that_ran_dry_in_a_burst_is_reported_and_nothing_is_queued_any_more():
    motion, drive = make()
    motion.start_burst(20_000, 20_000, 1)
    for _ in range(10):
        tick(motion, drive)
    drive.advance(50_000)
    position = drive.position()
    motion.fill(drive.now // TICKS_PER_US)
    assert motion.starved
    drive.advance(50_000)
    assert drive.position() == position


@given(st.integers(0, 2**30 - 1))
def test_the_integer_root_is_exact(value):
    root = isqrt(value)
    assert root * root <= value < (root + 1) ** 2
