"""Before flashing, running firmware is ended by SERVICE: when it ends, and when it does not."""

import pytest
from flushpump.errors import LinkLostError, NoDeviceError, RefusedError
from flushpump.flash import discovery

from host.tests.support.scripted_pump import WRONG_STATE, ScriptedPort, ScriptedPump

STRAP = "set the board's service strap and restart it, so that it stays at its REPL, and run the command again"
STOP = "wait until it has ended, or call flushpump stop first"


@pytest.fixture(autouse=True)
def plugged(monkeypatch: pytest.MonkeyPatch, port: ScriptedPort) -> None:
    monkeypatch.setattr(discovery, "open_port", lambda name: port)


def leave() -> bool:
    return discovery._leave_loop("/dev/ttyACM0")


def refusal() -> str:
    with pytest.raises(RefusedError) as refused:
        leave()
    return str(refused.value)


def test_a_pump_that_does_not_move_leaves_its_loop(device: ScriptedPump) -> None:
    assert leave()
    assert device.names()[-1] == "SERVICE"


def test_firmware_with_another_message_table_is_left_too(device: ScriptedPump) -> None:
    device.table_hash = b"else"
    assert leave()
    assert device.names() == ["SERVICE"]


def test_a_pump_that_moves_is_not_disturbed(device: ScriptedPump) -> None:
    device.moving = True
    assert refusal() == f"the pump moves; {STOP}"
    assert device.moving
    assert "SERVICE" not in device.names()


def test_a_pump_in_the_middle_of_a_program_is_not_disturbed(device: ScriptedPump) -> None:
    device.answers["SERVICE"] = lambda values: (WRONG_STATE, {})
    assert refusal().endswith(STOP)


def test_a_pump_that_is_paired_with_another_key_needs_its_strap(device: ScriptedPump) -> None:
    device.key = b"0123456789abcdef"
    assert refusal() == f"the pump does not accept this pairing key; {STRAP}"


def test_a_pump_of_another_protocol_version_needs_its_strap(device: ScriptedPump) -> None:
    device.version += 0x10
    assert refusal().endswith(STRAP)


def test_a_simulated_pump_has_no_board(device: ScriptedPump) -> None:
    device.fields["INFO"] = {"unit": b"SIM00001"}
    with pytest.raises(NoDeviceError, match="is a simulated one; there is no board to flash"):
        leave()


def test_where_no_pump_answers_there_is_no_loop_to_leave(port: ScriptedPort, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(port, "write", lambda data: len(data))
    assert not leave()


def play(monkeypatch: pytest.MonkeyPatch, *received: bytes | Exception) -> list[bytes]:
    """A board that prints these texts one after the other, and never answers as a pump."""
    left = list(received)

    def read_until_prompt(port: str, timeout_s: float, call: bytes) -> bytes:
        output = left.pop(0)
        if isinstance(output, Exception):
            raise output
        return output

    monkeypatch.setattr(discovery, "read_until_prompt", read_until_prompt)
    monkeypatch.setattr(discovery, "_leave_loop", lambda port: False)
    monkeypatch.setattr(discovery, "_ROUND_S", 0)
    return left


def test_a_board_whose_firmware_fails_at_each_start_is_caught_at_its_repl(monkeypatch: pytest.MonkeyPatch) -> None:
    gone, absent = LinkLostError("vanished"), NoDeviceError("there is no such port")
    left = play(monkeypatch, b"", b"Traceback (most recent", gone, absent, absent, b"", b"\r\n>>> ", b"not asked")
    discovery.bring_to_repl("/dev/ttyACM0")
    assert left == [b"not asked"]


def test_a_board_that_does_not_come_back_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch, LinkLostError("vanished"), *[NoDeviceError("there is no such port")] * 20)
    with pytest.raises(NoDeviceError, match="the board at /dev/ttyACM0 does not come back; plug it in again"):
        discovery.bring_to_repl("/dev/ttyACM0")


def test_a_port_that_is_silent_is_given_up_after_three_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    left = play(monkeypatch, b"", b"", b"", b"not asked")
    with pytest.raises(NoDeviceError, match="nothing answers at /dev/ttyACM0; check the cable"):
        discovery.bring_to_repl("/dev/ttyACM0")
    assert left == [b"not asked"]
