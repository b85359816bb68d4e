"""Lead screw and plunger: the part of the motor's motion that reaches the liquid, and the force for it.

The nut has play, so the first travel after a reversal moves nothing. The screw imposes travel, not force, so friction
shows in the flow only as far as the drive is compliant: glide friction widens the play, and a plunger after a rest
stays behind until the strained drive breaks it loose, and then catches up.
"""

from math import inf
from typing import Any

from flushsim.plant.parameters import PlantPath

# A plunger that has rested breaks loose within this travel.
BREAK_LOOSE_MM = 0.1
# A dry one slips within this travel.
SLIP_MM = 0.01
# Stiffness of the drive with a dry plunger, where the path has an infinite one: rod and bracket (R-l).
DRY_DRIVE_N_PER_MM = 300.0
# Viscous friction of the rubber for a plunger that no motor holds, N for every mm/s (R-l).
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
        # The travel of the drive under a force; a stiff drive has none until the plunger is dry.
        self._is_compliant = path.drive_n_per_mm < inf
        self._steps_per_n = self.steps_per_mm / path.drive_n_per_mm
        self.play = path.backlash_um / 1000 * self.steps_per_mm + 2 * self._glide_n * self._steps_per_n
        # Where the motor is in the play: 0 pushing, `play` pulling. The pump was last driven forwards.
        self.gap = 0.0
        self.position = 0.0
        self.since_rest = 0.0
        self.dry = False
        # How far a stuck plunger is behind the drive, and whether it is stuck.
        self._behind = 0.0
        self._is_stuck = True
        self.load(path.loaded_ml, path.capacity_ml)

    def load(self, loaded_ml: float, capacity_ml: float) -> None:
        """Inserts a syringe with this content; `position` continues."""
        self.front = self.position + loaded_ml / self.ml_per_step
        self.back = self.front - capacity_ml / self.ml_per_step

    def set_end(self, left_ml: float) -> None:
        """The plunger reaches the end of the barrel after this much more."""
        self.front = min(self.front, self.position + left_ml / self.ml_per_step)

    def set_stiction(self, break_n: float) -> None:
        """The plunger sticks and slips from now on, and breaks loose at this force; 0: it does not."""
        self.dry = break_n > 0
        if self.dry and not self._is_compliant:
            self._is_compliant = True
            self._steps_per_n = self.steps_per_mm / DRY_DRIVE_N_PER_MM
        self._break_n = max(break_n, self._glide_n) if self.dry else self._usual_break_n

    def move(self, steps: float) -> float:
        """The motor moves by `steps`; returns how far the plunger goes."""
        gap = self.gap
        if steps > 0:
            in_play = steps if steps < gap else gap
        else:
            left = gap - self.play
            in_play = steps if steps > left else left
        self.gap = gap - in_play
        moved = steps - in_play
        if self._is_compliant and (self._behind or self._is_stuck or not self.since_rest):
            moved = self._travel_with_friction(moved)
        self.position += moved
        self.since_rest += moved if moved > 0 else -moved
        return moved

    def _travel_with_friction(self, travel: float) -> float:
        """How far a plunger goes that may stick, when what holds it goes `travel`."""
        behind = self._behind
        most = (self._break_n - self._glide_n) * self._steps_per_n
        if self._is_stuck or not self.since_rest or travel * behind < 0:
            strained = behind + travel
            if -most <= strained <= most:
                self._behind = strained
                self._is_stuck = True
                return 0.0
            behind = most if travel > 0 else -most
            travel = strained - behind
            self._is_stuck = False
        # It catches up evenly over the travel in which it breaks loose.
        caught = abs(travel) * most / ((SLIP_MM if self.dry else BREAK_LOOSE_MM) * self.steps_per_mm)
        if caught >= abs(behind):
            caught = abs(behind)
            self._is_stuck = self.dry
        caught = caught if behind > 0 else -caught
        self._behind = behind - caught
        return self._within_barrel(travel + caught)

    def _within_barrel(self, travel: float) -> float:
        """No further than the barrel's end."""
        return max(min(travel, self.front - self.position), self.back - self.position)

    def complete_step(self, steps: float) -> float:
        """The motor snaps into its whole step, by less than one; returns how far the plunger goes. Play apart."""
        moved = min(steps, self.room(1))
        self.position += moved
        return moved

    def back_drive(self, pressure_kpa: float, time_s: float) -> float:
        """The driver is off: how far the liquid pushes or pulls the plunger, if the screw back-drives."""
        if not self.back_drives:
            return 0.0
        pulled_n = -pressure_kpa * self._n_per_kpa
        moving = self.since_rest != 0.0
        held_n = self._back_drive_n + (self._glide_n if moving else self._break_n)
        spare_n = abs(pulled_n) - held_n
        if spare_n <= 0:
            self.since_rest = 0.0
            return 0.0
        travel = spare_n / DRAG_N_S_PER_MM * time_s * self.steps_per_mm
        moved = self._within_barrel(travel if pulled_n > 0 else -travel)
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
