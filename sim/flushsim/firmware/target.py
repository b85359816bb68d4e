"""The data between rig and firmware in a tick, and their transport by records to a firmware in another process."""

import struct
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Protocol

from flushsim.firmware.exchange import IN_RX, INPUT_FORMAT, INPUT_SIZE, OUT_SCRATCH, OUT_SLICE, OUT_TX, SLICE_SIZE

_INPUT = struct.Struct(INPUT_FORMAT)
_OUTPUT = struct.Struct("<x?HHB??BBB")
_SCRATCH = struct.Struct("<4I")
_SLICE = struct.Struct("<IHbx")


class Inputs:
    """The inputs of a tick: the device's `now_us`, the bits of the `switches`, the sensor's `counts`.

    The first `count` of the bytes `received` have arrived, and `room` bytes may be sent. The step generator has used
    slots, a queued time and a counted position.
    """

    __slots__ = (
        "count", "counts", "now_us", "position", "queued_us", "received", "room", "slots_used", "switches",
    )  # fmt: skip

    now_us: int
    switches: int
    counts: int
    received: bytearray
    count: int
    room: int
    slots_used: int
    queued_us: int
    position: int


class Outputs:
    """The outputs of a tick: `taken` bytes were read from the link, `sent` are to be sent; flags, light and sound.

    `slices` are for the step generator, which is emptied first if it is `stopped`: half period, count and direction of
    each, one after the other. `request` is 1 for service, 2 for a reset.
    """

    __slots__ = ("enabled", "light", "moving", "request", "sent", "slices", "sound", "stopped", "taken")

    moving: bool
    taken: int
    sent: bytes
    request: int
    stopped: bool
    enabled: bool
    light: int
    sound: int
    slices: Sequence[int]


class Target(Protocol):
    """A running firmware. `scratch` are the four values that survive a watchdog reset."""

    inputs: Inputs
    outputs: Outputs

    @property
    def scratch(self) -> tuple[int, ...]: ...

    def tick(self) -> None:
        """One tick with `inputs`, which fills `outputs`. Raises FirmwareError when the firmware fails."""
        ...

    def close(self) -> None: ...


class RecordTarget(ABC):
    """A target on records: `begin_tick` processes the record `input`, `finish_tick` returns the output record."""

    def __init__(self, scratch: Sequence[int]) -> None:
        self.inputs = Inputs()
        self.outputs = Outputs()
        self.scratch = tuple(scratch)
        self.input = bytearray(INPUT_SIZE)

    @abstractmethod
    def begin_tick(self) -> None:
        """Starts a tick. Raises FirmwareError."""

    @abstractmethod
    def finish_tick(self) -> bytearray:
        """The output record of the last started tick. Raises FirmwareError."""

    def tick(self) -> None:
        """See Target."""
        inputs, out = self.inputs, self.outputs
        count = inputs.count
        self.input[IN_RX : IN_RX + count] = inputs.received[:count]
        _INPUT.pack_into(
            self.input, 0, inputs.switches, inputs.slots_used, count, inputs.room, 0, inputs.now_us, inputs.queued_us,
            inputs.position, inputs.counts,
        )  # fmt: skip
        self.begin_tick()
        record = self.finish_tick()
        (out.moving, out.taken, sent, out.request, out.stopped, out.enabled, out.light, out.sound, count) = (
            _OUTPUT.unpack_from(record)
        )
        out.sent = bytes(record[OUT_TX : OUT_TX + sent])
        slices = record[OUT_SLICE : OUT_SLICE + count * SLICE_SIZE]
        out.slices = [value for slice_ in _SLICE.iter_unpack(slices) for value in slice_]
        self.scratch = _SCRATCH.unpack_from(record, OUT_SCRATCH)
