"""The device-side codec: CRC, COBS, header and integers on preallocated buffers; nothing here allocates.

Every function works on `bytearray` and indices. The one exception is import time, when the CRC table
and, through `offsets`, the field offsets are made.
"""

from . import kernels
from .kernels import put_u16, put_u32
from .messages import CRC_SIZE, FRAME_MAX, HEADER_SIZE, PAYLOAD_MAX

__all__ = [
    "crc16", "get_i32", "get_u16", "get_u32", "offsets", "put_u16", "put_u32", "seal",
    "size_of", "unseal",
]  # fmt: skip

# Header offsets, in the order of messages.HEADER.
AT_VERSION = 0
AT_KIND = 1
AT_MESSAGE = 2
AT_SESSION = 3
AT_SEQUENCE = 5
AT_STATUS = 7
AT_LENGTH = 8

# On the wire a frame without payload, as a STOP is: the code byte of COBS, the header, the CRC, 00.
EMPTY_SIZE = 1 + HEADER_SIZE + CRC_SIZE + 1


def crc16(buffer: bytes | bytearray, start: int, stop: int, crc: int = 0xFFFF) -> int:
    """CRC-16/CCITT-FALSE of buffer[start:stop]; `crc` continues an earlier one."""
    return kernels.crc(buffer, start, stop, crc)  # type: ignore[no-any-return]


def seal(plain: bytearray, length: int, target: bytearray) -> int:
    """Closes a frame: writes length and CRC into `plain` (with header and payload), COBS into target.

    Returns the bytes on the wire. `plain` has room for the header, the payload and two bytes of CRC.
    """
    plain[AT_LENGTH] = length
    end = HEADER_SIZE + length
    crc = kernels.crc(plain, 0, end, 0xFFFF)
    plain[end] = crc & 0xFF
    plain[end + 1] = crc >> 8
    return kernels.encode(plain, end + CRC_SIZE, target)  # type: ignore[no-any-return]


def unseal(buffer: bytearray, count: int) -> int:
    """Decodes buffer[:count] in place and checks length and CRC; returns the payload's length or -1."""
    if count > FRAME_MAX - 1:
        return -1
    size = kernels.decode(buffer, count)
    if size < HEADER_SIZE + CRC_SIZE:
        return -1
    length = buffer[AT_LENGTH]
    end = HEADER_SIZE + length
    if length > PAYLOAD_MAX or end + CRC_SIZE != size:
        return -1
    if kernels.crc(buffer, 0, end, 0xFFFF) != buffer[end] | buffer[end + 1] << 8:
        return -1
    return length


def get_u16(buffer: bytes | bytearray, at: int) -> int:
    return buffer[at] | buffer[at + 1] << 8


def get_u32(buffer: bytes | bytearray, at: int) -> int:
    """An unsigned integer below 2**30, or -1 for a larger one, which no field of the table may hold."""
    if buffer[at + 3] >= 0x40:
        return -1
    return buffer[at] | buffer[at + 1] << 8 | buffer[at + 2] << 16 | buffer[at + 3] << 24


def get_i32(buffer: bytes | bytearray, at: int) -> int:
    """A signed integer within +-2**30; what is outside is clamped to the end of that range."""
    high = buffer[at + 3]
    if high & 0x80:
        if high < 0xC0:
            return -0x3FFFFFFF - 1
        return (buffer[at] | buffer[at + 1] << 8 | buffer[at + 2] << 16 | (high & 0x3F) << 24) - 0x3FFFFFFF - 1
    if high >= 0x40:
        return 0x3FFFFFFF
    return buffer[at] | buffer[at + 1] << 8 | buffer[at + 2] << 16 | high << 24


def size_of(kind: str) -> int:
    """Bytes of a field type of the message table."""
    if kind[0] == "b":
        return int(kind[1:])
    return {"u8": 1, "u16": 2, "u32": 4, "i32": 4}[kind]


def offsets(fields: tuple[tuple[str, str, int, int, str], ...], base: int = HEADER_SIZE) -> dict[str, int]:
    """{name: offset in the plain frame} of the fields; the key "" holds the payload's size. Import time only."""
    result: dict[str, int] = {}
    at = base
    for field in fields:
        result[field[0]] = at
        at += size_of(field[1])
    result[""] = at - base
    return result
