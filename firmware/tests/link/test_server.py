"""The device's end of the link: at most once, one session, and STOP before everything."""

import pytest
from flushlink import messages
from flushpump.wire import codec
from hypothesis import given
from hypothesis import strategies as st
from pump.link.server import ANSWERED, READ, LinkServer

from firmware.tests.support.ports import Identity, Link
from firmware.tests.support.server import NUMBER, PATH, STATUS, STATUS_NAME, Device, Host


class Commands:
    """Executes anything, and counts."""

    def __init__(self):
        self.executed = []
        self.stops = 0

    def execute(self, message, frame, reply):
        self.executed.append((message, bytes(frame)))
        reply[messages.HEADER_SIZE] = len(self.executed) & 0xFF
        return 0

    def stop_motion(self):
        self.stops += 1

    def refresh_figures(self):
        pass


@pytest.fixture(scope="module", params=[False, True], ids=["at rest", "moving"], autouse=True)
def moving(request):
    """All of it holds at rest, where a frame is answered in one tick, and while the pump moves, where it takes four."""
    Commands.moving = request.param
    return request.param


def make():
    link = Link()
    commands = Commands()
    server = LinkServer(link, Identity(), commands)

    def tick():
        for _ in range(4 if Commands.moving else 1):
            server.poll(Commands.moving)

    return server, commands, Host(link, tick)


def opened():
    server, commands, host = make()
    frame = host.send(host.frame("HELLO", {"host_nonce": b"nonce-01", "table_hash": b"hash"}))[0]
    host.session = frame.session
    server.authenticated = True
    commands.executed.clear()
    return server, commands, host


def names(frames):
    return [STATUS_NAME[frame.status] for frame in frames]


def keepalive(host, **header):
    return host.frame("KEEPALIVE", {"lease_ms": 1_000}, **header)


@pytest.mark.requirement("REQ-DOSE-1")
def test_the_same_bytes_again_get_the_kept_reply_and_are_not_executed_again():
    _, commands, host = opened()
    frame = keepalive(host, sequence=1)
    first = host.send(frame)
    assert host.send(frame) == first
    assert host.send(frame) == first
    assert len(commands.executed) == 1


@pytest.mark.requirement("REQ-DOSE-1")
def test_the_same_sequence_with_other_bytes_is_refused_and_the_last_one_reported():
    _, commands, host = opened()
    host.send(keepalive(host, sequence=1))
    (refused,) = host.send(host.frame("KEEPALIVE", {"lease_ms": 1_001}, sequence=1))
    assert refused.status == STATUS["WRONG_SEQUENCE"]
    assert refused.payload == b"\1\0"
    assert len(commands.executed) == 1


@pytest.mark.requirement("REQ-DOSE-1")
@given(st.integers(0, 65_535))
def test_only_the_next_sequence_is_executed(sequence):
    server, commands, host = opened()
    server.sequence = 500
    (reply,) = host.send(keepalive(host, sequence=sequence))
    assert (len(commands.executed) == 1) == (sequence == 501) == (reply.status == 0)


@pytest.mark.requirement("REQ-DOSE-1")
def test_the_sequence_goes_on_from_65535_to_1_and_the_last_one_is_still_kept():
    server, commands, host = opened()
    server.sequence = 65_534
    last = keepalive(host, sequence=65_535)
    first = host.send(last)
    assert names(first) == ["OK"]
    assert names(host.send(keepalive(host, sequence=0))) == ["WRONG_SEQUENCE"]
    assert host.send(last) == first
    assert names(host.send(keepalive(host, sequence=1))) == ["OK"]
    assert names(host.send(last)) == ["WRONG_SEQUENCE"]
    assert len(commands.executed) == 2


@pytest.mark.requirement("REQ-DOSE-1")
def test_a_refusal_by_the_command_is_kept_too():
    _, commands, host = opened()
    answers = iter([8, 0])
    commands.execute = lambda message, frame, reply: next(answers)
    frame = keepalive(host, sequence=1)
    assert names(host.send(frame) + host.send(frame)) == ["OUT_OF_RANGE", "OUT_OF_RANGE"]
    assert names(host.send(keepalive(host, sequence=2))) == ["OK"]


@pytest.mark.requirement("REQ-DOSE-1")
def test_a_reply_that_found_no_room_is_given_when_the_host_asks_again():
    _, commands, host = opened()
    frame = keepalive(host, sequence=1)
    host.link.room = False
    assert host.send(frame) == []
    host.link.room = True
    assert names(host.send(frame)) == ["OK"]
    assert len(commands.executed) == 1


