"""The emulated board with plant, switches and a host: a rig like flushsim.rig.Rig, but the firmware runs on its chip.

The chip's clock owns time: it goes ahead by at most a millisecond, then the plant follows, up to the steps made. The
pressure is what the plant has at the end of each conversion of its sensor.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from flushpump import catalogue

from flushsim import boot
from flushsim.boot import FirmwareError
from flushsim.emulator import files, image
from flushsim.emulator.chip import Chip
from flushsim.emulator.pins import Abp2, PinStepper
from flushsim.faults import Fault
from flushsim.pipes import Pipe
from flushsim.plant import Plant, PlantPath
from flushsim.rig import (
    CLUTCH_CLOSED,
    END_SWITCH,
    HOME_SWITCH,
    HOST_BUFFER,
    SERVICE_STRAP,
    STOP_BUTTON,
    SYRINGE_PRESENT,
    TURN_US,
)
from flushsim.rig_faults import begun, split
from flushsim.trace import Trace, TraceRow

SLICE_US = 1_000
# Importing the firmware and computing its fingerprint take seconds of the chip's time.
_START_US = 60_000_000
_SWITCHES = {
    "stop_button": STOP_BUTTON,
    "syringe_switch": SYRINGE_PRESENT,
    "home_switch": HOME_SWITCH,
    "end_switch": END_SWITCH,
    "clutch_switch": CLUTCH_CLOSED,
    "service_strap": SERVICE_STRAP,
}


def cache_folder() -> Path:
    """Where prepared boards are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "flushpump" / "emulator"


