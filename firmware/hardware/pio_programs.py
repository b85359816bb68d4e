"""The two PIO programs: one turns slices into step pulses, one counts the steps that were really made.

`step_pulses` takes two words a slice: `half - 8` ticks, then `count << 1 | DIR`; count 0 is a dwell, and its first word
is `ticks - 8`. Side-set is STEP, OUT is DIR. Every path through it takes the same time, so that a pulse is exact:

    low half   5 (reading the slice, or the same wait) + 1 + 1 + (half - 8 + 1) = half
    high half  6 + (half - 8 + 1) + 1                                           = half
    dwell      5 + 1 + 1 + (ticks - 8 + 1)                                      = ticks

The high half of the last pulse runs into the next slice's first instruction without a gap. Without a next slice the
machine waits there, with STEP low. DIR is set in the fourth tick of a slice: half - 3 ticks before its first edge.

`step_counter` takes one from X for each step with DIR high and from Y for each with DIR low; it needs 5 ticks a step.
"""
# The assembler's words are no names of Python.
# ruff: noqa: F821
# mypy: disable-error-code="name-defined, attr-defined"

from rp2 import PIO, asm_pio

# Ticks from the start of a slice to its DIR.
DIR_TICKS = 3


@asm_pio(sideset_init=PIO.OUT_LOW, out_init=PIO.OUT_LOW, out_shiftdir=PIO.SHIFT_RIGHT)
def step_pulses():
    wrap_target()
    label("slice")
    pull(block).side(0)
    mov(isr, osr).side(0)
    pull(block).side(0)
    out(pins, 1).side(0)
    out(y, 31).side(0)
    label("pulse")
    jmp(y_dec, "low").side(0)
    mov(x, isr).side(0)
    label("dwell")
    jmp(x_dec, "dwell").side(0)
    wrap()
    label("low")
    mov(x, isr).side(0)
    label("low_wait")
    jmp(x_dec, "low_wait").side(0)
    mov(x, isr).side(1)[5]
    label("high_wait")
    jmp(x_dec, "high_wait").side(1)
    jmp(not_y, "slice").side(1)
    jmp("pulse").side(0)[4]


@asm_pio(in_shiftdir=PIO.SHIFT_LEFT)
def step_counter():
    wrap_target()
    label("next")
    wait(0, pin, 0)
    wait(1, pin, 0)
    jmp(pin, "forwards")
    jmp(y_dec, "next")
    jmp("next")
    label("forwards")
    jmp(x_dec, "next")
    wrap()
