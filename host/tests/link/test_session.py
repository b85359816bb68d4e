"""The client against a scripted pump on a line that loses, doubles, delays and damages."""

import pytest
from flushpump.device.pump import Pump
from flushpump.errors import LinkLostError, NoDeviceError, NoReplyError, OutcomeUnknownError, RefusedError, UsageError
from flushpump.wire import codec
from flushpump.wire.messages import State

from host.tests.support.scripted_pump import FROM_PUMP, TO_PUMP, WRONG_STATE, Mishap, ScriptedPort, ScriptedPump


def opened(port: ScriptedPort) -> Pump:
    return Pump.over(port, "the scripted pump")


def primed(pump: ScriptedPump) -> int:
    return pump.names().count("PRIME")


def test_opening_sends_hello_and_proves_the_key(port: ScriptedPort, device: ScriptedPump) -> None:
    opened(port)
    assert port.requests == ["HELLO", "AUTHENTICATE", "STATUS"]
    assert device.authenticated


def test_opening_waits_for_the_self_test(port: ScriptedPort, device: ScriptedPump) -> None:
    device.state = State.BOOT
    port.on_request = lambda name: setattr(device, "state", State.BOOT if port.now_s < 101 else State.IDLE)
    assert 101 < opened(port).now_s < 101.2


@pytest.mark.requirement("REQ-DOSE-1")
@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("direction", [TO_PUMP, FROM_PUMP])
@pytest.mark.parametrize("what", ["lose", "damage", "double"])
def test_a_command_is_executed_once_whatever_happens_to_two_of_three_tries(
    port: ScriptedPort, device: ScriptedPump, times: int, direction: str, what: str
) -> None:
    pump = opened(port)
    port.script.append(Mishap(direction, "PRIME", what, times))
    assert pump.prime(0.5, 1.0).volume_nl == 500_000
    pump.info()
    assert primed(device) == 1


def test_a_late_reply_is_not_taken_for_the_next_ones(port: ScriptedPort, device: ScriptedPump) -> None:
    values = iter([11, 22])
    device.answers["SETTINGS_GET"] = lambda _: (0, {"value": next(values)})
    pump = opened(port)
    # The reply to the first try comes while the second setting is being asked for.
    port.script.append(Mishap(FROM_PUMP, "SETTINGS_GET", "delay", delay_s=0.16))
    assert pump.get_setting("window_s") == 11
    assert pump.get_setting("window_s") == 22


def test_a_late_status_of_an_earlier_call_is_ignored(port: ScriptedPort, device: ScriptedPump) -> None:
    pump = opened(port)
    port.script.append(Mishap(FROM_PUMP, "STATUS", "delay", 3, 0.5))
    with pytest.raises(NoReplyError):
        pump.status()
    device.fields["STATUS"] = {"pressure_pa": 4321}
    assert pump.status().pressure_pa == 4321


def test_a_refusal_names_the_command_and_the_reason(port: ScriptedPort, device: ScriptedPump) -> None:
    device.answers["PRIME"] = lambda _: (WRONG_STATE, {})
    pump = opened(port)
    with pytest.raises(RefusedError, match=r"refused PRIME: the pump is in a state") as caught:
        pump.prime(0.5, 1.0)
    assert caught.value.status_name == "WRONG_STATE"
    assert pump.info()


@pytest.mark.requirement("REQ-DOSE-2")
def test_after_three_tries_only_status_and_stop_are_sent(port: ScriptedPort, device: ScriptedPump) -> None:
    pump = opened(port)
    port.script.append(Mishap(FROM_PUMP, "PRIME", "lose", 3))
    with pytest.raises(OutcomeUnknownError, match="PRIME was not answered"):
        pump.prime(0.5, 1.0)
    sent_before = len(port.requests)
    for call in (pump.info, lambda: pump.prime(0.5, 1.0), pump.alarms, pump.keepalive):
        with pytest.raises(OutcomeUnknownError):
            call()
    assert len(port.requests) == sent_before
    pump.stop()
    with pytest.raises(OutcomeUnknownError):
        pump.info()
    assert port.requests[sent_before:] == ["STOP"]


