"""The host at the other end of the emulated board's USB cable: functions that rp2040py 0.3.6 lacks, added from outside.

Each could be offered to rp2040py; sim/tests/emulator/test_patches.py proves it.

`Host`: an idle CDC host must NAK. `USBCDC` answers every read of the OUT endpoint at once, with an empty packet when
it has nothing. TinyUSB then arms the endpoint again, takes another interrupt, and so on without end: an idle board
never sleeps, and a busy one spends two thirds of its time in the USB interrupt (20,000 rounds of an empty Python loop
take 197 ms instead of 68 ms). Here the read is held until a byte is there to be sent. Nor are bytes lost that do not
fit into the host's queue of 512. And a host may leave the board's data in its endpoint, or be gone.

`Frames`: a host marks each millisecond with a numbered start-of-frame. rp2040py has neither number nor interrupt in
device mode, so MicroPython, which counts 16 frames after the port was opened and then sends what waits, keeps its
banner to itself until something else is printed, and firmware that watches the number detects a pulled cable.
"""

from collections.abc import Callable
from typing import Any

from rp2040py.rp2040 import RP2040
from rp2040py.usb.cdc import USBCDC

_SOF_RD, _INTE = 0x48, 0x90
_DEV_SOF = 1 << 17
_FRAME_NS = 1_000_000
# Of the USB controller: status and its bits, and the buffer control of endpoint 0 IN in its memory.
_SIE_STATUS = 0x50
_SUSPENDED = 1 << 4
_RESUME = 1 << 11
_BUFFER_CONTROL = 0x80
_AVAILABLE = 1 << 10


class Host:
    """The computer at the other end of the USB cable: a CDC host that NAKs while it has nothing to send."""

    def __init__(self, usb: Any) -> None:
        self.cdc = USBCDC(usb)
        self.connected = False
        self.received = bytearray()
        self._reads = True
        self._unread: tuple[int, int] | None = None
        self._usb = usb
        self._unsent = bytearray()
        self._held: list[tuple[int, int]] = []
        self._answer: Callable[[int, int], None] = usb.on_endpoint_read
        self._reset: Callable[[], None] = usb.on_reset
        self._fetch: Callable[[int, int], None] = usb.dpram_updated
        usb.dpram_updated = self._offered
        self._write: Callable[[int, int], None] = usb.write_uint32
        usb.write_uint32 = self._written
        usb.on_endpoint_read = self._read
        usb.on_reset = self._disconnected
        self.cdc.on_serial_data = self.received.extend
        self.cdc.on_device_connected = self._connected

    def send(self, data: bytes) -> None:
        """Bytes for the board; those that it does not take now wait."""
        self._unsent += data
        while self._held and self._unsent:
            self._serve(*self._held.pop(0))

    @property
    def reads(self) -> bool:
        """Whether what the board puts into its endpoint is fetched."""
        return self._reads

    @reads.setter
    def reads(self, on: bool) -> None:
        self._reads = on
        if on and self._unread is not None:
            unread, self._unread = self._unread, None
            self._fetch(*unread)

    def suspend(self, on: bool) -> None:
        """Lets the bus sleep, as the chip sees it after 3 ms without a frame, or wakes it."""
        usb = self._usb
        usb._sie_status = usb._sie_status & ~(_SUSPENDED | _RESUME) | (_SUSPENDED if on else _RESUME)
        usb._sie_status_updated()
        self.reads = not on

    def _written(self, offset: int, value: int) -> None:
        # Writing a one clears it, as it does the chip's other status bits.
        if offset == _SIE_STATUS and self._usb.raw_write_value & _SUSPENDED:
            self._usb._sie_status &= ~_SUSPENDED
        self._write(offset, value)

    def _offered(self, offset: int, value: int) -> None:
        """A buffer of the chip becomes available; one for the host may have to wait."""
        if not self._reads and offset == _BUFFER_CONTROL + 8 * self.cdc._in_endpoint and value & _AVAILABLE:
            self._unread = (offset, value)
        else:
            self._fetch(offset, value)

    def _read(self, endpoint: int, size: int) -> None:
        if endpoint != self.cdc._out_endpoint:
            self._answer(endpoint, size)
        elif self._unsent:
            self._serve(endpoint, size)
        else:
            self._held.append((endpoint, size))

    def _serve(self, endpoint: int, size: int) -> None:
        data = bytes(self._unsent[:size])
        del self._unsent[:size]
        self._usb.endpoint_read_done(endpoint, data)

    def _connected(self) -> None:
        self.connected = True

    def _disconnected(self) -> None:
        self.connected = False
        self._held.clear()
        self._unread = None
        self._unsent.clear()
        self._reset()


class Frames:
    """Frame numbers that increase every millisecond, with an interrupt for as long as the board wants it.

    `on` is False while no host is there.
    """

    def __init__(self, rp2040: RP2040) -> None:
        self.on = True
        self._clock = rp2040.clock
        usb: Any = rp2040.usb_ctrl
        self._usb = usb
        self._alarm = rp2040.clock.create_alarm(self._begin)
        self._counting = False
        self._write: Callable[[int, int], None] = usb.write_uint32
        self._read: Callable[[int], int] = usb.read_uint32
        usb.write_uint32 = self._written
        usb.read_uint32 = self._number

    def _written(self, offset: int, value: int) -> None:
        self._write(offset, value)
        if offset == _INTE and not self._counting and self._wanted():
            self._counting = True
            self._alarm.schedule(_FRAME_NS)

    def _begin(self) -> None:
        self._counting = self._wanted()
        if self._counting:
            if self.on:
                self._usb._int_raw |= _DEV_SOF
                self._usb.check_interrupts()
            self._alarm.schedule(_FRAME_NS)

    def _number(self, offset: int) -> int:
        if offset == _SOF_RD and not self._usb._host_mode:
            if self._usb._int_raw & _DEV_SOF:
                self._usb._int_raw &= ~_DEV_SOF
                self._usb.check_interrupts()
            if self.on:
                self._usb._sof_frame_number = int(self._clock.nanos) // _FRAME_NS & 0x7FF
        return self._read(offset)

    def _wanted(self) -> bool:
        return bool(self._usb._int_enable & _DEV_SOF) and not self._usb._host_mode
