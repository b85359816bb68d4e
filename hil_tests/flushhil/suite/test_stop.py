"""STOP from the host: in every state, whoever asks, however it is numbered; and nothing begins again by itself."""

from collections.abc import Callable

import pytest
from flushlink import messages
from flushpump.wire import codec as wire
from flushpump.wire.messages import Outcome, Question, State

from flushhil.dut import ASPIRATE, MOVING, DeviceUnderTest, pulses, refused_as, steady
from flushhil.ground_truth import (
    STOP_BUDGET_MS,
    VOLUME_AFTER_TRIP_UL,
    going_back,
    in_pause,
    in_pulse,
    stands_still,
    stop_by_bytes,
)
from flushhil.raw_client import RawClient, status_name

OpenBench = Callable[..., DeviceUnderTest]
SLOW = 500_000


def pulse(open_bench: OpenBench) -> DeviceUnderTest:
    bench = open_bench()
    bench.start(pulses(3))
    bench.turns_until(in_pulse(bench))
    return bench


def pause(open_bench: OpenBench) -> DeviceUnderTest:
    bench = open_bench()
    bench.start(pulses(3))
    bench.turns_until(in_pause(bench))
    return bench


def aspirating(open_bench: OpenBench) -> DeviceUnderTest:
    bench = open_bench()
    bench.start(ASPIRATE, pulses(1))
    bench.turns_until(going_back(bench))
    bench.turns(0.2)
    return bench


def waiting(open_bench: OpenBench) -> DeviceUnderTest:
    bench = open_bench()
    bench.start(ASPIRATE, pulses(1))
    while bench.pump.status().state is not State.WAITING:
        bench.wait(0.1)
    return bench


def priming(open_bench: OpenBench) -> DeviceUnderTest:
    bench = open_bench()
    bench.set_path()
    bench.pump.prime(1.0, 1.0)
    bench.turns_until(in_pulse(bench, 1_000))
    return bench


def ramping_down(open_bench: OpenBench) -> DeviceUnderTest:
    bench = open_bench()
    bench.start(steady(5_000_000, 2_000_000), lease_ms=300)
    bench.turns_until(in_pulse(bench))
    full = bench.plant.stepper.rate
    bench.turns_until(lambda: 0 < bench.plant.stepper.rate < 0.95 * full)
    return bench


def relieving(open_bench: OpenBench) -> DeviceUnderTest:
    bench = open_bench(faults=["occlusion@150ms"])
    bench.start(pulses(3))
    bench.turns_until(going_back(bench))
    bench.turns(0.02)
    return bench


def stopped_by_alarm(open_bench: OpenBench) -> DeviceUnderTest:
    bench = open_bench(faults=["occlusion@150ms"])
    bench.start(pulses(3))
    bench.follow()
    assert bench.pump.status().state is State.STOPPED
    return bench


def idle(open_bench: OpenBench) -> DeviceUnderTest:
    return open_bench()


def boot(open_bench: OpenBench) -> DeviceUnderTest:
    bench = open_bench(greet=False)
    bench.turns(0.03)
    return bench


def fault(open_bench: OpenBench) -> DeviceUnderTest:
    bench = open_bench(greet=False)
    bench.plant.sensor.silent = True
    bench.turns(0.5)
    return bench


def of_the_session(bench: DeviceUnderTest, wire: RawClient) -> bytes:
    return wire.frame("STOP", session=bench.pump.link.session if bench._pump else 0)


def without_a_session(bench: DeviceUnderTest, wire: RawClient) -> bytes:
    return wire.frame("STOP", session=0, sequence=0)


def of_another_session(bench: DeviceUnderTest, wire: RawClient) -> bytes:
    return wire.frame("STOP", session=0x5A5A, sequence=777)


def numbered_as_the_command_before(bench: DeviceUnderTest, wire: RawClient) -> bytes:
    link = bench.pump.link if bench._pump else wire
    return wire.frame("STOP", session=link.session, sequence=link.sequence)


def of_another_major_version(bench: DeviceUnderTest, wire: RawClient) -> bytes:
    return wire.frame("STOP", version=messages.VERSION + 0x10)


