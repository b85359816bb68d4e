"""Pump: the lease, following a program with lost events, and the stop that a `with` block ends with."""

from collections.abc import Iterator

import pytest
from flushpump.errors import LinkLost, OutcomeUnknown, Refused, UsageProblem
from flushpump.pump import Pump
from flushpump.types import (
    Alarm,
    Event,
    Outcome,
    Phase,
    PhaseChange,
    PhaseKind,
    Program,
    ProgramEnd,
    PulseResult,
    Question,
    State,
    Telemetry,
)
from scripted_pump import EVENTS, FROM_PUMP, NAMES, TO_PUMP, WRONG_STATE, Mishap, ScriptedPort, ScriptedPump

PROGRAM = Program((Phase(PhaseKind.PULSES, 900_000, 2_000_000, count=3, pause_ms=400),), max_time_ms=60_000)


@pytest.fixture
def pump(port: ScriptedPort) -> Iterator[Pump]:
    with Pump.over(port, "the scripted pump") as pump:
        yield pump


def start(pump: Pump, device: ScriptedPump) -> None:
    pump.load(PROGRAM)
    pump.start()
    device.moving = True
    device.fields["STATUS"] = {"state": State.RUNNING}
    device.fields["PROGRAM_END"] = device.fields["RESULT_READ"] = {
        "outcome": Outcome.COMPLETED, "pulse_count": 3, "program_crc": PROGRAM.crc, "driven_nl": 2_700_000,
    }  # fmt: skip


def end(device: ScriptedPump) -> bytes:
    device.moving = False
    device.fields["STATUS"] = {"state": State.IDLE}
    return device.event("PROGRAM_END")


def shape(events: list[Event]) -> list[object]:
    return [event.index if isinstance(event, PulseResult) else type(event).__name__ for event in events]


def test_loading_sends_every_phase_and_the_crc_over_them(pump: Pump, device: ScriptedPump) -> None:
    device.fields["PROGRAM_COMMIT"] = {"duration_ms": 2550}
    assert pump.load(PROGRAM) == 2550
    assert device.names() == ["PROGRAM_BEGIN", "PROGRAM_PHASE", "PROGRAM_COMMIT"]
    assert device.executed[0][1]["total_volume_nl"] == 2_700_000
    assert pump.loaded is not None
    assert pump.loaded.program_crc == PROGRAM.crc


def test_a_program_that_was_not_loaded_cannot_be_started(pump: Pump) -> None:
    with pytest.raises(UsageProblem, match="no program to start"):
        pump.start()


def test_polling_renews_the_lease_twice_a_second_and_stops_with_the_program(
    pump: Pump, port: ScriptedPort, device: ScriptedPump
) -> None:
    start(pump, device)
    began_s = pump.now_s
    while pump.now_s < began_s + 5:
        pump.poll(0.05)
    assert 9 <= device.names().count("KEEPALIVE") <= 10
    port.say(end(device))
    assert isinstance(pump.poll(0.05)[0], ProgramEnd)
    renewed = device.names().count("KEEPALIVE")
    pump.poll(3.0)
    assert device.names().count("KEEPALIVE") == renewed


@pytest.mark.requirement("REQ-LINK-1")
def test_a_keepalive_is_repeated_under_one_sequence_as_long_as_the_lease_lasts(
    pump: Pump, port: ScriptedPort, device: ScriptedPump
) -> None:
    start(pump, device)
    port.script.append(Mishap(TO_PUMP, "KEEPALIVE", "lose", 4))
    began_s = pump.now_s
    while pump.now_s < began_s + 1.6:
        pump.poll(0.05)
    assert pump.keep_alive
    assert port.seen.count("HELLO") == 1
    assert device.names().count("KEEPALIVE") >= 1


@pytest.mark.requirement("REQ-LINK-1")
def test_silence_beyond_the_lease_is_a_link_lost(pump: Pump, port: ScriptedPort, device: ScriptedPump) -> None:
    start(pump, device)
    port.script.append(Mishap(TO_PUMP, "", "lose", 10_000))
    began_s = pump.now_s
    with pytest.raises(LinkLost, match="stopped by itself"):
        list(pump.follow())
    assert 1.5 < pump.now_s - began_s < 6
    port.script.clear()


