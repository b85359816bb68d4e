"""Stopping the pump: repeated until nothing moves, and what a `with` block ends with."""

import pytest
from flushpump.device.pump import Pump
from flushpump.errors import LinkLostError, OutcomeUnknownError

from host.tests.support.scripted_program import start
from host.tests.support.scripted_pump import TO_PUMP, Mishap, ScriptedPort, ScriptedPump


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
        if name == "STOP" and port.requests.count("STOP") == 2:
            raise KeyboardInterrupt

    port.on_request = interrupt
    leave_by(KeyboardInterrupt(), port, device)
    assert not device.moving


def test_the_first_error_stays_when_the_stop_cannot_be_confirmed(port: ScriptedPort, device: ScriptedPump) -> None:
    error = ZeroDivisionError()
    pump = leave_by(error, port, device, vanish=True)
    assert isinstance(pump.stop_problem, LinkLostError)
    assert any("STOP was not confirmed" in note for note in error.__notes__)


def test_leaving_the_block_without_an_exception_sends_no_stop(port: ScriptedPort, device: ScriptedPump) -> None:
    with Pump.over(port):
        pass
    assert device.stops == 0
    assert port.closed


def test_a_pump_that_never_stops_moving_is_reported(pump: Pump, device: ScriptedPump) -> None:
    start(pump, device)
    device.stops_to_stand = 10_000
    with pytest.raises(OutcomeUnknownError, match="cut its power"):
        pump.stop()


def test_stop_at_a_silent_pump_ends_when_its_lease_must_be_over(pump: Pump, port: ScriptedPort) -> None:
    port.script.append(Mishap(TO_PUMP, "", "lose", 10_000))
    began_s = pump.now_s
    with pytest.raises(LinkLostError, match="stopped by itself"):
        pump.stop()
    assert pump.now_s - began_s >= 2.0
    port.script.clear()
