"""Which faults of the plant are on: their edges in ticks, counted from the first step."""

from collections.abc import Iterable

from flushsim.faults import DRIVE, LINE, SENSOR, Fault

NEVER_TICKS = 2**62


class FaultClock:
    """The faults of line, drive and sensor. Nothing is on before `arm`; others' faults are left out.

    `next_ticks` is the time of the next edge, NEVER_TICKS if there is none.
    """

    def __init__(self, faults: Iterable[Fault], ticks_per_us: int) -> None:
        self.faults = tuple(fault for fault in faults if fault.where in (LINE, DRIVE, SENSOR))
        self._ticks_per_us = ticks_per_us
        self._origin_ticks = 0
        self._edges: list[int] = []
        self.next_ticks = NEVER_TICKS
        self._on: dict[str, Fault] = {}

    def arm(self, first_edge_ticks: int) -> None:
        """The first step was at this time: all times count from it."""
        self._origin_ticks = first_edge_ticks
        times_us = {fault.at_us for fault in self.faults} | {fault.ends_us for fault in self.faults}
        self._edges = sorted(first_edge_ticks + at * self._ticks_per_us for at in times_us if at is not None)
        self._look_ahead()

    def switch(self, ticks: int) -> bool:
        """Takes the edges that have come; True if anything of the line changes."""
        while self._edges and self._edges[0] <= ticks:
            self._edges.pop(0)
        self._look_ahead()
        since_us = (ticks - self._origin_ticks) // self._ticks_per_us
        before = self._on
        self._on = {}
        for fault in self.faults:
            if fault.active(since_us):
                self._on.setdefault(fault.name, fault)
        return _of_line(before) != _of_line(self._on)

    def clear(self) -> None:
        """Every fault ends now, and none comes any more."""
        self.faults = ()
        self._edges = []
        self._on = {}
        self._look_ahead()

    def _look_ahead(self) -> None:
        self.next_ticks = self._edges[0] if self._edges else NEVER_TICKS

    def has(self, name: str) -> bool:
        """Whether a fault of this name is on."""
        return name in self._on

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
        return (ticks - self._origin_ticks) / self._ticks_per_us / 1e6 - fault.at_us / 1e6


def _of_line(faults: dict[str, Fault]) -> list[Fault]:
    return [fault for fault in faults.values() if fault.where == LINE]
