"""Faults as text: `name[:severity]@time[~duration]`, for instance `occlusion@3s` or `leak:0.2@250ms~2s`.

Times count from the pump's first step, so a fault hits the same place of a run however long its setup takes. This
module only reads the text. The plant acts on the faults of line, syringe, drive and sensor, the rig on the others.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from flushpump.errors import nearest_or

LINE, SYRINGE, DRIVE, SENSOR, LINK = "line", "syringe", "drive", "sensor", "link"


@dataclass(frozen=True)
class Kind:
    """The kind of a fault. `default` is the severity when none is written; None: the fault has no severity."""

    where: str
    meaning: str
    default: float | None = None
    least: float = 0.0
    most: float = 0.0
    unit: str = ""


KINDS = {
    "occlusion": Kind(LINE, "no flow passes needle and catheter"),
    "partial": Kind(LINE, "the resistance of needle and catheter is multiplied by this", 5.0, 1.0, 1e6, "times"),
    "growing": Kind(
        LINE,
        "a thrombus grows: the resistance of needle and catheter is multiplied by this every second",
        10.0,
        1.0,
        1e6,
        "times",
    ),
    "pinch-off": Kind(
        LINE,
        "collar bone and rib pinch the catheter: with each change of posture, every 2 s, its resistance is multiplied "
        "by this, or normal again",
        10.0,
        1.0,
        1e4,
        "times",
    ),
    "fibrin-flap": Kind(
        LINE,
        "a flap on the tip multiplies the resistance of needle and catheter by 1.5 forwards, and backwards by this",
        50.0,
        1.0,
        1e4,
        "times",
    ),
    "rupture": Kind(
        LINE,
        "the catheter tears at this pressure, and stays torn",
        200.0,
        0.0,
        10_000.0,
        "kPa",
    ),
    "extravasation": Kind(
        LINE,
        "the tip is in tissue, whose pressure rises by this for every mL that it holds",
        1.0,
        0.0,
        1000.0,
        "kPa",
    ),
    "dislodged": Kind(
        LINE,
        "the needle is out of the port, in tissue whose pressure rises by this for every mL that it holds",
        1.0,
        0.0,
        1000.0,
        "kPa",
    ),
    "cough": Kind(LINE, "three coughs: the pressure in the vein rises by this", 8.0, 0.0, 100.0, "kPa"),
    "height": Kind(LINE, "the pump is this much above the heart", 500.0, -2000.0, 2000.0, "mm"),
    "bubble": Kind(LINE, "air in the extension set, mL at atmospheric pressure", 0.1, 0.0, 5.0, "mL"),
    "leak": Kind(
        LINE, "share of the flow that is lost at the connector of extension set and line", 0.1, 0.0, 1.0, "share"
    ),
    "disconnect": Kind(LINE, "the extension set is off the line, and empties into the room"),
    "stiction": Kind(
        SYRINGE, "a dry plunger sticks and slips: each time it breaks loose at this force", 20.0, 0.0, 1000.0, "N"
    ),
    "empty": Kind(SYRINGE, "the plunger reaches the end of the barrel after this much more", 0.2, 0.0, 100.0, "mL"),
    "wrong-syringe": Kind(
        SYRINGE,
        "the barrel has this inner diameter instead of the one in the settings, from power-on",
        15.8,
        1.0,
        60.0,
        "mm",
    ),
    "step-loss": Kind(DRIVE, "share of step pulses neither made by the motor nor counted", 0.05, 0.0, 1.0, "share"),
    "stall": Kind(DRIVE, "the motor does not move, and the counter counts nothing"),
    "sensor-stuck": Kind(SENSOR, "the sensor repeats its last value"),
    "sensor-silent": Kind(SENSOR, "the sensor gives no new values"),
    "sensor-fault": Kind(SENSOR, "the sensor's bus or diagnosis reports a fault"),
    "sensor-dropout": Kind(SENSOR, "share of the conversions that are missing", 0.1, 0.0, 1.0, "share"),
    "sensor-noise": Kind(SENSOR, "the sensor's noise has this standard deviation", 1.0, 0.0, 1000.0, "kPa"),
    "sensor-coarse": Kind(SENSOR, "the sensor's readings have this resolution", 0.5, 0.001, 1000.0, "kPa"),
    "sensor-late": Kind(SENSOR, "the sensor's readings are this old", 10.0, 0.0, 1000.0, "ms"),
    "sensor-drift": Kind(SENSOR, "the sensor's zero drifts by this, kPa every second", 2.0, -1000.0, 1000.0, "kPa"),
    "sensor-offset": Kind(SENSOR, "the sensor reads too high by this, kPa, from power-on", 3.0, -1000.0, 1000.0, "kPa"),
    "sensor-gain": Kind(SENSOR, "the sensor reads the pressure times this, from power-on", 1.03, 0.1, 10.0, "times"),
    "link-loss": Kind(LINK, "no byte passes"),
    "link-drop": Kind(LINK, "share of frames that are lost", 0.1, 0.0, 1.0, "share"),
    "link-duplicate": Kind(LINK, "share of frames that arrive twice", 0.1, 0.0, 1.0, "share"),
    "link-corrupt": Kind(LINK, "share of frames that are damaged", 0.1, 0.0, 1.0, "share"),
    "link-delay": Kind(LINK, "frames arrive later by this, ms", 30.0, 0.0, 60_000.0, "ms"),
}

_PATTERN = re.compile(r"(?P<name>[a-z-]+)(:(?P<severity>[^@~]+))?@(?P<at>[^@~]+)(~(?P<duration>[^@~]+))?")
_NUMBER = re.compile(r"(?P<number>-?\d+(\.\d+)?)(?P<unit>[a-zA-Z]*)")
_US_PER_UNIT = {"s": 1_000_000, "ms": 1_000}


class FaultError(ValueError):
    """A fault whose text is invalid; the message is one sentence for the user."""


@dataclass(frozen=True)
class Fault:
    """One fault, its severity in the kind's unit. `at_us` counts from the first step; `duration_us` None: no end."""

    name: str
    severity: float
    at_us: int
    duration_us: int | None = None

    @property
    def where(self) -> str:
        """What it acts on: "line", "syringe", "drive", "sensor", "link" or "rig"."""
        return KINDS[self.name].where

    @property
    def ends_us(self) -> int | None:
        """Time of its end since the first step, None if it has none."""
        return None if self.duration_us is None else self.at_us + self.duration_us

    @property
    def text(self) -> str:
        """The fault as it is written; `parse_fault` reads it back."""
        severity = "" if KINDS[self.name].default is None else f":{_plain(self.severity)}"
        duration = "" if self.duration_us is None else f"~{_plain(self.duration_us / 1000)}ms"
        return f"{self.name}{severity}@{_plain(self.at_us / 1000)}ms{duration}"

    def is_active(self, since_first_step_us: int | None) -> bool:
        """Whether it is active at this time since the first step; None: before the first step, when it is not."""
        if since_first_step_us is None or since_first_step_us < self.at_us:
            return False
        return self.duration_us is None or since_first_step_us < self.at_us + self.duration_us


