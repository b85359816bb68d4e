"""Alarms: latched until the occurrence is acknowledged, shown by priority, and repeated only a few times."""

from collections.abc import Callable

import pytest
from flushlink import messages
from flushpump.wire.messages import Alarm, Flag, State

from flushhil.dut import DeviceUnderTest, pulses, refused_as, steady
from flushhil.ground_truth import in_pulse

OpenDut = Callable[..., DeviceUnderTest]
RED, YELLOW, CYAN, GREEN, DARK = 1, 2, 3, 4, 0
LOW, MEDIUM, HIGH = 1, 2, 3


def lose_the_lease(dut: DeviceUnderTest) -> None:
    dut.set_path()
    dut.load(steady(2_000_000, 500_000))
    dut.pump.start(300)
    dut.silence(1.0)


@pytest.mark.requirement("REQ-ALRM-1")
def test_an_alarm_is_repeated_until_it_is_acknowledged(dut: DeviceUnderTest) -> None:
    lose_the_lease(dut)
    events = [event for event in dut.wait(5.0) if isinstance(event, Alarm)]
    assert len(events) >= 4
    assert {event.name for event in events} == {"LEASE_LOST"}
    status = dut.pump.status()
    assert status.state is State.STOPPED
    reply = dut.pump.acknowledge(status.alarm_occurrence)
    assert (reply.pending, reply.state) == (0, State.IDLE)
    dut.wait(0.5)
    assert [event for event in dut.wait(3.0) if isinstance(event, Alarm)] == []


@pytest.mark.requirement("REQ-ALRM-1")
def test_acknowledging_an_old_occurrence_does_not_clear_a_newer_one(dut: DeviceUnderTest) -> None:
    lose_the_lease(dut)
    old = dut.pump.status().alarm_occurrence
    dut.acknowledge_all()
    lose_the_lease(dut)
    new = dut.pump.status().alarm_occurrence
    assert new != old
    assert refused_as(lambda: dut.pump.acknowledge(old)) == "NO_ENTRY"
    assert dut.alarm_names() == ["LEASE_LOST"]
    assert dut.pump.status().state is State.STOPPED


@pytest.mark.simulated("a press of the button")
@pytest.mark.requirement("REQ-ALRM-1")
def test_a_newer_occurrence_of_a_pending_alarm_needs_its_own_acknowledgement(dut: DeviceUnderTest) -> None:
    dut.start(pulses(3))
    dut.simulate_until(in_pulse(dut))
    dut.rig.press_stop()
    dut.simulate(0.1)
    dut.rig.press_stop(False)
    first = dut.pump.alarms()[0]
    dut.wait(0.3)
    assert dut.pump.alarms()[0].occurrence == first.occurrence, "no new motion, no new occurrence"
    dut.pump.acknowledge(first.occurrence)
    dut.start(pulses(3))
    dut.simulate_until(in_pulse(dut))
    dut.rig.press_stop()
    dut.simulate(0.1)
    second = dut.pump.alarms()[0]
    assert (second.name, second.occurrence) == ("STOP_BUTTON", first.occurrence + 1)
    assert second.condition == 1


@pytest.mark.requirement("REQ-ALRM-1")
def test_a_pending_alarm_prevents_a_start_until_it_is_acknowledged(dut: DeviceUnderTest) -> None:
    lose_the_lease(dut)
    dut.load(pulses(1))
    assert refused_as(dut.pump.start) == "ALARM_ACTIVE"
    dut.acknowledge_all()
    dut.pump.start()
    assert dut.follow().alarms == []


@pytest.mark.simulated("the lights and the sound")
@pytest.mark.requirement("REQ-ALRM-2")
def test_light_and_sound_show_the_pending_alarm_of_highest_priority(open_dut: OpenDut) -> None:
    dut = open_dut(faults=["occlusion@5s"])
    assert (dut.rig.light, dut.rig.sound) == (DARK, 0)
    lose_the_lease(dut)
    assert (dut.rig.light, dut.rig.sound) == (YELLOW, MEDIUM)
    dut.acknowledge_all()
    dut.wait(1.0)
    assert (dut.rig.light, dut.rig.sound) == (DARK, 0)
    dut.start(pulses(8))
    dut.follow()
    assert (dut.rig.light, dut.rig.sound) == (RED, HIGH)


@pytest.mark.simulated("the lights and the sound")
@pytest.mark.requirement("REQ-ALRM-2")
def test_a_low_priority_alarm_is_cyan_and_a_run_without_alarms_green(dut: DeviceUnderTest) -> None:
    dut.set_path(loaded_ml=1.9)
    dut.load(steady(1_300_000, 500_000))
    dut.pump.start()
    dut.wait(0.5)
    assert (dut.rig.light, dut.rig.sound) == (GREEN, 0)
    dut.follow()
    assert dut.alarm_names() == ["SYRINGE_LOW"]
    assert (dut.rig.light, dut.rig.sound) == (CYAN, LOW)


