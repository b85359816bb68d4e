"""The drive: steps that are lost are missed, switches end the way, and backwards goes only what may."""

from collections.abc import Callable
from functools import partial

import pytest
from flushpump.wire.messages import Outcome, State
from flushsim.rig.base import END_SWITCH, HOME_SWITCH

from flushhil.dut import ASPIRATE, DeviceUnderTest, pulses, refused_as, steady
from flushhil.ground_truth import STOP_BUDGET_MS, going_back, in_pulse, stands_still, stop_by

pytestmark = pytest.mark.simulated("a drive that fails")
OpenBench = Callable[..., DeviceUnderTest]
# What may be lost before it is missed: as much as may be driven after any other trip.
LOST_UL = 20.0
FLOW_UL_PER_S = 2_000


@pytest.mark.requirement("REQ-MOVE-1")
@pytest.mark.parametrize("fault", ["step-loss:0.01", "step-loss:0.05", "step-loss:0.5", "stall"])
@pytest.mark.parametrize("at", ["0.1s", "0.3s"])
def test_steps_that_are_not_made_stop_the_pump(
    open_bench: OpenBench, record_measurement: Callable[..., None], fault: str, at: str
) -> None:
    bench = open_bench(faults=[f"{fault}@{at}"])
    ul_per_step = bench.plant.plunger.ml_per_step * 1000
    at_us = round(float(at[:-1]) * 1e6)
    run = bench.run(steady(5_000_000, FLOW_UL_PER_S * 1000))
    assert run.end.outcome is Outcome.ALARM
    assert run.alarms == ["STEP_MISMATCH"]
    alarm_us = bench.pump.alarms()[0].device_time_ms * 1000
    lasted_s = (alarm_us - bench.plant.motion_started_us - at_us) / 1e6
    share = 1.0 if fault == "stall" else float(fault.split(":")[1])
    record_measurement(f"{fault} to its alarm", lasted_s * 1000, "ms")
    record_measurement(f"volume lost by {fault} until it is missed", share * lasted_s * FLOW_UL_PER_S, "uL", LOST_UL)
    true_ul = bench.plant.stepper.position * ul_per_step
    assert run.end.driven_nl / 1000 == pytest.approx(true_ul, abs=1), "the ledger goes by counted steps"
    assert stands_still(bench, 5.0)


@pytest.mark.requirement("REQ-MOVE-1")
def test_a_motor_that_stalls_between_two_pulses_is_noticed_in_the_next_one(open_bench: OpenBench) -> None:
    bench = open_bench(faults=["stall@0.6s"])
    run = bench.run(pulses(3))
    assert run.alarms == ["STEP_MISMATCH"]
    assert run.end.driven_nl == pytest.approx(900_000, abs=2_000)


@pytest.mark.requirement("REQ-MOVE-1")
def test_a_counter_that_runs_ahead_stops_too(bench: DeviceUnderTest) -> None:
    bench.start(steady(5_000_000, 1_000_000), lease_ms=2000)
    bench.turns_until(in_pulse(bench))
    bench.plant.stepper.position += 400
    bench.turns(0.05)
    assert bench.plant.stepper.rate == 0
    assert bench.alarm_names() == ["STEP_MISMATCH"]


@pytest.mark.requirement("REQ-MOVE-1")
def test_a_sound_drive_is_never_suspected_at_any_speed(open_bench: OpenBench) -> None:
    bench = open_bench(line="tunneled-9.6f", needle="none")
    for flow in (20_000, 100_000, 700_000, 3_000_000, 4_900_000):
        volume = min(max(flow // 2, 50_000), 1_500_000)
        run = bench.run(steady(volume, flow))
        assert (run.end.outcome, run.alarms) == (Outcome.COMPLETED, []), flow


@pytest.mark.simulated("a hand on the switches")
@pytest.mark.requirement("REQ-MOVE-2")
def test_the_end_switch_stops_forward_motion(bench: DeviceUnderTest, record_measurement: Callable[..., None]) -> None:
    bench.start(steady(5_000_000, 2_000_000), lease_ms=2000)
    bench.turns_until(in_pulse(bench))
    stop = stop_by(bench, lambda: bench.rig.set_input(END_SWITCH, True))
    record_measurement("end switch to last step", stop.last_step_ms, "ms", STOP_BUDGET_MS)
    assert bench.alarm_names() == ["TRAVEL_LIMIT"]


@pytest.mark.simulated("a hand on the switches")
@pytest.mark.requirement("REQ-MOVE-2", "REQ-MOVE-3")
@pytest.mark.parametrize("motion", ["aspirate", "relief"])
def test_the_home_switch_stops_backward_motion(
    open_bench: OpenBench, record_measurement: Callable[..., None], motion: str
) -> None:
    bench = open_bench(faults=["occlusion@0.3s"] if motion == "relief" else [])
    bench.start(*([ASPIRATE, pulses(2)] if motion == "aspirate" else [pulses(2)]), lease_ms=2000)
    bench.turns_until(going_back(bench))
    stop = stop_by(bench, lambda: bench.rig.set_input(HOME_SWITCH, True))
    record_measurement(f"home switch in {motion} to last step", stop.last_step_ms, "ms", STOP_BUDGET_MS)
    assert "TRAVEL_LIMIT" in bench.alarm_names()
    assert stands_still(bench, 3.0)


@pytest.mark.simulated("a hand on the switches")
@pytest.mark.requirement("REQ-MOVE-2")
def test_a_switch_behind_does_not_hinder_motion_away_from_it(bench: DeviceUnderTest) -> None:
    bench.rig.set_input(HOME_SWITCH, True)
    assert bench.run(pulses(2)).end.outcome is Outcome.COMPLETED
    bench.rig.set_input(HOME_SWITCH, False)
    bench.rig.set_input(END_SWITCH, True)
    bench.pump.aspirate(0.3, 0.5)
    assert bench.pump.wait_until_still().state is State.IDLE
    assert bench.alarm_names() == []


@pytest.mark.simulated("the plant's steps")
@pytest.mark.requirement("REQ-MOVE-3")
def test_aspiration_is_bounded_in_volume_and_by_the_syringes_stop(bench: DeviceUnderTest) -> None:
    bench.set_path(loaded_ml=10.0)
    for volume_ml, status in ((5.1, "OUT_OF_RANGE"), (2.1, "SYRINGE")):
        assert refused_as(partial(bench.pump.aspirate, volume_ml, 0.5)) == status
    assert bench.plant.bursts == []
    bench.pump.aspirate(1.9, 1.0)
    assert bench.pump.wait_until_still().state is State.IDLE
    assert -bench.plant.stepper.position * bench.plant.plunger.ml_per_step == pytest.approx(1.9, abs=0.001)


@pytest.mark.simulated("the plant's steps")
@pytest.mark.requirement("REQ-MOVE-3")
def test_a_program_is_refused_that_draws_more_back_than_the_syringe_takes(bench: DeviceUnderTest) -> None:
    bench.set_path(loaded_ml=11.8)
    bench.load(ASPIRATE, pulses(2))
    assert refused_as(bench.pump.start) == "SYRINGE"


@pytest.mark.simulated("the plant's steps")
@pytest.mark.requirement("REQ-MOVE-3")
def test_stopped_runs_never_go_backwards(open_bench: OpenBench) -> None:
    bench = open_bench()
    for press in (False, True):
        bench.start(pulses(3), lease_ms=2000)
        bench.turns_until(in_pulse(bench))
        if press:
            bench.rig.press_stop()
        else:
            bench.pump.stop()
        bench.turns(2.0)
    assert all(burst.direction > 0 for burst in bench.plant.bursts)