def parse_fault(text: str) -> Fault:
    """The fault of a text. FaultError with one sentence for an invalid text."""
    match = _PATTERN.fullmatch(text.strip())
    if match is None:
        raise FaultError(f"fault {text!r} is not name[:severity]@time[~duration], for instance occlusion@3s")
    name = match["name"]
    if name not in KINDS:
        remedy = nearest_or(f"known are {', '.join(KINDS)}", name, KINDS)
        raise FaultError(f"there is no fault {name!r}: {remedy}")
    at_us = _time_us(match["at"], text)
    duration_us = None if match["duration"] is None else _time_us(match["duration"], text)
    if duration_us == 0:
        raise FaultError(f"fault {text!r} has a duration of 0: leave it out for a fault without an end")
    return Fault(name, _severity(name, match["severity"], text), at_us, duration_us)


def parse_faults(texts: Iterable[str | Fault]) -> tuple[Fault, ...]:
    """All faults in order of time; a Fault is taken as it is."""
    faults = [text if isinstance(text, Fault) else parse_fault(text) for text in texts]
    return tuple(sorted(faults, key=lambda fault: fault.at_us))


def _plain(number: float) -> str:
    """A number without an exponent and without trailing zeros."""
    return f"{number:.6f}".rstrip("0").rstrip(".")


def _time_us(text: str, fault: str) -> int:
    match = _NUMBER.fullmatch(text)
    if match is None or match["unit"] not in _US_PER_UNIT or match["number"].startswith("-"):
        raise FaultError(f"time {text!r} of fault {fault!r} is not a number of s or ms, for instance 3s or 250ms")
    return round(float(match["number"]) * _US_PER_UNIT[match["unit"]])


def _severity(name: str, text: str | None, fault: str) -> float:
    kind = KINDS[name]
    if kind.default is None:
        if text is not None:
            raise FaultError(f"fault {fault!r}: {name} takes no severity, write {name}@time")
        return 1.0
    if text is None:
        return kind.default
    match = _NUMBER.fullmatch(text)
    units = {"": 1.0, "ms": 1.0, "s": 1000.0} if kind.unit == "ms" else {"": 1.0, kind.unit: 1.0}
    if match is None or match["unit"] not in units:
        raise FaultError(f"severity {text!r} of fault {fault!r} is not a number ({kind.meaning})")
    value = float(match["number"]) * units[match["unit"]]
    if not kind.least <= value <= kind.most:
        span = f"{kind.least:g} to {kind.most:g} {kind.unit}"
        raise FaultError(f"severity {text} of fault {fault!r} is outside {span} ({kind.meaning})")
    return value
