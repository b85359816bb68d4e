"""The host's codec: construct structs and a crcmod CRC, both built from flushlink.messages, the only source.

A frame on the wire is COBS(header, payload, CRC-16/CCITT-FALSE little-endian) and a closing 00.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Self, get_type_hints

import construct  # type: ignore[import-untyped]
import crcmod.predefined
from flushlink import messages
from flushlink.table_hash import table_hash

Value = int | bytes


class FrameError(ValueError):
    """Bytes that are no frame, or a payload that does not fit its message. One sentence."""


class FieldError(ValueError):
    """A value that its field cannot hold. One sentence with the field's name and range."""


class Frame(NamedTuple):
    """One frame, its payload not yet parsed. Fields as in the table's HEADER."""

    version: int
    kind: int
    message: int
    session: int
    sequence: int
    status: int
    payload: bytes


def _construct_type(name: str) -> Any:
    if name.startswith("b"):
        return construct.Bytes(int(name[1:]))
    return {"u8": construct.Int8ul, "u16": construct.Int16ul, "u32": construct.Int32ul, "i32": construct.Int32sl}[name]


def _struct(fields: Iterable[tuple[str, str, int, int, str]]) -> Any:
    return construct.Struct(*(field[0] / _construct_type(field[1]) for field in fields))


@dataclass(frozen=True)
class Layout:
    """The fields of one request, response or event."""

    number: int
    name: str
    fields: tuple[tuple[str, str, int, int, str], ...]
    size: int

    @classmethod
    def of(cls, number: int, name: str, fields: tuple[tuple[str, str, int, int, str], ...]) -> Layout:
        """The layout of a row of the message table, its fields (name, type, minimum, maximum, meaning)."""
        return cls(number, name, fields, int(_struct(fields).sizeof()))

    @cached_property
    def struct(self) -> Any:
        """The construct of the payload; that of an event is compiled, which takes 7 ms once and pays soon."""
        struct = _struct(self.fields)
        return struct.compile() if self.number in EVENTS else struct

    def pack(self, values: Mapping[str, Value]) -> bytes:
        """The payload. FieldError when a value is missing, unknown or outside its range."""
        unknown = set(values) - {field[0] for field in self.fields}
        if unknown:
            raise FieldError(f"{self.name} has no field {sorted(unknown)[0]}")
        for field in self.fields:
            if field[0] not in values:
                raise FieldError(f"{self.name} needs a value for {field[0]}")
            _check(self.name, field, values[field[0]])
        return bytes(self.struct.build(dict(values)))

    def unpack(self, payload: bytes, *, longer: bool = False) -> dict[str, Value]:
        """The values. A payload of another length is a FrameError, unless `longer` allows more at its end."""
        if len(payload) < self.size or (len(payload) > self.size and not longer):
            raise FrameError(f"{self.name} has {self.size} bytes of payload, but {len(payload)} came")
        parsed = dict(self.struct.parse(payload))
        values: dict[str, Value] = {}
        for field in self.fields:
            name, _, minimum, maximum, _ = field
            value = values[name] = parsed[name]
            # Bytes have the right number of them already.
            if isinstance(value, int) and not minimum <= value <= maximum:
                _check(self.name, field, value)
        return values


def _check(message: str, field: tuple[str, str, int, int, str], value: Value) -> None:
    name, kind, minimum, maximum, _ = field
    if kind[0] == "b":
        if not isinstance(value, bytes) or len(value) != int(kind[1:]):
            raise FieldError(f"{name} of {message} must be {kind[1:]} bytes")
    elif not isinstance(value, int):
        raise FieldError(f"{name} of {message} must be a whole number, not {value!r}")
    elif value < minimum or value > maximum:
        raise FieldError(f"{name} of {message} must be from {minimum} to {maximum}, but is {value}")


_conversions: dict[str, dict[str, Any]] = {}


def _conversions_of(cls: type) -> dict[str, Any]:
    """Field name -> int, bytes or an enumeration, kept because asking for type hints is slow."""
    if cls.__qualname__ not in _conversions:
        _conversions[cls.__qualname__] = get_type_hints(cls)
    return _conversions[cls.__qualname__]


