"""Properties of the two codecs: they agree on everything, nothing makes them fail, and damage is found."""

import pytest
from flushlink import frames, kernels, messages
from flushpump.wire import codec
from hypothesis import example, given
from hypothesis import strategies as st

HEADERS = st.tuples(
    st.integers(0, 255), st.integers(1, 3), st.integers(0, 255), st.integers(0, 65535), st.integers(0, 65535),
    st.integers(0, 255),
)  # fmt: skip
PAYLOADS = st.binary(max_size=messages.PAYLOAD_MAX) | st.integers(0, 48).map(bytes)
FRAMES = st.builds(lambda header, payload: codec.Frame(*header, payload), HEADERS, PAYLOADS)


def device_encode(frame: codec.Frame) -> bytes:
    plain = bytearray(messages.HEADER_SIZE + messages.PAYLOAD_MAX + messages.CRC_SIZE)
    plain[frames.AT_VERSION] = frame.version
    plain[frames.AT_KIND] = frame.kind
    plain[frames.AT_MESSAGE] = frame.message
    frames.put_u16(plain, frames.AT_SESSION, frame.session)
    frames.put_u16(plain, frames.AT_SEQUENCE, frame.sequence)
    plain[frames.AT_STATUS] = frame.status
    plain[messages.HEADER_SIZE : messages.HEADER_SIZE + len(frame.payload)] = frame.payload
    target = bytearray(messages.FRAME_MAX + 3)
    return bytes(target[: frames.seal(plain, len(frame.payload), target)])


def device_decode(encoded: bytes) -> codec.Frame | None:
    buffer = bytearray(encoded) + bytearray(3)
    length = frames.unseal(buffer, len(encoded))
    if length < 0:
        return None
    return codec.Frame(
        buffer[frames.AT_VERSION], buffer[frames.AT_KIND], buffer[frames.AT_MESSAGE],
        frames.get_u16(buffer, frames.AT_SESSION), frames.get_u16(buffer, frames.AT_SEQUENCE),
        buffer[frames.AT_STATUS], bytes(buffer[messages.HEADER_SIZE : messages.HEADER_SIZE + length]),
    )  # fmt: skip


def host_decode(encoded: bytes) -> codec.Frame | None:
    try:
        return codec.decode_frame(encoded)
    except codec.FrameError:
        return None


def crc_bit_by_bit(data: bytes) -> int:
    """As the specification words it, apart from both codecs."""
    crc = 0xFFFF
    for byte in data:
        for bit in range(7, -1, -1):
            crc = (crc << 1 & 0xFFFF) ^ (0x1021 if (crc >> 15) ^ (byte >> bit & 1) else 0)
    return crc


def test_the_check_value_of_the_crc() -> None:
    assert codec.crc16(b"123456789") == frames.crc16(b"123456789", 0, 9) == crc_bit_by_bit(b"123456789") == 0x29B1


@given(st.binary(max_size=253))
@example(b"")
@example(bytes(253))
@example(b"\x01" * 253)
def test_cobs_of_both_codecs_agrees_has_no_zero_and_comes_back(plain: bytes) -> None:
    encoded = codec.cobs_encode(plain)
    target = bytearray(300)
    written = kernels.encode(plain, len(plain), target)
    assert bytes(target[:written]) == encoded + b"\0"
    assert 0 not in encoded
    assert codec.cobs_decode(encoded) == plain
    buffer = bytearray(encoded)
    assert bytes(buffer[: kernels.decode(buffer, len(encoded))]) == plain


@given(FRAMES)
def test_both_codecs_write_the_same_bytes_and_read_them_back(frame: codec.Frame) -> None:
    on_wire = codec.encode_frame(frame)
    assert device_encode(frame) == on_wire
    assert len(on_wire) <= messages.FRAME_MAX
    assert codec.decode_frame(on_wire[:-1]) == frame
    assert device_decode(on_wire[:-1]) == frame
    assert crc_bit_by_bit(codec.cobs_decode(on_wire[:-1])[:-2]) == codec.crc16(codec.cobs_decode(on_wire[:-1])[:-2])


