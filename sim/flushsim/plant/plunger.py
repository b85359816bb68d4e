"""Lead screw and plunger: what of the motor's motion reaches the liquid, and what force it takes.

The nut has play, so the first way after a reversal moves nothing. The screw pushes by way and not by force, so friction
shows in the flow only as far as the drive gives under it: its glide widens the play, and a plunger that has rested is
left behind until the drive is strained enough to break it loose, and then catches up.
"""

from math import inf
from typing import Any

from flushsim.plant.parameters import PlantPath

# A plunger that has rested breaks loose within this way.
BREAK_LOOSE_MM = 0.1
# A dry one slips within this way.
SLIP_MM = 0.01
# How stiff a drive is under a dry plunger if its path calls it stiff: rod and bracket (R-l).
DRY_DRIVE_N_PER_MM = 300.0
# What a plunger's speed costs when no motor holds it, N for every mm/s: the rubber's viscous share (R-l).
DRAG_N_S_PER_MM = 1.0


class Plunger:
    """Motor steps in, plunger steps out; positions are in steps, forwards positive, 0 at the start."""

    def __init__(self, path: PlantPath, drive: dict[str, Any]) -> None:
        self.steps_per_mm = float(drive["steps_per_mm"])
        self.ml_per_step = path.barrel_area_mm2 / self.steps_per_mm / 1000
        self.force_limit_n = float(drive["force_limit_n"])
        self.back_drives = bool(drive["back_drives"])
        self._back_drive_n = path.back_drive_n
        self._break_n = self._usual_break_n = path.friction_break_n
        self._glide_n = path.friction_glide_n
        self._n_per_kpa = path.barrel_area_mm2 / 1000
        self._break_loose_steps = BREAK_LOOSE_MM * self.steps_per_mm
        # What the drive gives under a force; a stiff one does not, until the plunger is dry.
        self._gives = path.drive_n_per_mm < inf
        self._steps_per_n = self.steps_per_mm / path.drive_n_per_mm
        self.play = path.backlash_um / 1000 * self.steps_per_mm + 2 * self._glide_n * self._steps_per_n
        # Where the motor is in the play: 0 pushing, `play` pulling. The pump was last driven forwards.
        self.gap = 0.0
        self.position = 0.0
        self.since_rest = 0.0
        self.dry = False
        # How far a plunger that sticks is behind the drive, and whether it does.
        self._behind = 0.0
        self._sticks = True
        self.load(path.loaded_ml, path.capacity_ml)

    def load(self, loaded_ml: float, capacity_ml: float) -> None:
        """A syringe with this content is put in; `position` goes on."""
        self.front = self.position + loaded_ml / self.ml_per_step
        self.back = self.front - capacity_ml / self.ml_per_step

    def end_after(self, left_ml: float) -> None:
        """The plunger meets the end of the barrel after this much more."""
        self.front = min(self.front, self.position + left_ml / self.ml_per_step)

    def dry_out(self, break_n: float) -> None:
        """The plunger sticks and slips from now on, breaking loose at this force; 0: it does not."""
        self.dry = break_n > 0
        if self.dry and not self._gives:
            self._gives = True
            self._steps_per_n = self.steps_per_mm / DRY_DRIVE_N_PER_MM
        self._break_n = max(break_n, self._glide_n) if self.dry else self._usual_break_n

    def move(self, steps: float) -> float:
        """The motor moves by `steps`; returns how far the plunger goes."""
        gap = self.gap
        if steps > 0:
            taken = steps if steps < gap else gap
        else:
            left = gap - self.play
            taken = steps if steps > left else left
        self.gap = gap - taken
        moved = steps - taken
        if self._gives and (self._behind or self._sticks or not self.since_rest):
            moved = self._follow(moved)
        self.position += moved
        self.since_rest += moved if moved > 0 else -moved
        return moved

    def _follow(self, way: float) -> float:
        """How far a plunger goes that may stick, when what holds it goes `way`."""
        behind = self._behind
        most = (self._break_n - self._glide_n) * self._steps_per_n
        if self._sticks or not self.since_rest or way * behind < 0:
            strained = behind + way
            if -most <= strained <= most:
                self._behind = strained
                self._sticks = True
                return 0.0
            behind = most if way > 0 else -most
            way = strained - behind
            self._sticks = False
        # It catches up evenly over the way in which it breaks loose.
        caught = abs(way) * most / ((SLIP_MM if self.dry else BREAK_LOOSE_MM) * self.steps_per_mm)
        if caught >= abs(behind):
            caught = abs(behind)
            self._sticks = self.dry
        caught = caught if behind > 0 else -caught
        self._behind = behind - caught
        return self._within(way + caught)

    def _within(self, way: float) -> float:
        """No further than the barrel's end."""
        return max(min(way, self.front - self.position), self.back - self.position)

    def settle(self, steps: float) -> float:
        """The motor snaps into its whole step, by less than one; returns how far the plunger goes. Play apart."""
        moved = min(steps, self.room(1))
        self.position += moved
        return moved

    def let_go(self, pressure_kpa: float, time_s: float) -> float:
        """Nobody holds the motor: how far the liquid pushes or pulls the plunger, if the screw back-drives."""
        if not self.back_drives:
            return 0.0
        pulled_n = -pressure_kpa * self._n_per_kpa
        moving = self.since_rest != 0.0
        held_n = self._back_drive_n + (self._glide_n if moving else self._break_n)
        spare_n = abs(pulled_n) - held_n
        if spare_n <= 0:
            self.since_rest = 0.0
            return 0.0
        way = spare_n / DRAG_N_S_PER_MM * time_s * self.steps_per_mm
        moved = self._within(way if pulled_n > 0 else -way)
        self.position += moved
        self.since_rest += abs(moved)
        return moved

    def ahead(self, direction: float) -> tuple[float, float]:
        """Steps in this direction until the nut touches, and of the plunger to the end, as `room`."""
        if direction > 0:
            return self.gap, self.front - self.position
        return self.play - self.gap, self.position - self.back

    def room(self, direction: float) -> float:
        """Steps of the plunger to the end of the barrel (forwards) or to its stop (backwards)."""
        return self.front - self.position if direction > 0 else self.position - self.back

    def force_n(self, pressure_kpa: float, direction: float) -> float:
        """Force that the drive needs to push (direction above 0) or pull the plunger against this pressure."""
        loose = self.since_rest > self._break_loose_steps and not self.dry
        friction_n = self._glide_n if loose else self._break_n
        pushed_n = pressure_kpa * self._n_per_kpa
        return (pushed_n if direction > 0 else -pushed_n) + friction_n
