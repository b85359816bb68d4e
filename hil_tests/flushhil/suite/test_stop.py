"""STOP from the host: in every state, from any sender, with any sequence number; motion never resumes by itself."""

from collections.abc import Callable

import pytest
from flushlink import messages
from flushpump.wire import codec
from flushpump.wire.messages import Outcome, Question, State

from flushhil.dut import ASPIRATE, MOVING, DeviceUnderTest, pulses, refused_as, steady
from flushhil.ground_truth import (
    STOP_BUDGET_MS,
    VOLUME_AFTER_TRIP_UL,
    going_back,
    in_pause,
    in_pulse,
    stays_still,
    stop_by_bytes,
)
from flushhil.raw_client import RawClient, status_name

OpenDut = Callable[..., DeviceUnderTest]
SLOW = 500_000


def pulse(open_dut: OpenDut) -> DeviceUnderTest:
    dut = open_dut()
    dut.start(pulses(3))
    dut.simulate_until(in_pulse(dut))
    return dut


def pause(open_dut: OpenDut) -> DeviceUnderTest:
    dut = open_dut()
    dut.start(pulses(3))
    dut.simulate_until(in_pause(dut))
    return dut


def aspirating(open_dut: OpenDut) -> DeviceUnderTest:
    dut = open_dut()
    dut.start(ASPIRATE, pulses(1))
    dut.simulate_until(going_back(dut))
    dut.simulate(0.2)
    return dut


def waiting(open_dut: OpenDut) -> DeviceUnderTest:
    dut = open_dut()
    dut.start(ASPIRATE, pulses(1))
    while dut.pump.status().state is not State.WAITING:
        dut.wait(0.1)
    return dut


def priming(open_dut: OpenDut) -> DeviceUnderTest:
    dut = open_dut()
    dut.set_path()
    dut.pump.prime(1.0, 1.0)
    dut.simulate_until(in_pulse(dut, 1_000))
    return dut


def ramping_down(open_dut: OpenDut) -> DeviceUnderTest:
    dut = open_dut()
    dut.start(steady(5_000_000, 2_000_000), lease_ms=300)
    dut.simulate_until(in_pulse(dut))
    full = dut.plant.stepper.rate
    dut.simulate_until(lambda: 0 < dut.plant.stepper.rate < 0.95 * full)
    return dut


def relieving(open_dut: OpenDut) -> DeviceUnderTest:
    dut = open_dut(faults=["occlusion@150ms"])
    dut.start(pulses(3))
    dut.simulate_until(going_back(dut))
    dut.simulate(0.02)
    return dut


def stopped_by_alarm(open_dut: OpenDut) -> DeviceUnderTest:
    dut = open_dut(faults=["occlusion@150ms"])
    dut.start(pulses(3))
    dut.follow()
    assert dut.pump.status().state is State.STOPPED
    return dut


def idle(open_dut: OpenDut) -> DeviceUnderTest:
    return open_dut()


def boot(open_dut: OpenDut) -> DeviceUnderTest:
    dut = open_dut(greet=False)
    dut.simulate(0.03)
    return dut


def fault(open_dut: OpenDut) -> DeviceUnderTest:
    dut = open_dut(greet=False)
    dut.plant.sensor.silent = True
    dut.simulate(0.5)
    return dut


def of_the_session(dut: DeviceUnderTest, raw: RawClient) -> bytes:
    return raw.frame("STOP", session=dut.pump.link.session if dut._pump else 0)


def without_a_session(dut: DeviceUnderTest, raw: RawClient) -> bytes:
    return raw.frame("STOP", session=0, sequence=0)


def of_another_session(dut: DeviceUnderTest, raw: RawClient) -> bytes:
    return raw.frame("STOP", session=0x5A5A, sequence=777)


def numbered_as_the_command_before(dut: DeviceUnderTest, raw: RawClient) -> bytes:
    link = dut.pump.link if dut._pump else raw
    return raw.frame("STOP", session=link.session, sequence=link.sequence)