MOVING_STATES = [pulse, aspirating, priming, ramping_down, relieving]
STATES = [*MOVING_STATES, pause, waiting, stopped_by_alarm, idle, boot, fault]
SENDERS = [
    of_the_session, without_a_session, of_another_session, numbered_as_the_command_before, of_another_major_version,
]  # fmt: skip


@pytest.mark.simulated("the time of the last step")
@pytest.mark.requirement("REQ-STOP-1")
@pytest.mark.parametrize("sender", SENDERS, ids=lambda sender: sender.__name__)
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_stop_ends_motion_within_10_ms_in_any_state_and_from_any_sender(
    open_bench: OpenBench, record_measurement: Callable[..., None], state: Callable[[OpenBench], DeviceUnderTest],
    sender: Callable[[DeviceUnderTest, RawClient], bytes],
) -> None:  # fmt: skip
    bench = state(open_bench)
    moving = bench.plant.stepper.rate != 0
    assert moving == (state in MOVING_STATES)
    hand = RawClient(bench.port)
    bench.port.reset_input_buffer()
    stop = stop_by_bytes(bench, sender(bench, hand))
    reply = hand.reply()
    assert reply is not None
    assert (reply.message, status_name(reply)) == (wire.REQUESTS["STOP"].number, "OK")
    if moving:
        record_measurement(f"host STOP ({state.__name__}) to last step", stop.last_step_ms, "ms", STOP_BUDGET_MS)
        record_measurement(f"volume after host STOP ({state.__name__})", stop.driven_ul, "uL", VOLUME_AFTER_TRIP_UL)
    else:
        assert stop.driven_ul == 0
    assert stands_still(bench, 3.0)
    assert State(hand.status()["state"]) not in MOVING


@pytest.mark.simulated("the time of the last step")
@pytest.mark.requirement("REQ-STOP-1")
@pytest.mark.parametrize("others", [1, 4, 12])
def test_a_stop_that_arrives_behind_other_frames_still_stops_in_time(
    open_bench: OpenBench, record_measurement: Callable[..., None], others: int
) -> None:
    bench = pulse(open_bench)
    hand = RawClient(bench.port)
    stop = stop_by_bytes(bench, hand.frame("STATUS") * others + hand.frame("STOP"))
    record_measurement(f"host STOP behind {others} other frames to last step", stop.last_step_ms, "ms", STOP_BUDGET_MS)


@pytest.mark.simulated("the plant's steps")
@pytest.mark.requirement("REQ-OCCL-3")
def test_a_pulse_that_was_whole_when_the_stop_came_in_its_pause_keeps_its_volume_and_length(
    open_bench: OpenBench,
) -> None:
    whole = open_bench().run(pulses(3)).pulses[0]
    bench = pause(open_bench)
    bench.turns(0.2)
    bench.pump.stop()
    told = bench.follow().pulses[0]
    assert (told.driven_nl, told.intended_nl) == (whole.driven_nl, whole.intended_nl)
    assert told.duration_us == pytest.approx(whole.duration_us, abs=1_000)


@pytest.mark.simulated("the time of the last step")
@pytest.mark.requirement("REQ-STOP-1", "REQ-LINK-2")
@pytest.mark.parametrize(
    "noise", [b"\x00", b"\x01\x00", b"\x05\x11\x22\x00", b"\xff", b"\x02\x00\x33"], ids=lambda noise: noise.hex()
)
def test_a_stop_behind_noise_stops_in_time(
    open_bench: OpenBench, record_measurement: Callable[..., None], noise: bytes
) -> None:
    bench = pulse(open_bench)
    hand = RawClient(bench.port)
    stop = stop_by_bytes(bench, (noise * 180)[:180] + b"\0" + hand.frame("STOP"))
    record_measurement("host STOP behind 180 bytes of noise to last step", stop.last_step_ms, "ms", STOP_BUDGET_MS)


