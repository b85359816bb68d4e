"""The emulated board with its wiring: the chip with motor driver, pressure sensor, switches, LED and buzzer."""

import os
from pathlib import Path

from flushpump.flash.image import load_board

from flushsim.emulator import files, image
from flushsim.emulator.chip import Chip
from flushsim.emulator.driver_uart import DriverUart
from flushsim.emulator.pins import PinStepper
from flushsim.emulator.sensors import Abp2, AdcTransducer
from flushsim.emulator.tmc2209 import ADDRESSES
from flushsim.firmware.image import FirmwareError
from flushsim.rig.base import (
    AT_REST,
    CLUTCH_CLOSED,
    END_SWITCH,
    HOME_SWITCH,
    SERVICE_STRAP,
    STOP_BUTTON,
    SYRINGE_PRESENT,
)

# Importing the firmware and computing its fingerprint take seconds of the chip's time.
_START_US = 60_000_000
_SLICE_US = 1_000
_SWITCHES = {
    "stop_button": STOP_BUTTON,
    "syringe_switch": SYRINGE_PRESENT,
    "home_switch": HOME_SWITCH,
    "end_switch": END_SWITCH,
    "clutch_switch": CLUTCH_CLOSED,
    "service_strap": SERVICE_STRAP,
}
# By red, green and blue.
_LIGHTS = {(True, False, False): 1, (True, True, False): 2, (False, True, True): 3, (False, True, False): 4}
_PWM_ENABLED = 1


def cache_folder() -> Path:
    """Where prepared boards are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "flushpump" / "emulator"


class EmulatedBoard:
    """A board called `board` with the firmware on it and all switches at rest; `start` lets its loop begin.

    `image_file` is MicroPython's image (by default image.find()), `firmware_root` another firmware, `flash` the flash
    file of a prepared board. Raises NoImageError, ValueError.
    """

    def __init__(
        self,
        board: str = "rpi_pico",
        image_file: Path | None = None,
        firmware_root: Path | None = None,
        flash: Path | None = None,
    ) -> None:
        self.data = load_board(board)
        self.image_file = image.find() if image_file is None else image_file
        if flash is None:
            flash = files.prepared(self.image_file, board, cache_folder(), firmware_root)
        elif not flash.is_file():
            raise ValueError(f"there is no flash file {flash}")
        self.chip = Chip(self.image_file, flash)
        self.stepper = PinStepper(self.chip, self.data)
        self._pins: dict[str, int] = self.data["pins"]
        self._active_low = self.data["indicators"]["active_low"]
        uart = self.data["driver"].get("uart")
        if uart is not None:
            self.driver_uart = DriverUart(self.chip, self._pins["uart_tx"], ADDRESSES[uart["microsteps"]])
        sensor = self.data["sensor"]
        self.sensor: Abp2 | AdcTransducer
        if sensor["kind"] == "abp2":
            self.sensor = Abp2(self.chip, self._pins["i2c_sda"], int(sensor["i2c_address"]))
        else:
            self.sensor = AdcTransducer(self.chip, self._pins["adc"])
        self.set_switches(AT_REST)

    def start(self) -> None:
        """Runs until the loop has begun, which is when the watchdog is on. Raises FirmwareError."""
        chip = self.chip
        until_us = chip.now_us + _START_US
        while not chip.watched:
            if chip.now_us >= until_us:
                raise FirmwareError(f"the board's loop has not begun; its console printed {chip.read()!r}")
            chip.run(_SLICE_US)
            if chip.read_ends(b">>> "):
                raise FirmwareError(f"the board is at its prompt: {chip.read().decode(errors='replace')}")
        chip.read()

    def set_switches(self, inputs: int) -> None:
        """Opens and closes the contacts for the bits STOP_BUTTON to SERVICE_STRAP."""
        for name, bit in _SWITCHES.items():
            pin = self._pins.get(name)
            if pin is not None:
                closed = bool(inputs & bit) == (name in self._active_low)
                self.chip.drive(pin, False if closed else None)

    @property
    def light(self) -> int:
        """What the LED shows now: 0 off, 1 red, 2 yellow, 3 cyan, 4 green; a flashing one is off in between."""
        red, green, blue = (self.chip.level(self._pins[name]) is True for name in ("led_red", "led_green", "led_blue"))
        return _LIGHTS.get((red, green, blue), 0)

    @property
    def sounding(self) -> bool:
        """Whether the buzzer's pin gets pulses now."""
        pin = self._pins["buzzer"]
        channel = self.chip.rp2040.pwm.channels[pin >> 1 & 7]
        return bool(channel.csr & _PWM_ENABLED and channel.cc >> 16 * (pin & 1) & 0xFFFF)
