"""The pressure sensor: from the pressure at its port to the raw counts that the firmware reads.

The line's solver applies the sensor's lag (`LAG_S`). This module adds noise, zero and gain of the board data, rounding
to counts, the conversion rate, and the sensor's own faults.
"""

import random
from collections import deque
from typing import Any

from flushsim.faults.schedule import FaultSchedule

# Time constant of the sensor with the liquid in its port; no datasheet states it, a few hundred Hz are usual.
LAG_S = 0.001
NOISE_KPA = 0.1

SILENT = -1
FAULTY = -2


class PressureSensor:
    """A sensor as the board's `[sensor]` table describes it. The same seed gives the same noise."""

    def __init__(self, data: dict[str, Any], seed: int, noise_kpa: float = NOISE_KPA) -> None:
        self.noise_kpa = self._usual_noise_kpa = noise_kpa
        self.stuck = False
        self.silent = False
        self.faulty = False
        self.dropout = 0.0
        self.coarse_kpa = 0.0
        self.late_us = 0.0
        self._drift_kpa_per_s = 0.0
        self._drifts_from_us = 0.0
        self.offset_kpa = 0.0
        self.gain = 1.0
        self._random = random.Random(f"pressure sensor {seed}")
        self._least_kpa = float(data["range_min_pa"]) / 1000
        self._zero = int(data["raw_min"])
        span_kpa = float(data["range_max_pa"] - data["range_min_pa"]) / 1000
        self._counts_per_kpa = float(data["raw_max"] - data["raw_min"]) / span_kpa
        # The converter's end: the whole number of bits that holds raw_max.
        self._most = (1 << int(data["raw_max"]).bit_length()) - 1
        self._period_us = 1_000_000 // int(data["rate_hz"])
        self._conversion = -1
        self._last: int | None = None
        # Time and pressure of the conversions that a late sensor has not output yet.
        self._delayed: deque[tuple[int, float]] = deque()

    def apply_faults(self, faults: FaultSchedule, now_us: int) -> None:
        """Applies the active faults of the sensor, and ends the others."""
        self.stuck = faults.has("sensor-stuck")
        self.silent = faults.has("sensor-silent")
        self.faulty = faults.has("sensor-fault")
        self.dropout = faults.severity("sensor-dropout")
        self.noise_kpa = faults.severity("sensor-noise", self._usual_noise_kpa)
        self.coarse_kpa = faults.severity("sensor-coarse")
        self.late_us = faults.severity("sensor-late") * 1000
        self._drift_kpa_per_s = faults.severity("sensor-drift")
        self._drifts_from_us = now_us - faults.on_for_s("sensor-drift", now_us * faults.ticks_per_us) * 1e6

    def counts(self, pressure_kpa: float) -> int:
        """Raw counts of a pressure without noise, kept within the converter's range."""
        counts = round(self._zero + (pressure_kpa - self._least_kpa) * self._counts_per_kpa)
        if counts < 0:
            return 0
        return counts if counts < self._most else self._most

    def read(self, port_kpa: float, now_us: int) -> int:
        """The newest conversion in raw counts; -1: none since the last read; -2: the sensor reports a fault."""
        if self.faulty:
            return FAULTY
        conversion = now_us // self._period_us
        if self.silent or conversion == self._conversion:
            return SILENT
        self._conversion = conversion
        if self.late_us:
            port_kpa = self._late(port_kpa, now_us)
        if self.dropout and self._random.random() < self.dropout:
            return SILENT
        if not self.stuck or self._last is None:
            noise_kpa = self._random.gauss(0.0, self.noise_kpa)
            read_kpa = port_kpa * self.gain + self.offset_kpa + noise_kpa
            if self._drift_kpa_per_s:
                read_kpa += self._drift_kpa_per_s * (now_us - self._drifts_from_us) / 1e6
            if self.coarse_kpa:
                read_kpa = round(read_kpa / self.coarse_kpa) * self.coarse_kpa
            self._last = self.counts(read_kpa)
        return self._last

    def _late(self, port_kpa: float, now_us: int) -> float:
        """The newest pressure that is old enough, interpolated between conversions; the oldest until then."""
        delayed = self._delayed
        delayed.append((now_us, port_kpa))
        due_us = now_us - self.late_us
        while len(delayed) > 1 and delayed[1][0] <= due_us:
            delayed.popleft()
        (before_us, before_kpa) = delayed[0]
        if len(delayed) == 1 or due_us <= before_us:
            return before_kpa
        (after_us, after_kpa) = delayed[1]
        return before_kpa + (after_kpa - before_kpa) * (due_us - before_us) / (after_us - before_us)
