"""The drive: lost steps are detected, switches end the travel, and only aspiration and relief move backwards."""

from collections.abc import Callable
from functools import partial

import pytest
from flushpump.wire.messages import Outcome, State
from flushsim.rig.base import END_SWITCH, HOME_SWITCH

from flushhil.dut import ASPIRATE, DeviceUnderTest, pulses, refused_as, steady
from flushhil.ground_truth import STOP_BUDGET_MS, going_back, in_pulse, stays_still, stop_by

pytestmark = pytest.mark.simulated("a drive that fails")
OpenDut = Callable[..., DeviceUnderTest]
# Volume that may be lost before it is detected: as much as may be driven after any other trip.
LOST_UL = 20.0
FLOW_UL_PER_S = 2_000


@pytest.mark.requirement("REQ-MOVE-1")
@pytest.mark.parametrize("fault", ["step-loss:0.01", "step-loss:0.05", "step-loss:0.5", "stall"])
@pytest.mark.parametrize("at", ["0.1s", "0.3s"])
def test_lost_steps_stop_the_pump(
    open_dut: OpenDut, record_measurement: Callable[..., None], fault: str, at: str
) -> None:
    dut = open_dut(faults=[f"{fault}@{at}"])
    ul_per_step = dut.plant.plunger.ml_per_step * 1000
    at_us = round(float(at[:-1]) * 1e6)
    run = dut.run(steady(5_000_000, FLOW_UL_PER_S * 1000))
    assert run.end.outcome is Outcome.ALARM
    assert run.alarms == ["STEP_MISMATCH"]
    alarm_us = dut.pump.alarms()[0].device_time_ms * 1000
    lasted_s = (alarm_us - dut.plant.motion_started_us - at_us) / 1e6
    share = 1.0 if fault == "stall" else float(fault.split(":")[1])
    record_measurement(f"{fault} to its alarm", lasted_s * 1000, "ms")
    record_measurement(f"volume lost by {fault} until it is detected", share * lasted_s * FLOW_UL_PER_S, "uL", LOST_UL)
    true_ul = dut.plant.stepper.position * ul_per_step
    assert run.end.driven_nl / 1000 == pytest.approx(true_ul, abs=1), "the ledger goes by counted steps"
    assert stays_still(dut, 5.0)


@pytest.mark.requirement("REQ-MOVE-1")
def test_a_motor_that_stalls_between_two_pulses_is_detected_in_the_next_one(open_dut: OpenDut) -> None:
    dut = open_dut(faults=["stall@0.6s"])
    run = dut.run(pulses(3))
    assert run.alarms == ["STEP_MISMATCH"]
    assert run.end.driven_nl == pytest.approx(900_000, abs=2_000)


@pytest.mark.requirement("REQ-MOVE-1")
def test_a_counter_that_runs_ahead_stops_the_pump(dut: DeviceUnderTest) -> None:
    dut.start(steady(5_000_000, 1_000_000), lease_ms=2000)
    dut.simulate_until(in_pulse(dut))
    dut.plant.stepper.position += 400
    dut.simulate(0.05)
    assert dut.plant.stepper.rate == 0
    assert dut.alarm_names() == ["STEP_MISMATCH"]


