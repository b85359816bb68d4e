"""The steps that were really made, counted from the pins STEP and DIR by a PIO machine of their own.

It shares nothing with the step generator, not even the PIO block. X and Y count down the steps of either direction;
an instruction that is put between the machine's own copies them out, which delays it by a tick.
"""

import rp2
from machine import Pin, mem32
from micropython import const

from .pio_programs import step_counter

_PIO1 = const(0x5030_0000)
_PIO_RXF = const(0x20)
_PIO_SM_INSTR = const(0xD8)
_PIO_SM_SIZE = const(0x18)
# in(x, 30), in(y, 30), push(noblock): 30 bits are a small integer of MicroPython, so nothing is allocated.
_IN_X = const(0x403E)
_IN_Y = const(0x405E)
_PUSH_NOBLOCK = const(0x8000)
_HALF = const(1 << 29)
_MASK = const((1 << 30) - 1)


class StepCounter:
    """The port `counter` of the controller. `pins` and `driver` as for the step generator, which is made first."""

    def __init__(self, pins, driver, machine_id=4):
        self._forwards_high = bool(driver["forwards_high"])
        place = _PIO1 + (machine_id - 4) * _PIO_SM_SIZE
        self._instr = place + _PIO_SM_INSTR
        self._taken = _PIO1 + _PIO_RXF + 4 * (machine_id - 4)
        counter = rp2.StateMachine(machine_id, step_counter, in_base=Pin(pins["step"]), jmp_pin=Pin(pins["dir"]))
        counter.exec("set(x, 0)")
        counter.exec("set(y, 0)")
        counter.active(1)

    def position(self):
        """Steps made since the counter was made, forwards positive; wraps at +-2**29. Allocates nothing."""
        mem32[self._instr] = _IN_X
        mem32[self._instr] = _PUSH_NOBLOCK
        high = mem32[self._taken]
        mem32[self._instr] = _IN_Y
        mem32[self._instr] = _PUSH_NOBLOCK
        low = mem32[self._taken]
        # Both count down.
        if self._forwards_high:
            return ((low - high + _HALF) & _MASK) - _HALF
        return ((high - low + _HALF) & _MASK) - _HALF
