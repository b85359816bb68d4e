"""Alarms: latched until their very occurrence is acknowledged, shown by priority, and not endlessly repeated."""

from collections.abc import Callable

import pytest
from flushlink import messages
from flushpump.wire.messages import Alarm, Flag, State

from flushhil.dut import DeviceUnderTest, pulses, refused_as, steady
from flushhil.ground_truth import in_pulse

OpenBench = Callable[..., DeviceUnderTest]
RED, YELLOW, CYAN, GREEN, DARK = 1, 2, 3, 4, 0
LOW, MEDIUM, HIGH = 1, 2, 3


def lose_the_lease(bench: DeviceUnderTest) -> None:
    bench.set_path()
    bench.load(steady(2_000_000, 500_000))
    bench.pump.start(300)
    bench.silence(1.0)


@pytest.mark.requirement("REQ-ALRM-1")
def test_an_alarm_is_repeated_until_acknowledged_and_then_gone(bench: DeviceUnderTest) -> None:
    lose_the_lease(bench)
    events = [event for event in bench.wait(5.0) if isinstance(event, Alarm)]
    assert len(events) >= 4
    assert {event.name for event in events} == {"LEASE_LOST"}
    status = bench.pump.status()
    assert status.state is State.STOPPED
    reply = bench.pump.acknowledge(status.alarm_occurrence)
    assert (reply.pending, reply.state) == (0, State.IDLE)
    bench.wait(0.5)
    assert [event for event in bench.wait(3.0) if isinstance(event, Alarm)] == []


@pytest.mark.requirement("REQ-ALRM-1")
def test_acknowledging_an_old_occurrence_does_not_clear_a_newer_one(bench: DeviceUnderTest) -> None:
    lose_the_lease(bench)
    old = bench.pump.status().alarm_occurrence
    bench.acknowledge_all()
    lose_the_lease(bench)
    new = bench.pump.status().alarm_occurrence
    assert new != old
    assert refused_as(lambda: bench.pump.acknowledge(old)) == "NO_ENTRY"
    assert bench.alarm_names() == ["LEASE_LOST"]
    assert bench.pump.status().state is State.STOPPED


@pytest.mark.simulated("a hand on the button")
@pytest.mark.requirement("REQ-ALRM-1")
def test_a_newer_occurrence_that_replaced_a_waiting_one_needs_its_own_acknowledgement(bench: DeviceUnderTest) -> None:
    bench.start(pulses(3))
    bench.turns_until(in_pulse(bench))
    bench.rig.press_stop()
    bench.turns(0.1)
    bench.rig.press_stop(False)
    first = bench.pump.alarms()[0]
    bench.wait(0.3)
    assert bench.pump.alarms()[0].occurrence == first.occurrence, "no new motion, no new occurrence"
    bench.pump.acknowledge(first.occurrence)
    bench.start(pulses(3))
    bench.turns_until(in_pulse(bench))
    bench.rig.press_stop()
    bench.turns(0.1)
    second = bench.pump.alarms()[0]
    assert (second.name, second.occurrence) == ("STOP_BUTTON", first.occurrence + 1)
    assert second.condition == 1


@pytest.mark.requirement("REQ-ALRM-1")
def test_a_waiting_alarm_forbids_a_start_until_acknowledged(bench: DeviceUnderTest) -> None:
    lose_the_lease(bench)
    bench.load(pulses(1))
    assert refused_as(bench.pump.start) == "ALARM_ACTIVE"
    bench.acknowledge_all()
    bench.pump.start()
    assert bench.follow().alarms == []


@pytest.mark.simulated("the lights and the sound")
@pytest.mark.requirement("REQ-ALRM-2")
def test_light_and_sound_follow_the_gravest_alarm_that_waits(open_bench: OpenBench) -> None:
    bench = open_bench(faults=["occlusion@200ms"])
    assert (bench.rig.light, bench.rig.sound) == (DARK, 0)
    lose_the_lease(bench)
    assert (bench.rig.light, bench.rig.sound) == (YELLOW, MEDIUM)
    bench.acknowledge_all()
    bench.wait(0.1)
    assert (bench.rig.light, bench.rig.sound) == (DARK, 0)
    bench.start(pulses(2))
    bench.follow()
    assert (bench.rig.light, bench.rig.sound) == (RED, HIGH)


@pytest.mark.simulated("the lights and the sound")
@pytest.mark.requirement("REQ-ALRM-2")
def test_a_low_priority_alarm_is_cyan_and_a_run_without_alarms_green(bench: DeviceUnderTest) -> None:
    bench.set_path(loaded_ml=1.9)
    bench.load(steady(1_300_000, 500_000))
    bench.pump.start()
    bench.wait(0.5)
    assert (bench.rig.light, bench.rig.sound) == (GREEN, 0)
    bench.follow()
    assert bench.alarm_names() == ["SYRINGE_LOW"]
    assert (bench.rig.light, bench.rig.sound) == (CYAN, LOW)


