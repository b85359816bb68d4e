"""The simulated board for the firmware: link, steps, sensor, journal, whose values are exchanged once a tick.

The same source runs in CPython (`native`) and in the MicroPython VM (`sim`), so it imports no more than `struct` and
the layout. The firmware gets `Ports`; in the VM `SimulatedBoard` has them over one record in and one record out.
Within a tick the adapters allocate nothing, because the heap is locked while the pump moves; only
`SimulatedBoard.begin_tick`, before it, unpacks the inputs into a tuple. All integers stay below 2**62, small
integers of the 64-bit VM.
"""

import struct

try:  # noqa: SIM105 - MicroPython has no contextlib
    from typing import Any
except ImportError:
    pass  # MicroPython has no typing, and ignores annotations

from flushsim.firmware.exchange import (
    CALL_APPEND,
    CALL_COUNT,
    CALL_DATA,
    CALL_ENTRY,
    CALL_LOAD,
    CALL_MAX,
    CALL_NEWEST,
    CALL_NUMBER,
    CALL_OPERATION,
    CALL_SAVE,
    IN_RX,
    INPUT_FORMAT,
    INPUT_SIZE,
    KIND_CALL,
    KIND_TICK,
    OUT_ENABLED,
    OUT_KIND,
    OUT_LIGHT,
    OUT_MOVING,
    OUT_REQUEST,
    OUT_RX_TAKEN,
    OUT_SCRATCH,
    OUT_SLICE,
    OUT_SLICES,
    OUT_SOUND,
    OUT_STOPPED,
    OUT_TX,
    OUT_TX_COUNT,
    OUTPUT_SIZE,
    REPLY_COUNT,
    REPLY_DATA,
    REPLY_RESULT,
    SLICE_SIZE,
    SLOTS,
    get_i32,
    get_u16,
    get_u32,
    put_u16,
    put_u32,
)


class Exchange:
    """Carries one journal call to the rig and back; each target has its own."""

    def call(self, request: bytearray, reply: bytearray) -> None:
        raise NotImplementedError


class Link:
    """Serial bytes: those of the rig until taken, those written until the link has no room; `target` from `at` on."""

    def __init__(self, target: bytearray, at: int) -> None:
        self._source = target
        self._source_at = 0
        self._target = target
        self._target_at = at
        self._left = 0
        self._room = 0
        self.taken = 0
        self.written = 0

    def begin_tick(self, source: bytearray, at: int, count: int, room: int) -> None:
        """The bytes of this tick are source[at : at + count], and `room` may be written."""
        self._source = source
        self._source_at = at
        self._left = count
        self._room = room
        self.taken = 0
        self.written = 0

    def readinto(self, buffer: bytearray) -> int:
        count = self._left
        if count == 0:
            return 0
        source = self._source
        if count > len(buffer):
            count = len(buffer)
        at = self._source_at + self.taken
        for index in range(count):
            buffer[index] = source[at + index]
        self.taken += count
        self._left -= count
        return count

    def write(self, buffer: bytearray, count: int) -> bool:
        if self.written + count > self._room:
            return False
        target = self._target
        at = self._target_at + self.written
        for index in range(count):
            target[at + index] = buffer[index]
        self.written += count
        return True


