"""Sessions, sequences and authentication: each command once, the older host refused, therapy only with the key."""

import secrets
from collections.abc import Callable

import pytest
from flushlink import messages
from flushpump.device.pump import Pump
from flushpump.errors import OutcomeUnknownError, RefusedError
from flushpump.wire import codec
from flushpump.wire.messages import Flag, State

from flushhil.dut import DeviceUnderTest, pulses, refused_as, steady
from flushhil.raw_client import RawClient, replies_lost, status_name

SESSION_COMMANDS = [name for name, admission in codec.ADMISSION.items() if admission != messages.OPEN]
THERAPY = [name for name, admission in codec.ADMISSION.items() if admission == messages.THERAPY]
ZERO = {name: bytes(codec.REQUESTS[name].size) for name in codec.REQUESTS}


@pytest.fixture
def raw_client(dut: DeviceUnderTest) -> RawClient:
    """Single frames in an authenticated session beside that of the client."""
    raw_client = RawClient(dut.port)
    raw_client.hello()
    assert status_name(raw_client.authenticate()) == "OK"
    return raw_client


@pytest.mark.requirement("REQ-DOSE-1")
def test_a_repeated_command_gets_the_stored_reply_and_is_not_executed_again(raw_client: RawClient) -> None:
    before = raw_client.status()["last_executed_sequence"]
    pause = raw_client.frame("SETTINGS_SET", {"index": 7, "value": 50})
    found = []
    for _ in range(5):
        raw_client.send(pause)
        found += raw_client.replies(0.05)
    assert len(found) == 5
    assert len({(frame.payload, frame.sequence, frame.status) for frame in found}) == 1
    assert raw_client.status()["last_executed_sequence"] == before + 1


@pytest.mark.requirement("REQ-DOSE-1")
def test_the_last_sequence_with_other_bytes_is_refused_and_not_executed(raw_client: RawClient) -> None:
    raw_client.ask("SETTINGS_SET", {"index": 7, "value": 50})
    refused = raw_client.ask("SETTINGS_SET", {"index": 7, "value": 60}, sequence=raw_client.sequence)
    assert status_name(refused) == "WRONG_SEQUENCE"
    assert raw_client.values(raw_client.ask("SETTINGS_GET", {"index": 7}))["value"] == 50


@pytest.mark.requirement("REQ-DOSE-1")
@pytest.mark.parametrize("offset", [-2, -1, 2, 3, 1000, 65_534])
def test_any_other_sequence_is_refused_with_the_last_executed_one(raw_client: RawClient, offset: int) -> None:
    for _ in range(3):
        raw_client.ask("SETTINGS_GET", {"index": 0})
    other = (raw_client.sequence + offset) % 65_536
    refused = raw_client.ask("SETTINGS_SET", {"index": 7, "value": 60}, sequence=other)
    assert status_name(refused) == "WRONG_SEQUENCE"
    assert int.from_bytes(refused.payload, "little") == raw_client.sequence
    assert raw_client.values(raw_client.ask("SETTINGS_GET", {"index": 7}))["value"] == 50


@pytest.mark.requirement("REQ-DOSE-1")
def test_a_refusal_is_stored_and_repeated_as_a_success_is(raw_client: RawClient) -> None:
    wrong = raw_client.frame("SETTINGS_SET", {"index": 7, "value": 5_000_000})
    raw_client.send(wrong + wrong)
    first, second = raw_client.replies(0.1)
    assert first == second
    assert status_name(first) == "OUT_OF_RANGE"


@pytest.mark.simulated("the speed that 65,540 commands need")
@pytest.mark.requirement("REQ-DOSE-1")
def test_the_sequence_wraps_from_65535_to_1_and_never_uses_0(dut: DeviceUnderTest) -> None:
    raw_client = RawClient(dut.port)
    raw_client.hello()
    for first in range(1, 65_536, 15):
        # 15 replies fit what the device can send before it is read.
        for sequence in range(first, first + 15):
            dut.rig.to_device(raw_client.frame("SETTINGS_GET", b"\0", sequence=sequence))
        dut.rig.run_until(dut.rig.now_us + 16 * 5_000)
        dut.rig.from_device()
    assert raw_client.status()["last_executed_sequence"] == 65_535
    assert status_name(raw_client.ask("SETTINGS_GET", b"\0", sequence=0)) == "WRONG_SEQUENCE"
    assert status_name(raw_client.ask("SETTINGS_GET", b"\0", sequence=1)) == "OK"
    assert raw_client.status()["last_executed_sequence"] == 1


@pytest.mark.requirement("REQ-LINK-3")
def test_the_older_of_two_hosts_is_refused_and_the_newer_is_served(dut: DeviceUnderTest) -> None:
    older = dut.pump
    newer = dut.second_host()
    assert refused_as(lambda: older.set_setting("telemetry_interval_ms", 100)) == "WRONG_SESSION"
    assert newer.get_setting("telemetry_interval_ms") == 50
    with pytest.raises(RefusedError):
        older.info()
    assert older.status().state is State.IDLE
    assert newer.info()


@pytest.mark.requirement("REQ-LINK-3", "REQ-LINK-1")
def test_a_second_host_cannot_keep_the_first_ones_motion_alive(dut: DeviceUnderTest) -> None:
    dut.start(steady(5_000_000, 500_000), lease_ms=1000)
    newer = dut.second_host(key=None)
    assert refused_as(lambda: newer.keepalive(2000)) == "WRONG_STATE"
    newer.link.listen(newer.now_s + 1.3)
    assert not newer.status().moving
    assert [alarm.name for alarm in newer.alarms()] == ["LEASE_LOST"]


