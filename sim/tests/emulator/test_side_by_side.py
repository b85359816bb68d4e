"""The simulator agrees with the chip: the same run on `native`, `sim` and the emulated board."""

from collections.abc import Callable

import pytest
from flushhil.target_comparison import Course, course
from flushsim.emulator.board import EmulatedBoard

LOOP_MS = 5.0


@pytest.mark.requirement("REQ-DOSE-3")
def test_the_same_run_makes_the_same_steps_on_every_target_and_its_times_agree_within_one_loop(
    started_board: EmulatedBoard, record_measurement: Callable[..., None]
) -> None:
    native = course("native")
    for other in (course("sim"), course("emulator", started_board)):
        compare(native, other, record_measurement)


def compare(native: Course, other: Course, record_measurement: Callable[..., None]) -> None:
    assert [burst.steps for burst in other.bursts] == [burst.steps for burst in native.bursts]
    assert other.driven_nl == native.driven_nl
    within = (-LOOP_MS, LOOP_MS)
    for expected, true in zip(native.bursts, other.bursts, strict=True):
        record_measurement(
            f"start of a burst, {other.target} less native", true.first_ms - expected.first_ms, "ms", within
        )
        record_measurement(f"end of a burst, {other.target} less native", true.last_ms - expected.last_ms, "ms", within)
    assert other.delivered_ul == pytest.approx(native.delivered_ul, rel=0.01)
