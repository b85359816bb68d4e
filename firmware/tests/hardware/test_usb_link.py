"""The USB link neither waits nor loses a part of a frame, whatever the host does; and it reports what the host does."""

from random import Random
from types import SimpleNamespace

import pytest

from firmware.tests.hardware.support.usb_stub import POLLIN, POLLOUT, Usb

READING, NOT_READING, GONE = 0, 1, 2


class Clock:
    """The board's time: asking for a byte takes 24 us, reading it 5, as measured; every ms the bus has a frame."""

    def __init__(self, usb):
        self._usb = usb
        self.us = 0

    def ticks_us(self):
        return self.us

    def sleep_us(self, us):
        for _ in range((self.us + us) // 1000 - self.us // 1000):
            self._usb.millisecond()
        self.us += us


@pytest.fixture
def made(bench, monkeypatch):
    usb = Usb(bench.machine.mem32)
    clock = usb.clock = Clock(usb)
    usb.short_frames = 0

    class Poll:
        def register(self, stream, mask):
            self.mask = mask

        def ipoll(self, timeout_ms):
            assert timeout_ms == 0
            clock.sleep_us(24)
            found = usb.poll(self.mask)
            return iter([(None, found)] if found else [])

    def readinto(buffer):
        clock.sleep_us(5)
        usb.readinto(buffer)

    monkeypatch.setattr("select.poll", Poll)
    monkeypatch.setattr("select.POLLIN", POLLIN)
    monkeypatch.setattr("select.POLLOUT", POLLOUT)
    monkeypatch.setattr("time.ticks_us", clock.ticks_us, raising=False)
    monkeypatch.setattr("time.ticks_diff", lambda later, earlier: later - earlier, raising=False)
    monkeypatch.setattr("time.sleep_us", clock.sleep_us, raising=False)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=SimpleNamespace(readinto=readinto)))
    monkeypatch.setattr("sys.stdout", SimpleNamespace(buffer=SimpleNamespace(write=usb.write)))
    link = bench.load("usb_link").UsbLink()
    monkeypatch.undo()
    usb.millisecond()
    return bench, usb, link


def listen(usb, link, for_us=5_000):
    """The rest of a tick; how late it ends."""
    due_us = usb.clock.us + for_us
    link.check_bus()
    while link.listen(due_us):
        usb.short_frames += 1
    return usb.clock.us - due_us


def tick(usb, link, frame=None):
    """One tick of 5 ms: reads, writes a frame, waits; what was read, and whether the frame was taken."""
    buffer = bytearray(64)
    count = link.readinto(buffer)
    taken = frame is not None and link.write(frame, len(frame))
    listen(usb, link)
    return bytes(buffer[:count]), taken


def frame_of(number, length=61):
    return bytes([1 + number % 255]) * (length - 1) + b"\0"


def frames_in(data):
    return [part + b"\0" for part in bytes(data).split(b"\0") if part]


def test_bytes_come_as_they_are_the_interrupt_character_too(made):
    bench, usb, link = made
    link.open()
    assert bench.interrupt_character == -1
    usb.incoming += bytes(range(32))
    listen(usb, link)
    assert tick(usb, link)[0] == bytes(range(32))
    link.close()
    assert bench.interrupt_character == 3


@pytest.mark.requirement("REQ-LINK-2")
def test_a_flood_is_read_between_the_ticks_without_making_them_late_and_loses_nothing(made):
    _, usb, link = made
    data = Random(1).randbytes(5000)
    usb.incoming += data
    got = bytearray()
    for _ in range(100):
        assert listen(usb, link, 3_000) < 2 * 29
        started_us = usb.clock.us
        buffer = bytearray(64)
        count = link.readinto(buffer)
        while count:
            got += buffer[:count]
            count = link.readinto(buffer)
        assert usb.clock.us == started_us
    assert got == data


@pytest.mark.requirement("REQ-STOP-1")
def test_a_frame_as_long_as_a_stop_ends_the_waiting_at_once_and_any_other_does_not(made):
    _, usb, link = made
    stop = b"s" * 12 + b"\0"
    usb.incoming += b"l" * 13 + b"\0" + b"k" * 11 + bytes(20) + stop + b"l" * 40 + b"\0" + stop + b"more"
    started_us = usb.clock.us
    link.check_bus()
    assert link.listen(started_us + 4_000)
    assert usb.clock.us - started_us < 29 * (14 + 11 + 20 + 13 + 1)
    assert link.listen(started_us + 4_000)
    assert not link.listen(started_us + 4_000)
    assert usb.clock.us >= started_us + 4_000


@pytest.mark.requirement("REQ-STOP-1")
def test_a_stop_behind_180_bytes_of_noise_is_read_within_two_ticks(made):
    _, usb, link = made
    usb.incoming += bytes(180) + b"STOP"
    got = b""
    for _ in range(2):
        listen(usb, link, 3_000)
        buffer = bytearray(256)
        got += bytes(buffer[: link.readinto(buffer)])
    assert got.endswith(b"STOP")


