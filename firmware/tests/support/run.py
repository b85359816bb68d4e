"""Whole programs on a rig, with the real client over a port that is the rig itself."""

from collections.abc import Sequence
from dataclasses import replace

from flushpump.access.access_path import AccessPath
from flushpump.device.drive import ProgramEvents, drive
from flushpump.device.pump import Pump
from flushpump.errors import RefusedError
from flushpump.planning.plan import path_settings
from flushpump.wire.messages import (
    Fluid,
    LineFlag,
    PathSettings,
    Phase,
    PhaseKind,
    Program,
    Question,
)
from flushsim.rig.lockstep import Rig

# Slow enough for a 3F PICC: 27 kPa of suction.
ASPIRATE = Phase(PhaseKind.ASPIRATE, 500_000, 150_000, question=Question.BLOOD_RETURN)
LOCK = Phase(PhaseKind.LOCK, 500_000, 500_000)
PULSES = Phase(PhaseKind.PULSES, 900_000, 2_000_000, count=10, pause_ms=400)
MAINTENANCE = (ASPIRATE, PULSES, LOCK)


class RigPort:
    """A rig as the client's port; waiting is turning."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig

    def monotonic(self) -> float:
        return self.rig.now_us / 1e6

    @property
    def in_waiting(self) -> int:
        return self.rig.waiting()

    def read(self, size: int = 1) -> bytes:
        for _ in range(2):
            if self.rig.waiting() >= size:
                break
            self.rig.step()
        return self.rig.from_device(size)

    def write(self, data: bytes) -> int:
        self.rig.to_device(data)
        return len(data)

    def close(self) -> None:
        self.rig.close()


def wire_path(path: AccessPath, loaded_ml: float = 10.0) -> PathSettings:
    """PATH_SET as the command line sends it, of a line that need not be asked for blood return."""
    return replace(path_settings(path, Fluid.SALINE, loaded_ml), line_flags=LineFlag.NONE)


def perform(
    rig: Rig, path: PathSettings, phases: Sequence[Phase] = MAINTENANCE, max_time_ms: int = 100_000
) -> ProgramEvents:
    """A whole program with the real client; the questions are answered with yes. RefusedError when the pump refuses."""
    return drive(Pump.over(RigPort(rig), "the rig", nonce=bytes), Program(tuple(phases), max_time_ms), path)


__all__ = [
    "ASPIRATE",
    "LOCK",
    "MAINTENANCE",
    "PULSES",
    "ProgramEvents",
    "RefusedError",
    "RigPort",
    "perform",
    "wire_path",
]