@pytest.mark.requirement("REQ-DOSE-1", "REQ-DOSE-2")
def test_status_reports_that_the_command_was_executed(port: ScriptedPort, device: ScriptedPump) -> None:
    pump = opened(port)
    port.script.append(Mishap(FROM_PUMP, "PRIME", "lose", 3))
    with pytest.raises(OutcomeUnknownError):
        pump.prime(0.5, 1.0)
    pump.status()
    assert pump.resolved is not None
    assert pump.resolved.executed is True
    pump.info()
    assert primed(device) == 1
    assert port.requests.count("HELLO") == 1


@pytest.mark.requirement("REQ-DOSE-1", "REQ-DOSE-2")
def test_a_command_that_was_not_executed_is_barred_by_a_new_session(port: ScriptedPort, device: ScriptedPump) -> None:
    pump = opened(port)
    # All three copies are under way for a second and a half: they arrive when the client has gone on.
    port.script.append(Mishap(TO_PUMP, "PRIME", "delay", 3, 1.5))
    with pytest.raises(OutcomeUnknownError):
        pump.prime(0.5, 1.0)
    pump.status()
    assert pump.resolved is not None
    assert pump.resolved.executed is False
    pump.info()
    assert port.requests[-3:] == ["HELLO", "AUTHENTICATE", "INFO"]
    pump.poll(3.0)
    assert primed(device) == 0


@pytest.mark.requirement("REQ-DOSE-1")
def test_the_same_command_again_runs_once_though_its_copies_arrive_late(
    port: ScriptedPort, device: ScriptedPump
) -> None:
    pump = opened(port)
    port.script.append(Mishap(TO_PUMP, "PRIME", "delay", 3, 0.6))
    with pytest.raises(OutcomeUnknownError):
        pump.prime(0.5, 1.0)
    pump.status()
    assert pump.prime(0.5, 1.0)
    pump.poll(1.0)
    pump.info()
    assert primed(device) == 1


@pytest.mark.requirement("REQ-DOSE-2")
def test_a_copy_that_slips_in_before_the_new_session_is_reported(port: ScriptedPort, device: ScriptedPump) -> None:
    pump = opened(port)
    port.script.append(Mishap(TO_PUMP, "PRIME", "delay", 3, 0.6))
    with pytest.raises(OutcomeUnknownError):
        pump.prime(0.5, 1.0)
    pump.status()
    pump.poll(1.0)
    with pytest.raises(RefusedError, match="PRIME was executed after all"):
        pump.prime(0.7, 1.0)
    assert primed(device) == 1
    assert pump.resolved is not None
    assert pump.resolved.executed is True
    pump.prime(0.7, 1.0)
    assert [values["volume_nl"] for name, values in device.executed if name == "PRIME"] == [500_000, 700_000]


@pytest.mark.requirement("REQ-DOSE-2")
@pytest.mark.parametrize("executed", [True, False])
def test_opening_again_reports_the_outcome_too(port: ScriptedPort, device: ScriptedPump, executed: bool) -> None:
    pump = opened(port)
    port.script.append(Mishap(FROM_PUMP if executed else TO_PUMP, "PRIME", "lose", 3))
    with pytest.raises(OutcomeUnknownError):
        pump.prime(0.5, 1.0)
    pump.reopen()
    assert pump.resolved is not None
    assert pump.resolved.executed is executed
    assert pump.info()


@pytest.mark.requirement("REQ-DOSE-2", "REQ-START-3")
def test_after_a_restart_nobody_claims_to_know(port: ScriptedPort, device: ScriptedPump) -> None:
    pump = opened(port)
    pump.info()
    port.script.append(Mishap(FROM_PUMP, "PRIME", "lose", 3))
    with pytest.raises(OutcomeUnknownError):
        pump.prime(0.5, 1.0)
    device.restart()
    pump.status()
    assert pump.resolved is not None
    assert pump.resolved.executed is None
    with pytest.raises(RefusedError, match="restarted"):
        pump.info()
    pump.reopen()
    assert pump.info()


@pytest.mark.requirement("REQ-LINK-3")
def test_the_older_host_is_refused_and_does_not_take_the_session_back(port: ScriptedPort, device: ScriptedPump) -> None:
    older = opened(port)
    opened(port)
    session = device.session
    for _ in range(2):
        with pytest.raises(RefusedError, match="another host"):
            older.prime(0.5, 1.0)
    assert device.session == session
    assert primed(device) == 0


