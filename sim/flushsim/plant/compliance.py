"""Volumes of syringe and connector at a pressure: stretch, air, and vapour at a large suction.

Volumes are in mL more than at zero gauge pressure, pressures in kPa gauge, compliances in mL/kPa.
"""

from math import sqrt

ATMOSPHERE_KPA = 101.325
# Below this gauge pressure the liquid boils, and vapour in the syringe limits the suction.
BOILING_KPA = -95.0
BOILING_SOFTNESS = 1e3


def syringe_kpa(held_ml: float, compliance: float) -> tuple[float, float]:
    """Pressure of a syringe, and its slope in kPa/mL."""
    kpa = held_ml / compliance
    if kpa > BOILING_KPA:
        return kpa, 1 / compliance
    return BOILING_KPA + (kpa - BOILING_KPA) / BOILING_SOFTNESS, 1 / (compliance * BOILING_SOFTNESS)


def connector_kpa(held_ml: float, compliance: float, air_ml: float) -> tuple[float, float]:
    """Pressure of a connector with air (mL at atmospheric pressure) beside the liquid, and its slope in kPa/mL.

    The tube stretches, and the air shrinks isothermally: held = C p + V0 (1 - P0 / P).
    """
    if not air_ml:
        return held_ml / compliance, 1 / compliance
    b = air_ml - compliance * ATMOSPHERE_KPA - held_ml
    root = sqrt(b * b + 4 * compliance * air_ml * ATMOSPHERE_KPA)
    # The form of the root without cancellation.
    absolute = (root - b) / (2 * compliance) if b < 0 else 2 * air_ml * ATMOSPHERE_KPA / (root + b)
    return absolute - ATMOSPHERE_KPA, 1 / (compliance + air_ml * ATMOSPHERE_KPA / absolute**2)


def connector_ml(kpa: float, compliance: float, air_ml: float) -> float:
    """The volume of a connector with air at a pressure, which boiling limits at a large suction."""
    absolute = max(kpa, BOILING_KPA) + ATMOSPHERE_KPA
    return compliance * kpa + air_ml * (1 - ATMOSPHERE_KPA / absolute)
