"""The steps that were really made, counted from the pins STEP and DIR by a PIO machine of their own.

It shares nothing with the step generator, not even the PIO block. X and Y count down the steps of either direction;
an instruction that is put between the machine's own copies them out, which delays it by a tick.
"""

# `ptr32` is viper's own.
# ruff: noqa: F821

import micropython
import rp2
from machine import Pin
from micropython import const

from .pio_programs import step_counter

# State machine 0 of PIO 1 (RP2040 datasheet, 3.7), its registers as numbers of words.
_MACHINE = const(4)
_PIO = const(0x5030_0000)
_RXF = const(8)
_SM_INSTR = const(54)
# in(x, 30), in(y, 30), push(noblock): 30 bits are a small integer of MicroPython, so nothing is allocated.
_IN_X = const(0x403E)
_IN_Y = const(0x405E)
_PUSH_NOBLOCK = const(0x8000)
_HALF = const(1 << 29)
_MASK = const((1 << 30) - 1)


class StepCounter:
    """The port `counter` of the controller. `pins` and `driver` as for the step generator, which is made first."""

    def __init__(self, pins, driver):
        self._forwards = 1 if driver["forwards_high"] else -1
        counter = rp2.StateMachine(_MACHINE, step_counter, in_base=Pin(pins["step"]), jmp_pin=Pin(pins["dir"]))
        counter.exec("set(x, 0)")
        counter.exec("set(y, 0)")
        counter.active(1)

    def position(self):
        """Steps made since the counter was made, forwards positive; wraps at +-2**29. Allocates nothing."""
        return steps_with_dir_high() * self._forwards


@micropython.viper
def steps_with_dir_high() -> int:
    """Steps with DIR high minus those with DIR low."""
    pio = ptr32(_PIO)
    pio[_SM_INSTR] = _IN_X
    pio[_SM_INSTR] = _PUSH_NOBLOCK
    high = int(pio[_RXF])
    pio[_SM_INSTR] = _IN_Y
    pio[_SM_INSTR] = _PUSH_NOBLOCK
    low = int(pio[_RXF])
    # Both count down from 0.
    return ((low - high + _HALF) & _MASK) - _HALF
