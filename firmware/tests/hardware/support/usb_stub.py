"""MicroPython's USB console as its sources have it, with a host at the other end: FIFO, endpoint, stack, bus.

After shared/tinyusb/mp_usbd_cdc.c and TinyUSB's cdc_device.c. A write for which there is no room would wait for up to
500 ms, or on a sleeping bus do so in vain: here it raises `BlockedError`.
"""

from typing import Any

from firmware.tests.hardware.support.machine_stub import AVAILABLE, ENDPOINT, FRAME

FIFO = 256
PACKET = 64
TOGGLE = 1 << 13
POLLIN, POLLOUT = 1, 4


class BlockedError(AssertionError):
    pass


class Usb:
    """`open`: the host holds DTR; `reads`: it fetches packets; `awake`: the bus has frames. `received`: what it got."""

    def __init__(self, registers: dict[int, int]) -> None:
        self._registers = registers
        self.open = True
        self.reads = True
        self.awake = True
        self.incoming = bytearray()
        self.received = bytearray()
        self.fifo = bytearray()
        self._packet: bytes | None = None
        self._completed = False
        self._overwritable = False
        self._toggle = 0
        registers[ENDPOINT] = 0
        registers[FRAME] = 0

    # The host

    def set_open(self, on: bool) -> None:
        self.open = on
        self._overwritable = not on

    def millisecond(self) -> None:
        """The host may fetch some packets, and the hardware's interrupt is noted but not yet handled."""
        if self.awake:
            self._registers[FRAME] = self._registers[FRAME] + 1 & 0x7FF
        if self.awake and self.reads and self.open and self._packet is not None:
            self.received += self._packet
            self._packet = None
            self._registers[ENDPOINT] &= ~AVAILABLE
            self._completed = True

    # The stack

    def task(self) -> None:
        if self._completed:
            self._completed = False
            self._flush()

    def _flush(self) -> None:
        if self.awake and self._packet is None and self.fifo:
            self._packet = bytes(self.fifo[:PACKET])
            del self.fifo[:PACKET]
            self._toggle ^= TOGGLE
            self._registers[ENDPOINT] = AVAILABLE | self._toggle | len(self._packet)

    # MicroPython

    def poll(self, mask: int) -> int:
        self.task()
        found = POLLIN if self.incoming else 0
        if not (self.open and self.awake) or len(self.fifo) < FIFO:
            found |= POLLOUT
        return found & mask

    def write(self, data: Any, count: int) -> int:
        data = bytes(data[:count])
        if len(self.fifo) + count > FIFO:
            if not self._overwritable:
                raise BlockedError(f"{count} bytes for {FIFO - len(self.fifo)} places")
            self.fifo = (self.fifo + data)[-FIFO:]
        else:
            self.fifo += data
        self._flush()
        return count

    def readinto(self, buffer: bytearray) -> int:
        if len(self.incoming) < len(buffer):
            raise BlockedError("reading more than there is")
        buffer[:] = self.incoming[: len(buffer)]
        del self.incoming[: len(buffer)]
        return len(buffer)
