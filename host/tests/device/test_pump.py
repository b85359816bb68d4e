"""Pump: loading, the lease, an outcome that is unknown, and what is read from the pump."""

import pytest
from flushpump.device.pump import Pump
from flushpump.errors import LinkLostError, OutcomeUnknownError, UsageError
from flushpump.wire.messages import ProgramEnd

from host.tests.support.scripted_program import PROGRAM, end, start
from host.tests.support.scripted_pump import (
    EVENTS,
    FROM_PUMP,
    NAMES,
    TO_PUMP,
    WRONG_STATE,
    Mishap,
    ScriptedPort,
    ScriptedPump,
)


def test_loading_sends_every_phase_and_the_crc_over_them(pump: Pump, device: ScriptedPump) -> None:
    device.fields["PROGRAM_COMMIT"] = {"duration_ms": 2550}
    assert pump.load(PROGRAM) == 2550
    assert device.names() == ["PROGRAM_BEGIN", "PROGRAM_PHASE", "PROGRAM_COMMIT"]
    assert device.executed[0][1]["total_volume_nl"] == 2_700_000
    assert pump.loaded is not None
    assert pump.loaded.program_crc == PROGRAM.crc


def test_a_program_that_was_not_loaded_cannot_be_started(pump: Pump) -> None:
    with pytest.raises(UsageError, match="no program to start"):
        pump.start()


def test_polling_renews_the_lease_twice_a_second_and_stops_with_the_program(
    pump: Pump, port: ScriptedPort, device: ScriptedPump
) -> None:
    start(pump, device)
    began_s = pump.now_s
    while pump.now_s < began_s + 5:
        pump.poll(0.05)
    assert 9 <= device.names().count("KEEPALIVE") <= 10
    port.deliver_to_host(end(device))
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
    assert port.requests.count("HELLO") == 1
    assert device.names().count("KEEPALIVE") >= 1


@pytest.mark.requirement("REQ-LINK-1")
def test_silence_beyond_the_lease_is_a_link_lost(pump: Pump, port: ScriptedPort, device: ScriptedPump) -> None:
    start(pump, device)
    port.script.append(Mishap(TO_PUMP, "", "lose", 10_000))
    began_s = pump.now_s
    with pytest.raises(LinkLostError, match="stopped by itself"):
        list(pump.follow())
    assert 1.5 < pump.now_s - began_s < 6
    port.script.clear()


def test_a_keepalive_after_the_end_is_no_error(pump: Pump, device: ScriptedPump) -> None:
    start(pump, device)
    device.answers["KEEPALIVE"] = lambda _: (WRONG_STATE, {})
    pump.poll(1.0)
    assert not pump.keep_alive


def test_an_unknown_outcome_is_resolved_over_several_tries(
    pump: Pump, port: ScriptedPort, device: ScriptedPump
) -> None:
    port.script += [Mishap(FROM_PUMP, "ALARM_ACK", "lose", 3), Mishap(FROM_PUMP, "STATUS", "lose", 4)]
    with pytest.raises(OutcomeUnknownError):
        pump.acknowledge(1)
    resolved = pump.resolve_pending()
    assert resolved is not None
    assert resolved.executed is True
    assert pump.info()


@pytest.mark.requirement("REQ-DOSE-2")
def test_no_keepalive_goes_out_while_an_outcome_is_unknown(
    pump: Pump, port: ScriptedPort, device: ScriptedPump
) -> None:
    start(pump, device)
    port.script.append(Mishap(FROM_PUMP, "ALARM_ACK", "lose", 3))
    with pytest.raises(OutcomeUnknownError):
        pump.acknowledge(1)
    before = port.requests.count("KEEPALIVE")
    pump.poll(2.0)
    assert port.requests.count("KEEPALIVE") == before


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
