"""Step pulses from a queue of slices: DMA feeds a PIO machine, and Python only appends.

A slice is two words in RAM. One DMA channel copies a slice into the machine's FIFO and then lets a second one fetch the
next pointer from a ring; the pointer behind the last slice is 0, and that ends the chain by itself. So motion needs no
Python to go on to the end of the queue, nor to end there: no more than 20 ms later STEP is low and stays low.

Pulses are exact to the tick (see `pio_programs`) and slices follow each other without a gap. The end of the queue is
known from the lengths of what was queued; that nothing is queued any more is read from the machine itself.
"""

from time import sleep_us, ticks_add, ticks_diff, ticks_us

import machine
import rp2
import uctypes
from machine import Pin, mem32
from micropython import const

from .pio_programs import DIR_TICKS, OVERHEAD_TICKS, step_pulses

QUEUE_MAX_US = const(20_000)

# RP2040 datasheet, 3.7 and 2.5.7. An address with _SET or _CLEAR added sets or clears the bits written.
_PIO0 = const(0x5020_0000)
_PIO_FSTAT = const(0x04)
_PIO_TXF = const(0x10)
_PIO_SM_ADDR = const(0xD4)
_PIO_SM_INSTR = const(0xD8)
_PIO_SM_SIZE = const(0x18)
_SET = const(0x2000)
_CLEAR = const(0x3000)
_DMA = const(0x5000_0000)
_DMA_SIZE = const(0x40)
_DMA_CTRL = const(0x10)
_DMA_READ_TRIGGER = const(0x3C)
_DMA_BUSY = const(1 << 24)
_PULL_NOBLOCK = const(0x8080)

_SLOTS = const(16)
# One slice is with the DMA, two are in the FIFO, one is being made: with these, 16.
_WAITING_MAX = const(12)
# The chain has ended and has read the 0 behind the last slice.
_ENDED = const(15)

# DMA reads this memory on its own, so it must outlive whoever made the generator.
_memory: list[bytearray] = []


def ticks_of_ns(ns, ticks_per_us):
    """Clock ticks in `ns`, rounded up."""
    return (ns * ticks_per_us + 999) // 1000


