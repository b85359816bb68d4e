"""The base of every rig, whatever runs its firmware: plant, link, switches, faults and trace."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from flushpump.access import catalog

from flushsim.faults.routing import has_begun
from flushsim.faults.spec import Fault
from flushsim.plant.plant import Plant, PlantPath
from flushsim.rig.pipes import Pipe
from flushsim.rig.trace import Trace, TraceRow

TICK_US = 5_000
HOST_BUFFER = 4_096
"""Bytes that the link stores for a host that does not read; then the device cannot send."""
POWER_CUT_US = 1_000_000

STOP_BUTTON = 1
SYRINGE_PRESENT = 2
HOME_SWITCH = 4
END_SWITCH = 8
CLUTCH_CLOSED = 16
SERVICE_STRAP = 32
AT_REST = SYRINGE_PRESENT | CLUTCH_CLOSED


def path_of(line: str, needle: str, syringe: str, extension: str) -> PlantPath:
    """The path of these elements of the catalog. Raises UnknownNameError."""
    known = catalog.load()
    return PlantPath.from_catalog(
        known.line(line), known.needle(needle), known.syringe(syringe), known.extension(extension)
    )


class PumpRig(ABC):
    """A pump with its line. `now_us` counts from power-on; `boots`, `light`, `sound` and `moving` are the state now.

    `reading` is the last one of the sensor in raw counts.
    """

    def __init__(
        self,
        plant: Plant,
        link_faults: Sequence[Fault],
        rig_faults: Sequence[Fault],
        seed: int,
        trace: list[TraceRow] | str | Path | None,
    ) -> None:
        self.plant = plant
        self.now_us = 0
        self.boots = 0
        self.light = 0
        self.sound = 0
        self.moving = False
        self.reading = -1
        self.trace = None if trace is None else Trace(trace)
        self._to_device = Pipe(link_faults, f"{seed} to device")
        self._to_host = Pipe(link_faults, f"{seed} to host")
        self._rig_faults = list(rig_faults)
        self._release_at_us: int | None = None
        self._inputs = AT_REST

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    @abstractmethod
    def up(self) -> bool:
        """Whether the firmware's loop runs, as observed from outside."""

    @abstractmethod
    def step(self) -> None:
        """Advances the simulation by one tick of 5 ms. Raises FirmwareError when the firmware fails."""

    def run_until(self, now_us: int) -> None:
        """Steps until the clock has reached `now_us`."""
        while self.now_us < now_us:
            self.step()

    @abstractmethod
    def reset(self) -> None:
        """Presses the board's reset button: motion ends at once, the flash keeps its content."""

    @abstractmethod
    def power_cut(self, off_us: int = POWER_CUT_US) -> None:
        """Switches the power off for `off_us`."""

    @abstractmethod
    def kill_loop(self, duration_us: int | None = None) -> None:
        """The firmware's loop hangs, for ever or for `duration_us`; after 1 s the watchdog resets the board."""

    def close(self) -> None:
        """Ends the firmware; the plant can still be read."""
        if self.trace is not None:
            self.trace.close()
            self.trace = None

    # -- link ---------------------------------------------------------------------------------------------------------

    def to_device(self, data: bytes) -> None:
        """Bytes from the host; they arrive 1 ms later, and are lost while no firmware runs."""
        if self._can_receive():
            self._to_device.send(data, self.now_us, self.plant.motion_started_us)

    def from_device(self, most: int = HOST_BUFFER) -> bytes:
        """Bytes that have arrived from the device and were not yet read, at most `most`."""
        self._to_host.arrived(self.now_us)
        return self._to_host.take_bytes(most)

    def waiting(self) -> int:
        """Bytes that `from_device` would return."""
        return len(self._to_host.arrived(self.now_us))

    @abstractmethod
    def _can_receive(self) -> bool:
        """Whether a firmware runs that receives bytes."""

    def _sent(self, data: bytes) -> None:
        """Bytes that the device sends now."""
        self._to_host.send(data, self.now_us, self.plant.motion_started_us)
        if self.trace is not None:
            self.trace.sent(data)

    def _trace_tick(self) -> None:
        if self.trace is not None:
            self.trace.add_row(self.plant, self.now_us, self.reading, self.moving, self.light, self.sound)

    # -- operator -----------------------------------------------------------------------------------------------------

    def press_stop(self, pressed: bool = True) -> None:
        """Presses or releases the stop button."""
        self.set_input(STOP_BUTTON, pressed)

    def set_input(self, bits: int, on: bool) -> None:
        """Closes or opens switches: some of the bits STOP_BUTTON to SERVICE_STRAP."""
        self._inputs = self._inputs | bits if on else self._inputs & ~bits

    # -- faults -------------------------------------------------------------------------------------------------------

    def _has_pending_faults(self) -> bool:
        return bool(self._rig_faults) or self._release_at_us is not None

    def _start_due_faults(self) -> None:
        now_us = self.now_us
        if self._release_at_us is not None and now_us >= self._release_at_us:
            self._release_at_us = None
            self.press_stop(False)
        for fault in list(self._rig_faults):
            if has_begun(fault, now_us, self.plant.motion_started_us):
                self._rig_faults.remove(fault)
                self._start_fault(fault)

    def _start_fault(self, fault: Fault) -> None:
        if fault.name == "stop-button":
            self.press_stop()
            self._release_at_us = None if fault.duration_us is None else self.now_us + fault.duration_us
        elif fault.name == "loop-stall":
            self.kill_loop(fault.duration_us)
        elif fault.name == "power-cut":
            self.power_cut(POWER_CUT_US if fault.duration_us is None else fault.duration_us)
