"""One bounded motion by command, PRIME or ASPIRATE, from the command to the last step."""

from collections.abc import Callable
from dataclasses import dataclass

from flushpump.device.follow import status_while_leased, under_way
from flushpump.device.pump import Pump
from flushpump.device.retry import execute_once
from flushpump.errors import (
    FlushPumpError,
    LinkLostError,
    OutcomeUnknownError,
    RefusedError,
    StoppedByAlarmError,
    StoppedByUserError,
)
from flushpump.signals import StopSignals
from flushpump.wire.events import alarm_happened, alarm_remedy
from flushpump.wire.messages import Status, Telemetry

_POLL_S = 0.05
# Rounding of the volume when all of it has been driven.
_WHOLE_ML = 0.005


@dataclass
class SingleMotion:
    """The motion requested and its result. `draws_back`: ASPIRATE instead of PRIME."""

    pump: Pump
    volume_ml: float
    flow_ml_per_s: float
    draws_back: bool = False
    outcome: str = "completed"
    moved_ml: float = 0.0
    lowest_pa: int | None = None
    highest_pa: int | None = None
    problem: FlushPumpError | None = None

    def perform(self, signals: StopSignals, show: Callable[[int], None] = lambda pressure_pa: None) -> None:
        """Raises RefusedError, StoppedByUserError, LinkLostError before the start; later the fields hold the outcome.

        `show` is called with each new pressure.
        """
        before = status_while_leased(self.pump)
        if signals.stop_requested:
            raise StoppedByUserError("stopped by the user", "nothing has moved")
        move = self.pump.aspirate if self.draws_back else self.pump.prime
        try:
            execute_once(self.pump, lambda: move(self.volume_ml, self.flow_ml_per_s))
            self.pump.keep_alive = True
            while under_way(status := status_while_leased(self.pump)):
                self._update(before, status)
                show(status.pressure_pa)
                for event in self.pump.poll(_POLL_S):
                    if isinstance(event, Telemetry):
                        self._pressure(event.pressure_pa)
                if signals.stop_requested:
                    self.pump.stop()
                    break
            self._ended(before, status_while_leased(self.pump), signals.stop_requested)
        except RefusedError:
            raise
        except FlushPumpError as problem:
            self._handle_failure(problem, before)

    @property
    def so_far(self) -> str:
        """As in `0.31 of 0.50 mL primed`."""
        return f"{self.moved_ml:.2f} of {self.volume_ml:.2f} mL {self.done}"

    @property
    def done(self) -> str:
        """What has been done with the volume, in one or two words."""
        return "drawn back" if self.draws_back else "primed"

    def _update(self, before: Status, status: Status) -> None:
        left_nl = before.syringe_remaining_nl - status.syringe_remaining_nl
        self.moved_ml = max(0, -left_nl if self.draws_back else left_nl) / 1e6
        self._pressure(status.pressure_pa)

    def _pressure(self, pressure_pa: int) -> None:
        self.lowest_pa = pressure_pa if self.lowest_pa is None else min(self.lowest_pa, pressure_pa)
        self.highest_pa = pressure_pa if self.highest_pa is None else max(self.highest_pa, pressure_pa)

    def _ended(self, before: Status, status: Status, interrupted: bool) -> None:
        self._update(before, status)
        if self.moved_ml >= self.volume_ml - _WHOLE_ML:
            return
        if interrupted:
            self.outcome = "stopped"
            self.problem = StoppedByUserError(f"stopped by the user, nothing moves: {self.so_far}")
        elif status.alarm_code:
            self.outcome = "alarm"
            happened, remedy = alarm_happened(status.alarm_code), alarm_remedy(status.alarm_code)
            self.problem = StoppedByAlarmError(f"alarm: {happened}; {self.so_far}", remedy)
        else:
            self.outcome = "stopped"
            self.problem = StoppedByAlarmError(f"stopped from elsewhere: {self.so_far}", "see flushpump status")

    def _handle_failure(self, problem: FlushPumpError, before: Status) -> None:
        lost = isinstance(problem, LinkLostError)
        try:
            self.pump.stop()
            status = status_while_leased(self.pump)
            if self.pump.stopped_by_another:
                # The failure came from that program, which read the port alone for a while.
                self._ended(before, status, False)
                return
            self._update(before, status)
            lost = True
        except FlushPumpError:
            # The last report stays.
            pass
        self.outcome = "link_lost" if lost else "unknown"
        kind = LinkLostError if lost else OutcomeUnknownError
        so_far = f"{self.so_far} as last reported"
        self.problem = kind(f"{self.outcome.replace('_', ' ')}: {problem.message}; {so_far}", problem.remedy)