class StepGenerator:
    """The port `steps` of the controller. No method allocates.

    `pins`: GPIO numbers `step`, `dir` and `enable`. `driver`: `step_high_ns`, `step_low_ns`, `dir_setup_ns`,
    `enable_active_low` and `forwards_high` (level of DIR) of the board's data.
    """

    def __init__(self, pins, driver, ticks_per_us, machine_id=0):
        if machine.freq() != ticks_per_us * 1_000_000:
            raise ValueError("the board's ticks_per_us does not fit the system clock; set machine.freq() before")
        self._enable_on = 0 if driver["enable_active_low"] else 1
        self._enable = Pin(pins["enable"], Pin.OUT, value=1 - self._enable_on)
        self._forwards = 1 if driver["forwards_high"] else 0
        self._level = self._forwards
        self._ticks_per_us = ticks_per_us
        self._ticks_max = QUEUE_MAX_US * ticks_per_us
        self._high_us = driver["step_high_ns"] // 1000 + 1
        self.half_min_ticks = max(
            OVERHEAD_TICKS,
            ticks_of_ns(driver["step_high_ns"], ticks_per_us),
            ticks_of_ns(driver["step_low_ns"], ticks_per_us),
            ticks_of_ns(driver["dir_setup_ns"], ticks_per_us) + DIR_TICKS,
        )
        self._running = False
        self._end_us = ticks_us()
        self._end_ticks = 0

        step = Pin(pins["step"])
        pulses = rp2.StateMachine(machine_id, step_pulses, sideset_base=step, out_base=Pin(pins["dir"]))
        place = _PIO0 + machine_id * _PIO_SM_SIZE
        self._bit = 1 << machine_id
        self._empty = 1 << (24 + machine_id)
        self._addr = place + _PIO_SM_ADDR
        self._instr = place + _PIO_SM_INSTR
        self._start = mem32[self._addr]
        self._set_up_dma(machine_id)
        pulses.active(1)

    def _set_up_dma(self, machine_id):
        memory = bytearray(4 * _SLOTS + 8 * _SLOTS + 63)
        _memory.append(memory)
        # The ring of pointers lies on a multiple of its own size.
        self._pointers = (uctypes.addressof(memory) + 63) & ~63
        self._slices = self._pointers + 4 * _SLOTS
        for slot in range(_SLOTS):
            mem32[self._pointers + 4 * slot] = 0
        self._head = 0
        feeder = rp2.DMA()
        chooser = rp2.DMA()
        # The stubs do not know `channel`.
        chosen = chooser.channel  # type: ignore[attr-defined]
        place = _DMA + _DMA_SIZE * feeder.channel  # type: ignore[attr-defined]
        self._feeder_ctrl = place + _DMA_CTRL
        self._chooser_read = _DMA + _DMA_SIZE * chosen
        self._chooser_start = self._chooser_read + _DMA_READ_TRIGGER
        ctrl = feeder.pack_ctrl(inc_write=False, treq_sel=machine_id, chain_to=chosen)
        feeder.config(read=self._slices, write=_PIO0 + _PIO_TXF + 4 * machine_id, count=2, ctrl=ctrl)
        ctrl = chooser.pack_ctrl(inc_write=False, ring_size=6)
        # At first as after a 0 that was read in front of the first slice.
        chooser.config(read=self._pointers + 4, write=place + _DMA_READ_TRIGGER, count=1, ctrl=ctrl)

    def enable(self, on):
        """Switches the driver. Off at the start and, by the board's pull resistor, in reset."""
        self._enable.value(self._enable_on if on else 1 - self._enable_on)

    def queue(self, half_period_ticks, count, direction):
        """Appends a slice: `count` pulses of two half periods, STEP low first; direction 0: a dwell of that length.

        It starts when those before it end, or now. False: 16 slices or 20 ms are queued; nothing is taken. A half
        period shorter than the driver can follow is lengthened to `half_min_ticks`. ValueError: half period or
        count below 1.
        """
        if half_period_ticks < 1 or count < 1:
            raise ValueError("a slice needs a half period and a count of at least 1")
        if direction and half_period_ticks < self.half_min_ticks:
            half_period_ticks = self.half_min_ticks
        if half_period_ticks > self._ticks_max // (2 * count):
            return False
        ticks = 2 * half_period_ticks * count
        waiting = self._waiting()
        if _WAITING_MAX <= waiting != _ENDED:
            return False
        now_us = ticks_us()
        end_us = self._end_us
        end_ticks = self._end_ticks
        if ticks_diff(end_us, now_us) <= 0 or not self._running or self._idle():
            end_us = now_us
            end_ticks = 0
        end_ticks += ticks
        end_us = ticks_add(end_us, end_ticks // self._ticks_per_us)
        if ticks_diff(end_us, now_us) > QUEUE_MAX_US:
            return False
        if direction:
            self._level = self._forwards if direction > 0 else 1 - self._forwards
            self._append(half_period_ticks - OVERHEAD_TICKS, count << 1 | self._level)
        else:
            self._append(max(ticks - OVERHEAD_TICKS, 0), self._level)
        self._end_us = end_us
        self._end_ticks = end_ticks % self._ticks_per_us
        self._running = True
        return True

    def _append(self, wait, pulses):
        head = self._head
        behind = (head + 1) & (_SLOTS - 1)
        place = self._slices + 8 * head
        mem32[place] = wait
        mem32[place + 4] = pulses
        mem32[self._pointers + 4 * behind] = 0
        # From here on a chain that is still alive finds the slice by itself.
        mem32[self._pointers + 4 * head] = place
        self._head = behind
        # One that had read the 0 before is started again. A live one that has just read the slice's pointer looks the
        # same for some ticks; then it copies the slice (busy), then it goes on: so three looks in this order tell.
        after = self._pointers + 4 * behind
        if (
            mem32[self._chooser_read] == after
            and not mem32[self._feeder_ctrl] & _DMA_BUSY
            and mem32[self._chooser_read] == after
        ):
            mem32[self._chooser_start] = self._pointers + 4 * head

    def _waiting(self):
        """Slices that the DMA has not fetched; _ENDED when it has fetched the 0 behind them."""
        return (self._head - ((mem32[self._chooser_read] - self._pointers) >> 2)) & (_SLOTS - 1)

    def _idle(self):
        """Whether nothing is queued. It looks along the way that slices go, so that none slips through."""
        return (
            self._waiting() == _ENDED
            and not mem32[self._feeder_ctrl] & _DMA_BUSY
            and bool(mem32[_PIO0 + _PIO_FSTAT] & self._empty)
            and mem32[self._addr] == self._start
        )

    def queued_us(self):
        """Time until the queue is empty, to 2 us; 0 if and only if nothing is queued."""
        if not self._running:
            return 0
        left_us = ticks_diff(self._end_us, ticks_us())
        if 0 < left_us <= QUEUE_MAX_US:
            return left_us
        if self._idle():
            self._running = False
            return 0
        return 1

    def stop(self):
        """Ends motion at once: the queue is emptied and STEP is low.

        A pulse whose rising edge has not come is not made; one that is high is completed to the driver's minimum.
        """
        mem32[_PIO0 + _CLEAR] = self._bit
        sleep_us(self._high_us)
        # Restart forgets the delay or stall under way; a jump to the start is the start's own number, with STEP low.
        mem32[_PIO0 + _SET] = self._bit << 4
        mem32[self._instr] = self._start
        slot = self._head
        for _ in range(_SLOTS - 1):
            slot = (slot - 1) & (_SLOTS - 1)
            mem32[self._pointers + 4 * slot] = 0
        # What the DMA has fetched already goes through the FIFO; after that it finds a 0.
        while mem32[self._feeder_ctrl] & _DMA_BUSY or not mem32[_PIO0 + _PIO_FSTAT] & self._empty:
            mem32[self._instr] = _PULL_NOBLOCK
        self._head = (((mem32[self._chooser_read] - self._pointers) >> 2) - 1) & (_SLOTS - 1)
        mem32[_PIO0 + _SET] = self._bit
        self._running = False
