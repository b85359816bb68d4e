"""The link over the USB console: bytes as they are, and no call that waits for the host.

Reading asks before each byte, because the console's own read waits for as many as were asked for. That takes 29 us a
byte on the board, so it is done between the ticks of the loop, in `listen`, and a tick gets what has come.

Writing may wait 500 ms in MicroPython when the FIFO of 256 bytes is full (with the cable pulled, even in vain), so a
frame is written only when it must fit: the bytes written since the FIFO was last known to be empty are counted. It is
empty when the USB stack has handed a packet to the chip's endpoint since, has done its work, and the endpoint waits for
nobody. A sleeping bus is given no packets, and a stack that has slept goes on with the next write only: when there is
no room for a frame then, an empty one of one byte wakes it.
"""

import sys
from select import POLLIN, POLLOUT, poll
from time import sleep_us, ticks_diff, ticks_us

import micropython
from flushlink.frames import EMPTY_SIZE
from flushlink.kernels import RING_MASK, RING_SIZE, out_of_ring
from machine import mem16, mem32
from micropython import const, kbd_intr

READING = 0
NOT_READING = 1
GONE = 2

# RP2040: buffer control of endpoint 2 IN, which is the console's in MicroPython; its bit AVAILABLE; number of the
# host's last frame.
_ENDPOINT = const(0x50100090)
_FRAME = const(0x50110048)
_AVAILABLE = const(1 << 10)
_LENGTH = const(0x3FF)
_FIFO = const(256)
_KEPT = const(8)
_CTRL_C = const(3)
_EMPTY = const(b"\0")
# So many bytes are taken even when the tick has left no time: bytes of the host have to arrive whatever the loop does.
_LEAST_BYTES = const(16)
_AT_ONCE = const(8)
# While nothing comes, the console is asked again after so long: USB has a frame every millisecond.
_NAP_US = const(1_000)
# Frames come every millisecond: ticks without one after which the bus counts as dead.
_SILENT_TICKS = const(4)


class UsbLink:
    """The port `link` of the controller; none of its methods allocates. `host` is READING, NOT_READING or GONE.

    NOT_READING: the port is open, and what was written is not fetched. GONE: it is closed, or there is no host.
    """

    def __init__(self):
        self._read = sys.stdin.buffer.readinto
        self._write = sys.stdout.buffer.write
        incoming = poll()
        incoming.register(sys.stdin.buffer, POLLIN)
        self._incoming = incoming.ipoll
        outgoing = poll()
        outgoing.register(sys.stdout.buffer, POLLOUT)
        self._outgoing = outgoing.ipoll
        # The first ones make the tuples that later ones fill.
        self._readable()
        self._writable()
        self._byte = bytearray(1)
        self._ring = bytearray(RING_SIZE)
        self._at = 0
        self._held = 0
        self._least = 0
        # Bytes since the last 00.
        self._length = 0
        self._pending = 0
        self._handed_on = False
        self._frame = mem32[_FRAME]
        self._silent_ticks = 0
        self.host = READING

    def open(self):
        """From now on 0x03 is data."""
        kbd_intr(-1)

    def close(self):
        """The console is the prompt's again; call on every way out of the loop."""
        kbd_intr(_CTRL_C)

    def _readable(self):
        for _ in self._incoming(0):
            return True
        return False

    def _writable(self):
        for _ in self._outgoing(0):
            return True
        return False

    def check_bus(self):
        """Once per tick, before `listen`: checks whether the bus lives."""
        frame = mem32[_FRAME]
        if frame != self._frame:
            self._frame = frame
            self._silent_ticks = 0
        elif self._silent_ticks < _SILENT_TICKS:
            self._silent_ticks += 1
        self._least = min(self._held + _LEAST_BYTES, RING_SIZE)

    @micropython.native
    def listen(self, due_us):
        """Waits until `ticks_us` is `due_us`, and takes the bytes that come in the meantime; then returns False.

        True, and before that time, when a frame as long as a STOP has come: call again afterwards.
        """
        # A name of the module costs a microsecond here, for each byte.
        incoming = self._incoming
        read = self._read
        byte = self._byte
        ring = self._ring
        mask = RING_MASK
        empty = EMPTY_SIZE
        end = self._at + self._held
        full = self._at + RING_SIZE
        least = self._at + self._least
        length = self._length
        short = False
        while not short:
            wait_us = ticks_diff(due_us, ticks_us())
            # The clock is asked after so many bytes at the latest.
            most = min(end + _AT_ONCE, full) if wait_us > 0 else least
            waiting = True
            while waiting and end < most:
                waiting = False
                for _ in incoming(0):
                    read(byte)
                    one = byte[0]
                    ring[end & mask] = one
                    end += 1
                    length += 1
                    waiting = True
                    if not one:
                        short = length == empty
                        length = 0
                        if short:
                            most = end
            if wait_us <= 0:
                break
            if not waiting or end >= full:
                sleep_us(min(wait_us, _NAP_US))
        self._held = end - self._at
        self._length = length
        return short

    def readinto(self, buffer):
        """Bytes copied, of those that were there when the tick began."""
        count = self._held
        if count == 0:
            return 0
        if count > len(buffer):
            count = len(buffer)
        out_of_ring(self._ring, self._at, count, buffer)
        self._at = (self._at + count) & RING_MASK
        self._held -= count
        return count

    def write(self, buffer, count):
        """Writes buffer[:count]; False, and nothing, when the host has left no room for it."""
        if count > self._room():
            self._look_for_host()
            return False
        self._put(buffer, count)
        return True

    def _put(self, buffer, count):
        before = mem16[_ENDPOINT]
        self._write(buffer, count)
        self._pending += count
        # A packet handed to the endpoint turns its data toggle, also when the host has fetched it already.
        if mem16[_ENDPOINT] != before:
            self._handed_on = True

    def _room(self):
        """Bytes that fit into the FIFO for certain; a few places are kept back for waking the stack."""
        if not mem16[_ENDPOINT] & _AVAILABLE:
            # The stack notes that the last packet has been fetched, and passes the next one to the endpoint.
            self._writable()
        if mem16[_ENDPOINT] & _AVAILABLE:
            self._handed_on = True
        elif self._handed_on:
            self._handed_on = False
            self._pending = 0
            self.host = READING
        return _FIFO - _KEPT - self._pending

    def _look_for_host(self):
        """Finds out why there is no room. A closed port takes more into a full FIFO, as MicroPython's latest; an open
        one reports that it is full. So the rest is filled with 00, empty frames for a host that reads again."""
        if self._silent_ticks:
            if self._silent_ticks == _SILENT_TICKS:
                self.host = GONE
            return
        waiting = mem16[_ENDPOINT]
        if not waiting & _AVAILABLE:
            self._put(_EMPTY, 1)
            return
        # The packet in the endpoint has left the FIFO.
        held = self._pending - (waiting & _LENGTH)
        while held < _FIFO and self._writable():
            self._put(_EMPTY, 1)
            held += 1
        self.host = GONE if self._writable() else NOT_READING
