"""A possible real path: drawn about the one of the catalog, within the known range of each parameter.

The ranges are those of the sources of the catalog: needle bores have stated tolerances (S), most others are recalled
(R-m, compliances, friction and stiffness R-l). The distribution is triangular where the catalog value is the most
likely, uniform where only the ends are known, and uniform in the logarithm where these are far apart.
"""

from dataclasses import replace
from math import exp, log, pi
from random import Random

from flushpump.units import KPA_PER_MMHG

from flushsim.plant.parameters import PlantPath
from flushsim.plant.saline import saline_at

# Regular wall: 19G +-0.038 mm, 20G and 22G +-0.019 mm (S).
WIDE_NEEDLE_MM = 0.65
WIDE_NEEDLE_TOLERANCE_MM = 0.038
NEEDLE_TOLERANCE_MM = 0.019
# Huber needles are 13 to 38 mm long, as printed on the package, but the catalog has the gauge alone (R-m).
NEEDLE_LENGTH_MM = (13.0, 38.0)
# Port catheters are cut to 18 to 25 cm, the catalog has the upper end; PICCs to 40 to 55 cm, it has 45 (R-m).
PORT_LENGTH = (0.72, 1.0)
LONG_LENGTH = (0.89, 1.22)
# 1.0 to 1.1, 1.2 to 1.4, 1.5 to 1.6 mm: a catheter is rather wider than nominal (R-m).
CATHETER_BORE = (0.97, 1.10)
# Extension sets of 20 cm hold 0.2 to 0.5 mL (R-m).
EXTENSION_ML_PER_M = (1.0, 2.5)
BARREL = (0.995, 1.005)
# 10 mL syringes 1 to 4 uL/kPa about 2, larger ones 3 to 7 about 5 and 9 to 21 about 15 (S, R-l).
SMALL_SYRINGE_ML = 12.0
SMALL_SYRINGE_COMPLIANCE = (0.5, 2.0)
LARGE_SYRINGE_COMPLIANCE = (0.6, 1.4)
# PVC 0.1 to 1 uL/kPa per m (R-l).
TUBE_COMPLIANCE = (0.5, 2.0)
# 10 mL: 3 to 8 N and 2 to 6 N about 5 and 4 (R-l).
BREAK_LOOSE = (0.6, 1.6)
GLIDE = (0.5, 1.5)
BACKLASH = (0.3, 2.0)
DRIVE_N_PER_MM = (150.0, 600.0)
# Soft PVC 0.2 to 0.4, polyurethane less (R-l).
TUBE_LOSS = (0.15, 0.4)
ROOM_C = (17.0, 28.0)
# Central veins: 2 to 8 mmHg; breathing and heartbeat change them by a few (R-m).
VEIN_MMHG = (2.0, 8.0)
BREATH_MMHG = (0.5, 3.0)
BEAT_MMHG = (0.5, 2.0)
BREATHS_PER_MIN = (10.0, 22.0)
BEATS_PER_MIN = (55.0, 110.0)
HEIGHT_MM = (-200.0, 300.0)


def drawn(path: PlantPath, random: Random) -> PlantPath:
    """A path like this one, with inertia, breathing and heartbeat. The same random numbers give the same path."""

    def even(span: tuple[float, float]) -> float:
        return random.uniform(*span)

    def about(span: tuple[float, float]) -> float:
        """A factor with the middle at 1."""
        return random.triangular(*span, 1.0)

    def wide(span: tuple[float, float]) -> float:
        return exp(random.uniform(log(span[0]), log(span[1])))

    has_needle = path.needle_length_mm > 0
    needle_tolerance_mm = WIDE_NEEDLE_TOLERANCE_MM if path.needle_bore_mm > WIDE_NEEDLE_MM else NEEDLE_TOLERANCE_MM
    needle_bore_mm = path.needle_bore_mm + random.triangular(-needle_tolerance_mm, needle_tolerance_mm)
    needle_length_mm = random.triangular(*NEEDLE_LENGTH_MM, min(max(path.needle_length_mm, 13.0), 38.0))
    extension_bore_mm = path.extension_bore_mm * about(
        tuple((ml_per_m / _ml_per_m(path.extension_bore_mm)) ** 0.5 for ml_per_m in EXTENSION_ML_PER_M)
    )
    small = path.capacity_ml <= SMALL_SYRINGE_ML
    break_n = path.friction_break_n * about(BREAK_LOOSE)
    return replace(
        path,
        barrel_mm=path.barrel_mm * about(BARREL),
        syringe_compliance_ul_per_kpa=path.syringe_compliance_ul_per_kpa
        * about(SMALL_SYRINGE_COMPLIANCE if small else LARGE_SYRINGE_COMPLIANCE),
        friction_break_n=break_n,
        friction_glide_n=min(path.friction_glide_n * about(GLIDE), break_n),
        extension_bore_mm=extension_bore_mm,
        extension_compliance_ul_per_kpa=path.extension_compliance_ul_per_kpa * wide(TUBE_COMPLIANCE),
        needle_bore_mm=needle_bore_mm if has_needle else path.needle_bore_mm,
        needle_length_mm=needle_length_mm if has_needle else 0.0,
        catheter_bore_mm=path.catheter_bore_mm * about(CATHETER_BORE),
        catheter_length_mm=path.catheter_length_mm * even(PORT_LENGTH if has_needle else LONG_LENGTH),
        line_compliance_ul_per_kpa=path.line_compliance_ul_per_kpa * wide(TUBE_COMPLIANCE),
        vein_kpa=even(VEIN_MMHG) * KPA_PER_MMHG,
        breath_kpa=even(BREATH_MMHG) * KPA_PER_MMHG,
        breaths_per_min=even(BREATHS_PER_MIN),
        beat_kpa=even(BEAT_MMHG) * KPA_PER_MMHG,
        beats_per_min=even(BEATS_PER_MIN),
        vein_phase=random.random(),
        height_mm=even(HEIGHT_MM),
        backlash_um=path.backlash_um * wide(BACKLASH),
        drive_n_per_mm=wide(DRIVE_N_PER_MM),
        tube_loss=wide(TUBE_LOSS),
        fluid=saline_at(even(ROOM_C)),
        inertia=True,
    )


def _ml_per_m(bore_mm: float) -> float:
    return pi * bore_mm**2 / 4
