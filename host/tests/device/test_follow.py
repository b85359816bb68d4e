"""Following a program whose events are lost, late or doubled."""

import pytest
from flushpump.device.pump import Pump
from flushpump.errors import LinkLostError, RefusedError, UsageError
from flushpump.wire.messages import (
    Alarm,
    Event,
    Outcome,
    PhaseChange,
    PhaseKind,
    ProgramEnd,
    PulseResult,
    Question,
    State,
    Telemetry,
)

from host.tests.support.scripted_program import PROGRAM, end, start
from host.tests.support.scripted_pump import FROM_PUMP, Mishap, ScriptedPort, ScriptedPump


def shape(events: list[Event]) -> list[object]:
    return [event.index if isinstance(event, PulseResult) else type(event).__name__ for event in events]


def test_following_yields_each_event_once_and_ends_with_the_result(
    pump: Pump, port: ScriptedPort, device: ScriptedPump
) -> None:
    start(pump, device)
    port.script.append(Mishap(FROM_PUMP, "event", "double", 99))
    for at_s, index in ((0.5, 0), (1.0, 1), (1.5, 2)):
        port.at(at_s, lambda index=index: device.event("PULSE_RESULT", index=index))
    port.at(0.7, lambda: device.event("TELEMETRY", driven_nl=1))
    port.at(1.6, lambda: end(device))
    events = list(pump.follow())
    assert shape(events) == [0, "Telemetry", 1, 2, "ProgramEnd"]
    assert isinstance(events[-1], ProgramEnd)
    assert events[-1].driven_nl == 2_700_000
    assert "PULSE_READ" not in port.requests


def test_lost_pulse_results_are_read_again_before_the_end(pump: Pump, port: ScriptedPort, device: ScriptedPump) -> None:
    start(pump, device)
    port.at(0.5, lambda: device.event("PULSE_RESULT", index=1))
    port.at(1.2, lambda: end(device))
    assert shape(list(pump.follow())) == [1, 0, 2, "ProgramEnd"]


def test_a_lost_program_end_is_found_by_asking_for_the_status(
    pump: Pump, port: ScriptedPort, device: ScriptedPump
) -> None:
    start(pump, device)
    port.script.append(Mishap(FROM_PUMP, "event", "lose", 1))
    port.at(0.8, lambda: end(device))
    events = list(pump.follow())
    assert shape(events) == [0, 1, 2, "ProgramEnd"]
    assert not pump.keep_alive


def test_telemetry_of_a_resting_pump_shows_that_the_end_was_missed(
    pump: Pump, port: ScriptedPort, device: ScriptedPump
) -> None:
    start(pump, device)
    port.script.append(Mishap(FROM_PUMP, "event", "lose", 1))
    port.at(0.3, lambda: end(device))
    for turn in range(20):
        port.at(0.4 + turn / 4, lambda: device.event("TELEMETRY", state=State.IDLE))
    began_s = pump.now_s
    assert shape(list(pump.follow()))[-1] == "ProgramEnd"
    assert pump.now_s - began_s < 0.6


@pytest.mark.parametrize("lost", [0, 1])
def test_a_question_is_reported_once_even_when_its_event_is_lost_or_late(
    pump: Pump, port: ScriptedPort, device: ScriptedPump, lost: int
) -> None:
    start(pump, device)
    port.script.append(Mishap(FROM_PUMP, "event", "lose", lost))
    asking = {"phase_index": 1, "phase_kind": PhaseKind.WAIT, "state": State.WAITING, "question": Question.CLAMPED}

    def ask() -> bytes:
        device.fields["STATUS"] = asking
        return device.event("PHASE", **asking)

    port.at(0.3, ask)
    for turn in range(20):
        port.at(0.4 + turn / 20, lambda: device.event("TELEMETRY", state=State.WAITING, phase_index=1))
    port.at(0.9, lambda: device.event("PHASE", **asking))
    port.at(1.5, lambda: end(device))
    asked_s = []
    began_s = pump.now_s
    for event in pump.follow():
        if isinstance(event, PhaseChange):
            assert event.question is Question.CLAMPED
            asked_s.append(pump.now_s - began_s)
    assert len(asked_s) == 1
    assert asked_s[0] < 0.6


def test_following_a_prime_ends_with_its_result(pump: Pump, port: ScriptedPort, device: ScriptedPump) -> None:
    pump.prime(1.0, 0.5)
    device.moving = True
    device.fields["PROGRAM_END"] = {"program_crc": 0, "outcome": Outcome.COMPLETED}
    port.at(2.0, lambda: end(device))
    assert shape(list(pump.follow())) == ["ProgramEnd"]
    with pytest.raises(UsageError):
        pump.start()


def test_the_end_of_an_earlier_program_does_not_end_this_one(
    pump: Pump, port: ScriptedPort, device: ScriptedPump
) -> None:
    start(pump, device)
    port.at(0.2, lambda: device.event("PROGRAM_END", program_crc=PROGRAM.crc ^ 1))
    port.at(0.5, lambda: end(device))
    events = list(pump.follow())
    assert shape(events)[-1] == "ProgramEnd"
    assert isinstance(events[-1], ProgramEnd)
    assert events[-1].program_crc == PROGRAM.crc


def test_an_alarm_that_repeats_is_reported_once(pump: Pump, port: ScriptedPort, device: ScriptedPump) -> None:
    start(pump, device)
    for at_s, occurrence in ((0.1, 4), (0.4, 4), (0.6, 5)):
        port.at(at_s, lambda occurrence=occurrence: device.event("ALARM", code=1, occurrence=occurrence, pending=1))
    port.at(0.7, lambda: end(device))
    alarms = [event for event in pump.follow() if isinstance(event, Alarm)]
    assert [alarm.occurrence for alarm in alarms] == [4, 5]
    assert alarms[0].name == "OCCLUSION"


def test_delayed_telemetry_is_dropped_and_the_newest_wins(pump: Pump, port: ScriptedPort, device: ScriptedPump) -> None:
    old, new = device.event("TELEMETRY", driven_nl=1), device.event("TELEMETRY", driven_nl=2)
    port.deliver_to_host(new + old)
    assert [event.driven_nl for event in pump.poll(0.05) if isinstance(event, Telemetry)] == [2]


@pytest.mark.requirement("REQ-START-3")
def test_a_restart_in_a_program_ends_following(pump: Pump, port: ScriptedPort, device: ScriptedPump) -> None:
    start(pump, device)
    device.restart()
    device.fields.clear()
    with pytest.raises((LinkLostError, RefusedError), match="restarted"):
        list(pump.follow())
