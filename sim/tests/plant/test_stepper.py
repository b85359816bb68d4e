"""The step generator: every edge at its tick, stops within a step, sixteen slots."""

import pytest
from flushsim.plant.stepper import SLOTS, Stepper
from hypothesis import given
from hypothesis import strategies as st

SLICES = st.tuples(st.integers(1, 5000), st.integers(1, 60), st.sampled_from((-1, 0, 1)))


def run(stepper: Stepper, ticks: int) -> None:
    while stepper.now_ticks < ticks:
        stepper.run_to(stepper.piece(ticks)[1])


def test_the_first_step_comes_half_a_period_after_the_start_and_the_last_half_a_period_before_the_end() -> None:
    stepper = Stepper()
    run(stepper, 1000)
    assert stepper.queue(500, 3, 1)
    run(stepper, 1499)
    assert stepper.position == 0
    run(stepper, 1500)
    assert (stepper.position, stepper.last_step_ticks) == (1, 1500)
    run(stepper, 9000)
    assert (stepper.position, stepper.last_step_ticks) == (3, 3500)
    assert stepper.last_step_us == 28.0


def test_a_dwell_moves_nothing_and_what_follows_starts_at_its_tick() -> None:
    stepper = Stepper()
    stepper.queue(100, 2, 1)
    stepper.queue(777, 3, 0)
    stepper.queue(50, 1, -1)
    run(stepper, 400 + 2 * 777 * 3 + 49)
    assert stepper.position == 2
    run(stepper, 400 + 2 * 777 * 3 + 50)
    assert stepper.position == 1
    assert stepper.last_step_ticks == 400 + 2 * 777 * 3 + 50


def test_a_stop_ends_motion_within_one_step() -> None:
    stepper = Stepper()
    stepper.queue(500, 100, 1)
    run(stepper, 10_400)
    stepper.stop()
    assert stepper.queued_us() == 0
    run(stepper, 200_000)
    assert (stepper.position, stepper.last_step_ticks) == (10, 9500)


def test_the_queue_holds_sixteen_slices_and_takes_no_more() -> None:
    stepper = Stepper()
    assert all(stepper.queue(10, 1, 1) for _ in range(SLOTS))
    assert not stepper.queue(10, 1, 1)
    assert stepper.slots_used == 16
    run(stepper, 20)
    assert stepper.queue(10, 1, 1)


def test_the_queued_time_counts_down_to_zero() -> None:
    stepper = Stepper()
    stepper.queue(625, 10, 1)
    assert stepper.queued_us() == 100
    run(stepper, 125 * 40 + 1)
    assert stepper.queued_us() == 60
    run(stepper, 125 * 100)
    assert stepper.queued_us() == 0


def test_a_disabled_driver_neither_moves_nor_counts() -> None:
    stepper = Stepper()
    stepper.enable(False)
    stepper.queue(10, 5, 1)
    run(stepper, 1000)
    assert stepper.position == 0
    assert stepper.last_step_us is None


@pytest.mark.parametrize("bad", [(0, 1, 1), (10, 0, 1), (10, 1, 2)])
def test_a_slice_that_no_generator_can_make_is_refused_in_a_sentence(bad: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="no step generator can make the slice"):
        Stepper().queue(*bad)


@given(
    st.lists(SLICES, min_size=1, max_size=SLOTS),
    st.lists(st.integers(1, 400_000), max_size=20),
)
def test_position_and_last_edge_do_not_depend_on_how_time_is_cut(
    slices: list[tuple[int, int, int]], cuts: list[int]
) -> None:
    edges = []
    start = 0
    for half, count, direction in slices:
        edges += [(start + half + 2 * half * k, direction) for k in range(count) if direction]
        start += 2 * half * count
    stepper = Stepper()
    for one in slices:
        assert stepper.queue(*one)
    for cut in [*sorted(cuts), start + 1]:
        if cut > stepper.now_ticks:
            run(stepper, cut)
            assert stepper.position == sum(direction for at, direction in edges if at <= cut)
    assert stepper.last_step_ticks == (edges[-1][0] if edges else None)
    assert stepper.queued_ticks() == 0
