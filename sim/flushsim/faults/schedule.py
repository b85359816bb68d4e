"""When the faults of the plant are active: their edges in ticks, counted from the first step."""

from collections.abc import Iterable
from math import exp, log

from flushsim.faults.spec import DRIVE, LINE, SENSOR, SYRINGE, Fault

NEVER_TICKS = 2**62
PLANT = (LINE, SYRINGE, DRIVE, SENSOR)
# The posture that pinches a catheter: it closes within 0.5 s, stays closed for 1.5 s, opens within 0.5 s, stays open.
PINCH_RAMP_S = 0.5
PINCH_HOLD_S = 1.5
_PINCH_HALF_PERIOD_S = PINCH_RAMP_S + PINCH_HOLD_S
# The logarithm of the resistance factor at which a line counts as closed, however long an occlusion has grown.
LOG_SCALE_MOST = 20.0
# Times in ticks are rounded by less than this.
ROUNDING_S = 1e-7


class FaultSchedule:
    """The faults of line, syringe, drive and sensor, without those of link and rig. None is active before `arm`.

    `next_ticks` is the time of the next edge, NEVER_TICKS if there is none.
    """

    def __init__(self, faults: Iterable[Fault], ticks_per_us: int) -> None:
        self.faults = tuple(fault for fault in faults if fault.where in PLANT)
        self.ticks_per_us = ticks_per_us
        self._origin_ticks = 0
        self._edges: list[int] = []
        self._next_posture_ticks = NEVER_TICKS
        self.next_ticks = NEVER_TICKS
        self._active: dict[str, Fault] = {}
        self._previous: dict[str, Fault] = {}

    def arm(self, first_edge_ticks: int) -> None:
        """Sets the time of the first step, from which all times count."""
        self._origin_ticks = first_edge_ticks
        times_us = {fault.at_us for fault in self.faults} | {fault.ends_us for fault in self.faults}
        self._edges = sorted(first_edge_ticks + at * self.ticks_per_us for at in times_us if at is not None)
        self._update_next_edge()

    def switch(self, ticks: int) -> bool:
        """Processes the edges up to now; True if the faults of the line change."""
        while self._edges and self._edges[0] <= ticks:
            self._edges.pop(0)
        since_us = (ticks - self._origin_ticks) // self.ticks_per_us
        before = self._previous = self._active
        self._active = {}
        for fault in self.faults:
            if fault.is_active(since_us):
                self._active.setdefault(fault.name, fault)
        posture_changed = ticks >= self._next_posture_ticks
        self._next_posture_ticks = self._next_posture(ticks)
        self._update_next_edge()
        return posture_changed or _line_faults(before) != _line_faults(self._active)

    def line_scale(self, ticks: int) -> tuple[float, float]:
        """The resistance factor of needle and catheter now, and the growth of its logarithm per s until the next edge.

        The factors of a partial occlusion, a growing one and a pinched catheter are multiplied.
        """
        grows_per_s = log(self.severity("growing", 1.0))
        log_scale = log(self.severity("partial", 1.0)) + grows_per_s * self.on_for_s("growing", ticks)
        if self.has("pinch-off"):
            pinched = log(self.severity("pinch-off"))
            halves, into_s = divmod(self.on_for_s("pinch-off", ticks) + ROUNDING_S, _PINCH_HALF_PERIOD_S)
            share, direction = (into_s / PINCH_RAMP_S, 1.0) if into_s < PINCH_RAMP_S else (1.0, 0.0)
            if halves % 2:
                share, direction = 1.0 - share, -direction
            log_scale += pinched * share
            grows_per_s += pinched / PINCH_RAMP_S * direction
        return exp(min(log_scale, LOG_SCALE_MOST)), grows_per_s

    def _next_posture(self, ticks: int) -> int:
        """The next time at which the pinched catheter starts or stops moving."""
        if not self.has("pinch-off"):
            return NEVER_TICKS
        on_s = self.on_for_s("pinch-off", ticks)
        halves, into_s = divmod(on_s + ROUNDING_S, _PINCH_HALF_PERIOD_S)
        next_s = halves * _PINCH_HALF_PERIOD_S + (PINCH_RAMP_S if into_s < PINCH_RAMP_S else _PINCH_HALF_PERIOD_S)
        return ticks + round((next_s - on_s) * 1e6 * self.ticks_per_us)

    def clear(self) -> None:
        """Ends all faults; no later one begins."""
        self.faults = ()
        self._edges = []
        self._next_posture_ticks = NEVER_TICKS
        self._active = {}
        self._update_next_edge()

    def _update_next_edge(self) -> None:
        self.next_ticks = min(self._edges[0] if self._edges else NEVER_TICKS, self._next_posture_ticks)

    def has(self, name: str) -> bool:
        """Whether a fault of this name is active."""
        return name in self._active

    def began(self, name: str) -> bool:
        """Whether a fault of this name became active at the last switch."""
        return name in self._active and name not in self._previous

    def severity(self, name: str, without: float = 0.0) -> float:
        """Severity of the active fault of this name (of several the earliest), else `without`."""
        fault = self._active.get(name)
        return without if fault is None else fault.severity

    def built_in(self, name: str, without: float) -> float:
        """Severity of a fault that is present from power-on, whatever its time, else `without`."""
        return next((fault.severity for fault in self.faults if fault.name == name), without)

    def on_for_s(self, name: str, ticks: int) -> float:
        """How long it has been active, 0 if it is not."""
        fault = self._active.get(name)
        if fault is None:
            return 0.0
        return (ticks - self._origin_ticks) / self.ticks_per_us / 1e6 - fault.at_us / 1e6


def _line_faults(faults: dict[str, Fault]) -> list[Fault]:
    return [fault for fault in faults.values() if fault.where == LINE]
