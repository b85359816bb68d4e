"""The watchdog: runs with the control loop, and resets the board one second after the loop's last tick.

MicroPython has no call that stops it; `stop` clears the chip's own ENABLE bit (RP2040 datasheet 4.7.6: CTRL, bit 30),
which stops its count. So a board that was asked for its prompt stays there; nothing but `start` sets the bit again.
"""

import machine
from micropython import const

# REQ-STOP-4. The chip allows at most 8388 ms.
_TIMEOUT_MS = const(1000)

# RP2040 watchdog CTRL by the address that clears bits, and its bit ENABLE.
_CTRL_CLEAR = const(0x4005B000)
_ENABLE = const(0x40000000)


class Watchdog:
    def __init__(self):
        self._timer = None

    def start(self):
        """Call when the loop's first tick is next: from now on only `feed` keeps the board from a reset."""
        self._timer = machine.WDT(timeout=_TIMEOUT_MS)

    def feed(self):
        """Once per tick, and between accesses to the flash, a sector of which may take 400 ms; allocates nothing."""
        if self._timer is not None:
            self._timer.feed()

    def stop(self):
        """For the way to the prompt alone, with the driver off."""
        self._timer = None
        machine.mem32[_CTRL_CLEAR] = _ENABLE
