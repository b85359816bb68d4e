"""Pressure from a transducer at the chip's own ADC: DMA collects 128 samples of a tick, their sum is one reading.

The samples are paced by the ADC's clock and are in a buffer that is made once; each tick sums the last batch and starts
the next. The reading has 16 bits, 65536 for the ADC's reference.

The RP2040's converter stays on the codes 512, 1536, 2560 and 3584 for eight codes more than on others, and climbs a
little faster in between. This is undone in the mean: eight codes are added behind each, half of them in its middle.
"""

# `ptr16` is viper's own.
# ruff: noqa: F821

from array import array

import micropython
import uctypes
from machine import ADC, Pin, mem32
from micropython import const
from rp2 import DMA

NONE_NEW = const(-1)

_SAMPLES = const(128)
# 40 kS/s of 48 MHz: a batch takes 3.2 ms of the 5 ms tick.
_DIVIDER = const(1199 << 8)
# RP2040 datasheet 4.9 and 2.5: registers of the ADC, and of a DMA channel.
_CS = const(0x4004C000)
_FCS = const(0x4004C008)
_FIFO = const(0x4004C00C)
_DIV = const(0x4004C010)
_CS_ENABLE = const(1)
_CS_START_MANY = const(8)
# FIFO on, requests to DMA on, from one sample on.
_FCS_DMA = const(1 << 24 | 8 | 1)
_FCS_LEVEL = const(0xF << 16)
_DMA = const(0x5000_0000)
_DMA_SIZE = const(0x40)
_DMA_WRITE = const(0x04)
_DMA_CTRL = const(0x10)
_DMA_COUNT_TRIGGER = const(0x1C)
_DMA_BUSY = const(1 << 24)
_DREQ_ADC = const(36)

# In sixteenths of a code: place of the first wide code, distance of the next, width of one, and over how much of the
# mean (two codes of noise to either side) the correction grows.
_WIDE_FIRST = const(512 * 16)
_WIDE_EVERY = const(1024 * 16)
_WIDE_BY = const(8 * 16)
_RAMP = const(4 * 16)

# DMA writes to it on its own, so it must outlive whoever made the sensor.
_samples = array("H", bytes(2 * _SAMPLES))


@micropython.viper
def total(samples) -> int:
    """Sum of all samples; MicroPython's own takes 0.3 ms."""
    values = ptr16(samples)
    found = 0
    index = 0
    while index < _SAMPLES:
        found += int(values[index])
        index += 1
    return found


def straightened(counts):
    """16-bit counts of the converter as counts that are linear in the voltage."""
    extra = 0
    above = counts - _WIDE_FIRST + _RAMP // 2
    while above > 0:
        extra += _WIDE_BY * min(above, _RAMP) // _RAMP
        above -= _WIDE_EVERY
    # The whole scale keeps its length: 4096 codes and four times eight.
    return (counts + extra) * 128 // 129


class AdcPressure:
    """The port `pressure` of the controller: raw counts of 16 bits, -1 while a batch is not complete."""

    def __init__(self, pins):
        pin = pins["adc"]
        ADC(Pin(pin))
        self._enabled = _CS_ENABLE | (pin - 26) << 12
        mem32[_CS] = self._enabled
        mem32[_DIV] = _DIVIDER
        mem32[_FCS] = _FCS_DMA
        # Held, or MicroPython gives it to the next who asks.
        self._channel = channel = DMA()
        ctrl = channel.pack_ctrl(size=1, inc_read=False, inc_write=True, treq_sel=_DREQ_ADC, irq_quiet=True)
        self._place = uctypes.addressof(_samples)
        channel.config(read=_FIFO, write=self._place, count=_SAMPLES, ctrl=ctrl)
        base = _DMA + _DMA_SIZE * channel.channel  # type: ignore[attr-defined]
        self._write = base + _DMA_WRITE
        self._ctrl = base + _DMA_CTRL
        self._trigger = base + _DMA_COUNT_TRIGGER
        self._start()

    def _start(self):
        # Samples from before this batch are as old as the last tick.
        mem32[_CS] = self._enabled
        while mem32[_FCS] & _FCS_LEVEL:
            mem32[_FIFO]
        mem32[self._write] = self._place
        mem32[self._trigger] = _SAMPLES
        mem32[_CS] = self._enabled | _CS_START_MANY

    def read(self):
        """Takes 0.2 ms; allocates nothing."""
        if mem32[self._ctrl] & _DMA_BUSY:
            return NONE_NEW
        counts = straightened(total(_samples) * 16 // _SAMPLES)
        self._start()
        return counts