@pytest.mark.requirement("REQ-MOVE-1")
def test_a_working_drive_raises_no_alarm_at_any_speed(open_dut: OpenDut) -> None:
    dut = open_dut(line="tunneled-9.6f", needle="none")
    for flow in (20_000, 100_000, 700_000, 3_000_000, 4_900_000):
        volume = min(max(flow // 2, 50_000), 1_500_000)
        run = dut.run(steady(volume, flow))
        assert (run.end.outcome, run.alarms) == (Outcome.COMPLETED, []), flow
        # The liquid of this line swings after its last step.
        dut.wait(1.0)


@pytest.mark.simulated("a press of the switches")
@pytest.mark.requirement("REQ-MOVE-2")
def test_the_end_switch_stops_forward_motion(dut: DeviceUnderTest, record_measurement: Callable[..., None]) -> None:
    dut.start(steady(5_000_000, 2_000_000), lease_ms=2000)
    dut.simulate_until(in_pulse(dut))
    stop = stop_by(dut, lambda: dut.rig.set_input(END_SWITCH, True))
    record_measurement("end switch to last step", stop.last_step_ms, "ms", STOP_BUDGET_MS)
    assert dut.alarm_names() == ["TRAVEL_LIMIT"]


@pytest.mark.simulated("a press of the switches")
@pytest.mark.requirement("REQ-MOVE-2", "REQ-MOVE-3")
@pytest.mark.parametrize("motion", ["aspirate", "relief"])
def test_the_home_switch_stops_backward_motion(
    open_dut: OpenDut, record_measurement: Callable[..., None], motion: str
) -> None:
    dut = open_dut(faults=["occlusion@0.3s"] if motion == "relief" else [])
    dut.start(*([ASPIRATE, pulses(2)] if motion == "aspirate" else [pulses(2)]), lease_ms=2000)
    dut.simulate_until(going_back(dut))
    stop = stop_by(dut, lambda: dut.rig.set_input(HOME_SWITCH, True))
    record_measurement(f"home switch in {motion} to last step", stop.last_step_ms, "ms", STOP_BUDGET_MS)
    assert "TRAVEL_LIMIT" in dut.alarm_names()
    assert stays_still(dut, 3.0)


@pytest.mark.simulated("a press of the switches")
@pytest.mark.requirement("REQ-MOVE-2")
def test_an_active_switch_does_not_prevent_motion_away_from_it(dut: DeviceUnderTest) -> None:
    dut.rig.set_input(HOME_SWITCH, True)
    assert dut.run(pulses(2)).end.outcome is Outcome.COMPLETED
    dut.rig.set_input(HOME_SWITCH, False)
    dut.rig.set_input(END_SWITCH, True)
    dut.pump.aspirate(0.3, 0.5)
    assert dut.pump.wait_until_still().state is State.IDLE
    assert dut.alarm_names() == []


@pytest.mark.simulated("the plant's steps")
@pytest.mark.requirement("REQ-MOVE-3")
def test_aspiration_is_bounded_in_volume_and_by_the_syringes_capacity(dut: DeviceUnderTest) -> None:
    dut.set_path(loaded_ml=10.0)
    for volume_ml, status in ((5.1, "OUT_OF_RANGE"), (2.1, "SYRINGE")):
        assert refused_as(partial(dut.pump.aspirate, volume_ml, 0.5)) == status
    assert dut.plant.bursts == []
    dut.pump.aspirate(1.9, 1.0)
    assert dut.pump.wait_until_still().state is State.IDLE
    assert -dut.plant.stepper.position * dut.plant.plunger.ml_per_step == pytest.approx(1.9, abs=0.001)


@pytest.mark.simulated("the plant's steps")
@pytest.mark.requirement("REQ-MOVE-3")
def test_a_program_that_aspirates_more_than_the_syringe_holds_is_refused(dut: DeviceUnderTest) -> None:
    dut.set_path(loaded_ml=11.8)
    dut.load(ASPIRATE, pulses(2))
    assert refused_as(dut.pump.start) == "SYRINGE"


@pytest.mark.simulated("the plant's steps")
@pytest.mark.requirement("REQ-MOVE-3")
def test_a_stopped_run_never_moves_backwards(open_dut: OpenDut) -> None:
    dut = open_dut()
    for press in (False, True):
        dut.start(pulses(3), lease_ms=2000)
        dut.simulate_until(in_pulse(dut))
        if press:
            dut.rig.press_stop()
        else:
            dut.pump.stop()
        dut.simulate(2.0)
    assert all(burst.direction > 0 for burst in dut.plant.bursts)
