"""The options of a `flushsim://` URL: which pump on which line, with which faults, and the speed of its clock."""

from dataclasses import dataclass
from pathlib import Path
from random import Random
from urllib.parse import parse_qsl, urlsplit

from flushpump.errors import not_installed

from flushsim.plant.variation import drawn
from flushsim.rig.base import PumpRig, path_of
from flushsim.rig.lockstep import TARGETS, Rig

SCHEME = "flushsim"
_NAMES = ("target", "board", "line", "needle", "syringe", "extension")
KNOWN = (*_NAMES, "fault", "seed", "speed", "trace", "flash", "drawn")
EMULATOR = "emulator"
ALL_TARGETS = (*TARGETS, EMULATOR)


@dataclass(frozen=True)
class SimulatorUrl:
    """The options of a simulated pump. `speed` 0 is as fast as can be, 1 real time, 2 twice as fast.

    `flash` is the flash file of an emulated board that was flashed before. `drawn` is a number by which the line is
    drawn within its tolerances, with a living vein; None: as in the catalog.
    """

    target: str = "sim"
    board: str = "rpi_pico"
    line: str = "smartport-ct-8f"
    needle: str = "huber-20g"
    syringe: str = "bd-10"
    extension: str = "extension-20cm"
    faults: tuple[str, ...] = ()
    seed: int = 1
    speed: float = 0.0
    trace: str | None = None
    flash: str | None = None
    drawn: int | None = None

    def rig(self) -> PumpRig:
        """The pump, powered on; on the target `emulator` started as well. Raises what Rig and EmulatorRig raise."""
        path = None
        if self.drawn is not None:
            path = drawn(path_of(self.line, self.needle, self.syringe, self.extension), Random(self.drawn))
        if self.target == EMULATOR:
            try:
                from flushsim.emulator.rig import EmulatorRig
            except ModuleNotFoundError as problem:
                raise not_installed("the emulator", str(problem.name).partition(".")[0]) from problem
            return EmulatorRig(
                self.board, self.line, self.needle, self.syringe, self.extension, faults=self.faults, seed=self.seed,
                trace=self.trace, path=path, flash=None if self.flash is None else Path(self.flash),
            )  # fmt: skip
        if self.flash is not None:
            raise ValueError("'flash' in the simulator URL is for target=emulator alone")
        return Rig(
            self.target, self.board, self.line, self.needle, self.syringe, self.extension,
            faults=self.faults, seed=self.seed, trace=self.trace, path=path,
        )  # fmt: skip


def parse(url: str) -> SimulatorUrl:
    """Reads the URL. Raises ValueError with one sentence for an invalid one."""
    parts = urlsplit(url)
    if parts.scheme != SCHEME or parts.netloc or parts.path.strip("/"):
        raise ValueError(
            f"'{url}' is not a simulator URL: write {SCHEME}:// or {SCHEME}://?line=picc-4f&fault=occlusion@3s"
        )
    values: dict[str, str] = {}
    faults: list[str] = []
    for key, value in parse_qsl(parts.query, keep_blank_values=True):
        if key not in KNOWN:
            raise ValueError(f"the simulator URL has no option '{key}'; known are {', '.join(KNOWN)}")
        if key == "fault":
            faults.append(value)
        elif key in values:
            raise ValueError(f"'{key}' is twice in the simulator URL; only 'fault' may")
        else:
            values[key] = value
    seed = _whole("seed", values.pop("seed", "1"))
    drawn_by = _whole("drawn", values.pop("drawn")) if "drawn" in values else None
    speed = _number("speed", values.pop("speed", "0"))
    return SimulatorUrl(**values, faults=tuple(faults), seed=seed, speed=speed, drawn=drawn_by)


def _whole(key: str, value: str) -> int:
    number = _number(key, value)
    if number != int(number):
        raise ValueError(f"'{key}' in the simulator URL must be a whole number")
    return int(number)


def _number(key: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0 <= number < 2**31:
        raise ValueError(f"'{key}' in the simulator URL must be a number from 0 on, not '{value}'")
    return number
