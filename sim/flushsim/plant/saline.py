"""Saline by temperature: viscosity and density."""

from flushpump.access.hydraulics import Fluid

# Viscosity of water in mPa s, A 10^(B / (T - C)) with T in K (R-h, within 2.5 % from 0 to 370 C); saline's is 1.8 %
# more, which meets 1.02 at 20 C and 0.70 at 37 C.
_A, _B, _C = 0.02414, 247.8, 140.0
_SALINE = 1.018
# Density of saline at 20 C in g/mL, and what a degree takes of it: 1.000 at 37 C.
_DENSITY_20C, _PER_DEGREE = 1.005, 0.0003
COLDEST_C, WARMEST_C = 2.0, 45.0


def saline_at(temperature_c: float) -> Fluid:
    """Saline of a temperature. ValueError below 2 and above 45 C, the limits for a flush."""
    if not COLDEST_C <= temperature_c <= WARMEST_C:
        raise ValueError(f"saline for a flush is between {COLDEST_C:g} and {WARMEST_C:g} C, not {temperature_c:g}")
    viscosity_mpa_s = _SALINE * _A * 10 ** (_B / (temperature_c + 273.15 - _C))
    density_g_per_ml = _DENSITY_20C - _PER_DEGREE * (temperature_c - 20)
    return Fluid(f"saline at {temperature_c:.1f} C", viscosity_mpa_s, density_g_per_ml)
