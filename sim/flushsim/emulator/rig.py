"""A rig whose firmware runs on an emulated board.

The chip's clock owns time: it goes ahead by at most a millisecond, then the plant follows, up to the steps made. The
pressure is what the plant has at the end of each conversion of its sensor.
"""

from collections.abc import Sequence
from pathlib import Path

from flushsim.emulator.board import EmulatedBoard
from flushsim.emulator.sensors import Abp2, AdcTransducer
from flushsim.faults.routing import split
from flushsim.faults.spec import DRIVE, Fault
from flushsim.plant.plant import Plant, PlantPath
from flushsim.rig.base import POWER_CUT_US, TICK_US, PumpRig, path_of
from flushsim.rig.trace import TraceRow

SLICE_US = 1_000


class EmulatorRig(PumpRig):
    """A pump on an emulated Pico, started: from the first tick of its loop on.

    Arguments as of flushsim.rig.lockstep.Rig and EmulatedBoard; `on` is a board that has been started already. `sound`
    is 1 while the buzzer sounds, and a flashing light is off in between. Raises NoImageError, ValueError,
    FirmwareError.
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
        on: EmulatedBoard | None = None,
    ) -> None:
        plant_faults, link_faults, rig_faults = split(faults)
        for fault in plant_faults:
            if fault.where == DRIVE:
                raise ValueError(f"the emulator has no fault '{fault.name}': the board counts pulses, and loses none")
        path = path_of(line, needle, syringe, extension) if path is None else path
        if on is None:
            on = EmulatedBoard(board, image_file, firmware_root, flash)
            on.start()
        self.board = on
        self.chip = on.chip
        # The sensor is asked when a conversion ends, whenever that is.
        data = on.data | {"sensor": on.data["sensor"] | {"rate_hz": 1_000_000}}
        super().__init__(Plant(path, data, plant_faults, seed), link_faults, rig_faults, seed, trace)
        self.plant.stepper = on.stepper
        self._resume_at_us: int | None = None
        if isinstance(on.sensor, Abp2):
            on.sensor.convert = self._convert
        self.chip.on_reset = self._to_device.clear
        self._refresh()

    @property
    def up(self) -> bool:
        return self.chip.connected and self.chip.watched

    # -- time -----------------------------------------------------------------------------------------------------

    def step(self) -> None:
        """5 ms."""
        until_us = self.now_us + TICK_US
        while self.now_us < until_us:
            self._slice(min(until_us, self.now_us + SLICE_US))
        self._trace_tick()

    def _slice(self, until_us: int) -> None:
        if self._has_pending_faults():
            self._start_due_faults()
        if self._resume_at_us is not None and self.now_us >= self._resume_at_us:
            self._resume_at_us = None
            self.chip.resume()
        arrived = self._to_device.arrived(self.now_us)
        if arrived:
            self.chip.write(self._to_device.take_bytes(len(arrived)))
        self.chip.run_until(until_us)
        self._refresh()
        sent = self.chip.read()
        if sent:
            self._sent(sent)

    def _refresh(self) -> None:
        """Advances the plant to the chip's time, and reads the board's outputs."""
        self._advance_plant()
        board = self.board
        if isinstance(board.sensor, AdcTransducer):
            self.reading = self.plant.read_sensor()
            # One that reports a fault has a broken wire.
            board.sensor.counts = board.sensor.counts if self.reading == -1 else max(self.reading, 0)
        self.light = board.light
        self.sound = int(board.sounding)
        self.boots = 1 + self.chip.resets
        self.moving = bool(board.stepper.slots_used)

    def _advance_plant(self) -> None:
        self.now_us = self.chip.now_us
        if self.now_us > self.plant.now_us:
            self.plant.advance(self.now_us)

    def _convert(self) -> int:
        self._advance_plant()
        self.reading = self.plant.read_sensor()
        return self.reading

    # -- operator ----------------------------------------------------------------------------------------------------

    def _can_receive(self) -> bool:
        return self.chip.connected

    def set_input(self, bits: int, on: bool) -> None:
        """Turns switches on or off: some of the bits STOP_BUTTON to SERVICE_STRAP."""
        super().set_input(bits, on)
        self.board.set_switches(self._inputs)

    def reset(self) -> None:
        """Presses the board's RUN button."""
        self.chip.reset()
        self._refresh()

    def power_cut(self, off_us: int = POWER_CUT_US) -> None:
        """Takes the power away for `off_us`, which pass."""
        self.chip.power_cut(off_us)
        self._refresh()

    def kill_loop(self, duration_us: int | None = None) -> None:
        """The processor hangs, deaf to interrupts, for ever or for `duration_us`; the watchdog resets the board."""
        self.chip.hang()
        self._resume_at_us = None if duration_us is None else self.now_us + duration_us
