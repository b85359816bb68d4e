"""The step counter on the emulated chip: it counts from the pins alone, every step, in both directions."""

from random import Random

import pytest

from firmware.tests.registers.support.chip import Chip
from firmware.tests.registers.support.drive import DIR, STEP, Drive

STEPS = 62_500


# A million steps in all. Sixteen parts, because the edges of a part take memory: a quarter of them in `make test`.
@pytest.mark.parametrize("seed", [*range(4), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(4, 16))])
def test_the_counter_equals_the_steps_over_a_million_steps_in_random_slices(seed, record_measurement):
    random = Random(seed)
    # Faster than any driver can go: the counter must keep up with the shortest pulses there are.
    drive = Drive(chip=Chip(200, seed), step_high_ns=1, step_low_ns=1, dir_setup_ns=1)
    assert drive.steps.half_min_ticks == 8 + 0
    ordered = made = 0
    while made < STEPS:
        piece = (random.randint(8, 40), random.randint(1, 3_000), random.choice([1, -1]))
        while not drive.steps.queue(*piece):
            drive.run_us(random.randint(1, 400))
        made += piece[1]
        ordered += piece[1] * piece[2]
        if random.random() < 0.2:
            # Looking delays the counter by a tick each time, and it loses nothing by that.
            drive.counter.position()
    drive.run_dry()
    assert len(drive.rising()) == made
    record_measurement(
        f"step counter: steps miscounted in {STEPS}", abs(drive.counter.position() - ordered), "steps", 0
    )


def made(drive: Drive, until: int) -> tuple[int, int]:
    """Steps forwards and backwards whose rising edge came no later than a cycle, as the pins show them."""
    counts, way = [0, 0], 0
    for cycle, pin, level in drive.chip.edges:
        if cycle > until:
            break
        if pin == DIR:
            way = level
        elif level:
            counts[1 - way] += 1
    return counts[0], counts[1]


def test_the_position_is_right_whenever_it_is_looked_at():
    drive = Drive(chip=Chip(30, 1))
    for half, count, way in ((13, 300, 1), (40, 200, -1), (14, 500, -1), (100, 100, 1)):
        drive.steps.queue(half, count, way)
    looks = 0
    while drive.steps.queued_us():
        # An edge is counted 5 cycles after it has come.
        forwards_before, backwards_before = made(drive, drive.chip.cycle - 5)
        position = drive.counter.position()
        forwards, backwards = made(drive, drive.chip.cycle)
        assert forwards_before - backwards <= position <= forwards - backwards_before
        looks += 1
    assert looks > 200
    assert drive.counter.position() == 300 - 200 - 500 + 100


@pytest.mark.parametrize("forwards_high", [True, False])
def test_forwards_is_positive_whatever_the_level_of_dir(forwards_high):
    drive = Drive(forwards_high=forwards_high)
    for count, way in ((70, 1), (30, -1), (50, -1)):
        drive.steps.queue(100, count, way)
    drive.run_dry()
    assert drive.counter.position() == -10
    drive.steps.queue(100, 110, 1)
    drive.run_dry()
    assert drive.counter.position() == 100


def test_the_counter_depends_on_nothing_but_the_pins():
    drive = Drive()
    gpio = drive.chip.rp.gpio
    for level_of_dir, expected in ((True, 5), (False, 2)):
        gpio[DIR].set_input_value(level_of_dir)
        for _ in range(5 if level_of_dir else 3):
            for level in (True, False):
                gpio[STEP].set_input_value(level)
                drive.chip.run(20)
        assert drive.counter.position() == expected


def test_a_driver_that_is_off_is_no_matter_of_the_counter():
    drive = Drive()
    drive.steps.enable(False)
    drive.steps.queue(100, 5, 1)
    drive.run_dry()
    assert drive.counter.position() == 5
