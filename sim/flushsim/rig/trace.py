"""The trace of a run: one row a tick, as tuples in a list or as text in a file that can be compared byte for byte."""

import zlib
from pathlib import Path
from typing import NamedTuple, TextIO

from flushpump.errors import FileProblem, UsageError

from flushsim.plant.plant import Plant


class TraceRow(NamedTuple):
    """The state at the end of one tick. The reading is the next tick's input, -1 or -2 if there is none."""

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
        self._problem: OSError | None = None
        if not isinstance(target, list):
            self._file = _opened(Path(target))
            self._write(HEADER)
        self._tx_count = 0
        self._tx_crc = 0

    def sent(self, data: bytes) -> None:
        """Bytes that the device sent in this tick."""
        self._tx_count += len(data)
        self._tx_crc = zlib.crc32(data, self._tx_crc)

    def add_row(self, plant: Plant, now_us: int, reading: int, moving: bool, light: int, sound: int) -> None:
        """Adds the row of the tick that has just ended."""
        row = TraceRow(
            now_us, plant.pressure_pa, reading, plant.stepper.position, plant.stepper.queued_us(),
            plant.flow_tip_ul_per_s, plant.delivered_ul, moving, light, sound, self._tx_count, self._tx_crc,
        )  # fmt: skip
        if self.rows is not None:
            self.rows.append(row)
        self._write(row.text())

    def close(self) -> None:
        """Closes the file. FileProblem when not all could be written: the run itself was not disturbed by that."""
        if self._file is None:
            return
        try:
            self._file.close()
        except OSError as problem:
            self._problem = self._problem or problem
        if self._problem is not None:
            reason = self._problem.strerror or self._problem
            raise FileProblem(f"the trace {self._file.name} cannot be written: {reason}", "name a file elsewhere")

    def _write(self, text: str) -> None:
        if self._file is None or self._problem is not None:
            return
        try:
            self._file.write(text)
        except OSError as problem:
            self._problem = problem


def _opened(file: Path) -> TextIO:
    """The file to write. UsageError for a fifo, which has no end, and where no file can be."""
    if file.exists() and not file.is_file():
        raise UsageError(f"the trace {file} would replace what is no file", "name another")
    try:
        return file.open("w", encoding="ascii")
    except OSError as problem:
        raise UsageError(
            f"the trace {file} cannot be written: {problem.strerror or problem}", "name another"
        ) from problem
