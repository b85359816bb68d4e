"""Pressure sensors of the emulated board: a Honeywell ABP2 on I2C, or a transducer at the chip's own converter."""

import random
from collections.abc import Callable

from rp2040py.peripherals.i2c import I2CMode

from flushsim.emulator.chip import Chip
from flushsim.plant.sensor import SILENT


class Abp2:
    """A Honeywell ABP2 on the emulated I2C: starts a conversion on AA 00 00, is busy meanwhile, then sends counts.

    `convert` gives raw counts, -1 for a conversion that does not end, -2 for one with an error. The bus takes the time
    of its bits. `present` False: nothing answers. `holds_bus`: SDA stays low, so no transfer comes to its end.
    """

    # Just under 5 ms (datasheet).
    CONVERSION_US = 4_800
    _BIT_NS = 2_500
    _POWERED, _BUSY, _MEMORY_ERROR = 0x40, 0x20, 0x04

    def __init__(self, chip: Chip, sda_pin: int, address: int, convert: Callable[[], int] = lambda: SILENT) -> None:
        self.convert = convert
        self.present = True
        self._holds_bus = False
        self._chip = chip
        self._sda_pin = sda_pin
        self._bus = chip.rp2040.i2c[sda_pin >> 1 & 1]
        self._address = address
        self._status = self._POWERED
        self._counts = 0
        self._written = bytearray()
        self._reply = b""
        self._next: Callable[[], None] = self._nothing
        clock = chip.rp2040.clock
        self._byte_over = clock.create_alarm(lambda: self._next())
        self._conversion_over = clock.create_alarm(self._converted)
        self._bus.on_connect = self._addressed
        self._bus.on_write_byte = self._write
        self._bus.on_read_byte = self._read
        self._bus.on_stop = self._stop

    @property
    def holds_bus(self) -> bool:
        """Whether the sensor pulls SDA down for good, as one does whose transfer was cut off by a reset."""
        return self._holds_bus

    @holds_bus.setter
    def holds_bus(self, on: bool) -> None:
        self._holds_bus = on
        self._chip.drive(self._sda_pin, False if on else None)

    def _nothing(self) -> None:
        pass

    def _after_a_byte(self, then: Callable[[], None]) -> None:
        if self._holds_bus:
            return
        self._next = then
        self._byte_over.schedule(9 * self._BIT_NS)

    def _addressed(self, address: int, mode: I2CMode) -> None:
        here = self.present and address == self._address
        if here and mode == I2CMode.READ:
            self._reply = bytes((self._status,)) + self._counts.to_bytes(3, "big")
        self._written.clear()
        self._after_a_byte(lambda: self._bus.complete_connect(here))

    def _write(self, value: int) -> None:
        self._written.append(value)
        self._after_a_byte(lambda: self._bus.complete_write(True))

    def _read(self, ack: bool) -> None:
        value = self._reply[0] if self._reply else 0xFF
        self._reply = self._reply[1:]
        self._after_a_byte(lambda: self._bus.complete_read(value))

    def _stop(self) -> None:
        if self._written == b"\xaa\x00\x00" and not self._status & self._BUSY:
            self._status = self._POWERED | self._BUSY
            self._conversion_over.schedule(self.CONVERSION_US * 1000)
        self._written.clear()
        self._bus.complete_stop()

    def _converted(self) -> None:
        counts = self.convert()
        if counts == -1:
            self._conversion_over.schedule(self.CONVERSION_US * 1000)
        elif counts < 0:
            self._status = self._POWERED | self._MEMORY_ERROR
        else:
            self._counts = counts
            self._status = self._POWERED


class AdcTransducer:
    """A transducer at GPIO 26 and on: `counts`, of 16 bits, are its voltage in 65536ths of the converter's reference.

    Each sample of 12 bits has the converter's own noise, 8.7 effective bits (RP2040 datasheet 4.9.3); its wider codes
    are not simulated. A transducer cannot stop: without new counts the voltage stays.
    """

    _NOISE_COUNTS = 16 * 2 ** (12 - 8.7) / 12**0.5

    def __init__(self, chip: Chip, pin: int, seed: int = 1) -> None:
        self.counts = 0
        self._chip = chip
        self._channel = pin - 26
        self._random = random.Random(f"converter {seed}")
        adc = chip.rp2040.adc
        self._read: Callable[[int], None] = adc.on_adc_read
        adc.on_adc_read = self._sample

    def _sample(self, channel: int) -> None:
        if channel == self._channel:
            noisy = round(self.counts + self._random.gauss(0.0, self._NOISE_COUNTS)) >> 4
            self._chip.set_adc(channel, min(max(noisy, 0), 4095))
        self._read(channel)
