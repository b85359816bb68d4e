"""Lead screw and plunger: what of the motor's motion reaches the liquid, and what force it takes.

The nut has play, so the first way after a reversal moves nothing. The plunger's friction does not show in the
pressure at the outlet, because the screw pushes by way and not by force; but it takes its share of the drive's force.
"""

from typing import Any

from flushsim.plant_path import PlantPath

# A plunger that has rested breaks loose within this way.
BREAK_LOOSE_MM = 0.1


class Plunger:
    """Motor steps in, plunger steps out; positions are in steps, forwards positive, 0 at the start."""

    def __init__(self, path: PlantPath, drive: dict[str, Any]) -> None:
        self.steps_per_mm = float(drive["steps_per_mm"])
        self.ml_per_step = path.barrel_area_mm2 / self.steps_per_mm / 1000
        self.play = path.backlash_um / 1000 * self.steps_per_mm
        self.force_limit_n = float(drive["force_limit_n"])
        self._break_n = path.friction_break_n
        self._glide_n = path.friction_glide_n
        self._n_per_kpa = path.barrel_area_mm2 / 1000
        self._break_loose_steps = BREAK_LOOSE_MM * self.steps_per_mm
        # Where the motor is in the play: 0 pushing, `play` pulling. The pump was last driven forwards.
        self.gap = 0.0
        self.position = 0.0
        self.since_rest = 0.0
        self.load(path.loaded_ml, path.capacity_ml)

    def load(self, loaded_ml: float, capacity_ml: float) -> None:
        """A syringe with this content is put in; `position` goes on."""
        self.front = self.position + loaded_ml / self.ml_per_step
        self.back = self.front - capacity_ml / self.ml_per_step

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
        self.position += moved
        self.since_rest += moved if moved > 0 else -moved
        return moved

    def settle(self, steps: float) -> float:
        """The motor snaps into its whole step, by less than one; returns how far the plunger goes. Play apart."""
        moved = min(steps, self.room(1))
        self.position += moved
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
        friction_n = self._glide_n if self.since_rest > self._break_loose_steps else self._break_n
        pushed_n = pressure_kpa * self._n_per_kpa
        return (pushed_n if direction > 0 else -pushed_n) + friction_n
