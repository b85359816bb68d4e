"""What a pump detected in a run, when, and by which names a fault counts as found.

A detection is a verdict that is not `patent`, an alarm that a healthy run does not have, or the loss of the pump. Each
has one name.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from flushlink import messages
from flushpump.wire.messages import Alarm, Outcome, ProgramEnd, PulseResult, Verdict

from flushsim.scenario import Reported

# An alarm that means the same as a verdict has its name.
_VERDICT_NAMES = {"occlusion": "occluded", "partial_occlusion": "partial"}
# A syringe that is nearly empty is reported in healthy runs too.
_OF_HEALTHY_RUNS = ("syringe_low", "syringe_empty")
_NO_DETECTION = (Verdict.NOT_JUDGED, Verdict.PATENT)

_VERDICTS = tuple(verdict.name.lower() for verdict in Verdict if verdict not in _NO_DETECTION)
_ALARMS = tuple(name.lower() for _, name, *_ in messages.ALARMS)
# The host's own detection when it loses the pump.
_LINK_LOST = "link_lost"
# The host's own detection when the pressures fit another syringe.
_WRONG_SYRINGE = "wrong_syringe"
_ALARM_NAMES = tuple(_VERDICT_NAMES.get(name, name) for name in _ALARMS)
KNOWN_NAMES = tuple(dict.fromkeys((*_VERDICTS, *_ALARM_NAMES, _LINK_LOST, _WRONG_SYRINGE)))

_OBSTRUCTION = ("partial", "occluded")
_EXPECTED = {
    "occlusion": ("occluded",),
    "partial": _OBSTRUCTION,
    "growing": _OBSTRUCTION,
    "pinch-off": _OBSTRUCTION,
    "fibrin-flap": (*_OBSTRUCTION, "no_blood_return"),
    "rupture": ("leak", "disconnected"),
    "bubble": ("bubble",),
    "leak": ("leak", "disconnected"),
    "disconnect": ("disconnected", "leak"),
    "step-loss": ("step_mismatch",),
    "stall": ("step_mismatch",),
    "sensor-silent": ("sensor_silent",),
    "sensor-stuck": ("sensor_stuck",),
    "sensor-fault": ("sensor_range", "sensor_silent"),
    "link-loss": (_LINK_LOST,),
    "loop-stall": (_LINK_LOST,),
    "power-cut": (_LINK_LOST,),
    "stop-button": ("stop_button",),
}


def expected_of(faults: Iterable[str], visited: bool) -> frozenset[str]:
    """Names by which these faults count as found. An empty set: the pump does not claim to find them.

    `visited`: the host knows the line's last visit; without it, the host does not claim to find another syringe.
    """
    names: set[str] = set()
    for fault in faults:
        names.update(_EXPECTED.get(fault, ()))
        if visited and fault == "wrong-syringe":
            names.add(_WRONG_SYRINGE)
    return frozenset(names)


@dataclass(frozen=True)
class Detection:
    """One detection at `time_us` since power-on; `pulse` is the index of the pulse whose result reported it."""

    name: str
    time_us: int
    pulse: int | None = None


def detections_in(reported: Reported, syringe_note: str = "") -> list[Detection]:
    """All detections of a run, in order of time; an alarm has the pump's own time.

    `syringe_note` is that of the report, which is there at the end.
    """
    detections = []
    for time_us, event in reported.events:
        if isinstance(event, Alarm) and event.code:
            name = event.name.lower()
            if name not in _OF_HEALTHY_RUNS:
                detections.append(Detection(_VERDICT_NAMES.get(name, name), event.device_time_ms * 1000))
        elif isinstance(event, PulseResult) and event.verdict not in _NO_DETECTION:
            detections.append(Detection(event.verdict.name.lower(), time_us, event.index))
        elif isinstance(event, ProgramEnd):
            if event.verdict not in _NO_DETECTION:
                detections.append(Detection(event.verdict.name.lower(), time_us))
            elif event.outcome is not Outcome.COMPLETED:
                detections.append(Detection(event.outcome.name.lower(), time_us))
    if syringe_note and reported.events:
        detections.append(Detection(_WRONG_SYRINGE, reported.events[-1][0]))
    if reported.problem:
        detections.append(Detection(_LINK_LOST, reported.problem_us))
    return sorted(detections, key=lambda one: one.time_us)
