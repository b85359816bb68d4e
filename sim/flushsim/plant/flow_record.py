"""The flows of a run: cumulative volumes over time, which the plant records on request.

Recording costs one append for each piece; only the arrays at the end need numpy.
"""

from array import array
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray


Volumes = tuple[float, float, float, float, float]
"""mL driven, into the extension, past the needle, out of the tip, lost."""
# Two rows closer in time are a jump, not a flow: a line that empties into the room at once.
JUMP_S = 1e-9


@dataclass(frozen=True)
class FlowRecord:
    """Volumes in mL since the start of the record, at `time_us`; arrays of one length, rows in order of time.

    Forwards counts up, backwards down; between two rows flows are even. `driven_ml` is what the plunger displaced,
    `extension_ml` what left the barrel into the extension set, `line_ml` what went into chamber and catheter, `tip_ml`
    what left the tip, `leaked_ml` what was lost: line less tip out of a torn catheter, the rest at the
    connector or through a needle in tissue. Liquid stored by stretch, or in place of compressed air, is driven less
    extension in the barrel, and extension less tip and leaked in the connector.
    """

    time_us: "NDArray[np.float64]"
    driven_ml: "NDArray[np.float64]"
    extension_ml: "NDArray[np.float64]"
    line_ml: "NDArray[np.float64]"
    tip_ml: "NDArray[np.float64]"
    leaked_ml: "NDArray[np.float64]"

    @classmethod
    def of_flows(cls, pieces: "Iterable[tuple[float, float]]") -> "FlowRecord":
        """Pieces of even flow, (mL/s, s), through a line that does not stretch: all of it comes out of the tip."""
        rows = FlowRows()
        time_us = volume_ml = 0.0
        for flow_ml_per_s, time_s in pieces:
            time_us += time_s * 1e6
            volume_ml += flow_ml_per_s * time_s
            rows.add(time_us, volume_ml, volume_ml, volume_ml, volume_ml, 0.0)
        return rows.record()

    @cached_property
    def duration_s(self) -> float:
        """From the first row to the last."""
        return float(self.time_us[-1] - self.time_us[0]) / 1e6


class FlowRows:
    """A growing record; it begins with a row of zeros at `begin_us`."""

    def __init__(self, begin_us: float = 0.0) -> None:
        self._rows = array("d", (begin_us, 0.0, 0.0, 0.0, 0.0, 0.0))

    def add(
        self, time_us: float, driven_ml: float, extension_ml: float, line_ml: float, tip_ml: float, leaked_ml: float
    ) -> None:
        """Adds the volumes up to `time_us`; not before the last row."""
        self._rows.extend((time_us, driven_ml, extension_ml, line_ml, tip_ml, leaked_ml))

    def record(self) -> FlowRecord:
        """Everything recorded so far. ImportError without numpy."""
        import numpy as np

        rows = np.array(self._rows).reshape(-1, 6)
        return FlowRecord(*(np.ascontiguousarray(column) for column in rows.T))


class FlowMeter:
    """Records the plant's volumes from the time it is switched on: counts from `volumes`, which were there then."""

    def __init__(self, time_us: float, volumes: Volumes) -> None:
        self._rows_so_far = FlowRows(time_us)
        self._from = volumes

    def note(self, time_us: float, volumes: Volumes) -> None:
        """Records the volumes up to this time."""
        self._rows_so_far.add(time_us, *(now_ml - then_ml for now_ml, then_ml in zip(volumes, self._from, strict=True)))

    def record(self) -> FlowRecord:
        """Everything recorded so far. ImportError without numpy."""
        return self._rows_so_far.record()
