"""Which faults of the plant are on: their edges in ticks, counted from the first step."""

from collections.abc import Iterable
from math import exp, log

from flushsim.faults.spec import DRIVE, LINE, SENSOR, SYRINGE, Fault

NEVER_TICKS = 2**62
PLANT = (LINE, SYRINGE, DRIVE, SENSOR)
# A posture that pinches a catheter: it closes for half a second, stays so for a second and a half, opens, and stays.
TURN_S = 0.5
STAY_S = 1.5
_HALF_S = TURN_S + STAY_S
# A line that resists so many times more is closed, however long it has grown.
LOG_SCALE_MOST = 20.0
# Times in ticks are rounded by less than this.
ROUNDING_S = 1e-7


class FaultClock:
    """The faults of line, syringe, drive and sensor. Nothing is on before `arm`; those of link and rig are left out.

    `next_ticks` is the time of the next edge, NEVER_TICKS if there is none.
    """

    def __init__(self, faults: Iterable[Fault], ticks_per_us: int) -> None:
        self.faults = tuple(fault for fault in faults if fault.where in PLANT)
        self.ticks_per_us = ticks_per_us
        self._origin_ticks = 0
        self._edges: list[int] = []
        self._posture_ticks = NEVER_TICKS
        self.next_ticks = NEVER_TICKS
        self._on: dict[str, Fault] = {}
        self._before: dict[str, Fault] = {}

    def arm(self, first_edge_ticks: int) -> None:
        """The first step was at this time: all times count from it."""
        self._origin_ticks = first_edge_ticks
        times_us = {fault.at_us for fault in self.faults} | {fault.ends_us for fault in self.faults}
        self._edges = sorted(first_edge_ticks + at * self.ticks_per_us for at in times_us if at is not None)
        self._look_ahead()

    def switch(self, ticks: int) -> bool:
        """Takes the edges that have come; True if anything of the line changes."""
        while self._edges and self._edges[0] <= ticks:
            self._edges.pop(0)
        since_us = (ticks - self._origin_ticks) // self.ticks_per_us
        before = self._before = self._on
        self._on = {}
        for fault in self.faults:
            if fault.active(since_us):
                self._on.setdefault(fault.name, fault)
        turned = ticks >= self._posture_ticks
        self._posture_ticks = self._next_posture(ticks)
        self._look_ahead()
        return turned or _of_line(before) != _of_line(self._on)

    def line_scale(self, ticks: int) -> tuple[float, float]:
        """How many times needle and catheter resist now, and how fast its logarithm grows, per second, until switched.

        A partial occlusion, a growing one and a pinched catheter multiply each other.
        """
        grows_per_s = log(self.severity("growing", 1.0))
        log_scale = log(self.severity("partial", 1.0)) + grows_per_s * self.on_for_s("growing", ticks)
        if self.has("pinch-off"):
            pinched = log(self.severity("pinch-off"))
            halves, into_s = divmod(self.on_for_s("pinch-off", ticks) + ROUNDING_S, _HALF_S)
            share, way = (into_s / TURN_S, 1.0) if into_s < TURN_S else (1.0, 0.0)
            if halves % 2:
                share, way = 1.0 - share, -way
            log_scale += pinched * share
            grows_per_s += pinched / TURN_S * way
        return exp(min(log_scale, LOG_SCALE_MOST)), grows_per_s

    def _next_posture(self, ticks: int) -> int:
        """When the pinched catheter next begins or ends to close or open."""
        if not self.has("pinch-off"):
            return NEVER_TICKS
        on_s = self.on_for_s("pinch-off", ticks)
        halves, into_s = divmod(on_s + ROUNDING_S, _HALF_S)
        next_s = halves * _HALF_S + (TURN_S if into_s < TURN_S else _HALF_S)
        return ticks + round((next_s - on_s) * 1e6 * self.ticks_per_us)

    def clear(self) -> None:
        """Every fault ends now, and none comes any more."""
        self.faults = ()
        self._edges = []
        self._posture_ticks = NEVER_TICKS
        self._on = {}
        self._look_ahead()

    def _look_ahead(self) -> None:
        self.next_ticks = min(self._edges[0] if self._edges else NEVER_TICKS, self._posture_ticks)

    def has(self, name: str) -> bool:
        """Whether a fault of this name is on."""
        return name in self._on

    def began(self, name: str) -> bool:
        """Whether a fault of this name is on that was not before the last switch."""
        return name in self._on and name not in self._before

    def severity(self, name: str, without: float = 0.0) -> float:
        """Severity of the fault of this name that is on (of several the earliest), else `without`."""
        fault = self._on.get(name)
        return without if fault is None else fault.severity

    def built_in(self, name: str, without: float) -> float:
        """Severity of a fault that something was made with, whatever its time says, else `without`."""
        return next((fault.severity for fault in self.faults if fault.name == name), without)

    def on_for_s(self, name: str, ticks: int) -> float:
        """How long it has been on, 0 if it is not."""
        fault = self._on.get(name)
        if fault is None:
            return 0.0
        return (ticks - self._origin_ticks) / self.ticks_per_us / 1e6 - fault.at_us / 1e6


def _of_line(faults: dict[str, Fault]) -> list[Fault]:
    return [fault for fault in faults.values() if fault.where == LINE]