@pytest.mark.requirement("REQ-LINK-3")
def test_a_new_session_refuses_the_older_one_and_begins_its_sequence_anew():
    server, _, host = opened()
    host.send(keepalive(host, sequence=1))
    old = host.session
    (hello,) = host.send(host.frame("HELLO", {"host_nonce": b"nonce-02", "table_hash": b"hash"}))
    assert hello.session not in (0, old)
    assert not server.authenticated
    assert names(host.send(keepalive(host, session=old, sequence=2))) == ["WRONG_SESSION"]
    assert names(host.send(keepalive(host, session=hello.session, sequence=1))) == ["OK"]


def test_the_hello_that_opened_the_session_changes_nothing_when_it_comes_again():
    server, _commands, host = opened()
    host.send(keepalive(host, sequence=1))
    nonce = bytes(server.device_nonce)
    (again,) = host.send(host.frame("HELLO", {"host_nonce": b"nonce-01", "table_hash": b"hash"}))
    assert (again.session, bytes(server.device_nonce)) == (host.session, nonce)
    assert names(host.send(keepalive(host, sequence=2))) == ["OK"]


def test_a_late_hello_of_a_closed_session_is_refused_and_leaves_the_new_one_alone():
    server, _, host = opened()
    for number in range(2, 6):
        host.send(host.frame("HELLO", {"host_nonce": b"nonce-%02d" % number, "table_hash": b"hash"}))
    session = server.session
    for number in range(1, 5):
        late = host.frame("HELLO", {"host_nonce": b"nonce-%02d" % number, "table_hash": b"hash"})
        assert names(host.send(late)) == ["WRONG_SESSION"]
    assert server.session == session


def test_before_any_hello_only_open_messages_are_answered_with_more_than_a_refusal():
    _, commands, host = make()
    assert names(host.send(keepalive(host, session=0, sequence=1))) == ["WRONG_SESSION"]
    assert names(host.send(host.frame("STATUS", session=77, sequence=9, version=0xF0))) == ["OK"]
    assert [message for message, _ in commands.executed] == [NUMBER["STATUS"]]


def test_another_major_version_leaves_hello_status_and_stop():
    _, _, host = opened()
    assert names(host.send(keepalive(host, sequence=1, version=0x20))) == ["VERSION"]
    for name in ("STATUS", "STOP"):
        assert names(host.send(host.frame(name, version=0x20))) == ["OK"]
    assert names(host.send(keepalive(host, sequence=1, version=messages.VERSION + 1))) == ["OK"], "a minor one is taken"


@pytest.mark.requirement("REQ-LINK-4")
def test_a_therapy_command_without_authentication_uses_up_its_sequence():
    server, commands, host = opened()
    server.authenticated = False
    frame = host.frame("RESET", sequence=1)
    assert names(host.send(frame)) == ["NOT_AUTHENTICATED"]
    server.authenticated = True
    assert names(host.send(frame)) == ["NOT_AUTHENTICATED"], "the kept reply, not a second chance"
    assert commands.executed == []


def test_an_unknown_message_and_a_wrong_length_are_refused_in_their_place():
    _, commands, host = opened()
    assert names(host.send(host.frame("", b"", message=0x7F, sequence=1))) == ["UNKNOWN_MESSAGE"]
    assert names(host.send(host.frame("KEEPALIVE", b"\1\2\3", sequence=2))) == ["BAD_LENGTH"]
    assert names(host.send(host.frame("STATUS", b"\0"))) == ["BAD_LENGTH"]
    assert commands.executed == []


@pytest.mark.requirement("REQ-LINK-2")
@given(st.binary(max_size=300))
def test_any_bytes_at_all_leave_the_server_in_step_by_the_next_frame_end(noise):
    _server, _, host = opened()
    host.send(noise + b"\0", ticks=noise.count(0) + 5)
    (answer,) = host.send(host.frame("STATUS"))
    assert answer.message == NUMBER["STATUS"]


@pytest.mark.requirement("REQ-LINK-2", "REQ-DOSE-1")
@given(st.integers(0, 12), st.integers(1, 255))
def test_a_damaged_frame_is_dropped_without_an_answer(at, change):
    _, commands, host = opened()
    frame = bytearray(keepalive(host, sequence=1))
    frame[at] ^= change
    assert [one for one in host.send(bytes(frame) + b"\0") if one.status == 0] == []
    assert commands.executed == []


def test_a_frame_that_comes_byte_by_byte_is_answered_once():
    _, _, host = opened()
    frame = keepalive(host, sequence=1)
    answers = [answer for byte in frame for answer in host.send(bytes([byte]), ticks=1)]
    assert names(answers) == ["OK"]