def test_a_late_refusal_of_an_older_session_does_not_refuse_a_new_command(
    port: ScriptedPort, device: ScriptedPump
) -> None:
    pump = opened(port)
    # The answer to the first command of a past session arrives when the new session sends its second.
    number = codec.REQUESTS["PRIME"].number
    stale = codec.encode_frame(codec.Frame(0x10, 2, number, 9, 2, 3, b""))
    port.on_request = lambda name: port.deliver_to_host(stale) if port.requests.count("PRIME") == 1 else None
    assert pump.prime(0.5, 1.0)
    assert primed(device) == 1


@pytest.mark.requirement("REQ-DOSE-1")
def test_a_restart_between_two_tries_leaves_the_outcome_unknown(port: ScriptedPort, device: ScriptedPump) -> None:
    pump = opened(port)
    pump.info()
    port.script.append(Mishap(FROM_PUMP, "PRIME", "lose"))
    tries = []

    def restart_before_the_second(name: str) -> None:
        if name == "PRIME":
            tries.append(name)
            if len(tries) == 2:
                device.restart()

    port.on_request = restart_before_the_second
    with pytest.raises(OutcomeUnknownError, match="it is not known whether"):
        pump.prime(0.5, 1.0)


def test_a_port_that_vanishes_is_one_sentence(port: ScriptedPort) -> None:
    pump = opened(port)
    port.gone = True
    with pytest.raises(LinkLostError, match="the scripted pump has vanished") as caught:
        pump.info()
    assert "\n" not in str(caught.value)
    assert caught.value.exit_status == 6


def test_a_port_that_answers_nothing_is_no_device(port: ScriptedPort) -> None:
    port.script.append(Mishap(FROM_PUMP, "", "lose", 1000))
    with pytest.raises(NoDeviceError, match="does not answer"):
        opened(port)
    assert port.closed


def test_a_port_that_chatters_is_no_pump(port: ScriptedPort) -> None:
    port.script.append(Mishap(FROM_PUMP, "", "lose", 1000))
    port.on_request = lambda name: port.deliver_to_host(b">>> \r\nTraceback (most recent call last):\r\n" * 9)
    with pytest.raises(NoDeviceError, match="does not speak the pump's protocol"):
        opened(port)


def test_another_major_version_is_refused_but_stop_and_status_go(port: ScriptedPort, device: ScriptedPump) -> None:
    device.version = 0x20
    with pytest.raises(RefusedError, match="speaks protocol version 2") as caught:
        opened(port)
    assert caught.value.status_name == "VERSION"
    pump = Pump(port, "it", None)
    assert pump.status().state is State.IDLE
    assert pump.stop().moving == 0


def test_another_table_under_the_same_version_is_refused(port: ScriptedPort, device: ScriptedPump) -> None:
    device.table_hash = b"else"
    with pytest.raises(RefusedError, match="another message table"):
        opened(port)


@pytest.mark.requirement("REQ-LINK-4")
def test_a_wrong_key_is_refused(port: ScriptedPort, device: ScriptedPump) -> None:
    device.key = b"0123456789abcdef"
    with pytest.raises(RefusedError, match="pairing key"):
        opened(port)


def test_values_outside_their_range_never_leave_the_host(port: ScriptedPort) -> None:
    pump = opened(port)
    sent_before = len(port.requests)
    with pytest.raises(UsageError, match=r"volume_nl of PRIME must be from 0 to 200000000, but is 300000000"):
        pump.prime(300, 1.0)
    with pytest.raises(UsageError, match="did you mean window_s"):
        pump.get_setting("windows")
    with pytest.raises(UsageError, match="window_s must be from 60"):
        pump.set_setting("window_s", 1)
    assert len(port.requests) == sent_before


def test_the_sequence_wraps_past_zero(port: ScriptedPort, device: ScriptedPump) -> None:
    pump = opened(port)
    device.sequence = pump.link.sequence = 65534
    for _ in range(3):
        pump.info()
    assert device.sequence == 2
