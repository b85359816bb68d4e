"""The serial link between host and device: latency, room, and what faults do to frames."""

from pathlib import Path

import pytest
from flushsim.faults.routing import split
from flushsim.rig.lockstep import HOST_BUFFER, Rig
from flushsim.rig.pipes import LATENCY_US, Pipe

FRAMES = [bytes([number, 7, 7, 7, 0]) for number in range(1, 201)]


def through(*faults: str, seed: str = "s", wait_us: int = 1_000_000) -> list[bytes]:
    pipe = Pipe(split(faults)[1], seed)
    for number, frame in enumerate(FRAMES):
        pipe.send(frame, 1_000 * number)
    data = pipe.take_bytes(len(pipe.arrived(1_000 * len(FRAMES) + wait_us)))
    assert pipe.held() == 0 or wait_us < 1_000_000
    return [piece + b"\0" for piece in data.split(b"\0")[:-1]]


def test_bytes_arrive_after_the_latency_and_in_order() -> None:
    pipe = Pipe([], "s")
    pipe.send(b"ab", 10_000)
    pipe.send(b"c", 10_000)
    assert pipe.arrived(10_000 + LATENCY_US - 1) == b""
    assert pipe.arrived(10_000 + LATENCY_US) == b"abc"
    assert pipe.take_bytes(2) == b"ab"
    assert pipe.held() == 1


def test_a_link_without_faults_passes_bytes_that_are_no_frames() -> None:
    assert through() == FRAMES
    pipe = Pipe([], "s")
    pipe.send(b"no delimiter", 0)
    assert pipe.arrived(LATENCY_US) == b"no delimiter"


def test_dropped_frames_are_lost_whole() -> None:
    left = through("link-drop:0.2@0s")
    assert 100 < len(left) < 190
    assert [frame for frame in FRAMES if frame in left] == left


def test_duplicated_frames_come_twice_in_a_row() -> None:
    got = through("link-duplicate:0.2@0s")
    assert 210 < len(got) < 280
    assert sorted(set(got)) == sorted(FRAMES)
    assert all(got.count(frame) <= 2 for frame in FRAMES)


def test_corrupted_frames_differ_in_one_bit() -> None:
    whole = b"".join(FRAMES)
    got = b"".join(through("link-corrupt:0.2@0s"))
    assert 20 < sum((a ^ b).bit_count() for a, b in zip(whole, got, strict=False)) < 80


def test_delayed_frames_all_come_later() -> None:
    assert through("link-delay:30ms@0s") == FRAMES
    assert len(through("link-delay:30ms@0s", wait_us=0)) == 170


def test_reordered_frames_are_all_there_but_overtaken() -> None:
    got = through("link-reorder:0.2@0s")
    assert got != FRAMES
    assert sorted(got) == sorted(FRAMES)


def test_the_same_seed_makes_the_same_faults() -> None:
    faults = ("link-drop:0.2@0s", "link-corrupt:0.2@0s", "link-reorder:0.2@0s")
    assert through(*faults) == through(*faults)
    assert through(*faults) != through(*faults, seed="t")


def test_a_lost_link_is_dead_from_its_time_on_and_for_its_duration() -> None:
    pipe = Pipe(split(["link-loss@2s~1s"])[1], "s")
    for now_us in (4_000_000, 5_999_999, 6_000_000, 6_999_999, 7_000_000):
        pipe.send(str(now_us).encode() + b"\0", now_us, motion_started_us=4_000_000)
    assert pipe.arrived(9_000_000) == b"4000000\x005999999\x007000000\0"


def test_faults_of_the_link_wait_for_the_first_step_unless_they_are_at_0s() -> None:
    pipe = Pipe(split(["link-loss@1ms"])[1], "s")
    pipe.send(b"a\0", 5_000_000, motion_started_us=None)
    assert pipe.arrived(9_000_000) == b"a\0"


def test_bytes_without_end_are_let_through_under_faults_too() -> None:
    pipe = Pipe(split(["link-drop:0@0s"])[1], "s")
    pipe.send(b"x" * 400, 0)
    assert len(pipe.arrived(LATENCY_US)) == 400


@pytest.mark.parametrize("target", ["native", "sim"])
def test_a_host_that_does_not_read_leaves_the_device_without_room_and_running(target: str, stand_in: Path) -> None:
    with Rig(target, firmware_root=stand_in) as rig:
        for _ in range(40):
            rig.to_device(b"eeee")
            rig.step()
        rig.run_until(400_000)
        assert len(rig.from_device()) == HOST_BUFFER
        rig.to_device(b"e")
        rig.run_until(500_000)
        assert len(rig.from_device()) == 32


def test_the_device_takes_64_bytes_a_turn_and_loses_none(stand_in: Path) -> None:
    with Rig("native", firmware_root=stand_in) as rig:
        rig.to_device(b"n" * 1_000)
        rig.run_until(200_000)
        assert rig.journal.newest == 1_000
