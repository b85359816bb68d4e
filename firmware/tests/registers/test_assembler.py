"""The tests' assembler against rp2040py's own encoders of PIO instructions."""

import pytest
from rp2040py.utils import pio_assembler as known

from firmware.tests.registers.support.assembler import asm_pio, encode
from firmware.tests.registers.support.drive import programs_file


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("pull(block)", known.pio_pull(False, True)),
        ("pull(noblock)", known.pio_pull(False, False)),
        ("push(noblock)", known.pio_push(False, False)),
        ("mov(isr, osr)", known.pio_mov(known.PIO_MOV_DEST_ISR, known.PIO_SRC_OSR)),
        ("mov(x, isr)[5]", known.pio_mov(known.PIO_MOV_DEST_X, known.PIO_SRC_ISR, delay=5)),
        ("out(pins, 1)", known.pio_out(known.PIO_DEST_PINS, 1)),
        ("out(y, 31)", known.pio_out(known.PIO_DEST_Y, 31)),
        ("in_(x, 30)", known.pio_in(known.PIO_SRC_X, 30)),
        ("in_(y, 32)", known.pio_in(known.PIO_SRC_Y, 32)),
        ("set(x, 17)", known.pio_set(known.PIO_DEST_X, 17)),
        ("set(pindirs, 1)", known.pio_set(known.PIO_DEST_PINDIRS, 1)),
        ("wait(1, pin, 0)", known.pio_wait(True, known.PIO_WAIT_SRC_PIN, 0)),
    ],
)
def test_an_instruction_is_encoded_as_the_emulator_encodes_it(text, word):
    assert encode(text) == word


def test_jumps_find_their_labels_and_move_with_the_program():
    @asm_pio(sideset_init=2)
    def program():
        label("here")  # noqa: F821
        jmp(x_dec, "here").side(1)  # noqa: F821
        jmp(not_y, "there").side(0)[3]  # noqa: F821
        wrap()  # noqa: F821
        label("there")  # noqa: F821
        jmp("here")  # noqa: F821

    words = list(program.at(20))
    assert words == [
        known.pio_jmp(20, known.PIO_COND_XDEC) | 1 << 12,
        known.pio_jmp(22, known.PIO_COND_NOTY, delay=3),
        known.pio_jmp(20),
    ]
    assert (program.wrap_target, program.wrap) == (0, 1)


# What MicroPython 1.26.1 makes of the two programs on a Pico: `step_pulses[0]`, `step_counter[0]`.
STEP_PULSES = "80a0 a0c7 80a0 6001 605f 0088 a026 0047 a026 0049 b526 104b 1060 0405"
STEP_COUNTER = "2020 20a0 00c5 0080 0000 0040"


@pytest.mark.parametrize(
    ("name", "words", "wraps"), [("step_pulses", STEP_PULSES, (0, 7)), ("step_counter", STEP_COUNTER, (0, 5))]
)
def test_the_programs_are_assembled_as_micropython_does_it(name, words, wraps):
    program = getattr(programs_file, name)
    assert " ".join(f"{word:04x}" for word in program.at(0)) == words
    assert (program.wrap_target, program.wrap) == wraps
