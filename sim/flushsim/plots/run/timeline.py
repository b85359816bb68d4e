"""The data of a run's plot: curves, spans and marks on one time axis.

Times are seconds since the pump's first step, from which faults and the pump's own results count. Pressures are gauge
pressures at the syringe's outlet in kPa, flows in mL/s, volumes in mL. The plot needs nothing else,
in particular no plant.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from flushpump.wire.messages import PulseResult
from numpy.typing import NDArray

Curve = NDArray[np.float64]
SHOWN_LEAST_ML = 0.005
"""A smaller volume is not shown."""


@dataclass(frozen=True)
class Span:
    """An event from `start_s` to `end_s`: a phase, a fault."""

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True)
class Mark:
    """An event at `time_s`: an alarm."""

    time_s: float
    text: str


@dataclass(frozen=True)
class PulseShown:
    """A pulse: when it was driven, the end of its evaluation, and the result that the pump reported."""

    start_s: float
    driven_s: float
    end_s: float
    result: PulseResult


@dataclass(frozen=True)
class SegmentContent:
    """The content of one segment of the line over time: per fluid a curve of shares from 0 to 1, which sum to 1.

    `volume_ml` is None for a place.
    """

    segment: str
    volume_ml: float | None
    times_s: Curve
    shares: dict[str, Curve]


@dataclass(frozen=True)
class RunTimeline:
    """A run. All curves have the length of `times_s`; a missing reading is NaN.

    `zero_text` is what happened at 0 s, in words; `fluid_texts` the summary of the fluids.
    """

    title: str
    path_text: str
    zero_text: str
    reported_text: str
    ground_truth_text: str
    fluid_texts: tuple[str, ...]
    times_s: Curve
    pressure_kpa: Curve
    reading_kpa: Curve
    sensor_faulty: bool
    flow_in_ml_per_s: Curve
    flow_out_ml_per_s: Curve
    driven_ml: Curve
    out_ml: Curve
    leaked_ml: Curve
    ml_per_step: float
    working_kpa: float
    hard_kpa: float
    phases: tuple[Span, ...] = ()
    pulses: tuple[PulseShown, ...] = ()
    faults: tuple[Span, ...] = ()
    alarms: tuple[Mark, ...] = ()
    segments: tuple[SegmentContent, ...] = ()

    @property
    def start_s(self) -> float:
        """Where the picture begins."""
        return float(self.times_s[0])

    @property
    def end_s(self) -> float:
        """Where it ends: with the run, or where the text of its last pulse ends."""
        starts = [pulse.start_s for pulse in self.pulses]
        apart_s = min((after - before for before, after in pairwise(starts)), default=0.0)
        return max([float(self.times_s[-1]), *(start_s + apart_s for start_s in starts[-1:])])
