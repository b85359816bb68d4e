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
def hand(bench: DeviceUnderTest) -> RawClient:
    """Frames by hand in a session of their own, authenticated."""
    hand = RawClient(bench.port)
    hand.hello()
    assert status_name(hand.authenticate()) == "OK"
    return hand


@pytest.mark.requirement("REQ-DOSE-1")
def test_a_repeated_command_gets_the_kept_reply_and_is_not_executed_again(hand: RawClient) -> None:
    before = hand.status()["last_executed_sequence"]
    pause = hand.frame("SETTINGS_SET", {"index": 7, "value": 50})
    found = []
    for _ in range(5):
        hand.send(pause)
        found += hand.replies(0.05)
    assert len(found) == 5
    assert len({(frame.payload, frame.sequence, frame.status) for frame in found}) == 1
    assert hand.status()["last_executed_sequence"] == before + 1


@pytest.mark.requirement("REQ-DOSE-1")
def test_the_last_sequence_with_other_bytes_is_refused_and_not_executed(hand: RawClient) -> None:
    hand.ask("SETTINGS_SET", {"index": 7, "value": 50})
    refused = hand.ask("SETTINGS_SET", {"index": 7, "value": 60}, sequence=hand.sequence)
    assert status_name(refused) == "WRONG_SEQUENCE"
    assert hand.values(hand.ask("SETTINGS_GET", {"index": 7}))["value"] == 50


@pytest.mark.requirement("REQ-DOSE-1")
@pytest.mark.parametrize("offset", [-2, -1, 2, 3, 1000, 65_534])
def test_any_other_sequence_is_refused_with_the_last_executed_one(hand: RawClient, offset: int) -> None:
    for _ in range(3):
        hand.ask("SETTINGS_GET", {"index": 0})
    refused = hand.ask("SETTINGS_SET", {"index": 7, "value": 60}, sequence=(hand.sequence + offset) % 65_536)
    assert status_name(refused) == "WRONG_SEQUENCE"
    assert int.from_bytes(refused.payload, "little") == hand.sequence
    assert hand.values(hand.ask("SETTINGS_GET", {"index": 7}))["value"] == 50


@pytest.mark.requirement("REQ-DOSE-1")
def test_a_refusal_is_kept_and_repeated_as_a_success_is(hand: RawClient) -> None:
    wrong = hand.frame("SETTINGS_SET", {"index": 7, "value": 5_000_000})
    hand.send(wrong + wrong)
    first, second = hand.replies(0.1)
    assert first == second
    assert status_name(first) == "OUT_OF_RANGE"


@pytest.mark.simulated("the speed that 65,540 commands need")
@pytest.mark.requirement("REQ-DOSE-1")
def test_the_sequence_wraps_from_65535_to_1_and_never_uses_0(bench: DeviceUnderTest) -> None:
    hand = RawClient(bench.port)
    hand.hello()
    for first in range(1, 65_536, 15):
        # 15 replies fit what the device can send before it is read.
        for sequence in range(first, first + 15):
            bench.rig.to_device(hand.frame("SETTINGS_GET", b"\0", sequence=sequence))
        bench.rig.run_until(bench.rig.now_us + 16 * 5_000)
        bench.rig.from_device()
    assert hand.status()["last_executed_sequence"] == 65_535
    assert status_name(hand.ask("SETTINGS_GET", b"\0", sequence=0)) == "WRONG_SEQUENCE"
    assert status_name(hand.ask("SETTINGS_GET", b"\0", sequence=1)) == "OK"
    assert hand.status()["last_executed_sequence"] == 1


@pytest.mark.requirement("REQ-LINK-3")
def test_the_older_of_two_hosts_is_refused_and_the_newer_is_served(bench: DeviceUnderTest) -> None:
    older = bench.pump
    newer = bench.second_host()
    assert refused_as(lambda: older.set_setting("telemetry_interval_ms", 100)) == "WRONG_SESSION"
    assert newer.get_setting("telemetry_interval_ms") == 50
    with pytest.raises(RefusedError):
        older.info()
    assert older.status().state is State.IDLE
    assert newer.info()


@pytest.mark.requirement("REQ-LINK-3", "REQ-LINK-1")
def test_a_second_host_cannot_keep_the_first_ones_motion_alive(bench: DeviceUnderTest) -> None:
    bench.start(steady(5_000_000, 500_000), lease_ms=1000)
    newer = bench.second_host(key=None)
    assert refused_as(lambda: newer.keepalive(2000)) == "WRONG_STATE"
    newer.link.listen(newer.now_s + 1.3)
    assert not newer.status().moving
    assert [alarm.name for alarm in newer.alarms()] == ["LEASE_LOST"]


@pytest.mark.requirement("REQ-LINK-3")
def test_a_hello_that_was_sent_again_stays_in_its_session_and_an_old_one_opens_none(bench: DeviceUnderTest) -> None:
    hand = RawClient(bench.port)
    nonce = secrets.token_bytes(8)
    first = hand.hello(nonce)
    again = hand.hello(nonce)
    assert first.session == again.session
    assert hand.device_nonce == hand.values(first)["device_nonce"]
    hand.hello()
    late = hand.hello(nonce)
    assert status_name(late) == "WRONG_SESSION"
    assert status_name(hand.ask("SETTINGS_GET", {"index": 0})) == "OK"