@pytest.mark.requirement("REQ-ALRM-2")
def test_alarms_have_three_priorities_and_the_dangerous_ones_have_the_highest() -> None:
    priorities = {code: priority for code, _, priority, _, _ in messages.ALARMS}
    assert set(priorities.values()) == {LOW, MEDIUM, HIGH}
    highest = {name for _, name, priority, _, _ in messages.ALARMS if priority == HIGH}
    assert {"OCCLUSION", "HARD_LIMIT", "SENSOR_SILENT", "STEP_MISMATCH", "WATCHDOG_RESET"} <= highest


@pytest.mark.simulated("two minutes in a second, and the sound")
@pytest.mark.requirement("REQ-ALRM-3")
def test_audio_pause_ends_after_two_minutes(dut: DeviceUnderTest, record_measurement: Callable[..., None]) -> None:
    lose_the_lease(dut)
    assert dut.rig.sound == MEDIUM
    assert dut.pump.audio_pause().paused_ms == 120_000
    began_us = dut.rig.now_us
    dut.wait(0.05)
    assert (dut.rig.sound, dut.rig.light) == (0, YELLOW), "the light continues to flash"
    assert dut.pump.status().flags & Flag.AUDIO_PAUSED
    dut.simulate_until(lambda: dut.rig.sound != 0, timeout_s=130)
    record_measurement("length of an audio pause", (dut.rig.now_us - began_us) / 1e6, "s", (119.5, 120.5))


@pytest.mark.simulated("the sound")
@pytest.mark.requirement("REQ-ALRM-3")
def test_audio_pause_ends_at_once_for_a_new_alarm_of_the_same_or_a_higher_priority(open_dut: OpenDut) -> None:
    dut = open_dut(faults=["occlusion@5s"])
    dut.set_path(loaded_ml=1.8)
    dut.load(steady(1_200_000, 600_000))
    dut.pump.start()
    dut.follow()
    assert dut.alarm_names() == ["SYRINGE_LOW"]
    dut.pump.audio_pause()
    lose_the_lease(dut)
    assert dut.rig.sound == MEDIUM, "medium is higher than low"
    dut.pump.audio_pause()
    dut.wait(0.1)
    dut.pump.acknowledge(dut.pump.alarms()[0].occurrence)
    lose_the_lease(dut)
    assert dut.rig.sound == MEDIUM, "another alarm of medium priority is news"
    dut.acknowledge_all()
    dut.wait(1.0)
    dut.start(pulses(6))
    dut.follow()
    assert dut.rig.sound == HIGH


@pytest.mark.simulated("an occlusion")
@pytest.mark.requirement("REQ-ALRM-4", "REQ-STOP-3")
def test_three_runs_ended_by_alarms_within_ten_minutes_lock_the_pump_until_reset(open_dut: OpenDut) -> None:
    dut = open_dut(faults=["occlusion@0.3s"])
    for round_ in range(3):
        dut.start(pulses(2))
        assert dut.follow().alarms[0] == "OCCLUSION", round_
        dut.acknowledge_all()
        dut.wait(5.0)
    assert "LOCKED_OUT" in [messages.ALARMS[entry.argument - 1][1] for entry in dut.pump.log() if entry.code == 3]
    dut.set_path()
    dut.load(pulses(1))
    for move in dut.moves:
        assert refused_as(move) == "LOCKED"
    dut.restart(dut.rig.power_cut)
    dut.greet()
    assert "LOCKED_OUT" in dut.alarm_names(), "a power cycle does not unlock"
    dut.acknowledge_all()
    dut.set_path()
    dut.load(pulses(1))
    assert refused_as(dut.pump.start) == "LOCKED"
    dut.restart(dut.pump.reset)
    dut.greet()
    dut.set_path()
    dut.load(pulses(1))
    dut.pump.start()
    assert dut.pump.stop().moving == 0


@pytest.mark.simulated("ten minutes in a second")
@pytest.mark.requirement("REQ-ALRM-4")
def test_alarms_more_than_ten_minutes_apart_do_not_lock_the_pump(open_dut: OpenDut) -> None:
    dut = open_dut(faults=["occlusion@0.3s"])
    for _ in range(4):
        dut.start(pulses(2))
        assert dut.follow().alarms == ["OCCLUSION"]
        dut.acknowledge_all()
        dut.simulate(301)
    dut.start(pulses(2))
    dut.pump.stop()
