"""Replays a recorded run into the firmware, in any Python or MicroPython: the same inputs, no plant, no pipes.

`micropython replay_vm.py RECORDING` prints one JSON object: a CRC over all outputs, whether the heap stayed as it
was while the pump moved, and the times of the steps. The heap is locked in motion, so an allocation ends the run.
"""

import json
import sys

try:
    import micropython
except ImportError:
    micropython = None

MICROPYTHON = sys.implementation.name == "micropython"


class MemoryJournal:
    """The journal calls of flushsim.firmware.ports, answered on the spot: records are kept, log entries are counted."""

    def __init__(self, records, layout):
        self._layout = layout
        self._records = records
        self.entries = 0

    def call(self, request, reply):
        at = self._layout
        operation = request[at.CALL_OPERATION]
        number = at.get_i32(request, at.CALL_NUMBER)
        count = at.get_u16(request, at.CALL_COUNT)
        data = b""
        result = 0
        if operation == at.CALL_LOAD:
            data = self._records.get(number, b"")[:count]
            result = len(data)
        elif operation == at.CALL_SAVE:
            self._records[number] = bytes(request[at.CALL_DATA : at.CALL_DATA + count])
            result = 1
        elif operation == at.CALL_APPEND:
            self.entries += 1
            result = 1
        elif operation == at.CALL_NEWEST:
            result = self.entries
        at.put_u32(reply, at.REPLY_RESULT, result & 0x3FFFFFFF)
        at.put_u16(reply, at.REPLY_COUNT, len(data))
        for index in range(len(data)):
            reply[at.REPLY_DATA + index] = data[index]


class Replay:
    """A firmware on the simulated board's adapters; `begin` takes an input record, `finish` gives the output record."""

    def __init__(self, boot):
        from flushsim.firmware import exchange
        from flushsim.firmware.ports import SimulatedBoard
        from pump.board import Board
        from pump.controller import Controller

        records = {int(slot): bytes(data) for slot, data in boot["journal"].items()}
        self.board = SimulatedBoard(boot, MemoryJournal(records, exchange))
        self._make = lambda board: Controller(
            Board(boot["board"]), board.link, board.steps, board.counter, board.pressure, board.indicators,
            board.journal, board.identity,
        )  # fmt: skip
        self.controller = None

    def begin(self):
        """Takes up the input record in `board.input`; returns the time of the step to be made."""
        if self.controller is None:
            self.controller = self._make(self.board)
        return self.board.begin_tick()

    def finish(self):
        self.board.finish_tick(self.controller.moving, self.controller.request)
        return self.board.output


def checksum(crc, record, outputs):
    """A running sum over what matters of an output record; slow machines need no more."""
    for index in range(outputs):
        crc = (crc * 31 + record[index]) & 0xFFFFFF
    return crc


def main(path):
    import gc
    import time
    from array import array

    file = open(path, "rb")  # noqa: SIM115 - read tick by tick: a small heap holds no whole run
    boot = json.loads(file.readline())
    for place in reversed(boot["import_paths"]):
        sys.path.insert(0, place)
    replay = Replay(boot)
    count = boot["ticks"]
    record = replay.board.input
    times = array("I", [0] * count)
    moving_ticks = grown = 0
    crc = 0
    for number in range(count):
        file.readinto(record)
        now_us = replay.begin()
        controller = replay.controller
        moving = controller.moving
        if moving:
            moving_ticks += 1
            micropython.heap_lock()
        held = gc.mem_alloc()
        began = time.ticks_us()
        controller.tick(now_us)
        took = time.ticks_diff(time.ticks_us(), began)
        if moving:
            if gc.mem_alloc() != held:
                grown += 1
            micropython.heap_unlock()
        times[number] = took
        crc = checksum(crc, replay.finish(), boot["summed"])
        # By hand and between steps, so that no time of a step holds a collection.
        if number % 20 == 0 and gc.isenabled():
            gc.collect()
    file.close()
    ordered = sorted(times)
    small = sys.maxsize < 2**31
    print(
        json.dumps(
            {
                "ticks": count, "moving_ticks": moving_ticks, "moving_ticks_that_allocated": grown, "sum": crc,
                "mean_us": sum(times) / count, "p99_us": ordered[count * 99 // 100], "worst_us": ordered[-1],
                "words_of_32_bits": small, "heap_free": gc.mem_free(),
            }
        )
    )  # fmt: skip


if __name__ == "__main__" and MICROPYTHON:
    main(sys.argv[1])