def test_a_keepalive_after_the_end_is_no_error(pump: Pump, device: ScriptedPump) -> None:
    start(pump, device)
    device.answers["KEEPALIVE"] = lambda _: (WRONG_STATE, {})
    pump.poll(1.0)
    assert not pump.keep_alive


def test_an_unknown_outcome_is_settled_with_patience(pump: Pump, port: ScriptedPort, device: ScriptedPump) -> None:
    port.script += [Mishap(FROM_PUMP, "ALARM_ACK", "lose", 3), Mishap(FROM_PUMP, "STATUS", "lose", 4)]
    with pytest.raises(OutcomeUnknown):
        pump.acknowledge(1)
    settled = pump.settle()
    assert settled is not None
    assert settled.executed is True
    assert pump.info()


@pytest.mark.requirement("REQ-DOSE-2")
def test_no_keepalive_goes_out_while_an_outcome_is_unknown(
    pump: Pump, port: ScriptedPort, device: ScriptedPump
) -> None:
    start(pump, device)
    port.script.append(Mishap(FROM_PUMP, "ALARM_ACK", "lose", 3))
    with pytest.raises(OutcomeUnknown):
        pump.acknowledge(1)
    before = port.seen.count("KEEPALIVE")
    pump.poll(2.0)
    assert port.seen.count("KEEPALIVE") == before


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
    assert "PULSE_READ" not in port.seen