def test_while_the_pump_moves_reading_admitting_executing_and_answering_are_a_tick_each():
    server, commands, host = opened()
    host.link.incoming += keepalive(host, sequence=1) * 2
    observed = []
    for _ in range(4):
        sentence = server.poll(True)
        observed.append((sentence, server.sequence, len(commands.executed), len(host.responses())))
    assert observed == [(READ, 0, 0, 0), (ANSWERED, 1, 0, 0), (ANSWERED, 1, 1, 0), (ANSWERED, 1, 1, 1)]
    server.poll(True)
    assert len(host.responses()) == len(commands.executed) == 1, "the repetition got the kept reply"


@pytest.mark.requirement("REQ-STOP-1")
@pytest.mark.parametrize("stage", range(4))
def test_a_stop_acts_in_the_tick_in_which_it_is_read_whatever_another_frame_is_at(stage):
    server, commands, host = opened()
    host.link.incoming += keepalive(host, sequence=1)
    for _ in range(stage):
        server.poll(True)
    host.link.incoming += host.frame("STOP", session=9, sequence=9)
    server.poll(True)
    assert commands.stops == 1
    host.send(b"")
    assert [message for message, _ in commands.executed] == [NUMBER["KEEPALIVE"], NUMBER["STOP"]]
    assert not server.stop_ahead()


@pytest.mark.requirement("REQ-STOP-1")
def test_between_two_ticks_a_stop_acts_and_all_else_waits(moving):
    server, commands, host = opened()
    host.link.incoming += keepalive(host, sequence=1) + host.frame("STOP")
    server.poll_for_stop()
    assert (commands.stops, commands.executed, host.responses()) == (1, [], [])
    assert server.stop_ahead()
    host.send(b"", ticks=3)
    assert [message for message, _ in commands.executed] == [NUMBER["KEEPALIVE"], NUMBER["STOP"]]
    assert commands.stops == 1


@pytest.mark.requirement("REQ-STOP-1")
@pytest.mark.parametrize("others", [0, 1, 5, 12])
def test_a_stop_acts_in_the_tick_in_which_it_is_read_whatever_is_before_it(others, moving):
    server, commands, host = opened()
    host.link.incoming += host.frame("STATUS") * others + host.frame("STOP", session=9, sequence=9)
    server.poll(moving)
    assert commands.stops == 1
    assert server.stop_ahead() == (others > 0 or moving)
    host.send(b"", ticks=others + 1)
    assert not server.stop_ahead()
    assert commands.executed[-1][0] == NUMBER["STOP"]
    assert commands.stops == 1, "its answer keeps its place and calls it once more only through the command"


@given(st.integers(1, 11), st.integers(1, 255))
def test_a_damaged_stop_stops_nothing_and_is_not_waited_for(at, change):
    server, commands, host = opened()
    frame = bytearray(host.frame("STOP"))
    frame[at] ^= change
    host.send(bytes(frame), ticks=4)
    assert (commands.stops, server.stop_ahead()) == (0, False)


@pytest.mark.requirement("REQ-STOP-1", "REQ-STOP-3")
def test_a_start_before_a_stop_in_the_same_bytes_moves_nothing():
    device = Device()
    host = device.ready()
    host.ask("PATH_SET", PATH)
    begin = {"program_id": 1, "phase_count": 1, "total_volume_nl": 1_000_000, "max_time_ms": 60_000}
    phase = {
        "index": 0, "phase_kind": 3, "count": 1, "question": 0, "volume_nl": 1_000_000, "flow_nl_per_s": 500_000,
        "pause_ms": 0,
    }  # fmt: skip
    host.ask("PROGRAM_BEGIN", begin)
    host.ask("PROGRAM_PHASE", phase)
    crc = codec.crc16(codec.REQUESTS["PROGRAM_BEGIN"].pack(begin) + codec.REQUESTS["PROGRAM_PHASE"].pack(phase))
    assert host.ask("PROGRAM_COMMIT", {"program_crc": crc}).status == 0
    start = host.frame("START", {"program_crc": crc, "lease_ms": 1_500})
    assert names(host.send(start + host.frame("STOP"), ticks=10)) == ["WRONG_STATE", "OK"]
    assert device.drive.position() == 0
    host.sequence += 1
    assert host.ask("START", {"program_crc": crc, "lease_ms": 1_500}).status == 0, "a new command starts it"
    device.tick(10)
    assert device.drive.position() > 0


def test_events_count_by_themselves_and_are_dropped_when_there_is_no_room():
    server, _, host = opened()
    assert server.send_event(0x80)
    host.link.room = False
    assert not server.send_event(0x80)
    host.link.room = True
    assert server.send_event(0x80)
    frames = [codec.decode_frame(data[:-1]) for data in host.link.sent]
    assert [frame.sequence for frame in frames if frame.kind == messages.KIND_EVENT] == [1, 2]