def of_another_major_version(dut: DeviceUnderTest, raw: RawClient) -> bytes:
    return raw.frame("STOP", version=messages.VERSION + 0x10)


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
    open_dut: OpenDut, record_measurement: Callable[..., None], state: Callable[[OpenDut], DeviceUnderTest],
    sender: Callable[[DeviceUnderTest, RawClient], bytes],
) -> None:  # fmt: skip
    dut = state(open_dut)
    moving = dut.plant.stepper.rate != 0
    assert moving == (state in MOVING_STATES)
    raw = RawClient(dut.port)
    dut.port.reset_input_buffer()
    stop = stop_by_bytes(dut, sender(dut, raw))
    reply = raw.reply()
    assert reply is not None
    assert (reply.message, status_name(reply)) == (codec.REQUESTS["STOP"].number, "OK")
    if moving:
        record_measurement(f"host STOP ({state.__name__}) to last step", stop.last_step_ms, "ms", STOP_BUDGET_MS)
        record_measurement(f"volume after host STOP ({state.__name__})", stop.driven_ul, "uL", VOLUME_AFTER_TRIP_UL)
    else:
        assert stop.driven_ul == 0
    assert stays_still(dut, 3.0)
    assert State(raw.status()["state"]) not in MOVING


@pytest.mark.simulated("the time of the last step")
@pytest.mark.requirement("REQ-STOP-1")
@pytest.mark.parametrize("others", [1, 4, 12])
def test_a_stop_that_arrives_behind_other_frames_still_stops_in_time(
    open_dut: OpenDut, record_measurement: Callable[..., None], others: int
) -> None:
    dut = pulse(open_dut)
    raw = RawClient(dut.port)
    stop = stop_by_bytes(dut, raw.frame("STATUS") * others + raw.frame("STOP"))
    record_measurement(f"host STOP behind {others} other frames to last step", stop.last_step_ms, "ms", STOP_BUDGET_MS)


@pytest.mark.simulated("the plant's steps")
@pytest.mark.requirement("REQ-OCCL-3")
def test_a_stop_in_the_pause_after_a_pulse_keeps_the_volume_and_length_of_the_pulse(
    open_dut: OpenDut,
) -> None:
    complete = open_dut().run(pulses(3)).pulses[0]
    dut = pause(open_dut)
    dut.simulate(0.2)
    dut.pump.stop()
    stopped = dut.follow().pulses[0]
    assert (stopped.driven_nl, stopped.intended_nl) == (complete.driven_nl, complete.intended_nl)
    assert stopped.duration_us == pytest.approx(complete.duration_us, abs=1_000)


@pytest.mark.simulated("the time of the last step")
@pytest.mark.requirement("REQ-STOP-1", "REQ-LINK-2")
@pytest.mark.parametrize(
    "noise", [b"\x00", b"\x01\x00", b"\x05\x11\x22\x00", b"\xff", b"\x02\x00\x33"], ids=lambda noise: noise.hex()
)
def test_a_stop_behind_noise_stops_in_time(
    open_dut: OpenDut, record_measurement: Callable[..., None], noise: bytes
) -> None:
    dut = pulse(open_dut)
    raw = RawClient(dut.port)
    stop = stop_by_bytes(dut, (noise * 180)[:180] + b"\0" + raw.frame("STOP"))
    record_measurement("host STOP behind 180 bytes of noise to last step", stop.last_step_ms, "ms", STOP_BUDGET_MS)


@pytest.mark.simulated("the plant's steps")
@pytest.mark.requirement("REQ-STOP-1", "REQ-STOP-3")
@pytest.mark.parametrize("ahead", ["START", "STATUS, START", "START, STATUS"])
def test_a_start_just_before_a_stop_moves_nothing_after_the_stop(dut: DeviceUnderTest, ahead: str) -> None:
    dut.set_path()
    dut.load(pulses(3))
    assert dut.pump.loaded is not None
    raw = RawClient(dut.port)
    raw.session, raw.sequence = dut.pump.link.session, dut.pump.link.sequence
    values = {"START": {"program_crc": dut.pump.loaded.program_crc, "lease_ms": 2000}, "STATUS": {}}
    raw.send(b"".join(raw.frame(name, values[name]) for name in ahead.split(", ")) + raw.frame("STOP"))
    dut.simulate(0.05)
    assert stays_still(dut, 3.0)
    assert State(raw.status()["state"]) not in MOVING


