"""The two fixed records between rig and firmware, little-endian, and how integers are read from and put into them."""

# Byte 0 of a record from the board.
KIND_TICK = 1  # the outputs of one tick
KIND_CALL = 2  # a journal call; the board waits for the reply
KIND_FAILED = 3  # an exception; u16 at 2 is the length of the text that follows the record

# The record into the board: the inputs of one tick, or the reply to a journal call.
# It begins with: u8 bits of Indicators.inputs, u8 slots used, u16 bytes at IN_RX, u16 bytes that the link accepts in
# this tick, u16 unused, u32 now in us (below 2**30), u32 us queued, i32 position in steps, i32 raw counts, -1 or -2.
INPUT_FORMAT = "<BBHHHIIii"
IN_RX = 24
RX_MAX = 256
INPUT_SIZE = IN_RX + RX_MAX

# The record out of the board.
OUT_KIND = 0  # u8
OUT_MOVING = 1  # u8
OUT_RX_TAKEN = 2  # u16
OUT_TX_COUNT = 4  # u16, bytes at OUT_TX
OUT_REQUEST = 6  # u8, 1 service, 2 reset
OUT_STOPPED = 7  # u8, 1: empty the step queue before the slices of this record are queued
OUT_ENABLED = 8  # u8, the driver's enable line
OUT_LIGHT = 9  # u8
OUT_SOUND = 10  # u8
OUT_SLICES = 11  # u8, slices at OUT_SLICE
OUT_SCRATCH = 12  # 4 x u32, the values that survive a watchdog reset
OUT_SLICE = 28  # per slice: u32 half period in ticks, u16 count, u8 direction (255 backwards), u8 0
SLICE_SIZE = 8
SLOTS = 16
OUT_TX = OUT_SLICE + SLOTS * SLICE_SIZE
TX_MAX = 256
OUTPUT_SIZE = OUT_TX + TX_MAX

# A journal call, in an output record of its own, and its reply, in an input record of its own.
CALL_OPERATION = 1  # u8
CALL_COUNT = 2  # u16, bytes at CALL_DATA; of a load the room there is
CALL_NUMBER = 4  # i32, slot or entry number
CALL_DATA = 8
REPLY_RESULT = 0  # i32
REPLY_COUNT = 4  # u16, bytes at REPLY_DATA
REPLY_DATA = 8
CALL_MAX = 256
CALL_LOAD = 1
CALL_SAVE = 2
CALL_APPEND = 3
CALL_ENTRY = 4
CALL_NEWEST = 5

ENTRY_SIZE = 16


def get_u16(record: bytearray, at: int) -> int:
    return record[at] | record[at + 1] << 8


def get_u32(record: bytearray, at: int) -> int:
    return record[at] | record[at + 1] << 8 | record[at + 2] << 16 | record[at + 3] << 24


def get_i32(record: bytearray, at: int) -> int:
    value = record[at] | record[at + 1] << 8 | record[at + 2] << 16 | record[at + 3] << 24
    return value - 0x100000000 if value & 0x80000000 else value


def put_u16(record: bytearray, at: int, value: int) -> None:
    record[at] = value & 0xFF
    record[at + 1] = value >> 8 & 0xFF


def put_u32(record: bytearray, at: int, value: int) -> None:
    record[at] = value & 0xFF
    record[at + 1] = value >> 8 & 0xFF
    record[at + 2] = value >> 16 & 0xFF
    record[at + 3] = value >> 24 & 0xFF
