"""What the MicroPython VM runs: reads an input record, ticks the controller, writes the output record, over and over.

Started by `flushsim.firmware.vm`; its one argument is the length of the boot config, which comes first, as JSON.
The heap is locked around a tick while the pump moves, so an allocation there ends the run. Nothing else may write to
stdout.
"""

# mypy: ignore-errors
# Its modules are those of MicroPython, not of CPython.

import io
import json
import sys

import micropython

# The first entry is this file's folder, flushsim/firmware; the package is imported from the folder that holds it.
sys.path[0] = sys.path[0].rsplit("/", 2)[0]

from flushsim.firmware.exchange import INPUT_SIZE, KIND_FAILED, OUT_KIND, OUTPUT_SIZE, put_u16  # noqa: E402
from flushsim.firmware.ports import Exchange, SimulatedBoard  # noqa: E402

try:  # noqa: SIM105 - MicroPython has no contextlib
    from typing import Any
except ImportError:
    pass  # MicroPython has no typing, and ignores annotations

_stdin = sys.stdin.buffer
_stdout = sys.stdout.buffer


class PipeExchange(Exchange):
    """A journal call over the pipes: the request goes out, the reply is the next record in."""

    def call(self, request: bytearray, reply: bytearray) -> None:
        _stdout.write(request)
        if _stdin.readinto(reply) != INPUT_SIZE:
            sys.exit()


def report(error: Exception) -> None:
    """Reports an exception to the driver: a record of kind FAILED, then the traceback."""
    text = io.StringIO()
    sys.print_exception(error, text)
    data = text.getvalue().encode()[-4000:]
    record = bytearray(OUTPUT_SIZE)
    record[OUT_KIND] = KIND_FAILED
    put_u16(record, 2, len(data))
    _stdout.write(record)
    _stdout.write(data)


def run(boot: dict[str, Any]) -> None:
    for place in reversed(boot["import_paths"]):
        sys.path.insert(0, place)
    from pump.board import Board
    from pump.controller import Controller

    board = SimulatedBoard(boot, PipeExchange())
    record_in = board.input
    record_out = board.output
    readinto = _stdin.readinto
    write = _stdout.write
    if readinto(record_in) != INPUT_SIZE:
        return
    # Made when the first inputs are there, as on the board, where they can be read from the start.
    controller = Controller(
        Board(boot["board"]),
        board.link,
        board.steps,
        board.counter,
        board.pressure,
        board.indicators,
        board.journal,
        board.identity,
    )
    while True:
        now_us = board.begin_tick()
        if controller.moving:
            micropython.heap_lock()
            try:
                controller.tick(now_us)
            finally:
                micropython.heap_unlock()
        else:
            controller.tick(now_us)
        board.finish_tick(controller.moving, controller.request)
        write(record_out)
        if readinto(record_in) != INPUT_SIZE:
            return


micropython.kbd_intr(-1)
try:
    run(json.loads(_stdin.read(int(sys.argv[1]))))
except Exception as error:
    report(error)
