"""The motor on STEP, DIR and ENABLE of the emulated board, which moves the plant."""

from collections import deque
from typing import Any

from flushsim.emulator.chip import Chip
from flushsim.plant.stepper import BURST_GAP_US, Stepper

_NS_PER_TICK = 8


class PinStepper(Stepper):
    """Steps as the driver sees them: rising edges of STEP, in the direction that DIR has then, while ENABLE is on.

    The interval between two calls moves evenly by the whole steps made in it. The chip must be ahead of the caller of
    `piece` and `run_to`.
    """

    def __init__(self, chip: Chip, board: dict[str, Any]) -> None:
        super().__init__(int(board["clock"]["ticks_per_us"]))
        pins, driver = board["pins"], board["driver"]
        self._chip = chip
        self._dir_pin = int(pins["dir"])
        self._forwards = bool(driver["forwards_high"])
        self._enabled_level = not driver["enable_active_low"]
        # Rising edges that the plant has not processed: tick and direction.
        self._edges: deque[tuple[int, int]] = deque()
        self._last_edge_ticks = -BURST_GAP_US * self.ticks_per_us
        self._period_ticks = BURST_GAP_US * self.ticks_per_us
        self._direction = 0
        self.enabled = chip.level(int(pins["enable"])) is self._enabled_level
        chip.watch(int(pins["step"]), self._step)
        chip.watch(int(pins["enable"]), self._enable)

    def _step(self, now_ns: int, level: bool | None) -> None:
        if level and self.enabled:
            forwards = (self._chip.level(self._dir_pin) is True) == self._forwards
            ticks = now_ns // _NS_PER_TICK
            self._direction = 1 if forwards else -1
            self._period_ticks = ticks - self._last_edge_ticks
            self._last_edge_ticks = ticks
            self._edges.append((ticks, self._direction))

    def _enable(self, now_ns: int, level: bool | None) -> None:
        # A released pin is pulled to off.
        self.enabled = level is self._enabled_level

    @property
    def slots_used(self) -> int:
        """1 while the motor is moving, according to its edges."""
        return int(self.now_ticks - self._last_edge_ticks < BURST_GAP_US * self.ticks_per_us)

    def queued_ticks(self) -> int:
        """Unknown: the board's queue is not visible from outside."""
        return 0

    def stop(self) -> None:
        """Only the board stops its steps."""

    def enable(self, on: bool) -> None:
        """Only the board switches its driver."""

    @property
    def rate(self) -> float:
        """Steps per tick from the last two edges; 0 when the next one is long overdue."""
        if self.now_ticks - self._last_edge_ticks > 2 * self._period_ticks:
            return 0.0
        return self._direction / self._period_ticks

    def first_edge(self) -> int | None:
        return self._edges[0][0] if self._edges else None

    def piece(self, limit_ticks: int) -> tuple[float, int]:
        """Mean rate up to the limit, or to the last edge before the direction changes."""
        count = 0
        direction = self._edges[0][1] if self._edges else 0
        last = limit_ticks
        for ticks, edge_direction in self._edges:
            if ticks > limit_ticks:
                break
            if edge_direction != direction:
                return direction * count / (last - self.now_ticks), last
            count += 1
            last = max(ticks, self.now_ticks + 1)
        if not count:
            return 0.0, limit_ticks
        return direction * count / (limit_ticks - self.now_ticks), limit_ticks

    def run_to(self, ticks: int) -> int:
        self.now_ticks = ticks
        made = 0
        edges = self._edges
        while edges and edges[0][0] <= ticks:
            at, direction = edges.popleft()
            enabled, self.enabled = self.enabled, True
            self._count(1, at, 0, direction)
            self.enabled = enabled
            made += 1
        return made
