"""A TMC2209 on the emulated chip's UART, both directions of which share one wire; and a correction of the UART itself.

rp2040py 0.3.6 raises a UART's transmit interrupt again as soon as it is cleared, so MicroPython, which leaves that
interrupt on, serves it without end and never comes back from making a UART. Here it is raised once, when the last byte
that was written has gone out; and bytes take the time of their ten bits.
"""

from typing import Any

from flushsim.emulator.chip import Chip
from flushsim.emulator.tmc2209 import Tmc2209

_BITS = 10
# The driver waits so long before it answers (SENDDELAY as from reset).
_DELAY_BITS = 8
_TRANSMIT = 1 << 5


class DriverUart:
    """The wire from the pin `uart_tx` to a driver whose MS1 and MS2 give `address`."""

    def __init__(self, chip: Chip, uart_tx: int, address: int) -> None:
        self.driver = Tmc2209(address)
        self._uart: Any = chip.rp2040.uart[(uart_tx + 4) // 8 % 2]
        self._rp2040 = chip.rp2040
        # Bytes on the wire: when they have arrived, and whether the driver sent them.
        self._wire: list[tuple[int, int, bool]] = []
        self._free_ns = 0
        self._arrival = chip.rp2040.clock.create_alarm(self._arrived)
        self._patch_uart(self._uart)

    def _patch_uart(self, uart: Any) -> None:
        uart.check_interrupts = self._check_interrupts
        uart.on_byte = self._sent

    def _check_interrupts(self) -> None:
        uart = self._uart
        self._rp2040.set_interrupt(uart.irq, bool(uart._interrupt_status & uart._interrupt_mask))

    def _now_ns(self) -> int:
        return int(self._rp2040.clock.nanos)

    def _sent(self, byte: int) -> None:
        self._put(byte, False, 0)

    def _put(self, byte: int, answer: bool, delay_bits: int) -> None:
        bit_ns = 1_000_000_000 // self._uart.baud_rate
        self._free_ns = max(self._free_ns, self._now_ns()) + (delay_bits + _BITS) * bit_ns
        self._wire.append((self._free_ns, byte, answer))
        if len(self._wire) == 1:
            self._arrival.schedule(self._free_ns - self._now_ns())

    def _arrived(self) -> None:
        _, byte, answer = self._wire.pop(0)
        self._uart.feed_byte(byte)
        if not answer:
            delay_bits = _DELAY_BITS
            for reply in self.driver.receive(byte):
                self._put(reply, True, delay_bits)
                delay_bits = 0
        if not any(not late for _, _, late in self._wire):
            self._uart._interrupt_status |= _TRANSMIT
            self._check_interrupts()
        if self._wire:
            self._arrival.schedule(max(self._wire[0][0] - self._now_ns(), 0))