@pytest.mark.requirement("REQ-STOP-1")
def test_stop_is_idempotent_and_its_reply_reports_that_nothing_moves(dut: DeviceUnderTest) -> None:
    dut.start(steady(3_000_000, SLOW))
    dut.wait(0.5)
    assert dut.pump.status().moving
    first = dut.pump.stop()
    again = dut.pump.stop()
    assert first.moving == again.moving == 0
    assert first.driven_nl == again.driven_nl > 100_000
    assert dut.pump.status().state is State.IDLE


@pytest.mark.requirement("REQ-STOP-1", "REQ-DOSE-3")
def test_a_stopped_run_reports_its_driven_and_delivered_volume(dut: DeviceUnderTest) -> None:
    dut.start(pulses(5))
    dut.wait(1.0)
    report = dut.pump.stop()
    end = dut.follow().end
    assert end.outcome is Outcome.STOPPED
    assert end.driven_nl == report.driven_nl
    assert 900_000 < end.driven_nl < 4_500_000
    assert abs(end.driven_nl - end.delivered_nl - end.uncertain_nl - end.relieved_nl) <= 1_000


@pytest.mark.requirement("REQ-STOP-3")
def test_after_a_stop_the_same_program_cannot_be_started_again(dut: DeviceUnderTest) -> None:
    dut.start(pulses(3))
    dut.wait(0.3)
    dut.pump.stop()
    assert refused_as(dut.pump.start) == "PROGRAM_CRC"


@pytest.mark.simulated("the plant's steps")
@pytest.mark.requirement("REQ-STOP-3")
def test_after_a_stop_neither_keepalives_nor_a_repeated_start_move_anything(dut: DeviceUnderTest) -> None:
    dut.set_path()
    dut.load(pulses(3))
    started = dut.pump.loaded
    assert started is not None
    raw = RawClient(dut.port)
    raw.session, raw.sequence = dut.pump.link.session, dut.pump.link.sequence
    start = raw.frame("START", {"program_crc": started.program_crc, "lease_ms": 2000})
    raw.send(start)
    dut.simulate_until(in_pulse(dut))
    raw.send(raw.frame("STOP"))
    dut.simulate(0.1)
    position = dut.plant.stepper.position
    for _ in range(20):
        raw.send(start)
        raw.replies(0.1)
    raw.sequence += 1
    assert status_name(raw.ask("KEEPALIVE", {"lease_ms": 2000})) == "OK"
    dut.simulate(2.0)
    assert dut.plant.stepper.position == position


@pytest.mark.requirement("REQ-STOP-3", "REQ-STOP-1")
def test_a_stop_while_a_question_is_open_ends_the_program_and_the_answer_is_refused(dut: DeviceUnderTest) -> None:
    dut.start(ASPIRATE, pulses(1))
    while dut.pump.status().state is not State.WAITING:
        dut.wait(0.1)
    dut.pump.stop()
    assert refused_as(lambda: dut.pump.answer(Question.BLOOD_RETURN, True)) == "NOT_ANSWERED"
    assert not dut.pump.status().moving


@pytest.mark.requirement("REQ-STOP-1")
def test_leaving_the_with_block_by_an_exception_stops_the_pump(dut: DeviceUnderTest) -> None:
    dut.start(steady(3_000_000, SLOW))
    dut.wait(0.3)
    with pytest.raises(RuntimeError, match="the user's program fails"), dut.pump:
        raise RuntimeError("the user's program fails")
    assert dut.pump.stop_report is not None
    assert not dut.second_host().status().moving
