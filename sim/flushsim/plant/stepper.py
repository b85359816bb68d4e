"""The step generator and its counter: a queue of slices, exact to the tick.

A slice is (half period in ticks, count, direction). Each pulse lasts two half periods and has its rising edge, the
step, in the middle; so the counted position is the motor's evenly moving position rounded to whole steps.
Direction 0 is a dwell. When the queue is empty STEP stays low. All times are integer ticks of the board's clock.
"""

from collections import deque
from dataclasses import dataclass

SLOTS = 16
# Steps further apart than this belong to two bursts: longer than between the steps of a slow flush.
BURST_GAP_US = 50_000


@dataclass
class Burst:
    """Counted steps in one direction without a gap: a pulse. Times are ticks of rising edges."""

    direction: int
    first_ticks: int
    last_ticks: int
    steps: int
    peak_kpa: float = 0.0
    tip_before_ul: float = 0.0


class Stepper:
    """Queue, counter and driver enable. Only the plant moves its time, with `run_to`."""

    def __init__(self, ticks_per_us: int = 125) -> None:
        self.ticks_per_us = ticks_per_us
        self.now_ticks = 0
        self.position = 0
        self.enabled = True
        self.first_step_ticks: int | None = None
        self.last_step_ticks: int | None = None
        self.bursts: list[Burst] = []
        # Set by the plant from the faults of the drive.
        self.blocked = False
        self.lost_share = 0.0
        self._lost = 0.0
        self._burst_gap_ticks = BURST_GAP_US * ticks_per_us
        self._slices: deque[tuple[int, int, int]] = deque()
        self._end_ticks = 0
        # Of the current slice: its direction (0 without one), steps per tick, times, and pulses, in all and made.
        self._slice_direction = 0
        self._rate = 0.0
        self._start_ticks = 0
        self._slice_end_ticks = 0
        self._half_ticks = 1
        self._pulses = 0
        self._made = 0

    def queue(self, half_period_ticks: int, count: int, direction: int) -> bool:
        """Appends a slice, which starts when those before it end, or now. False: no slot is free.

        ValueError for a slice that no step generator could make.
        """
        if half_period_ticks < 1 or count < 1 or direction not in (-1, 0, 1):
            slice_ = (half_period_ticks, count, direction)
            raise ValueError(f"no step generator can make the slice {slice_} (half period, count, direction)")
        if len(self._slices) >= SLOTS:
            return False
        self._slices.append((half_period_ticks, count, direction))
        if len(self._slices) == 1:
            self._end_ticks = self.now_ticks
            self._start_slice(self.now_ticks)
        self._end_ticks += 2 * half_period_ticks * count
        return True

    def _start_slice(self, start_ticks: int) -> None:
        """Starts the first slice of the queue, if there is one."""
        self._made = 0
        if not self._slices:
            self._slice_direction = 0
            self._rate = 0.0
            return
        self._start_ticks = start_ticks
        self._half_ticks, self._pulses, self._slice_direction = self._slices[0]
        period = 2 * self._half_ticks
        self._rate = self._slice_direction / period
        self._slice_end_ticks = start_ticks + period * self._pulses

    @property
    def slots_used(self) -> int:
        """Slices in the queue, the current one included."""
        return len(self._slices)

    def queued_ticks(self) -> int:
        """Ticks until the queue is empty, 0 when idle."""
        return self._end_ticks - self.now_ticks if self._slices else 0

    def queued_us(self) -> int:
        """Time until the queue is empty in us, rounded up; 0 when idle."""
        return -(-self.queued_ticks() // self.ticks_per_us)

    def stop(self) -> None:
        """Empties the queue; a pulse before its rising edge is not made."""
        self._slices.clear()
        self._start_slice(self.now_ticks)

    def enable(self, on: bool) -> None:
        """The driver's enable line. Off: pulses move nothing and count nothing."""
        self.enabled = on

    @property
    def last_step_us(self) -> float | None:
        """Time of the last counted step, exact to the tick; None before the first."""
        return None if self.last_step_ticks is None else self.last_step_ticks / self.ticks_per_us

    @property
    def rate(self) -> float:
        """Present steps per tick, backwards negative, 0 in a dwell or when idle; without faults."""
        return self._rate

    def piece(self, limit_ticks: int) -> tuple[float, int]:
        """The rate, and until when it stays so: the end of the current slice, at most `limit_ticks`."""
        if self._slices and self._slice_end_ticks < limit_ticks:
            return self._rate, self._slice_end_ticks
        return self._rate, limit_ticks

    def first_edge(self) -> int | None:
        """Time of the next rising edge if the current slice moves, else None."""
        if not self._slice_direction:
            return None
        return self._start_ticks + self._half_ticks * (1 + 2 * self._made)

    def run_to(self, ticks: int) -> int:
        """Moves time within the current slice (see `piece`); returns the pulses made, counted or not."""
        self.now_ticks = ticks
        made = 0
        if self._slice_direction:
            half = self._half_ticks
            edges = (ticks - self._start_ticks + half) // (2 * half)
            if edges > self._pulses:
                edges = self._pulses
            made = edges - self._made
            if made:
                self._count(made, self._start_ticks + half + self._made * 2 * half, 2 * half, self._slice_direction)
                self._made = edges
        if self._slices and ticks >= self._slice_end_ticks:
            self._slices.popleft()
            self._start_slice(self._slice_end_ticks)
        return made

    def _count(self, made: int, first_ticks: int, period: int, direction: int) -> None:
        if self.blocked or not self.enabled:
            return
        counted = made
        if self.lost_share:
            self._lost += made * self.lost_share
            lost = int(self._lost)
            self._lost -= lost
            counted -= lost
            first_ticks += lost * period
        if counted <= 0:
            return
        self.position += direction * counted
        if self.first_step_ticks is None:
            self.first_step_ticks = first_ticks
        self.last_step_ticks = first_ticks + (counted - 1) * period
        burst = self.bursts[-1] if self.bursts else None
        if burst is None or burst.direction != direction or first_ticks - burst.last_ticks > self._burst_gap_ticks:
            burst = Burst(direction, first_ticks, first_ticks, 0)
            self.bursts.append(burst)
        burst.last_ticks = self.last_step_ticks
        burst.steps += counted