@pytest.mark.requirement("REQ-ALRM-2")
def test_the_gravest_alarm_comes_first(open_bench: OpenBench, request: pytest.FixtureRequest) -> None:
    priorities = {code: priority for code, _, priority, _, _ in messages.ALARMS}
    assert set(priorities.values()) == {LOW, MEDIUM, HIGH}
    grave = {name for _, name, priority, _, _ in messages.ALARMS if priority == HIGH}
    assert {"OCCLUSION", "HARD_LIMIT", "SENSOR_SILENT", "STEP_MISMATCH", "WATCHDOG_RESET"} <= grave


@pytest.mark.simulated("two minutes in a second, and the sound")
@pytest.mark.requirement("REQ-ALRM-3")
def test_audio_pause_ends_by_itself_after_two_minutes(
    bench: DeviceUnderTest, record_measurement: Callable[..., None]
) -> None:
    lose_the_lease(bench)
    assert bench.rig.sound == MEDIUM
    assert bench.pump.audio_pause().paused_ms == 120_000
    began_us = bench.rig.now_us
    bench.wait(0.05)
    assert (bench.rig.sound, bench.rig.light) == (0, YELLOW), "the light goes on flashing"
    assert bench.pump.status().flags & Flag.AUDIO_PAUSED
    bench.turns_until(lambda: bench.rig.sound != 0, patience_s=130)
    record_measurement("length of an audio pause", (bench.rig.now_us - began_us) / 1e6, "s", (119.5, 120.5))


@pytest.mark.simulated("the sound")
@pytest.mark.requirement("REQ-ALRM-3")
def test_audio_pause_ends_at_once_for_a_new_alarm_of_higher_priority_only(open_bench: OpenBench) -> None:
    bench = open_bench(faults=["occlusion@5s"])
    bench.set_path(loaded_ml=1.8)
    bench.load(steady(1_200_000, 600_000))
    bench.pump.start()
    bench.follow()
    assert bench.alarm_names() == ["SYRINGE_LOW"]
    bench.pump.audio_pause()
    lose_the_lease(bench)
    assert bench.rig.sound == MEDIUM, "medium is higher than low"
    bench.pump.audio_pause()
    bench.wait(0.1)
    bench.pump.acknowledge(bench.pump.alarms()[0].occurrence)
    lose_the_lease(bench)
    assert bench.rig.sound == 0, "medium is not higher than medium"
    bench.acknowledge_all()
    bench.wait(1.0)
    bench.start(pulses(6))
    bench.follow()
    assert bench.rig.sound == HIGH


@pytest.mark.simulated("an occlusion")
@pytest.mark.requirement("REQ-ALRM-4", "REQ-STOP-3")
def test_three_runs_ended_by_alarms_within_ten_minutes_lock_the_pump_until_reset(open_bench: OpenBench) -> None:
    bench = open_bench(faults=["occlusion@0.3s"])
    for round_ in range(3):
        bench.start(pulses(2))
        assert bench.follow().alarms[0] == "OCCLUSION", round_
        bench.acknowledge_all()
        bench.wait(5.0)
    assert "LOCKED_OUT" in [messages.ALARMS[entry.argument - 1][1] for entry in bench.pump.log() if entry.code == 3]
    bench.set_path()
    bench.load(pulses(1))
    for move in bench.moves:
        assert refused_as(move) == "LOCKED"
    bench.restart(bench.rig.power_cut)
    bench.greet()
    assert "LOCKED_OUT" in bench.alarm_names(), "switching it off and on is no service"
    bench.acknowledge_all()
    bench.set_path()
    bench.load(pulses(1))
    assert refused_as(bench.pump.start) == "LOCKED"
    bench.restart(bench.pump.reset)
    bench.greet()
    bench.set_path()
    bench.load(pulses(1))
    bench.pump.start()
    assert bench.pump.stop().moving == 0


@pytest.mark.simulated("ten minutes in a second")
@pytest.mark.requirement("REQ-ALRM-4")
def test_rounds_that_lie_further_apart_do_not_lock(open_bench: OpenBench) -> None:
    bench = open_bench(faults=["occlusion@0.3s"])
    for _ in range(4):
        bench.start(pulses(2))
        assert bench.follow().alarms == ["OCCLUSION"]
        bench.acknowledge_all()
        bench.turns(301)
    bench.start(pulses(2))
    bench.pump.stop()