class Steps:
    """The step generator: `count` slices of this tick are in `slices`, three numbers each; a stop voids those, too."""

    def __init__(self, ticks_per_us: int) -> None:
        self._ticks_per_us = ticks_per_us
        self._queued_us = 0
        self._new_ticks = 0
        self._used = 0
        self.slices = [0] * (3 * SLOTS)
        self.count = 0
        self.stopped = False
        self.enabled = False

    def begin_tick(self, slots_used: int, queued_us: int) -> None:
        self._queued_us = queued_us
        self._new_ticks = 0
        self._used = slots_used
        self.count = 0
        self.stopped = False

    def ready(self) -> bool:
        """Its driver needs no settings."""
        return True

    def enable(self, on: bool) -> None:
        self.enabled = on

    def queue(self, half_period_ticks: int, count: int, direction: int) -> bool:
        """Raises ValueError for a slice that no step generator could make."""
        if not (0 < half_period_ticks < 0x40000000 and 0 < count < 0x10000 and -1 <= direction <= 1):
            raise ValueError("slice out of range")
        if self._used >= SLOTS or self.count >= SLOTS:
            return False
        slices = self.slices
        at = 3 * self.count
        slices[at] = half_period_ticks
        slices[at + 1] = count
        slices[at + 2] = direction
        self.count += 1
        self._used += 1
        self._new_ticks += 2 * half_period_ticks * count
        return True

    def queued_us(self) -> int:
        return self._queued_us + self._new_ticks // self._ticks_per_us

    def stop(self) -> None:
        self.stopped = True
        self.count = 0
        self._queued_us = 0
        self._new_ticks = 0
        self._used = 0


class Counter:
    """The independent step counter."""

    def __init__(self) -> None:
        self._position = 0

    def begin_tick(self, position: int) -> None:
        self._position = position

    def position(self) -> int:
        return self._position


class Pressure:
    """The pressure sensor: each conversion is returned once."""

    def __init__(self) -> None:
        self._counts = -1

    def begin_tick(self, counts: int) -> None:
        self._counts = counts

    def read(self) -> int:
        counts = self._counts
        self._counts = -1
        return counts


class Indicators:
    """Light, sound and the switches."""

    def __init__(self) -> None:
        self.light = 0
        self.sound = 0
        self._inputs = 0

    def begin_tick(self, inputs: int) -> None:
        self._inputs = inputs

    def show(self, light: int, sound: int) -> None:
        self.light = light
        self.sound = sound

    def inputs(self) -> int:
        return self._inputs


class Journal:
    """Settings, ledger, counters, log: kept by the rig, reached by calls. The scratch values are bytes from `at` on."""

    def __init__(self, exchange: Exchange, scratch: bytearray, at: int) -> None:
        self._exchange = exchange
        self._scratch = scratch
        self._scratch_at = at
        self._request = bytearray(OUTPUT_SIZE)
        self._request[OUT_KIND] = KIND_CALL
        self._reply = bytearray(INPUT_SIZE)

    def _call(self, operation: int, number: int, count: int) -> int:
        request = self._request
        request[CALL_OPERATION] = operation
        put_u16(request, CALL_COUNT, count)
        put_u32(request, CALL_NUMBER, number)
        self._exchange.call(request, self._reply)
        return get_i32(self._reply, REPLY_RESULT)

    def _fill(self, buffer: bytearray, count: int) -> None:
        if count > CALL_MAX:
            raise ValueError("journal record too long")
        request = self._request
        for index in range(count):
            request[CALL_DATA + index] = buffer[index]

    def _fetch(self, buffer: bytearray) -> None:
        reply = self._reply
        for index in range(get_u16(reply, REPLY_COUNT)):
            buffer[index] = reply[REPLY_DATA + index]

    def load(self, slot: int, buffer: bytearray) -> int:
        result = self._call(CALL_LOAD, slot, len(buffer))
        self._fetch(buffer)
        return result

    def save(self, slot: int, buffer: bytearray, count: int) -> bool:
        self._fill(buffer, count)
        return self._call(CALL_SAVE, slot, count) == 1

    def append(self, buffer: bytearray, count: int) -> bool:
        self._fill(buffer, count)
        return self._call(CALL_APPEND, 0, count) == 1

    def entry(self, number: int, buffer: bytearray) -> int:
        result = self._call(CALL_ENTRY, number, len(buffer))
        self._fetch(buffer)
        return result

    def newest(self) -> int:
        return self._call(CALL_NEWEST, 0, 0)

    def scratch_read(self, index: int) -> int:
        return get_u32(self._scratch, self._scratch_at + 4 * index)

    def scratch_write(self, index: int, value: int) -> None:
        put_u32(self._scratch, self._scratch_at + 4 * index, value)


