"""Pressure drop of saline, heparin and blood in the bores of an access path: pure functions of one tube.

A tube costs friction and the losses at its ends. Friction is Poiseuille's below Reynolds number 2300 and
Blasius' above 4000; between them the Darcy friction factor goes in a straight line from one to the other, so
that the drop is continuous and always grows with the flow. Entry and exit together cost 1.5 velocity heads.
Measured values of short needles differ from this by 30 to 50 %; a measured resistance is better.

Inertia of the liquid and compliance of the tube are not included: the drop is that of a steady flow.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import pi

REYNOLDS_LAMINAR = 2300.0
REYNOLDS_TURBULENT = 4000.0
VELOCITY_HEADS = 1.5
BLASIUS = 0.3164


@dataclass(frozen=True)
class Fluid:
    """A Newtonian liquid. Blood is one only roughly; at the shear rates of a flush it is close enough."""

    name: str
    viscosity_mpa_s: float
    density_g_per_ml: float


SALINE_20C = Fluid("saline at 20 C", 1.02, 1.005)
SALINE_37C = Fluid("saline at 37 C", 0.71, 1.000)
HEPARIN = Fluid("heparin 10-100 U/mL at 20 C", 1.02, 1.005)
BLOOD = Fluid("blood at 37 C", 3.5, 1.06)


@dataclass(frozen=True)
class Drop:
    """The drop of one tube as piecewise formulas of the flow Q in mL/s, giving kPa; odd in Q.

    Below `laminar_ml_per_s`: linear Q + square Q^2. Up to `turbulent_ml_per_s`: (square + blend_square) Q^2 +
    blend_cube Q^3. Above: blasius Q^1.75 + square Q^2. The simulator uses the coefficients, others call `kpa`.
    """

    linear: float
    square: float
    blend_square: float
    blend_cube: float
    blasius: float
    laminar_ml_per_s: float
    turbulent_ml_per_s: float

    def kpa(self, flow_ml_per_s: float) -> float:
        """Drop in kPa; negative for a flow backwards."""
        drop = self.friction_kpa(flow_ml_per_s)
        return drop + self.square * flow_ml_per_s * abs(flow_ml_per_s)

    def friction_kpa(self, flow_ml_per_s: float) -> float:
        """Drop in kPa without the losses at the ends."""
        flow = abs(flow_ml_per_s)
        if flow <= self.laminar_ml_per_s:
            drop = self.linear * flow
        elif flow <= self.turbulent_ml_per_s:
            drop = (self.blend_square + self.blend_cube * flow) * flow * flow
        else:
            drop = self.blasius * float(flow**1.75)
        return drop if flow_ml_per_s >= 0 else -drop


def drop(bore_mm: float, length_mm: float, fluid: Fluid = SALINE_20C) -> Drop:
    """The drop of a round tube as formulas. ValueError if bore or length is not above zero."""
    if not (bore_mm > 0 and length_mm > 0):
        raise ValueError(f"a tube needs a bore and a length above zero, not {bore_mm} mm and {length_mm} mm")
    area_mm2 = pi * bore_mm**2 / 4
    # 1 mL/s through 1 mm2 is 1 m/s, and 1 g/mL (m/s)2 is 1 kPa.
    reynolds_per_flow = reynolds(1.0, bore_mm, fluid)
    head_kpa = fluid.density_g_per_ml / area_mm2**2 / 2
    pipe_kpa = length_mm / bore_mm * head_kpa
    factor_laminar = 64 / REYNOLDS_LAMINAR
    factor_turbulent = BLASIUS / REYNOLDS_TURBULENT**0.25
    slope = (factor_turbulent - factor_laminar) / (REYNOLDS_TURBULENT - REYNOLDS_LAMINAR)
    return Drop(
        linear=pipe_kpa * 64 / reynolds_per_flow,
        square=VELOCITY_HEADS * head_kpa,
        blend_square=pipe_kpa * (factor_laminar - slope * REYNOLDS_LAMINAR),
        blend_cube=pipe_kpa * slope * reynolds_per_flow,
        blasius=pipe_kpa * BLASIUS / reynolds_per_flow**0.25,
        laminar_ml_per_s=REYNOLDS_LAMINAR / reynolds_per_flow,
        turbulent_ml_per_s=REYNOLDS_TURBULENT / reynolds_per_flow,
    )


def reynolds(flow_ml_per_s: float, bore_mm: float, fluid: Fluid = SALINE_20C) -> float:
    """Reynolds number of the flow in a round tube."""
    velocity_m_per_s = abs(flow_ml_per_s) / (pi * bore_mm**2 / 4)
    return 1000 * fluid.density_g_per_ml * velocity_m_per_s * bore_mm / fluid.viscosity_mpa_s


def drop_kpa(flow_ml_per_s: float, bore_mm: float, length_mm: float, fluid: Fluid = SALINE_20C) -> float:
    """Pressure drop in kPa of a steady flow, ends included. ValueError as in `drop`."""
    return drop(bore_mm, length_mm, fluid).kpa(flow_ml_per_s)


def wall_shear_pa(flow_ml_per_s: float, bore_mm: float, length_mm: float, fluid: Fluid = SALINE_20C) -> float:
    """Shear stress in Pa on the tube's wall, from friction alone: dP d / 4 L."""
    return 1000 * abs(drop(bore_mm, length_mm, fluid).friction_kpa(flow_ml_per_s)) * bore_mm / (4 * length_mm)


def inertia_kpa_s2_per_ml(bore_mm: float, length_mm: float, fluid: Fluid = SALINE_20C) -> float:
    """Pressure in kPa that accelerates the tube's column of liquid by 1 mL/s each second: rho l / A."""
    return fluid.density_g_per_ml * length_mm / (pi * bore_mm**2 / 4) / 1000


def fit_resistance(drops: Iterable[Drop], flow_max_ml_per_s: float) -> tuple[float, float]:
    """(R_L in kPa s/mL, R_T in kPa s2/mL2) of tubes in series, closest to R_L Q + R_T Q^2 from 0 to the flow.

    Closest means least squares in kPa over evenly spaced flows. Neither figure is ever negative. Where every
    tube stays laminar the fit is exact. ValueError if the flow is not above zero.
    """
    if not flow_max_ml_per_s > 0:
        raise ValueError(f"a resistance is fitted up to a flow above zero, not {flow_max_ml_per_s} mL/s")
    tubes = tuple(drops)
    s11 = s12 = s22 = y1 = y2 = 0.0
    count = 200
    for step in range(1, count + 1):
        flow = flow_max_ml_per_s * step / count
        kpa = sum(tube.kpa(flow) for tube in tubes)
        s11 += flow**2
        s12 += flow**3
        s22 += flow**4
        y1 += kpa * flow
        y2 += kpa * flow**2
    determinant = s11 * s22 - s12 * s12
    linear = (y1 * s22 - y2 * s12) / determinant
    square = (s11 * y2 - s12 * y1) / determinant
    if linear < 0:
        return 0.0, y2 / s22
    if square < 0:
        return y1 / s11, 0.0
    return linear, square


def resistance(
    bore_mm: float, length_mm: float, fluid: Fluid = SALINE_20C, flow_max_ml_per_s: float = 2.0
) -> tuple[float, float]:
    """(R_L in kPa s/mL, R_T in kPa s2/mL2) of one tube, fitted from 0 to `flow_max_ml_per_s`. See `fit_resistance`."""
    return fit_resistance((drop(bore_mm, length_mm, fluid),), flow_max_ml_per_s)