@pytest.mark.requirement("REQ-LINK-2")
@given(st.binary(max_size=200))
def test_any_bytes_are_a_frame_to_both_codecs_or_to_neither(data: bytes) -> None:
    assert device_decode(data) == host_decode(data)


@pytest.mark.requirement("REQ-LINK-2")
@given(FRAMES, st.data())
def test_a_damaged_frame_is_the_same_to_both_codecs(frame: codec.Frame, data: st.DataObject) -> None:
    encoded = bytearray(codec.encode_frame(frame)[:-1])
    for _ in range(data.draw(st.integers(1, 4))):
        encoded[data.draw(st.integers(0, len(encoded) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(encoded[: data.draw(st.integers(0, len(encoded)))])
    assert device_decode(cut) == host_decode(cut)


@given(FRAMES, st.integers(0), st.integers(1, 0xFFFF))
def test_damage_within_sixteen_bits_in_a_row_is_always_found(frame: codec.Frame, place: int, pattern: int) -> None:
    plain = codec.cobs_decode(codec.encode_frame(frame)[:-1])
    shift = place % (8 * len(plain) - 16)
    damaged = (int.from_bytes(plain, "little") ^ pattern << shift).to_bytes(len(plain), "little")
    encoded = codec.cobs_encode(damaged)
    assert device_decode(encoded) is None
    assert host_decode(encoded) is None


@given(st.integers(-(2**30), 2**30 - 1))
def test_integers_come_back(value: int) -> None:
    buffer = bytearray(4)
    frames.put_u32(buffer, 0, value)
    assert int.from_bytes(buffer, "little", signed=True) == value
    assert frames.get_i32(buffer, 0) == value
    assert frames.get_u32(buffer, 0) == (value if value >= 0 else -1)


@given(st.integers(-(2**31), 2**32 - 1))
def test_integers_that_no_field_may_hold_are_clamped_or_marked(value: int) -> None:
    buffer = bytearray((value & 0xFFFFFFFF).to_bytes(4, "little"))
    signed = int.from_bytes(buffer, "little", signed=True)
    assert frames.get_i32(buffer, 0) == max(-(2**30), min(2**30 - 1, signed))
    unsigned = int.from_bytes(buffer, "little")
    assert frames.get_u32(buffer, 0) == (unsigned if unsigned < 2**30 else -1)


def test_fields_outside_their_range_are_one_sentence() -> None:
    with pytest.raises(codec.FieldError, match=r"^lease_ms of KEEPALIVE must be from 100 to 2000, but is 5000$"):
        codec.REQUESTS["KEEPALIVE"].pack({"lease_ms": 5000})
    with pytest.raises(codec.FieldError, match="KEEPALIVE needs a value for lease_ms"):
        codec.REQUESTS["KEEPALIVE"].pack({})
    with pytest.raises(codec.FieldError, match="KEEPALIVE has no field speed"):
        codec.REQUESTS["KEEPALIVE"].pack({"lease_ms": 500, "speed": 1})
    with pytest.raises(codec.FieldError, match="proof of AUTHENTICATE must be 16 bytes"):
        codec.REQUESTS["AUTHENTICATE"].pack({"proof": b"short"})
    with pytest.raises(codec.FieldError, match=r"must be a whole number, not 1\.5"):
        codec.REQUESTS["KEEPALIVE"].pack({"lease_ms": 1.5})  # type: ignore[dict-item]


def test_the_table_keeps_its_own_rules() -> None:
    layouts = [*codec.REQUESTS.values(), *codec.RESPONSES.values(), *codec.EVENTS.values()]
    for layout in layouts:
        assert layout.size <= messages.PAYLOAD_MAX, layout.name
        for name, kind, minimum, maximum, meaning in layout.fields:
            assert meaning, name
            if kind[0] != "b":
                assert -(2**30) < minimum <= maximum < 2**30, name
                assert kind == "i32" or minimum >= 0, name
    numbers = [layout.number for layout in (*codec.REQUESTS.values(), *codec.EVENTS.values())]
    assert len(numbers) == len(set(numbers))
