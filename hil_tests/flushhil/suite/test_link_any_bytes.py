"""Any bytes at all: noise, cut and glued frames, and well-formed frames full of nonsense leave the firmware in step."""

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


def noise(dice: random.Random, hand: RawClient) -> bytes:
    return dice.randbytes(dice.choice([1, 2, 13, 60, 61, 62, 64, 65, 200, 256, 600]))


def zeros_and_noise(dice: random.Random, hand: RawClient) -> bytes:
    return b"".join(dice.randbytes(dice.randrange(5)) + b"\0" for _ in range(dice.randrange(1, 40)))


def damaged_frame(dice: random.Random, hand: RawClient) -> bytes:
    frame = bytearray(hand.frame(dice.choice(["STATUS", "STOP", "INFO"])))
    for _ in range(dice.randrange(1, 4)):
        frame[dice.randrange(len(frame))] ^= 1 << dice.randrange(8)
    return bytes(frame)


def cut_frame(dice: random.Random, hand: RawClient) -> bytes:
    frame = hand.frame("PATH_SET", bytes(37))
    return frame[: dice.randrange(1, len(frame) - 1)]


def glued_frames(dice: random.Random, hand: RawClient) -> bytes:
    return hand.frame("STATUS")[:-1] + hand.frame("STOP")[:-1]


def foreign_kind(dice: random.Random, hand: RawClient) -> bytes:
    return hand.frame("STOP", kind=dice.choice([0, 2, 3, 77, 255]))


BYTES = [noise, zeros_and_noise, damaged_frame, cut_frame, glued_frames, foreign_kind]


@pytest.mark.parametrize("kind", BYTES, ids=lambda kind: kind.__name__)
def test_after_any_bytes_and_an_end_of_frame_the_next_good_frame_is_answered(
    bench: DeviceUnderTest, kind: Callable[[random.Random, RawClient], bytes]
) -> None:
    hand = RawClient(bench.port)
    hand.hello()
    dice = random.Random(f"any bytes {kind.__name__}")
    for _ in range(ROUNDS):
        hand.send(kind(dice, hand) + b"\0")
        # What stands in front may be a well-formed STOP of which the reply comes first.
        hand.send(hand.frame("STATUS", sequence=40_000))
        while (reply := hand.reply(0.3)) is not None and reply.sequence != 40_000:
            continue
        assert reply is not None
    assert status_name(hand.ask("INFO")) == "OK", "the session is what it was"


@pytest.mark.parametrize("seed", range(4))
def test_well_formed_frames_full_of_nonsense_break_nothing(bench: DeviceUnderTest, seed: int) -> None:
    hand = RawClient(bench.port)
    dice = random.Random(f"nonsense {seed}")
    hand.hello()
    hand.authenticate()
    leaving = ("SERVICE", "RESET", "PAIR", "HELLO")
    names = [name for name in codec.REQUESTS if name not in leaving]
    for _ in range(ROUNDS * 2):
        name = dice.choice(names)
        hand.send(hand.frame(name, nonsense(dice, name)))
        replies = hand.replies(0.03)
        if codec.ADMISSION[name] != messages.OPEN:
            hand.sequence += len(replies)
    assert hand.status()["state"] in (*State,)
    hand.ask("STOP")


def nonsense(dice: random.Random, name: str) -> bytes:
    """A payload of the right size: fields anywhere, at their borders, or sensible."""
    layout = codec.REQUESTS[name]
    values: dict[str, int | bytes] = {}
    for field, kind, minimum, maximum, _ in layout.fields:
        if kind.startswith("b"):
            values[field] = dice.randbytes(int(kind[1:]))
        else:
            sensible = min(maximum, max(minimum, dice.randrange(100)))
            values[field] = dice.choice([minimum, maximum, dice.randint(minimum, maximum), sensible])
    return layout.pack(values) if dice.random() < 0.8 else dice.randbytes(layout.size)


@pytest.mark.simulated("the plant's steps")
def test_noise_on_the_line_neither_stops_nor_disturbs_a_run(
    bench: DeviceUnderTest, record_measurement: Callable[..., None]
) -> None:
    bench.start(steady(2_000_000, 1_000_000), lease_ms=2000)
    bench.turns_until(in_pulse(bench))
    dice = random.Random("noise in a run")
    for _ in range(300):
        bench.rig.to_device(dice.randbytes(200).replace(b"\x03\x10", b""))
        bench.rig.step()
    bench.turns(1.0)
    driven_ml = bench.plant.stepper.position * bench.plant.plunger.ml_per_step
    assert driven_ml == pytest.approx(2.0, abs=0.001)


@pytest.mark.simulated("what the device does while nobody reads")
@pytest.mark.requirement("REQ-STOP-1")
def test_a_host_that_does_not_read_cannot_make_the_pump_deaf(open_bench: Callable[..., DeviceUnderTest]) -> None:
    bench = open_bench()
    bench.pump.set_setting("telemetry_interval_ms", 10)
    bench.start(steady(3_000_000, 1_000_000), lease_ms=2000)
    bench.turns(1.8)
    assert bench.rig.waiting() > 2_000, "telemetry has filled the host's buffer"
    hand = RawClient(bench.port)
    bench.rig.to_device(hand.frame("STOP"))
    bench.turns(0.02)
    assert bench.plant.stepper.rate == 0
