"""Any bytes at all: after noise, cut or joined frames and random payloads the firmware answers the next good frame."""

import random
from collections.abc import Callable

import pytest
from flushlink import messages
from flushpump.wire import codec
from flushpump.wire.messages import State

from flushhil.dut import DeviceUnderTest, steady
from flushhil.ground_truth import in_pulse
from flushhil.raw_client import RawClient, status_name

pytestmark = pytest.mark.requirement("REQ-LINK-2")
ROUNDS = 150


def noise(dice: random.Random, raw: RawClient) -> bytes:
    return dice.randbytes(dice.choice([1, 2, 13, 60, 61, 62, 64, 65, 200, 256, 600]))


def zeros_and_noise(dice: random.Random, raw: RawClient) -> bytes:
    return b"".join(dice.randbytes(dice.randrange(5)) + b"\0" for _ in range(dice.randrange(1, 40)))


def damaged_frame(dice: random.Random, raw: RawClient) -> bytes:
    frame = bytearray(raw.frame(dice.choice(["STATUS", "STOP", "INFO"])))
    for _ in range(dice.randrange(1, 4)):
        frame[dice.randrange(len(frame))] ^= 1 << dice.randrange(8)
    return bytes(frame)


def cut_frame(dice: random.Random, raw: RawClient) -> bytes:
    frame = raw.frame("PATH_SET", bytes(37))
    return frame[: dice.randrange(1, len(frame) - 1)]


def joined_frames(dice: random.Random, raw: RawClient) -> bytes:
    return raw.frame("STATUS")[:-1] + raw.frame("STOP")[:-1]


def foreign_kind(dice: random.Random, raw: RawClient) -> bytes:
    return raw.frame("STOP", kind=dice.choice([0, 2, 3, 77, 255]))


BYTES = [noise, zeros_and_noise, damaged_frame, cut_frame, joined_frames, foreign_kind]


@pytest.mark.parametrize("kind", BYTES, ids=lambda kind: kind.__name__)
def test_after_any_bytes_and_an_end_of_frame_the_next_good_frame_is_answered(
    dut: DeviceUnderTest, kind: Callable[[random.Random, RawClient], bytes]
) -> None:
    raw = RawClient(dut.port)
    raw.hello()
    dice = random.Random(f"any bytes {kind.__name__}")
    for _ in range(ROUNDS):
        raw.send(kind(dice, raw) + b"\0")
        # The bytes before it may be a well-formed STOP, whose reply comes first.
        raw.send(raw.frame("STATUS", sequence=40_000))
        while (reply := raw.reply(0.3)) is not None and reply.sequence != 40_000:
            continue
        assert reply is not None
    assert status_name(raw.ask("INFO")) == "OK", "the session is still open"


@pytest.mark.parametrize("seed", range(4))
def test_well_formed_frames_with_random_payloads_break_nothing(dut: DeviceUnderTest, seed: int) -> None:
    raw = RawClient(dut.port)
    dice = random.Random(f"nonsense {seed}")
    raw.hello()
    raw.authenticate()
    leaving = ("SERVICE", "RESET", "PAIR", "HELLO")
    names = [name for name in codec.REQUESTS if name not in leaving]
    for _ in range(ROUNDS * 2):
        name = dice.choice(names)
        raw.send(raw.frame(name, random_payload(dice, name)))
        replies = raw.replies(0.03)
        if codec.ADMISSION[name] != messages.OPEN:
            raw.sequence += len(replies)
    assert raw.status()["state"] in (*State,)
    raw.ask("STOP")


def random_payload(dice: random.Random, name: str) -> bytes:
    """A payload of the right size: each field at random, at a limit, or a usual value."""
    layout = codec.REQUESTS[name]
    values: dict[str, int | bytes] = {}
    for field, kind, minimum, maximum, _ in layout.fields:
        if kind.startswith("b"):
            values[field] = dice.randbytes(int(kind[1:]))
        else:
            usual = min(maximum, max(minimum, dice.randrange(100)))
            values[field] = dice.choice([minimum, maximum, dice.randint(minimum, maximum), usual])
    return layout.pack(values) if dice.random() < 0.8 else dice.randbytes(layout.size)


@pytest.mark.simulated("the plant's steps")
def test_noise_on_the_line_neither_stops_nor_disturbs_a_run(
    dut: DeviceUnderTest, record_measurement: Callable[..., None]
) -> None:
    dut.start(steady(2_000_000, 1_000_000), lease_ms=2000)
    dut.simulate_until(in_pulse(dut))
    dice = random.Random("noise in a run")
    for _ in range(300):
        dut.rig.to_device(dice.randbytes(200).replace(b"\x03\x10", b""))
        dut.rig.step()
    dut.simulate(1.0)
    driven_ml = dut.plant.stepper.position * dut.plant.plunger.ml_per_step
    assert driven_ml == pytest.approx(2.0, abs=0.001)


@pytest.mark.simulated("what the device does while nobody reads")
@pytest.mark.requirement("REQ-STOP-1")
def test_the_pump_stops_for_a_host_that_does_not_read(open_dut: Callable[..., DeviceUnderTest]) -> None:
    dut = open_dut()
    dut.pump.set_setting("telemetry_interval_ms", 10)
    dut.start(steady(3_000_000, 1_000_000), lease_ms=2000)
    dut.simulate(1.8)
    assert dut.rig.waiting() > 2_000, "telemetry has filled the host's buffer"
    raw = RawClient(dut.port)
    dut.rig.to_device(raw.frame("STOP"))
    dut.simulate(0.02)
    assert dut.plant.stepper.rate == 0
