"""The queue of slices: its limits, how much is left of it, and the firmware's own motion that fills it."""

from random import Random

import pytest
from pump.board import Board
from pump.motion import Motion

from firmware.tests.registers.support.chip import CYCLES_PER_US, Chip
from firmware.tests.registers.support.drive import STEP, Drive, generator_file
from firmware.tests.registers.support.measurements import ramped
from firmware.tests.support.ports import board_data

QUEUE_MAX_US = 20_000


def test_sixteen_slices_fit_and_a_seventeenth_is_refused_until_one_is_done():
    drive = Drive()
    for _ in range(16):
        assert drive.steps.queue(2_000, 10, 1)
    assert not drive.steps.queue(2_000, 10, 1)
    drive.run_us(2 * 320)
    assert drive.steps.queue(2_000, 10, 1)
    drive.run_dry()
    assert drive.counter.position() == 170


def test_more_than_20_ms_is_refused_and_nothing_of_it_is_made():
    drive = Drive()
    assert drive.steps.queue(125_000, 5, 1)
    assert drive.steps.queue(125_000, 5, 0)
    assert not drive.steps.queue(1_000, 2, 1)
    assert QUEUE_MAX_US - 10 <= drive.steps.queued_us() <= QUEUE_MAX_US
    assert not drive.steps.queue(2**29, 2**15, -1)
    drive.run_dry()
    assert drive.counter.position() == 5
    assert not drive.steps.queue(1_250_001, 1, 0)
    assert drive.steps.queued_us() == 0


@pytest.mark.parametrize("piece", [(0, 1, 1), (-5, 1, 1), (100, 0, 1), (100, -1, 0)])
def test_a_slice_that_cannot_be_is_refused_in_a_sentence(piece):
    with pytest.raises(ValueError, match="half period and a count of at least 1"):
        Drive().steps.queue(*piece)


def test_a_clock_that_does_not_fit_the_board_is_refused_in_a_sentence(monkeypatch):
    monkeypatch.setattr(generator_file.machine, "freq", lambda: 133_000_000)
    with pytest.raises(ValueError, match="ticks_per_us is 125, but the system clock has 133000000 Hz"):
        Drive()


@pytest.mark.parametrize("seed", range(8))
def test_what_is_left_of_the_queue_is_known_to_2_us_and_is_0_only_when_all_is_made(seed):
    random = Random(seed)
    chip = Chip()
    # The counter of microseconds wraps on the way, at 30 bits.
    chip.run((2**30 - 20_000) * CYCLES_PER_US)
    drive = Drive(chip=chip)
    end = looks_at_rest = 0
    # Two microseconds, and the ticks between a slice's start and the test's next look at the time.
    allowed = 2 * CYCLES_PER_US + 10
    for _ in range(60):
        if random.random() < 0.7:
            piece = (random.randint(13, 9_000), random.randint(1, 60), random.choice([1, -1, 0]))
            if drive.steps.queue(*piece):
                end = max(end, chip.cycle) + 2 * piece[0] * piece[1]
        chip.run(random.randint(1, 400_000))
        left_us = drive.steps.queued_us()
        if left_us == 0:
            looks_at_rest += 1
            assert end - 10 <= chip.cycle
            assert chip.level(STEP) == 0
        else:
            assert chip.cycle <= end + allowed
            assert abs(end - chip.cycle - left_us * CYCLES_PER_US) <= allowed
    assert 0 < looks_at_rest < 50


def test_an_idle_queue_stays_at_0_for_longer_than_the_counter_of_microseconds():
    drive = Drive()
    drive.steps.queue(100, 10, 1)
    drive.run_us(1_000)
    for _ in range(5):
        drive.run_us(300_000_000)
        assert drive.steps.queued_us() == 0
    assert drive.steps.queue(625, 100, 1)
    assert 998 <= drive.steps.queued_us() <= 1_000


@pytest.mark.parametrize(("rate", "acceleration"), [(20_000, 600), (64_000, 10_000), (1_500, 600)])
@pytest.mark.parametrize("direction", [1, -1])
def test_a_burst_makes_exactly_its_steps_with_never_more_than_20_ms_queued(rate, acceleration, direction):
    drive = Drive(chip=Chip(250, rate))
    motion = Motion(Board(board_data(acceleration_mm_per_s2=acceleration)), drive.steps, drive.counter)
    most_us = 0
    for dwell_us in (0, 13_000):
        motion.start_burst(rate // 10, rate, direction, dwell_us)
        for _ in range(200):
            motion.fill(drive.chip.cycle // CYCLES_PER_US)
            most_us = max(most_us, drive.steps.queued_us())
            assert not motion.starved
            assert motion.mismatch(motion.position()) == 0
            if motion.idle():
                break
            drive.chip.run(5_000 * CYCLES_PER_US - drive.chip.cycle % (5_000 * CYCLES_PER_US))
    assert motion.idle()
    assert 5_000 < most_us <= QUEUE_MAX_US
    assert drive.counter.position() == len(drive.rising()) * direction == 2 * (rate // 10) * direction


@pytest.mark.parametrize("rate", [200_000, 400_000])
def test_bursts_with_ramps_reach_the_budgeted_and_the_hoped_for_rate(rate):
    assert ramped(rate)


def test_a_burst_that_is_limited_and_halted_agrees_with_the_counter():
    drive = Drive(chip=Chip(250, 7))
    motion = Motion(Board(board_data()), drive.steps, drive.counter)
    motion.start_burst(8_000, 20_000, 1)
    for tick in range(40):
        motion.limit(5_000 if 10 <= tick < 20 else 20_000)
        motion.fill(drive.chip.cycle // CYCLES_PER_US)
        assert not motion.starved
        assert motion.mismatch(motion.position()) == 0
        drive.run_us(4_900)
    motion.halt()
    made = len(drive.rising())
    assert made == drive.counter.position() > 1_000
    drive.run_us(50_000)
    assert motion.mismatch(motion.position()) == 0
    assert len(drive.rising()) == made


def test_a_starved_burst_ends_and_is_reported():
    drive = Drive()
    motion = Motion(Board(board_data()), drive.steps, drive.counter)
    motion.start_burst(20_000, 20_000, 1)
    for tick in range(20):
        motion.fill(tick * 5_000)
        drive.run_us(5_000)
    drive.run_us(30_000)
    motion.fill(130_000)
    assert motion.starved
    made = len(drive.rising())
    drive.run_us(30_000)
    assert len(drive.rising()) == made == drive.counter.position()
