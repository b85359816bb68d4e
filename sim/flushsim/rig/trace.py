"""The trace of a run: one row a turn, as tuples in a list or as text in a file that can be compared byte for byte."""

import zlib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TextIO

if TYPE_CHECKING:
    from flushsim.rig.base import PumpRig


class TraceRow(NamedTuple):
    """What one turn ended with. The reading is the one that the next turn sees, -1 or -2 if there is none."""

    now_us: int
    pressure_pa: float
    reading: int
    position: int
    queued_us: int
    flow_ul_per_s: float
    delivered_ul: float
    moving: bool
    light: int
    sound: int
    tx_count: int
    tx_crc: int

    def text(self) -> str:
        """The row as one line; floats to a thousandth."""
        return (
            f"{self.now_us} {self.pressure_pa:.3f} {self.reading} {self.position} {self.queued_us} "
            f"{self.flow_ul_per_s:.3f} {self.delivered_ul:.3f} {self.moving:d} {self.light} {self.sound} "
            f"{self.tx_count} {self.tx_crc:08x}\n"
        )


HEADER = "# " + " ".join(TraceRow._fields) + "\n"


class Trace:
    """Collects rows; `tx_count` and `tx_crc` are those of all that the device has sent."""

    def __init__(self, target: list[TraceRow] | str | Path) -> None:
        self.rows = target if isinstance(target, list) else None
        self._file: TextIO | None = None
        if not isinstance(target, list):
            self._file = open(target, "w", encoding="ascii")  # noqa: SIM115 - closed with the rig
            self._file.write(HEADER)
        self._tx_count = 0
        self._tx_crc = 0

    def sent(self, data: bytes) -> None:
        """Bytes that the device sent in this turn."""
        self._tx_count += len(data)
        self._tx_crc = zlib.crc32(data, self._tx_crc)

    def add(self, rig: "PumpRig") -> None:
        """The row of the turn that has just ended."""
        plant = rig.plant
        row = TraceRow(
            rig.now_us, plant.pressure_pa, rig.reading, plant.stepper.position, plant.stepper.queued_us(),
            plant.flow_tip_ul_per_s, plant.delivered_ul, rig.moving, rig.light, rig.sound, self._tx_count, self._tx_crc,
        )  # fmt: skip
        if self.rows is not None:
            self.rows.append(row)
        if self._file is not None:
            self._file.write(row.text())

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()
