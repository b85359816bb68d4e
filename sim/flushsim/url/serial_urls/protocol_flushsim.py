"""`flushsim://` for pyserial: a simulated pump whose clock advances while its client waits in `read`.

    serial.serial_for_url("flushsim://?line=picc-4f&needle=none&fault=occlusion@3s&seed=2&speed=0", timeout=0.01)

With speed 0 (the default) simulated time stops between two reads. With any other speed, waiting in a read passes
at `speed` times real time, as far as this computer can simulate that fast. The time between two reads, in which the
host computes, passes in real time at most: a host that is away for a second finds the pump a second later, so at no
speed does an ordinary pause of the host cost it its lease. The simulator's own computing is not charged to the host.
"""

import time
from typing import Self

from flushpump.errors import FlushPumpError
from serial.serialutil import PortNotOpenError, SerialBase, SerialException, to_bytes  # type: ignore[import-untyped]

from flushsim.firmware.image import FirmwareError
from flushsim.rig.base import TICK_US, PumpRig
from flushsim.rig.deferred_interrupt import DeferredInterrupt
from flushsim.url import url as simulator_url

_US = 1_000_000


class Serial(SerialBase):  # type: ignore[misc]
    """The port. `rig` is the simulated pump behind it; closing the port switches it off."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        self._rig: PumpRig | None = None
        self._speed = 0.0
        # When the host got control back, and how much simulated time its absence since then takes.
        self._returned_s = 0.0
        self._away_us = 0.0
        self._cancelled = False
        self.is_open = False
        super().__init__(*args, **kwargs)

    @classmethod
    def over(cls, rig: PumpRig, timeout: float | None = None) -> Self:
        """The open port of an existing rig."""
        port = cls(timeout=timeout)
        port._rig = rig
        port.is_open = True
        return port

    @property
    def rig(self) -> PumpRig:
        """The simulated pump. Raises PortNotOpenError."""
        if self._rig is None:
            raise PortNotOpenError()
        return self._rig

    def open(self) -> None:
        """Powers the pump on. Raises SerialException with one sentence."""
        if self.is_open:
            raise SerialException("the port is already open")
        if self._port is None:
            raise SerialException("a flushsim:// URL must be set before the port can be opened")
        try:
            wanted = simulator_url.parse(self._port)
            self._rig = wanted.rig()
        except (ValueError, OSError, FlushPumpError, FirmwareError) as problem:
            raise SerialException(str(problem)) from problem
        self._speed = wanted.speed
        self._returned_s = time.monotonic()
        self._away_us = 0.0
        self.is_open = True

    def close(self) -> None:
        """Switches the pump off."""
        if self._rig is not None:
            self._rig.close()
            self._rig = None
        self.is_open = False

    def monotonic(self) -> float:
        """Simulated seconds since power-on."""
        return self.rig.now_us / _US

    @property
    def in_waiting(self) -> int:
        """Bytes that can be read at once; reading it does not advance a clock of speed 0."""
        self._simulate_away_time()
        return self.rig.waiting()

    @property
    def out_waiting(self) -> int:
        """Always 0: written bytes are already in flight."""
        return 0

    def read(self, size: int = 1) -> bytes:
        """Up to `size` bytes; simulated time passes until they arrive or the timeout is over."""
        self._simulate_away_time()
        rig = self.rig
        self._cancelled = False
        if rig.waiting() < size and self._timeout != 0:
            deadline_us = None if self._timeout is None else rig.now_us + round(self._timeout * _US)
            due_s = time.monotonic()
            with DeferredInterrupt() as interrupt:
                while deadline_us is None or rig.now_us < deadline_us:
                    before_us = rig.now_us
                    self._step_rig(rig)
                    if self._speed:
                        due_s += (rig.now_us - before_us) / _US / self._speed
                        if (ahead_s := due_s - time.monotonic()) > 0:
                            time.sleep(ahead_s)
                    if rig.waiting() >= size or interrupt.noted or self._cancelled:
                        break
            self._returned_s = time.monotonic()
        return rig.from_device(size)

    def write(self, data: bytes) -> int:
        """Sends all bytes, now."""
        self._simulate_away_time()
        sent = bytes(to_bytes(data))
        self.rig.to_device(sent)
        return len(sent)

    def flush(self) -> None:
        """Nothing waits to be sent. Raises PortNotOpenError."""
        _ = self.rig

    def cancel_read(self) -> None:
        """Lets a `read` in another thread return."""
        self._cancelled = True

    def reset_input_buffer(self) -> None:
        """Drops bytes that have arrived."""
        self.rig.from_device()

    def reset_output_buffer(self) -> None:
        """Nothing waits to be sent. Raises PortNotOpenError."""
        _ = self.rig

    def _step_rig(self, rig: PumpRig) -> None:
        try:
            rig.step()
        except FirmwareError as problem:
            raise SerialException(str(problem)) from problem

    def _simulate_away_time(self) -> None:
        """Simulates the time for which the host was away."""
        if not self._speed:
            return
        rig = self.rig
        self._away_us += (time.monotonic() - self._returned_s) * min(self._speed, 1.0) * _US
        with DeferredInterrupt() as interrupt:
            while self._away_us >= TICK_US and not interrupt.noted:
                before_us = rig.now_us
                self._step_rig(rig)
                self._away_us -= rig.now_us - before_us
        self._returned_s = time.monotonic()

    # A simulated port has no baud rate and no control lines, but pyserial sets them.

    def _reconfigure_port(self) -> None:
        pass

    def _update_rts_state(self) -> None:
        pass

    def _update_dtr_state(self) -> None:
        pass

    def _update_break_state(self) -> None:
        pass

    @property
    def cts(self) -> bool:
        return True

    @property
    def dsr(self) -> bool:
        return True

    @property
    def ri(self) -> bool:
        return False

    @property
    def cd(self) -> bool:
        return True
