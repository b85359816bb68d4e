"""What a pump has said of a line in a run, when, and whether it is what the fault calls for.

Said is every verdict that is not `patent`, every alarm but those that belong to a healthy run, and that the pump was
lost, by one name each.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from flushlink import messages
from flushpump.wire.messages import Alarm, Outcome, ProgramEnd, PulseResult, Verdict

from flushsim.scenario import Reported

# An alarm that says the same as a verdict has its name.
_SAME = {"occlusion": "occluded", "partial_occlusion": "partial"}
# A syringe that comes to its end is announced in healthy runs too.
_HARMLESS = ("syringe_low", "syringe_empty")
_SILENT = (Verdict.NOT_JUDGED, Verdict.PATENT)

_VERDICTS = tuple(verdict.name.lower() for verdict in Verdict if verdict not in _SILENT)
_ALARMS = tuple(name.lower() for _, name, *_ in messages.ALARMS)
# What the host says by itself when it has lost the pump.
_LOST = "link_lost"
# What it says when a run looks as if another syringe were in the pump.
_SYRINGE = "wrong_syringe"
KNOWN_NAMES = tuple(dict.fromkeys((*_VERDICTS, *(_SAME.get(name, name) for name in _ALARMS), _LOST, _SYRINGE)))

_RESISTS = ("partial", "occluded")
_EXPECTED = {
    "occlusion": ("occluded",),
    "partial": _RESISTS,
    "growing": _RESISTS,
    "pinch-off": _RESISTS,
    "fibrin-flap": (*_RESISTS, "no_blood_return"),
    "rupture": ("leak", "disconnected"),
    "bubble": ("bubble",),
    "leak": ("leak", "disconnected"),
    "disconnect": ("disconnected", "leak"),
    "step-loss": ("step_mismatch",),
    "stall": ("step_mismatch",),
    "sensor-silent": ("sensor_silent",),
    "sensor-stuck": ("sensor_stuck",),
    "sensor-fault": ("sensor_range", "sensor_silent"),
    "link-loss": (_LOST,),
    "loop-stall": (_LOST,),
    "power-cut": (_LOST,),
    "stop-button": ("stop_button",),
}


def expected_of(faults: Iterable[str], visited: bool) -> frozenset[str]:
    """Names by which these faults are found. Without any, none is claimed to be: then whatever is said is counted.

    `visited`: something is known of the line's last visit; without that, another syringe is never claimed to be seen.
    """
    names: set[str] = set()
    for fault in faults:
        names.update(_EXPECTED.get(fault, ()))
        if visited and fault == "wrong-syringe":
            names.add(_SYRINGE)
    return frozenset(names)


@dataclass(frozen=True)
class Said:
    """One thing said: `time_us` since power-on; `pulse` is its index where a pulse's result said it."""

    name: str
    time_us: int
    pulse: int | None = None


def said_in(told: Reported, syringe_note: str = "") -> list[Said]:
    """Everything said in a run, in order of time; an alarm at the time that the pump gave it.

    `syringe_note` is the report's, which comes with the end.
    """
    said = []
    for time_us, event in told.events:
        if isinstance(event, Alarm) and event.code:
            name = event.name.lower()
            if name not in _HARMLESS:
                said.append(Said(_SAME.get(name, name), event.device_time_ms * 1000))
        elif isinstance(event, PulseResult) and event.verdict not in _SILENT:
            said.append(Said(event.verdict.name.lower(), time_us, event.index))
        elif isinstance(event, ProgramEnd):
            if event.verdict not in _SILENT:
                said.append(Said(event.verdict.name.lower(), time_us))
            elif event.outcome is not Outcome.COMPLETED:
                said.append(Said(event.outcome.name.lower(), time_us))
    if syringe_note and told.events:
        said.append(Said(_SYRINGE, told.events[-1][0]))
    if told.problem:
        said.append(Said(_LOST, told.problem_us))
    return sorted(said, key=lambda one: one.time_us)