@pytest.mark.requirement("REQ-STOP-1")
def test_a_loop_that_is_late_in_every_tick_still_receives_its_host(made):
    _, usb, link = made
    usb.incoming += bytes(range(64))
    got = b""
    for _ in range(4):
        assert listen(usb, link, 0) < 500
        buffer = bytearray(64)
        got += bytes(buffer[: link.readinto(buffer)])
    assert got == bytes(range(64))


def test_a_buffer_shorter_than_what_waits_is_filled_and_no_more(made):
    _, usb, link = made
    usb.incoming += b"abcdef"
    listen(usb, link)
    buffer = bytearray(4)
    assert link.readinto(buffer) == 4
    assert buffer == b"abcd"
    assert link.readinto(buffer) == 2
    assert buffer[:2] == b"ef"
    assert link.readinto(buffer) == 0


def test_a_reading_host_gets_four_frames_in_every_tick(made):
    _, usb, link = made
    sent = []
    for number in range(200):
        link.readinto(bytearray(64))
        for part in range(4):
            frame = frame_of(number + part)
            assert link.write(frame, 61)
            sent.append(frame)
        listen(usb, link)
    assert frames_in(usb.received) == sent
    assert link.host == READING


@pytest.mark.requirement("REQ-STOP-4")
def test_a_host_that_does_not_read_never_stalls_the_loop_and_is_reported_from_one_that_is_gone(made):
    _, usb, link = made
    usb.reads = False
    taken = [tick(usb, link, frame_of(number))[1] for number in range(300)]
    assert sum(taken) == 4
    assert link.host == NOT_READING
    usb.reads = True
    for _ in range(20):
        tick(usb, link)
    assert tick(usb, link, frame_of(9))[1]
    assert link.host == READING
    tick(usb, link)
    assert frames_in(usb.received) == [frame_of(number) for number in (0, 1, 2, 3, 9)]


def test_a_host_that_closes_the_port_with_a_packet_on_its_way_is_gone_until_it_opens_it_again(made):
    _, usb, link = made
    usb.reads = False
    tick(usb, link, frame_of(0))
    usb.set_open(False)
    for number in range(300):
        tick(usb, link, frame_of(number))
    assert link.host == GONE
    usb.set_open(True)
    usb.reads = True
    for _ in range(20):
        tick(usb, link)
    assert tick(usb, link, frame_of(9))[1]
    tick(usb, link)
    assert link.host == READING
    assert frames_in(usb.received)[-1] == frame_of(9)


def test_a_host_that_closes_the_port_after_reading_all_is_no_trouble(made):
    _, usb, link = made
    tick(usb, link, frame_of(0))
    usb.set_open(False)
    for number in range(300):
        tick(usb, link, frame_of(number))
    usb.set_open(True)
    for number in range(20):
        tick(usb, link, frame_of(100 + number))
    assert frames_in(usb.received)[-1] == frame_of(119)


@pytest.mark.requirement("REQ-STOP-4")
@pytest.mark.parametrize("reads_until_then", [True, False])
def test_a_pulled_cable_never_stalls_the_loop_and_the_link_works_when_it_is_back(made, reads_until_then):
    _, usb, link = made
    usb.reads = reads_until_then
    for number in range(3):
        tick(usb, link, frame_of(number))
    usb.awake = False
    for number in range(300):
        tick(usb, link, frame_of(number))
    assert link.host == GONE
    usb.awake = usb.reads = True
    for number in range(60):
        tick(usb, link, frame_of(100 + number))
    assert link.host == READING
    assert frames_in(usb.received)[-1] == frame_of(159)


@pytest.mark.requirement("REQ-STOP-4", "REQ-LINK-2")
@pytest.mark.parametrize("seed", range(100))
def test_whatever_the_host_does_no_write_waits_and_every_frame_arrives_whole_while_the_port_is_open(made, seed):
    _, usb, link = made
    random = Random(seed)
    sent = []
    closes = seed % 2
    wakes_at = 0
    for number in range(600):
        if random.random() < 0.1:
            usb.reads = random.random() < 0.7
        # A bus that sleeps does so for 20 ms at least.
        if number >= wakes_at:
            # The stack receives of it 3 ms after the last frame, so what came before is handled.
            usb.task()
            usb.awake = random.random() < 0.98
            wakes_at = number + (0 if usb.awake else random.randrange(4, 60))
        if closes and random.random() < 0.02:
            usb.set_open(random.random() < 0.7)
        link.readinto(bytearray(64))
        for _ in range(random.randrange(6)):
            frame = frame_of(number, random.randrange(13, 62))
            if link.write(frame, len(frame)):
                sent.append(frame)
            if random.random() < 0.1:
                usb.millisecond()
        listen(usb, link, random.randrange(1, 8) * 1_000)
    usb.awake = usb.reads = True
    usb.set_open(True)
    for number in range(100):
        tick(usb, link, frame_of(number) if number > 50 else None)
    assert link.host == READING
    got = frames_in(usb.received)
    assert got[-1] == frame_of(99)
    if not closes:
        assert got[: len(sent)] == sent
