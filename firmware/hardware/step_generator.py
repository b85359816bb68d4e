"""Step pulses from a queue of slices: PIO makes them, DMA feeds it, Python only appends (see `step_queue`).

Pulses are exact to the tick (see `pio_programs`) and slices follow each other without a gap. No more than 20 ms are
ever queued; when the queue is empty, or when Python has died, STEP is low and stays low.
"""

import machine
import rp2
import uctypes
from machine import Pin, mem32
from micropython import const

from . import step_queue
from .pio_programs import DIR_TICKS, step_pulses
from .step_queue import OVERHEAD_TICKS

_MACHINE = const(0)
_PIO0_TXF0 = const(0x5020_0010)
_PIO0_SM0_ADDR = const(0x5020_00D4)
_DMA = const(0x5000_0000)
_DMA_SIZE = const(0x40)
_DMA_READ_ADDR_START = const(0x3C)

# DMA reads this memory on its own, so it must outlive whoever made the generator; and so must the channels, which
# MicroPython gives to the next who asks when nobody holds them.
_memory: list = []


def ticks_of_ns(ns, ticks_per_us):
    """Clock ticks in `ns`, rounded up."""
    return (ns * ticks_per_us + 999) // 1000


class StepGenerator:
    """The port `steps` of the controller. No method but `ready` allocates.

    `pins`: GPIO numbers `step`, `dir` and `enable`. `driver`: `step_high_ns`, `step_low_ns`, `dir_setup_ns`,
    `enable_active_low` and `forwards_high` (level of DIR) of the board's data. ValueError when the system clock is not
    the board's. `settle` gives the driver its settings and returns whether it took them; one that did not is not
    switched on.
    """

    def __init__(self, pins, driver, ticks_per_us, settle=None):
        self._enable_on = 0 if driver["enable_active_low"] else 1
        self._enable = Pin(pins["enable"], Pin.OUT, value=1 - self._enable_on)
        if machine.freq() != ticks_per_us * 1_000_000:
            raise ValueError(
                f"board data: ticks_per_us is {ticks_per_us}, but the system clock has {machine.freq()} Hz; "
                "correct the one or set the other with machine.freq()"
            )
        self.half_min_ticks = max(
            OVERHEAD_TICKS,
            ticks_of_ns(driver["step_high_ns"], ticks_per_us),
            ticks_of_ns(driver["step_low_ns"], ticks_per_us),
            ticks_of_ns(driver["dir_setup_ns"], ticks_per_us) + DIR_TICKS,
        )
        pulses = rp2.StateMachine(_MACHINE, step_pulses, sideset_base=Pin(pins["step"]), out_base=Pin(pins["dir"]))
        # The ring of pointers is at a multiple of its own size.
        memory = bytearray(4 * step_queue.BLOCK_WORDS + 63)
        _memory.append(memory)
        self._block = (uctypes.addressof(memory) + 63) & ~63
        feeder, chooser = self._channels()
        forwards = 1 if driver["forwards_high"] else 0
        for word, value in (
            (step_queue.CHOOSER, chooser),
            (step_queue.FEEDER, feeder),
            (step_queue.START, mem32[_PIO0_SM0_ADDR]),
            (step_queue.TICKS_PER_US, ticks_per_us),
            (step_queue.HALF_MIN, self.half_min_ticks),
            (step_queue.HIGH_US, driver["step_high_ns"] // 1000 + 1),
            (step_queue.LEVEL, forwards),
            (step_queue.FORWARDS, forwards),
        ):
            mem32[self._block + 4 * word] = value
        pulses.active(1)
        self._settle = settle
        self._settled = settle is None or settle()
        self._asked = False

    def ready(self):
        """Whether the driver has its settings: at first as the start found it, then as it is found anew.

        So a supply that came late or went meanwhile is noticed. May take 0.1 s and allocates: only at rest.
        """
        if self._asked and self._settle is not None:
            self._settled = self._settle()
        self._asked = True
        return self._settled

    def _channels(self):
        """Addresses of the two DMA channels, in their state after the start."""
        feeder = rp2.DMA()
        chooser = rp2.DMA()
        _memory.append((feeder, chooser))
        # The stubs do not know `channel`.
        chosen = chooser.channel  # type: ignore[attr-defined]
        fed = feeder.channel  # type: ignore[attr-defined]
        ctrl = feeder.pack_ctrl(inc_write=False, treq_sel=_MACHINE, chain_to=chosen)
        feeder.config(read=self._block, write=_PIO0_TXF0, count=2, ctrl=ctrl)
        ctrl = chooser.pack_ctrl(inc_write=False, ring_size=6)
        start = _DMA + _DMA_SIZE * fed + _DMA_READ_ADDR_START
        chooser.config(read=self._block + 4, write=start, count=1, ctrl=ctrl)
        return _DMA + _DMA_SIZE * fed, _DMA + _DMA_SIZE * chosen

    def enable(self, on):
        """Switches the driver. Off at the start and, by the board's pull resistor, in reset."""
        self._enable.value(self._enable_on if on and self._settled else 1 - self._enable_on)

    def queue(self, half_period_ticks, count, direction):
        """Appends a slice: `count` pulses of two half periods, STEP low first; direction 0: a dwell of that length.

        It starts when those before it end, or now. False: 16 slices or 20 ms are queued; nothing is taken. A half
        period shorter than the driver can follow is lengthened to `half_min_ticks`. ValueError: half period or
        count below 1.
        """
        if half_period_ticks < 1 or count < 1:
            raise ValueError("a slice needs a half period and a count of at least 1")
        return step_queue.take(self._block, half_period_ticks, count, direction) == 1

    def queued_us(self):
        """Time until the queue is empty, to 2 us; 0 if and only if nothing is queued."""
        return step_queue.left_us(self._block)

    def stop(self):
        """Ends motion at once: the queue is emptied and STEP is low.

        A pulse whose rising edge has not come is not made; one that is high is completed to the driver's minimum.
        """
        step_queue.cut(self._block)
