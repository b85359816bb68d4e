"""Ports for the firmware's parts, without a plant: a drive that makes its slices exactly, a sensor that is reported."""

from collections import deque
from collections.abc import Iterable

TICKS_PER_US = 125
TICK_US = 5_000

BOARD = {
    "name": "test board",
    "drive": {
        "steps_per_mm": 1600,
        "step_rate_max_per_s": 64_000,
        "acceleration_mm_per_s2": 600,
        "travel_um": 110_000,
        "force_limit_n": 90,
    },
    "sensor": {"raw_min": 1_677_722, "raw_max": 15_099_494, "range_min_pa": -206_843, "range_max_pa": 206_843},
    "clock": {"ticks_per_us": TICKS_PER_US},
}


def board_data(**changes: int) -> dict[str, dict[str, int]]:
    """The test board with some values replaced, by their key."""
    data = {key: dict(value) if isinstance(value, dict) else value for key, value in BOARD.items()}
    for key, value in changes.items():
        section = next(name for name in ("drive", "sensor", "clock") if key in BOARD[name])
        data[section][key] = value
    return data


class Drive:
    """Step generator and counter in one; `advance` makes the steps whose rising edge has come.

    `slices` keeps every slice as (start tick, half period, count, direction); `loss` is a share of steps not made.
    """

    def __init__(self) -> None:
        self.now = 0
        self.made = 0
        self.enabled = False
        self.edges: list[int] = []
        self.slices: list[tuple[int, int, int, int]] = []
        self.most_queued_us = 0
        self.stops = 0
        self._queue: deque[list[int]] = deque()
        self._free_at = 0

    def ready(self) -> bool:
        return True

    def enable(self, on: bool) -> None:
        self.enabled = on

    def queue(self, half: int, count: int, direction: int) -> bool:
        assert isinstance(half, int)
        assert 0 < half < 2**30
        assert 0 < count < 2**16
        if len(self._queue) >= 16:
            return False
        start = max(self._free_at, self.now)
        self._queue.append([start, half, count, direction])
        self.slices.append((start, half, count, direction))
        self._free_at = start + 2 * half * count
        self.most_queued_us = max(self.most_queued_us, self.queued_us())
        return True

    def queued_us(self) -> int:
        return max(self._free_at - self.now, 0) // TICKS_PER_US

    def stop(self) -> None:
        self.stops += 1
        self._queue.clear()
        self._free_at = self.now

    def position(self) -> int:
        return self.made

    def advance(self, us: int) -> None:
        end = self.now + us * TICKS_PER_US
        while self._queue:
            start, half, count, direction = entry = self._queue[0]
            while count and start + half <= end:
                if direction:
                    self.made += direction
                    self.edges.append(start + half)
                start += 2 * half
                count -= 1
            entry[0], entry[2] = start, count
            if count or start > end:
                break
            self._queue.popleft()
        self.now = end


class Sensor:
    """Raw counts one after the other; the last one again when they are used up."""

    def __init__(self, counts: Iterable[int] = (8_388_608,)) -> None:
        self.counts = list(counts)

    def read(self) -> int:
        return self.counts.pop(0) if len(self.counts) > 1 else self.counts[0]


class Journal:
    """The journal in memory; `scratch` is lost by `power_cut` alone."""

    def __init__(self) -> None:
        self.records: dict[int, bytes] = {}
        self.corrupt: set[int] = set()
        self.entries: list[bytes] = []
        self.scratch = [0, 0, 0, 0]
        self.worn = False

    def load(self, slot: int, buffer: bytearray) -> int:
        if slot in self.corrupt:
            return -1
        data = self.records.get(slot, b"")[: len(buffer)]
        buffer[: len(data)] = data
        return len(data)

    def save(self, slot: int, buffer: bytearray, count: int) -> bool:
        if not self.worn:
            self.records[slot] = bytes(buffer[:count])
            self.corrupt.discard(slot)
        return not self.worn

    def append(self, buffer: bytearray, count: int) -> bool:
        if not self.worn:
            self.entries.append(bytes(buffer[:count]))
        return not self.worn

    def entry(self, number: int, buffer: bytearray) -> int:
        number = max(number, 1)
        if number > len(self.entries):
            return -1
        buffer[:16] = self.entries[number - 1]
        return number

    def newest(self) -> int:
        return len(self.entries)

    def scratch_read(self, index: int) -> int:
        return self.scratch[index]

    def scratch_write(self, index: int, value: int) -> None:
        assert 0 <= value < 2**30
        self.scratch[index] = value

    def power_cut(self) -> None:
        self.scratch = [0, 0, 0, 0]


class Link:
    """The serial link in memory; `room` False: the host does not read."""

    def __init__(self) -> None:
        self.incoming = bytearray()
        self.sent: list[bytes] = []
        self.room = True

    def readinto(self, buffer: bytearray) -> int:
        count = min(len(buffer), len(self.incoming))
        buffer[:count] = self.incoming[:count]
        del self.incoming[:count]
        return count

    def write(self, buffer: bytearray, count: int) -> bool:
        if self.room:
            self.sent.append(bytes(buffer[:count]))
        return self.room


class Indicators:
    """Lights, sounds and switches; `shown` is the history."""

    def __init__(self) -> None:
        self.switches = 2 | 16
        self.shown: list[tuple[int, int]] = []

    def show(self, light: int, sound: int) -> None:
        self.shown.append((light, sound))

    def inputs(self) -> int:
        return self.switches


class Identity:
    """A board that reports who it is; entropy counts up."""

    firmware_version = (1, 2, 3)
    firmware_fingerprint = b"\1\2\3\4"
    unit = b"unit0001"

    def __init__(self, reset_cause: int = 1) -> None:
        self.reset_cause = reset_cause
        self._next = 0

    def entropy(self, buffer: bytearray) -> None:
        for index in range(len(buffer)):
            self._next = self._next * 73 + 41 & 0xFFFF
            buffer[index] = self._next >> 8