@pytest.mark.simulated("the plant's steps")
@pytest.mark.requirement("REQ-STOP-1", "REQ-STOP-3")
@pytest.mark.parametrize("ahead", ["START", "STATUS, START", "START, STATUS"])
def test_a_start_that_came_just_before_a_stop_moves_nothing_after_it(bench: DeviceUnderTest, ahead: str) -> None:
    bench.set_path()
    bench.load(pulses(3))
    assert bench.pump.loaded is not None
    hand = RawClient(bench.port)
    hand.session, hand.sequence = bench.pump.link.session, bench.pump.link.sequence
    values = {"START": {"program_crc": bench.pump.loaded.program_crc, "lease_ms": 2000}, "STATUS": {}}
    hand.send(b"".join(hand.frame(name, values[name]) for name in ahead.split(", ")) + hand.frame("STOP"))
    bench.turns(0.05)
    assert stands_still(bench, 3.0)
    assert State(hand.status()["state"]) not in MOVING


@pytest.mark.requirement("REQ-STOP-1")
def test_stop_is_idempotent_and_its_reply_says_that_nothing_moves(bench: DeviceUnderTest) -> None:
    bench.start(steady(3_000_000, SLOW))
    bench.wait(0.5)
    assert bench.pump.status().moving
    first = bench.pump.stop()
    again = bench.pump.stop()
    assert first.moving == again.moving == 0
    assert first.driven_nl == again.driven_nl > 100_000
    assert bench.pump.status().state is State.IDLE


@pytest.mark.requirement("REQ-STOP-1", "REQ-DOSE-3")
def test_a_stopped_run_tells_what_it_has_driven_and_delivered(bench: DeviceUnderTest) -> None:
    bench.start(pulses(5))
    bench.wait(1.0)
    report = bench.pump.stop()
    end = bench.follow().end
    assert end.outcome is Outcome.STOPPED
    assert end.driven_nl == report.driven_nl
    assert 900_000 < end.driven_nl < 4_500_000
    assert abs(end.driven_nl - end.delivered_nl - end.uncertain_nl - end.relieved_nl) <= 1_000


@pytest.mark.requirement("REQ-STOP-3")
def test_after_a_stop_the_same_program_cannot_be_started_again(bench: DeviceUnderTest) -> None:
    bench.start(pulses(3))
    bench.wait(0.3)
    bench.pump.stop()
    assert refused_as(bench.pump.start) == "PROGRAM_CRC"


@pytest.mark.simulated("the plant's steps")
@pytest.mark.requirement("REQ-STOP-3")
def test_after_a_stop_neither_keepalives_nor_a_repeated_start_move_anything(bench: DeviceUnderTest) -> None:
    bench.set_path()
    bench.load(pulses(3))
    started = bench.pump.loaded
    assert started is not None
    hand = RawClient(bench.port)
    hand.session, hand.sequence = bench.pump.link.session, bench.pump.link.sequence
    start = hand.frame("START", {"program_crc": started.program_crc, "lease_ms": 2000})
    hand.send(start)
    bench.turns_until(in_pulse(bench))
    hand.send(hand.frame("STOP"))
    bench.turns(0.1)
    position = bench.plant.stepper.position
    for _ in range(20):
        hand.send(start)
        hand.replies(0.1)
    hand.sequence += 1
    assert status_name(hand.ask("KEEPALIVE", {"lease_ms": 2000})) == "OK"
    bench.turns(2.0)
    assert bench.plant.stepper.position == position


@pytest.mark.requirement("REQ-STOP-3", "REQ-STOP-1")
def test_a_stop_while_a_question_waits_ends_the_program_and_its_answer_comes_too_late(bench: DeviceUnderTest) -> None:
    bench.start(ASPIRATE, pulses(1))
    while bench.pump.status().state is not State.WAITING:
        bench.wait(0.1)
    bench.pump.stop()
    assert refused_as(lambda: bench.pump.answer(Question.BLOOD_RETURN, True)) == "NOT_ANSWERED"
    assert not bench.pump.status().moving


@pytest.mark.requirement("REQ-STOP-1")
def test_leaving_the_with_block_by_an_exception_stops_the_pump(bench: DeviceUnderTest) -> None:
    bench.start(steady(3_000_000, SLOW))
    bench.wait(0.3)
    with pytest.raises(RuntimeError, match="the user's program fails"), bench.pump:
        raise RuntimeError("the user's program fails")
    assert bench.pump.stop_report is not None
    assert not bench.second_host().status().moving
