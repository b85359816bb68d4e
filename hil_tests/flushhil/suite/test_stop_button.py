"""The stop button: it stops in any state of the link, and nothing starts while it is pressed."""

import random
from collections.abc import Callable

import pytest
from flushpump.wire.messages import Outcome, State

from flushhil.dut import ASPIRATE, DeviceUnderTest, pulses, refused_as, steady
from flushhil.ground_truth import STOP_BUDGET_MS, VOLUME_AFTER_TRIP_UL, going_back, in_pulse, stays_still, stop_by

pytestmark = [pytest.mark.simulated("a press of the button"), pytest.mark.requirement("REQ-STOP-2")]
OpenDut = Callable[..., DeviceUnderTest]
LINKS = ("good", "dead", "flooded with noise")


@pytest.mark.parametrize("link", LINKS)
def test_the_button_stops_in_time_whatever_the_link_does(
    open_dut: OpenDut, record_measurement: Callable[..., None], link: str
) -> None:
    dut = open_dut(faults=["link-loss@100ms"] if link == "dead" else [])
    dut.start(steady(6_000_000, 2_000_000), lease_ms=2000)
    dut.simulate_until(in_pulse(dut))
    dut.simulate(0.1)
    dice = random.Random(link)
    if link == "flooded with noise":
        for _ in range(20):
            dut.rig.to_device(dice.randbytes(250))
            dut.rig.step()
        dut.rig.to_device(dice.randbytes(4_000))
    if link == "dead":
        dut.port.reset_input_buffer()
        dut.simulate(0.1)
        assert not dut.port.in_waiting, "nothing comes over the link"
    stop = stop_by(dut, dut.rig.press_stop)
    record_measurement(f"stop button to last step, link {link}", stop.last_step_ms, "ms", STOP_BUDGET_MS)
    record_measurement("volume after the stop button", stop.driven_ul, "uL", VOLUME_AFTER_TRIP_UL)


@pytest.mark.requirement("REQ-MOVE-3")
@pytest.mark.parametrize("motion", ["aspirate", "relief", "prime", "question"])
def test_the_button_ends_every_kind_of_motion_and_an_open_question(
    open_dut: OpenDut, record_measurement: Callable[..., None], motion: str
) -> None:
    dut = open_dut(faults=["occlusion@150ms"] if motion == "relief" else [])
    if motion == "prime":
        dut.set_path()
        dut.pump.prime(2.0, 1.0, lease_ms=2000)
        dut.simulate_until(in_pulse(dut, 1_000))
    elif motion == "relief":
        dut.start(pulses(2), lease_ms=2000)
        dut.simulate_until(going_back(dut))
    else:
        dut.start(ASPIRATE, pulses(2), lease_ms=2000)
        dut.simulate_until(going_back(dut))
        while motion == "question" and dut.pump.status().state is not State.WAITING:
            dut.wait(0.1)
    stop = stop_by(dut, dut.rig.press_stop)
    record_measurement(f"stop button in {motion} to last step", stop.last_step_ms, "ms", STOP_BUDGET_MS)
    assert stays_still(dut, 2.0)
    assert dut.pump.status().state is State.STOPPED
    assert "STOP_BUTTON" in dut.alarm_names()


@pytest.mark.requirement("REQ-STOP-3")
def test_nothing_starts_while_the_button_is_pressed_and_then_only_a_new_command_does(dut: DeviceUnderTest) -> None:
    dut.start(pulses(3))
    dut.simulate_until(in_pulse(dut))
    dut.rig.press_stop()
    run = dut.follow()
    assert run.end.outcome is Outcome.STOPPED
    assert run.alarms == ["STOP_BUTTON"]
    dut.acknowledge_all()
    dut.load(pulses(1))
    assert refused_as(dut.pump.start) == "ALARM_ACTIVE", "acknowledged, but the button is still pressed"
    dut.rig.press_stop(False)
    dut.wait(0.1)
    assert stays_still(dut, 3.0)
    dut.pump.start()
    assert dut.follow().end.outcome is Outcome.COMPLETED