@dataclass(frozen=True)
class WireRecord:
    """Base of the typed messages: a frozen dataclass that converts to and from the values of a Layout."""

    @classmethod
    def from_wire(cls, values: Mapping[str, Value]) -> Self:
        """The record of these values; ValueError for a number that its enumeration does not have."""
        return cls(**{name: kind(values[name]) for name, kind in _conversions_of(cls).items()})

    def to_wire(self) -> dict[str, Value]:
        """The values of the record."""
        return {name: getattr(self, name) for name in _conversions_of(type(self))}


REQUESTS = {name: Layout.of(number, name, fields) for number, name, _, fields, _, _ in messages.MESSAGES}
RESPONSES = {name: Layout.of(number, name, fields) for number, name, _, _, fields, _ in messages.MESSAGES}
EVENTS = {number: Layout.of(number, name, fields) for number, name, fields, _ in messages.EVENTS}
ADMISSION = {name: admission for _, name, admission, _, _, _ in messages.MESSAGES}

TABLE_HASH = table_hash()

_HEADER = _struct(messages.HEADER).compile()

# CRC-16/CCITT-FALSE: polynomial 0x1021, start 0xFFFF, not reflected, no final xor; "123456789" gives 0x29B1.
_crc = crcmod.predefined.mkCrcFun("crc-ccitt-false")


def crc16(data: bytes) -> int:
    """CRC-16/CCITT-FALSE."""
    return int(_crc(data))


def cobs_encode(plain: bytes) -> bytes:
    """COBS without the closing 00. Frames are shorter than 254 bytes, so no block is ever full."""
    if len(plain) > 253:
        raise FrameError(f"a frame of {len(plain)} bytes is longer than COBS blocks of this protocol")
    return b"".join(bytes([len(run) + 1]) + run for run in plain.split(b"\0"))


def cobs_decode(encoded: bytes) -> bytes:
    """The plain bytes; `encoded` comes without its closing 00."""
    if 0 in encoded:
        raise FrameError("the bytes are no COBS")
    runs = []
    at, end = 0, len(encoded)
    while at < end:
        beyond = at + encoded[at]
        runs.append(encoded[at + 1 : beyond])
        at = beyond
    if at != end:
        raise FrameError("the bytes are no COBS")
    return b"\0".join(runs)


def encode_frame(frame: Frame) -> bytes:
    """The frame as it goes over the wire, closing 00 included."""
    if len(frame.payload) > messages.PAYLOAD_MAX:
        raise FrameError(f"a payload has at most {messages.PAYLOAD_MAX} bytes, not {len(frame.payload)}")
    header = _HEADER.build({**frame._asdict(), "length": len(frame.payload)})
    body = bytes(header) + frame.payload
    return cobs_encode(body + crc16(body).to_bytes(2, "little")) + b"\0"


def decode_frame(encoded: bytes) -> Frame:
    """The frame of the bytes before a 00. FrameError when COBS, length or CRC do not fit."""
    if len(encoded) > messages.FRAME_MAX - 1:
        raise FrameError(f"{len(encoded)} bytes without a 00 are no frame")
    plain = cobs_decode(encoded)
    end = len(plain) - messages.CRC_SIZE
    if end < messages.HEADER_SIZE:
        raise FrameError(f"{len(plain)} bytes are too few for a frame")
    header = dict(_HEADER.parse(plain))
    length = header["length"]
    if length != end - messages.HEADER_SIZE:
        raise FrameError(f"the header announces {length} bytes of payload, but {end - messages.HEADER_SIZE} came")
    if crc16(plain[:end]) != int.from_bytes(plain[end:], "little"):
        raise FrameError("the frame's CRC is wrong")
    return Frame(
        header["version"],
        header["kind"],
        header["message"],
        header["session"],
        header["sequence"],
        header["status"],
        plain[messages.HEADER_SIZE : end],
    )
