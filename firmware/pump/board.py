"""A board's data, checked when loaded: drive geometry, sensor range, clock."""

from flushlink.viper_compat import const

# (section, key, minimum, maximum)
_RANGES = (
    ("drive", "steps_per_mm", 10, 20_000),
    ("drive", "step_rate_max_per_s", 1_000, 400_000),
    ("drive", "acceleration_mm_per_s2", 10, 10_000),
    ("drive", "travel_um", 1_000, 500_000),
    ("drive", "force_limit_n", 20, 2_000),
    # Raw counts below zero mean that there is no reading; a signed sensor's port adds an offset.
    ("sensor", "raw_min", 0, 2**24),
    ("sensor", "raw_max", 0, 2**24),
    ("sensor", "range_min_pa", -1_000_000, 0),
    ("sensor", "range_max_pa", 10_000, 2_000_000),
    ("clock", "ticks_per_us", 1, 133),
)

# Plunger friction of a 50 mL syringe that breaks loose, 8 to 20 N (R-l).
_FRICTION_N = const(15)


class Board:
    """`data` is the parsed board file; raises ValueError with one sentence when it makes no sense."""

    def __init__(self, data):
        for section, key, minimum, maximum in _RANGES:
            value = data.get(section, {}).get(key)
            if not isinstance(value, int) or not minimum <= value <= maximum:
                raise ValueError(
                    f"board data: {section}.{key} is {value!r}, but must be an integer from {minimum} to {maximum}"
                )
        drive = data["drive"]
        sensor = data["sensor"]
        if sensor["raw_min"] == sensor["raw_max"] or sensor["range_min_pa"] >= sensor["range_max_pa"]:
            raise ValueError("board data: the sensor's range is empty; check raw_min to range_max_pa")
        if drive["acceleration_mm_per_s2"] * drive["steps_per_mm"] < drive["step_rate_max_per_s"]:
            raise ValueError("board data: the drive takes more than 1 s to its top speed; check acceleration_mm_per_s2")
        self.name = data.get("name", "")
        self.steps_per_mm = drive["steps_per_mm"]
        self.step_rate_max_per_s = drive["step_rate_max_per_s"]
        self.acceleration_per_s2 = drive["acceleration_mm_per_s2"] * drive["steps_per_mm"]
        self.travel_um = drive["travel_um"]
        self.force_limit_n = drive["force_limit_n"]
        # Without current the screw does not hold the plunger: height or a vein may move it.
        self.back_drives = bool(drive.get("back_drives", False))
        self.raw_min = sensor["raw_min"]
        self.raw_max = sensor["raw_max"]
        self.range_min_pa = sensor["range_min_pa"]
        self.range_max_pa = sensor["range_max_pa"]
        self.ticks_per_us = data["clock"]["ticks_per_us"]

    def volume_per_step_pl(self, barrel_diameter_um):
        """Volume of one step; 355/452 is pi/4 to 1e-7."""
        return barrel_diameter_um * barrel_diameter_um * 355 // 452 // self.steps_per_mm

    def force_limit_pa(self, barrel_diameter_um):
        """Pressure against which the drive still pushes: beyond it would stall, and could not relieve. May allocate."""
        area_um2 = barrel_diameter_um * barrel_diameter_um * 355 // 452
        return (self.force_limit_n - _FRICTION_N) * 1_000_000_000_000 // area_um2

    def volume_pl(self, barrel_diameter_um):
        """Volume of the drive's whole travel. May allocate."""
        return barrel_diameter_um * barrel_diameter_um * 355 // 452 * self.travel_um // 1000