class Identity:
    """What this board is and why it started; `entropy` is a seeded xorshift, so that runs repeat."""

    def __init__(self, version: tuple[int, int, int], fingerprint: bytes, unit: bytes, cause: int, seed: int) -> None:
        self.firmware_version = version
        self.firmware_fingerprint = fingerprint
        self.unit = unit
        self.reset_cause = cause
        self._state = seed & 0xFFFFFFFF or 1

    def entropy(self, buffer: bytearray) -> None:
        state = self._state
        for index in range(len(buffer)):
            state ^= (state << 13) & 0xFFFFFFFF
            state ^= state >> 17
            state ^= (state << 5) & 0xFFFFFFFF
            buffer[index] = state >> 8 & 0xFF
        self._state = state


class Ports:
    """All adapters; `boot` is the result of `flushsim.firmware.image.boot_config`.

    Sent bytes are in `record` from `sent_at` on, and the four scratch values as u32 from `scratch_at` on.
    """

    def __init__(
        self, boot: dict[str, Any], exchange: Exchange, record: bytearray, sent_at: int, scratch_at: int
    ) -> None:
        for index in range(4):
            put_u32(record, scratch_at + 4 * index, boot["scratch"][index])
        self.link = Link(record, sent_at)
        self.steps = Steps(boot["board"]["clock"]["ticks_per_us"])
        self.counter = Counter()
        self.pressure = Pressure()
        self.indicators = Indicators()
        self.journal = Journal(exchange, record, scratch_at)
        version = boot["version"]
        self.identity = Identity(
            (version[0], version[1], version[2]),
            bytes.fromhex(boot["fingerprint"]),
            bytes.fromhex(boot["unit"]),
            boot["reset_cause"],
            boot["entropy_seed"],
        )


class SimulatedBoard(Ports):
    """The adapters on one pair of records, with the layout of `flushsim.firmware.exchange`."""

    def __init__(self, boot: dict[str, Any], exchange: Exchange) -> None:
        self.input = bytearray(INPUT_SIZE)
        self.output = bytearray(OUTPUT_SIZE)
        self.output[OUT_KIND] = KIND_TICK
        super().__init__(boot, exchange, self.output, OUT_TX, OUT_SCRATCH)

    def begin_tick(self) -> int:
        """Unpacks the filled input record; returns the device's now_us."""
        inputs, slots_used, rx_count, tx_room, _, now_us, queued_us, position, counts = struct.unpack_from(
            INPUT_FORMAT, self.input, 0
        )
        self.link.begin_tick(self.input, IN_RX, rx_count, tx_room)
        self.steps.begin_tick(slots_used, queued_us)
        self.counter.begin_tick(position)
        self.pressure.begin_tick(counts)
        self.indicators.begin_tick(inputs)
        return int(now_us)

    def finish_tick(self, moving: bool, request: int) -> None:
        """Completes the output record."""
        record = self.output
        steps = self.steps
        record[OUT_MOVING] = 1 if moving else 0
        put_u16(record, OUT_RX_TAKEN, self.link.taken)
        put_u16(record, OUT_TX_COUNT, self.link.written)
        record[OUT_REQUEST] = request
        record[OUT_STOPPED] = 1 if steps.stopped else 0
        record[OUT_ENABLED] = 1 if steps.enabled else 0
        record[OUT_LIGHT] = self.indicators.light
        record[OUT_SOUND] = self.indicators.sound
        record[OUT_SLICES] = steps.count
        slices = steps.slices
        for index in range(steps.count):
            at = OUT_SLICE + SLICE_SIZE * index
            put_u32(record, at, slices[3 * index])
            put_u16(record, at + 4, slices[3 * index + 1])
            record[at + 6] = slices[3 * index + 2] & 0xFF