def test_lost_pulse_results_are_read_again_before_the_end(
    pump: Pump, port: ScriptedPort, device: ScriptedPump
) -> None:
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
def test_a_question_is_told_once_even_when_its_event_is_lost_or_late(
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
    with pytest.raises(UsageProblem):
        pump.start()


def test_a_moving_pump_can_be_opened_and_stopped_and_takes_the_proof_later(
    port: ScriptedPort, device: ScriptedPump
) -> None:
    device.moving = True
    with Pump.over(port) as pump:
        assert not device.authenticated
        pump.info()
        pump.stop()
        pump.prime(0.5, 1.0)
    assert device.authenticated
    assert device.names() == ["INFO", "PRIME"]


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


def test_an_alarm_that_repeats_is_told_once(pump: Pump, port: ScriptedPort, device: ScriptedPump) -> None:
    start(pump, device)
    for at_s, occurrence in ((0.1, 4), (0.4, 4), (0.6, 5)):
        port.at(at_s, lambda occurrence=occurrence: device.event("ALARM", code=1, occurrence=occurrence, pending=1))
    port.at(0.7, lambda: end(device))
    alarms = [event for event in pump.follow() if isinstance(event, Alarm)]
    assert [alarm.occurrence for alarm in alarms] == [4, 5]
    assert alarms[0].name == "OCCLUSION"


def test_delayed_telemetry_is_dropped_and_the_newest_wins(
    pump: Pump, port: ScriptedPort, device: ScriptedPump
) -> None:
    old, new = device.event("TELEMETRY", driven_nl=1), device.event("TELEMETRY", driven_nl=2)
    port.say(new + old)
    assert [event.driven_nl for event in pump.poll(0.05) if isinstance(event, Telemetry)] == [2]


@pytest.mark.requirement("REQ-START-3")
def test_a_restart_in_a_program_ends_following(pump: Pump, port: ScriptedPort, device: ScriptedPump) -> None:
    start(pump, device)
    device.restart()
    device.fields.clear()
    with pytest.raises((LinkLost, Refused), match="restarted"):
        list(pump.follow())


@pytest.mark.requirement("REQ-STOP-1")
def test_stop_is_repeated_until_nothing_moves(pump: Pump, port: ScriptedPort, device: ScriptedPump) -> None:
    start(pump, device)
    device.stops_to_stand = 4
    assert pump.stop().moving == 0
    assert device.stops == 4
    assert not pump.keep_alive


def leave_by(error: BaseException, port: ScriptedPort, device: ScriptedPump, *, vanish: bool = False) -> Pump:
    """Starts a program and leaves the block by `error`; returns the pump when that very error has come out."""
    opened = Pump.over(port)

    def run() -> None:
        with opened as pump:
            start(pump, device)
            port.gone = vanish
            raise error

    with pytest.raises(type(error)) as caught:
        run()
    assert caught.value is error
    return opened


def test_leaving_the_block_by_an_exception_stops_the_pump(port: ScriptedPort, device: ScriptedPump) -> None:
    device.stops_to_stand = 3
    pump = leave_by(ZeroDivisionError(), port, device)
    assert not device.moving
    assert device.stops == 3
    assert port.closed
    assert pump.stop_report is not None


def test_leaving_the_block_by_ctrl_c_stops_the_pump(port: ScriptedPort, device: ScriptedPump) -> None:
    leave_by(KeyboardInterrupt(), port, device)
    assert not device.moving


def test_ctrl_c_again_while_stopping_does_not_end_the_stop(port: ScriptedPort, device: ScriptedPump) -> None:
    device.stops_to_stand = 5

    def interrupt(name: str) -> None:
        if name == "STOP" and port.seen.count("STOP") == 2:
            raise KeyboardInterrupt

    port.on_request = interrupt
    leave_by(KeyboardInterrupt(), port, device)
    assert not device.moving


def test_the_first_error_stays_when_the_stop_cannot_be_confirmed(port: ScriptedPort, device: ScriptedPump) -> None:
    error = ZeroDivisionError()
    pump = leave_by(error, port, device, vanish=True)
    assert isinstance(pump.stop_problem, LinkLost)
    assert any("STOP was not confirmed" in note for note in error.__notes__)


def test_leaving_the_block_without_an_exception_sends_no_stop(port: ScriptedPort, device: ScriptedPump) -> None:
    with Pump.over(port):
        pass
    assert device.stops == 0
    assert port.closed


def test_a_pump_that_never_stands_is_reported(pump: Pump, device: ScriptedPump) -> None:
    start(pump, device)
    device.stops_to_stand = 10_000
    with pytest.raises(OutcomeUnknown, match="cut its power"):
        pump.stop()


def test_stop_at_a_silent_pump_ends_when_its_lease_must_be_over(pump: Pump, port: ScriptedPort) -> None:
    port.script.append(Mishap(TO_PUMP, "", "lose", 10_000))
    began_s = pump.now_s
    with pytest.raises(LinkLost, match="stopped by itself"):
        pump.stop()
    assert pump.now_s - began_s >= 2.0
    port.script.clear()


def test_waiting_for_a_prime_ends_when_nothing_moves(pump: Pump, port: ScriptedPort, device: ScriptedPump) -> None:
    pump.prime(1.0, 0.5)
    device.moving = True
    port.at(2.0, lambda: end(device))
    assert not pump.wait_until_still().moving
    assert device.names().count("KEEPALIVE") == 3


def test_the_log_is_read_to_its_newest_entry(pump: Pump, device: ScriptedPump) -> None:
    stored = [3, 4, 9]

    def entry(request: dict[str, int | bytes]) -> tuple[int, dict[str, int | bytes]]:
        later = [number for number in stored if number >= int(request["number"])]
        return (0, {"number": later[0], "newest": 9}) if later else (17, {})

    device.answers["LOG_READ"] = entry
    assert [found.number for found in pump.log()] == stored
    assert pump.log(10) == []


def test_alarms_are_read_until_there_are_no_more(pump: Pump, device: ScriptedPump) -> None:
    device.answers["ALARM_READ"] = lambda request: (0, {"code": 7}) if request["index"] == 0 else (17, {})
    assert [alarm.name for alarm in pump.alarms()] == ["STOP_BUTTON"]


def test_the_scripted_pump_knows_every_message_and_event() -> None:
    assert len(NAMES) + len(EVENTS) > 30