class EmulatorRig:
    """A pump on an emulated Pico, started, from its loop's first turn on.

    Arguments as of flushsim.rig.Rig. `image_file` is MicroPython's image (by default image.find()), `firmware_root`
    another firmware, `flash` the flash file of a prepared board. Raises NoImageError, ValueError, FirmwareError.
    """

    def __init__(
        self,
        board: str = "rpi_pico",
        line: str = "smartport-ct-8f",
        needle: str = "huber-20g",
        syringe: str = "bd-10",
        extension: str = "extension-20cm",
        faults: Sequence[str | Fault] = (),
        seed: int = 1,
        trace: list[TraceRow] | str | Path | None = None,
        firmware_root: Path | None = None,
        path: PlantPath | None = None,
        image_file: Path | None = None,
        flash: Path | None = None,
    ) -> None:
        plant_faults, link_faults, self._rig_faults = split(faults)
        data = boot.load_board(board)
        if path is None:
            known = catalogue.load()
            path = PlantPath.from_catalogue(
                known.line(line), known.needle(needle), known.syringe(syringe), known.extension(extension)
            )
        uf2 = image.find() if image_file is None else image_file
        self.chip = Chip(uf2, flash or files.prepared(uf2, board, cache_folder(), firmware_root))
        # The sensor is asked when a conversion ends, whenever that is.
        self.plant = Plant(path, data | {"sensor": data["sensor"] | {"rate_hz": 1_000_000}}, plant_faults, seed)
        self.plant.stepper = PinStepper(self.chip, data)
        self.reading = -1
        self._pins: dict[str, int] = data["pins"]
        self._active_low = data["indicators"]["active_low"]
        self._ticks_per_us = int(data["clock"]["ticks_per_us"])
        self._to_device = Pipe(link_faults, f"{seed} to device")
        self._to_host = Pipe(link_faults, f"{seed} to host")
        self._inputs = 0
        self._release_at_us: int | None = None
        self.set_input(SYRINGE_PRESENT | CLUTCH_CLOSED, True)
        self.sensor = self._wire_sensor(data)
        self.trace = None if trace is None else Trace(trace)
        self.chip.on_reset = self._chip_resets
        self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # -- time -----------------------------------------------------------------------------------------------------

    @property
    def now_us(self) -> int:
        """The chip's time since power-on."""
        return self.chip.now_us

    def step(self) -> None:
        """5 ms. Raises FirmwareError when the firmware has ended."""
        until_us = self.now_us + TURN_US
        while self.now_us < until_us:
            self._slice(min(until_us, self.now_us + SLICE_US))
        if self.trace is not None:
            self.trace.add(self)  # type: ignore[arg-type]

    def run_until(self, now_us: int) -> None:
        """Steps until the clock has reached `now_us`."""
        while self.now_us < now_us:
            self.step()

    def _slice(self, until_us: int) -> None:
        now_us = self.now_us
        if self._rig_faults or self._release_at_us is not None:
            self._begin_faults(now_us)
        arrived = self._to_device.arrived(now_us)
        if arrived:
            self.chip.write(self._to_device.take(len(arrived)))
        self.chip.run_until(until_us)
        self._follow()
        said = self.chip.read()
        if said:
            self._to_host.send(said, self.now_us, self.plant.motion_started_us)
            if self.trace is not None:
                self.trace.sent(said)

    def _follow(self) -> None:
        """The plant goes on to where the chip is."""
        if self.now_us > self.plant.now_us:
            self.plant.advance(self.now_us)

    def _start(self) -> None:
        """Runs until the loop has begun, which is when the watchdog is on."""
        until_us = self.now_us + _START_US
        while not self.chip.watched:
            if self.now_us >= until_us:
                raise FirmwareError(f"the board's loop has not begun; its console said {self.chip.read()!r}")
            self.chip.run(SLICE_US)
            self._follow()
            if self.chip.read_ends(b">>> "):
                raise FirmwareError(f"the board is at its prompt: {self.chip.read().decode(errors='replace')}")
        self.chip.read()

    # -- link -----------------------------------------------------------------------------------------------------

    def to_device(self, data: bytes) -> None:
        """Bytes from the host; they arrive 1 ms later."""
        self._to_device.send(data, self.now_us, self.plant.motion_started_us)

    def from_device(self, most: int = HOST_BUFFER) -> bytes:
        """Bytes that have arrived from the device and were not yet taken, `most` at the most."""
        self._to_host.arrived(self.now_us)
        return self._to_host.take(most)

    def waiting(self) -> int:
        """Bytes that `from_device` would return."""
        return len(self._to_host.arrived(self.now_us))

    # -- hands ----------------------------------------------------------------------------------------------------

    def press_stop(self, pressed: bool = True) -> None:
        """Presses or releases the stop button."""
        self.set_input(STOP_BUTTON, pressed)

    def set_input(self, bits: int, on: bool) -> None:
        """Turns switches on or off: STOP_BUTTON to SERVICE_STRAP."""
        self._inputs = self._inputs | bits if on else self._inputs & ~bits
        for name, bit in _SWITCHES.items():
            pin = self._pins.get(name)
            if pin is not None:
                closed = bool(self._inputs & bit) == (name in self._active_low)
                self.chip.drive(pin, False if closed else None)

    def reset(self) -> None:
        """Presses the board's RUN button."""
        self.chip.reset()

    def power_cut(self, off_us: int = 1_000_000) -> None:
        """Takes the power away for `off_us`."""
        self.chip.power_cut(off_us)
        self._follow()

    def kill_loop(self, duration_us: int | None = None) -> None:
        """The firmware hangs for ever, interrupts off; the watchdog resets the board."""
        if duration_us is not None:
            raise ValueError("the firmware on a chip can only be made to hang for ever, not for a time")
        self.chip.hang()

    def close(self) -> None:
        """The chip is looked at no more."""
        if self.trace is not None:
            self.trace.close()
            self.trace = None

    # -- truth ----------------------------------------------------------------------------------------------------

    @property
    def boots(self) -> int:
        return 1 + self.chip.resets

    @property
    def moving(self) -> bool:
        """Whether steps have come lately."""
        return bool(self.plant.stepper.slots_used)

    @property
    def light(self) -> int:
        """What the LED shows now: 0 off, 1 red, 2 yellow, 3 cyan, 4 green; a flashing one is off in between."""
        red, green, blue = (self.chip.level(self._pins[name]) is True for name in ("led_red", "led_green", "led_blue"))
        return _LIGHTS.get((red, green, blue), 0)

    @property
    def sound(self) -> int:
        """1 while the buzzer sounds, whatever its burst."""
        return 0

    def _chip_resets(self) -> None:
        self._to_device.clear()

    def _wire_sensor(self, data: dict[str, Any]) -> Abp2 | None:
        sensor = data["sensor"]
        if sensor["kind"] != "abp2":
            raise ValueError(f"the emulator has no sensor of the kind '{sensor['kind']}'; it has abp2")
        return Abp2(self.chip, int(self._pins["i2c_sda"]) >> 1 & 1, int(sensor["i2c_address"]), self._convert)

    def _convert(self) -> int:
        self._follow()
        self.reading = self.plant.read_sensor()
        return self.reading

    def _begin_faults(self, now_us: int) -> None:
        if self._release_at_us is not None and now_us >= self._release_at_us:
            self._release_at_us = None
            self.press_stop(False)
        for fault in list(self._rig_faults):
            if begun(fault, now_us, self.plant.motion_started_us):
                self._rig_faults.remove(fault)
                if fault.name == "stop-button":
                    self.press_stop()
                    self._release_at_us = None if fault.duration_us is None else now_us + fault.duration_us
                elif fault.name == "loop-stall":
                    self.kill_loop(fault.duration_us)
                elif fault.name == "power-cut":
                    self.power_cut(1_000_000 if fault.duration_us is None else fault.duration_us)


_LIGHTS = {(True, False, False): 1, (True, True, False): 2, (False, True, True): 3, (False, True, False): 4}
