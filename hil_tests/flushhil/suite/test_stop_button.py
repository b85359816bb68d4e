"""The stop button: it stops whatever the link does, and while it is held nothing starts."""

import random
from collections.abc import Callable

import pytest
from flushpump.wire.messages import Outcome, State

from flushhil.dut import ASPIRATE, DeviceUnderTest, pulses, refused_as, steady
from flushhil.ground_truth import STOP_BUDGET_MS, VOLUME_AFTER_TRIP_UL, going_back, in_pulse, stands_still, stop_by

pytestmark = [pytest.mark.simulated("a hand on the button"), pytest.mark.requirement("REQ-STOP-2")]
OpenBench = Callable[..., DeviceUnderTest]
LINKS = ("good", "dead", "flooded with noise")


@pytest.mark.parametrize("link", LINKS)
def test_the_button_stops_in_time_whatever_the_link_does(
    open_bench: OpenBench, record_measurement: Callable[..., None], link: str
) -> None:
    bench = open_bench(faults=["link-loss@100ms"] if link == "dead" else [])
    bench.start(steady(6_000_000, 2_000_000), lease_ms=2000)
    bench.turns_until(in_pulse(bench))
    bench.turns(0.1)
    dice = random.Random(link)
    if link == "flooded with noise":
        for _ in range(20):
            bench.rig.to_device(dice.randbytes(250))
            bench.rig.step()
        bench.rig.to_device(dice.randbytes(4_000))
    stop = stop_by(bench, bench.rig.press_stop)
    record_measurement(f"stop button to last step, link {link}", stop.last_step_ms, "ms", STOP_BUDGET_MS)
    record_measurement("volume after the stop button", stop.driven_ul, "uL", VOLUME_AFTER_TRIP_UL)


@pytest.mark.requirement("REQ-MOVE-3")
@pytest.mark.parametrize("motion", ["aspirate", "relief", "prime", "question"])
def test_the_button_ends_every_kind_of_motion_and_waiting(
    open_bench: OpenBench, record_measurement: Callable[..., None], motion: str
) -> None:
    bench = open_bench(faults=["occlusion@150ms"] if motion == "relief" else [])
    if motion == "prime":
        bench.set_path()
        bench.pump.prime(2.0, 1.0, lease_ms=2000)
        bench.turns_until(in_pulse(bench, 1_000))
    elif motion == "relief":
        bench.start(pulses(2), lease_ms=2000)
        bench.turns_until(going_back(bench))
    else:
        bench.start(ASPIRATE, pulses(2), lease_ms=2000)
        bench.turns_until(going_back(bench))
        while motion == "question" and bench.pump.status().state is not State.WAITING:
            bench.wait(0.1)
    stop = stop_by(bench, bench.rig.press_stop)
    record_measurement(f"stop button in {motion} to last step", stop.last_step_ms, "ms", STOP_BUDGET_MS)
    assert stands_still(bench, 2.0)
    assert bench.pump.status().state is State.STOPPED
    assert "STOP_BUTTON" in bench.alarm_names()


@pytest.mark.requirement("REQ-STOP-3")
def test_while_the_button_is_held_nothing_starts_and_after_it_only_a_new_command_does(bench: DeviceUnderTest) -> None:
    bench.start(pulses(3))
    bench.turns_until(in_pulse(bench))
    bench.rig.press_stop()
    run = bench.follow()
    assert run.end.outcome is Outcome.STOPPED
    assert run.alarms == ["STOP_BUTTON"]
    bench.acknowledge_all()
    bench.load(pulses(1))
    assert refused_as(bench.pump.start) == "ALARM_ACTIVE", "acknowledged, but the button is still held"
    bench.rig.press_stop(False)
    bench.wait(0.1)
    assert stands_still(bench, 3.0)
    bench.pump.start()
    assert bench.follow().end.outcome is Outcome.COMPLETED