@pytest.mark.requirement("REQ-LINK-4")
@pytest.mark.parametrize("name", THERAPY)
def test_therapy_commands_are_refused_without_authentication(bench: DeviceUnderTest, name: str) -> None:
    hand = RawClient(bench.port)
    hand.hello()
    assert status_name(hand.ask(name, ZERO[name])) == "NOT_AUTHENTICATED"
    assert not hand.status()["flags"] & messages.FLAG_AUTHENTICATED


@pytest.mark.requirement("REQ-LINK-4")
def test_a_wrong_key_authenticates_nothing_and_the_client_says_so(open_bench: Callable[..., DeviceUnderTest]) -> None:
    bench = open_bench(greet=False)
    with pytest.raises(RefusedError, match="pairing key") as refused:
        Pump.over(bench.port, bench.url, b"not the real key")
    assert refused.value.status_name == "NOT_AUTHENTICATED"


@pytest.mark.requirement("REQ-LINK-4")
def test_a_proof_of_an_older_session_is_no_proof(bench: DeviceUnderTest) -> None:
    hand = RawClient(bench.port)
    hand.hello()
    proof = hand.proof()
    hand.hello()
    assert status_name(hand.ask("AUTHENTICATE", {"proof": proof})) == "NOT_AUTHENTICATED"


@pytest.mark.simulated("settings that are gone after the test")
@pytest.mark.requirement("REQ-LINK-4")
def test_after_pairing_only_the_new_key_opens_therapy(bench: DeviceUnderTest) -> None:
    new_key = bytes(range(16))
    bench.pump.pair(new_key)
    assert bench.pump.status().flags & Flag.AUTHENTICATED, "the new key counts from the next session on"
    with pytest.raises(RefusedError):
        bench.second_host()
    assert bench.second_host(new_key).status().flags & Flag.AUTHENTICATED


@pytest.mark.requirement("REQ-LINK-2")
@pytest.mark.parametrize("name", SESSION_COMMANDS)
def test_another_major_version_leaves_only_hello_status_and_stop(hand: RawClient, name: str) -> None:
    other = messages.VERSION + 0x10
    before = hand.status()["last_executed_sequence"]
    assert status_name(hand.ask(name, ZERO[name], version=other)) == "VERSION"
    for free in ("STATUS", "STOP"):
        assert status_name(hand.ask(free, version=other)) == "OK"
    assert hand.status()["last_executed_sequence"] == before
    nonce = {"host_nonce": secrets.token_bytes(8), "table_hash": codec.TABLE_HASH}
    assert status_name(hand.ask("HELLO", nonce, version=other)) == "OK"


@pytest.mark.requirement("REQ-LINK-2")
@pytest.mark.parametrize("size", [0, 1, 47, 48])
@pytest.mark.parametrize("name", ["PATH_SET", "START", "STATUS", "STOP", "LOG_READ"])
def test_a_payload_of_the_wrong_length_is_refused_and_not_executed(hand: RawClient, name: str, size: int) -> None:
    if size == codec.REQUESTS[name].size:
        size += 2
    assert status_name(hand.ask(name, bytes(size))) == "BAD_LENGTH"
    assert hand.status()["state"] == State.IDLE


@pytest.mark.requirement("REQ-LINK-2")
def test_an_unknown_message_is_refused(hand: RawClient) -> None:
    frame = codec.Frame(messages.VERSION, messages.KIND_REQUEST, 0x7E, hand.session, hand.sequence + 1, 0, b"")
    hand.send(codec.encode_frame(frame))
    reply = hand.reply()
    assert reply is not None
    assert status_name(reply) == "UNKNOWN_MESSAGE"


@pytest.mark.requirement("REQ-DOSE-2", "REQ-DOSE-1")
def test_while_an_outcome_is_unknown_the_client_sends_only_status_and_stop(bench: DeviceUnderTest) -> None:
    bench.set_path()
    bench.load(pulses(2))
    sent: list[int] = []
    write = bench.port.write

    def write_and_note(data: bytes) -> int | None:
        sent.extend(codec.decode_frame(part).message for part in bytes(data).split(b"\0") if part)
        return write(data)

    bench.port.write = write_and_note
    with replies_lost(bench.port), pytest.raises(OutcomeUnknownError):
        bench.pump.start()
    sent.clear()
    for command in (bench.pump.start, lambda: bench.pump.prime(0.1, 0.5), bench.pump.info):
        with pytest.raises(OutcomeUnknownError):
            command()
    assert sent == [], "nothing goes out"
    assert bench.pump.stop().moving == 0
    status = bench.pump.status()
    assert set(sent) == {codec.REQUESTS["STATUS"].number, codec.REQUESTS["STOP"].number}
    assert status.pulse_index <= 1
    assert bench.pump.resolved is not None
    assert bench.pump.resolved.executed is True
    assert bench.pump.info()
