"""Calibration of the pressure sensor: offset and gain from readings at rest at one or two known pressures.

The pump reads `raw * gain + offset`: 0 when open to the air, and the gauge's value at the gauge's pressure.
"""

from dataclasses import dataclass
from functools import partial
from statistics import fmean

from flushlink import messages

from flushpump.device.follow import status_while_leased, under_way
from flushpump.device.pump import Pump
from flushpump.device.retry import retry_idempotent
from flushpump.device.settings import Setting, setting_named
from flushpump.errors import FlushPumpError, RefusedError
from flushpump.wire.messages import Flag, Status
from flushpump.wire.self_test import parts_of

OFFSET = setting_named("pressure_offset_pa")
GAIN = setting_named("pressure_gain_ppm")
# Two seconds: the mean of a sensor with 0.1 kPa of noise is then good to 0.01 kPa.
READINGS = 100
_APART_S = 0.02
# Bounds of a reading at rest: above any sensor's noise, below what touching the plunger causes.
_SPREAD_PA = 2_000
_DRIFT_PA = 300
# At a lower pressure the gauge's own error would be a large error of the gain.
LEAST_KNOWN_PA = 20_000
_CHECK_PA = 500
_CHECK_SHARE = 0.005


@dataclass(frozen=True)
class Reading:
    """Mean and range of many readings at rest, Pa."""

    mean_pa: float
    spread_pa: int


@dataclass(frozen=True)
class Calibration:
    """What the pump corrects the sensor with."""

    offset_pa: int
    gain_ppm: int

    @classmethod
    def in_force(cls, pump: Pump) -> "Calibration":
        """The pump's own. RefusedError where its settings are not sound: storing one would make all of them count."""
        if not _resting_status(pump).flags & Flag.SETTINGS_GOOD:
            raise RefusedError(
                "the stored settings are missing or corrupt, so there is no calibration to start from",
                "look at flushpump settings show and set them again first",
            )
        return cls(*(retry_idempotent(pump, partial(pump.get_setting, setting.name)) for setting in (OFFSET, GAIN)))

    def zeroed(self, at_air: Reading) -> "Calibration":
        """The one with which the reading at the air is 0; the gain stays. RefusedError beyond plausible bounds."""
        return Calibration(self.offset_pa - round(at_air.mean_pa), self.gain_ppm).plausible()

    def through(self, at_air: Reading, known: Reading, known_pa: float) -> "Calibration":
        """The one that corrects both readings. RefusedError where the pressure does not rise, or beyond bounds."""
        zero, raised = self._raw_pa(at_air.mean_pa), self._raw_pa(known.mean_pa)
        if raised - zero < known_pa / 2:
            raise RefusedError(
                f"the reading went only from {at_air.mean_pa / 1000:.1f} to {known.mean_pa / 1000:.1f} kPa, and the "
                f"gauge shows {known_pa / 1000:g} kPa",
                "nothing was changed; check that gauge and sensor are on the same closed line",
            )
        gain = known_pa / (raised - zero)
        return Calibration(round(-zero * gain), round(gain * 1e6)).plausible()

    def plausible(self) -> "Calibration":
        """Itself; RefusedError where offset or gain are outside their ranges (REQ-CONF-2)."""
        for setting, value in self.values().items():
            if not setting.minimum <= value <= setting.maximum:
                what = "offset" if setting is OFFSET else "gain"
                raise RefusedError(
                    f"the {what} would be {setting.shown(value)} and may be {setting.range_shown}",
                    "nothing was changed; check gauge and connections, else the sensor has to be replaced",
                )
        return self

    def values(self) -> dict[Setting, int]:
        """As settings, the gain first."""
        return {GAIN: self.gain_ppm, OFFSET: self.offset_pa}

    def __str__(self) -> str:
        return f"offset {OFFSET.shown(self.offset_pa)}, gain {GAIN.shown(self.gain_ppm)}"

    def _raw_pa(self, reading_pa: float) -> float:
        return (reading_pa - self.offset_pa) * 1e6 / self.gain_ppm


def measure(pump: Pump) -> Reading:
    """Many readings of a pump at rest.

    Raises RefusedError when it moves, or the pressure is unsteady, drifts or never changes.
    """
    readings: list[int] = []
    for _ in range(READINGS):
        readings.append(_resting_status(pump).pressure_pa)
        pump.poll(_APART_S)
    spread = max(readings) - min(readings)
    drift = fmean(readings[READINGS // 2 :]) - fmean(readings[: READINGS // 2])
    if spread == 0:
        raise RefusedError(
            f"the sensor's reading stays at {readings[0] / 1000:g} kPa to the last digit", "check the sensor"
        )
    if spread > _SPREAD_PA or abs(drift) > _DRIFT_PA:
        raise RefusedError(
            f"the pressure is not steady: {READINGS} readings differ by {spread / 1000:.1f} kPa and drift by "
            f"{drift / 1000:.2f} kPa",
            "nothing was changed; keep the line still, look for a leak, and try again",
        )
    return Reading(fmean(readings), spread)


def check_sensor(pump: Pump) -> None:
    """RefusedError when the sensor fails the pump's self-test; to be called with the line open to the air."""
    for part in parts_of(retry_idempotent(pump, pump.self_test).failed & messages.TEST_SENSOR):
        raise RefusedError(f"the {part.name} fails the pump's self-test", part.remedy)


def apply(pump: Pump, before: Calibration, wanted: Calibration, known_pa: float) -> Reading:
    """Stores the calibration and reads it back, with the sensor still at `known_pa`; gives the reading with it.

    If any of this fails, the previous calibration is stored again; the error's notes report whether that succeeded.
    """
    try:
        _store(pump, wanted)
        checked = measure(pump)
        if abs(checked.mean_pa - known_pa) > _CHECK_PA + _CHECK_SHARE * known_pa:
            raise RefusedError(
                f"with it the pump reads {checked.mean_pa / 1000:.2f} kPa instead of {known_pa / 1000:g} kPa",
                "keep the pressure until everything has been checked",
            )
    except FlushPumpError as problem:
        try:
            _store(pump, before)
        except FlushPumpError:
            problem.add_note("which calibration is in force is not known, see flushpump settings show")
        else:
            problem.add_note(f"the calibration of before is in force again: {before}")
        raise
    return checked


def _resting_status(pump: Pump) -> Status:
    status = status_while_leased(pump)
    if under_way(status):
        raise RefusedError("the pump moves or runs a program", "wait until it rests, or call flushpump stop")
    return status


def _store(pump: Pump, calibration: Calibration) -> None:
    for setting, value in calibration.values().items():
        retry_idempotent(pump, partial(pump.set_setting, setting.name, value))
    for setting, value in calibration.values().items():
        applied = retry_idempotent(pump, partial(pump.get_setting, setting.name))
        if applied != value:
            raise RefusedError(
                f"{setting.name} reads back as {setting.shown(applied)}, not {setting.shown(value)}",
                "calibrate again",
            )