@pytest.mark.requirement("REQ-LINK-3")
def test_a_hello_that_was_sent_again_stays_in_its_session_and_an_old_one_opens_none(dut: DeviceUnderTest) -> None:
    raw_client = RawClient(dut.port)
    nonce = secrets.token_bytes(8)
    first = raw_client.hello(nonce)
    again = raw_client.hello(nonce)
    assert first.session == again.session
    assert raw_client.device_nonce == raw_client.values(first)["device_nonce"]
    raw_client.hello()
    late = raw_client.hello(nonce)
    assert status_name(late) == "WRONG_SESSION"
    assert status_name(raw_client.ask("SETTINGS_GET", {"index": 0})) == "OK"


@pytest.mark.requirement("REQ-LINK-4")
@pytest.mark.parametrize("name", THERAPY)
def test_therapy_commands_are_refused_without_authentication(dut: DeviceUnderTest, name: str) -> None:
    raw_client = RawClient(dut.port)
    raw_client.hello()
    assert status_name(raw_client.ask(name, ZERO[name])) == "NOT_AUTHENTICATED"
    assert not raw_client.status()["flags"] & messages.FLAG_AUTHENTICATED


@pytest.mark.requirement("REQ-LINK-4")
def test_a_wrong_key_is_refused_and_the_client_names_the_pairing_key(open_dut: Callable[..., DeviceUnderTest]) -> None:
    dut = open_dut(greet=False)
    with pytest.raises(RefusedError, match="pairing key") as refused:
        Pump.over(dut.port, dut.url, b"not the real key")
    assert refused.value.status_name == "NOT_AUTHENTICATED"


@pytest.mark.requirement("REQ-LINK-4")
def test_a_proof_from_an_older_session_is_refused(dut: DeviceUnderTest) -> None:
    raw_client = RawClient(dut.port)
    raw_client.hello()
    proof = raw_client.proof()
    raw_client.hello()
    assert status_name(raw_client.ask("AUTHENTICATE", {"proof": proof})) == "NOT_AUTHENTICATED"


@pytest.mark.simulated("settings that are gone after the test")
@pytest.mark.requirement("REQ-LINK-4")
def test_after_pairing_only_the_new_key_opens_therapy(dut: DeviceUnderTest) -> None:
    new_key = bytes(range(16))
    dut.pump.pair(new_key)
    assert dut.pump.status().flags & Flag.AUTHENTICATED, "the new key counts from the next session on"
    with pytest.raises(RefusedError):
        dut.second_host()
    assert dut.second_host(new_key).status().flags & Flag.AUTHENTICATED


@pytest.mark.requirement("REQ-LINK-2")
@pytest.mark.parametrize("name", SESSION_COMMANDS)
def test_another_major_version_leaves_only_hello_status_and_stop(raw_client: RawClient, name: str) -> None:
    other = messages.VERSION + 0x10
    before = raw_client.status()["last_executed_sequence"]
    assert status_name(raw_client.ask(name, ZERO[name], version=other)) == "VERSION"
    for free in ("STATUS", "STOP"):
        assert status_name(raw_client.ask(free, version=other)) == "OK"
    assert raw_client.status()["last_executed_sequence"] == before
    nonce = {"host_nonce": secrets.token_bytes(8), "table_hash": codec.TABLE_HASH}
    assert status_name(raw_client.ask("HELLO", nonce, version=other)) == "OK"


@pytest.mark.requirement("REQ-LINK-2")
@pytest.mark.parametrize("size", [0, 1, 47, 48])
@pytest.mark.parametrize("name", ["PATH_SET", "START", "STATUS", "STOP", "LOG_READ"])
def test_a_payload_of_the_wrong_length_is_refused_and_not_executed(raw_client: RawClient, name: str, size: int) -> None:
    if size == codec.REQUESTS[name].size:
        size += 2
    assert status_name(raw_client.ask(name, bytes(size))) == "BAD_LENGTH"
    assert raw_client.status()["state"] == State.IDLE


@pytest.mark.requirement("REQ-LINK-2")
def test_an_unknown_message_is_refused(raw_client: RawClient) -> None:
    session, sequence = raw_client.session, raw_client.sequence + 1
    frame = codec.Frame(messages.VERSION, messages.KIND_REQUEST, 0x7E, session, sequence, 0, b"")
    raw_client.send(codec.encode_frame(frame))
    reply = raw_client.reply()
    assert reply is not None
    assert status_name(reply) == "UNKNOWN_MESSAGE"


@pytest.mark.requirement("REQ-DOSE-2", "REQ-DOSE-1")
def test_while_an_outcome_is_unknown_the_client_sends_only_status_and_stop(dut: DeviceUnderTest) -> None:
    dut.set_path()
    dut.load(pulses(2))
    sent: list[int] = []
    write = dut.port.write

    def write_and_note(data: bytes) -> int | None:
        sent.extend(codec.decode_frame(part).message for part in bytes(data).split(b"\0") if part)
        return write(data)

    dut.port.write = write_and_note
    with replies_lost(dut.port), pytest.raises(OutcomeUnknownError):
        dut.pump.start()
    sent.clear()
    for command in (dut.pump.start, lambda: dut.pump.prime(0.1, 0.5), dut.pump.info):
        with pytest.raises(OutcomeUnknownError):
            command()
    assert sent == [], "the client sends nothing"
    assert dut.pump.stop().moving == 0
    status = dut.pump.status()
    assert set(sent) == {codec.REQUESTS["STATUS"].number, codec.REQUESTS["STOP"].number}
    assert status.pulse_index <= 1
    assert dut.pump.resolved is not None
    assert dut.pump.resolved.executed is True
    assert dut.pump.info()
