"""Replaces `machine` in the MicroPython VM: a UART whose two directions share one wire with a TMC2209.

`fault` puts bytes of the wire out of order, `now_ms` is the time that waiting takes.
"""

from tmc2209 import Tmc2209

chip = Tmc2209(3)
opened = []


class Wire:
    """`echo`: transmit and receive are joined. `change(bytes)` is what becomes of the chip's answers."""

    def __init__(self):
        self.echo = True
        self.change = None
        self.lose_writes = 0
        self.now_ms = 0
        self.exchanges = 0


wire = Wire()


class Pin:
    def __init__(self, number):
        self.number = number


class UART:
    def __init__(self, number, baudrate, tx, rx, timeout, timeout_char):
        opened.append((number, baudrate, tx.number, rx.number))
        self._timeout = timeout
        self._next = timeout_char
        self._received = b""

    def write(self, data):
        wire.exchanges += 1
        if wire.echo:
            self._received += data
        if len(data) == 8 and wire.lose_writes:
            wire.lose_writes -= 1
            return len(data)
        answer = b"".join([chip.receive(byte) for byte in data])
        if answer and wire.change:
            answer = wire.change(answer)
        self._received += answer
        return len(data)

    def any(self):
        return len(self._received)

    def read(self, size):
        data = self._received[:size]
        self._received = self._received[size:]
        wire.now_ms += len(data) * 10_000 // 115_200
        if len(data) < size:
            wire.now_ms += self._next if data else self._timeout
        return data or None

    def deinit(self):
        opened.append(None)
