"""An access path: syringe, extension set, needle and line, with the limits of the weakest part.

Pressures are gauge pressures at the syringe's outlet, where the pump's sensor is. The pressure at a flow is predicted
with saline at 20 C, which is more viscous than at body temperature: the prediction is on the safe side.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from flushpump.access import hydraulics
from flushpump.access.catalog import load
from flushpump.access.hydraulics import Drop
from flushpump.access.parts import Catalog, Extension, Line, Needle, Syringe
from flushpump.errors import RefusedError, UsageError

# 25 psi, the lowest rating of lines that are not power-injectable. No path goes above, power-rated or not.
PUMP_CEILING_KPA = 172.0
# 20 psi, the limit for a pump by ECRI (2015).
WORKING_CEILING_KPA = 137.9
WORKING_SHARE_OF_HARD = 0.8
# The pump lowers the flow at the working limit: a plan at that limit would be derated in each pulse.
PLANNED_SHARE_OF_WORKING = 0.9
# The pump's own setting flow_cap_nl_per_s.
PUMP_FLOW_ML_PER_S = 5.0
# A slower flow makes no pulses and a very long flush: the path is refused.
LEAST_FLOW_ML_PER_S = 0.1
# Largest suction of an aspirate check: low suction keeps the catheter's wall from closing its tip (R-m), and is well
# within the pump's own limit of 50 kPa below zero.
SUCTION_KPA = 30.0
# The pump models the path as R_L Q + R_T Q2, fitted in the range of usual flushes, and further only for a faster one:
# beyond the onset of turbulence such a fit gives half of the pressure that a wide line needs.
FITTED_FLOW_ML_PER_S = 2.0
# 8 mmHg, the upper end of resting central venous pressure.
VEIN_KPA = 1.07


@dataclass(frozen=True)
class Cap:
    """The highest flow of a path in mL/s, and the reason in words."""

    flow_ml_per_s: float
    reason: str


@dataclass(frozen=True)
class AccessPath:
    """The way from the barrel to the vein. Make it with `AccessPath.of`."""

    line: Line
    needle: Needle
    syringe: Syringe
    extension: Extension
    heparin_intolerant: bool
    hard_limit_kpa: float
    hard_limit_part: str
    working_limit_kpa: float
    flow_cap: Cap
    aspirate_cap: Cap
    resistance_kpa_s_per_ml: float
    turbulence_kpa_s2_per_ml2: float
    compliance_ul_per_kpa: float

    @classmethod
    def of(
        cls,
        line: str,
        needle: str = "none",
        syringe: str = "bd-10",
        extension: str = "extension-20cm",
        *,
        heparin_intolerant: bool = False,
        catalog: Catalog | None = None,
    ) -> "AccessPath":
        """The path of these names.

        Raises UnknownNameError, UsageError for parts that do not fit together, and RefusedError for a part that may
        not be used (a barrel below 10 mL on a central line, a path with too little flow).
        """
        known = catalog or load()
        return cls.made_of(
            known.line(line),
            known.needle(needle),
            known.syringe(syringe),
            known.extension(extension),
            heparin_intolerant=heparin_intolerant,
        )

    @classmethod
    def made_of(
        cls, line: Line, needle: Needle, syringe: Syringe, extension: Extension, *, heparin_intolerant: bool = False
    ) -> "AccessPath":
        """The path of these elements; raises as `of` does."""
        _check_fit(line, needle, syringe)
        hard_kpa, part = min(
            (PUMP_CEILING_KPA, "pump"),
            (line.pressure_limit_kpa, line.name),
            (needle.pressure_limit_kpa, needle.name),
            (extension.pressure_limit_kpa, extension.name),
            (syringe.pressure_limit_kpa, syringe.name),
            key=lambda limit: limit[0],
        )
        working_kpa = min(WORKING_CEILING_KPA, WORKING_SHARE_OF_HARD * hard_kpa)
        drops = _drops(extension, needle, line)
        cap = _flow_cap(line, needle, drops, working_kpa)
        if cap.flow_ml_per_s < LEAST_FLOW_ML_PER_S:
            raise RefusedError(
                f"at most {cap.flow_ml_per_s:.2g} mL/s flow through {line.name} with {needle.name} below the working "
                f"limit of {working_kpa:.0f} kPa",
                "use a wider needle or line",
            )
        laminar, turbulent = hydraulics.fit_resistance(drops, min(cap.flow_ml_per_s, FITTED_FLOW_ML_PER_S))
        return cls(
            line=line,
            needle=needle,
            syringe=syringe,
            extension=extension,
            heparin_intolerant=heparin_intolerant,
            hard_limit_kpa=hard_kpa,
            hard_limit_part=part,
            working_limit_kpa=working_kpa,
            flow_cap=cap,
            aspirate_cap=_highest(cap, drops, SUCTION_KPA, f"more would need over {SUCTION_KPA:g} kPa of suction"),
            resistance_kpa_s_per_ml=laminar,
            turbulence_kpa_s2_per_ml2=turbulent,
            compliance_ul_per_kpa=(
                syringe.compliance_ul_per_kpa + extension.compliance_ul_per_kpa + line.compliance_ul_per_kpa
            ),
        )

    @property
    def flow_cap_ml_per_s(self) -> float:
        """The highest flow, mL/s."""
        return self.flow_cap.flow_ml_per_s

    @property
    def volume_ml(self) -> float:
        """Volume of catheter, chamber and extension set, mL: a lock fills it, a flush replaces it twice."""
        return self.line.volume_ml + self.extension.volume_ml

    @property
    def names(self) -> tuple[str, str, str, str]:
        """Line, needle, syringe, extension."""
        return (self.line.name, self.needle.name, self.syringe.name, self.extension.name)

    def fitted_to(self, flow_ml_per_s: float) -> "AccessPath":
        """The same path with its resistance fitted up to this flow, mL/s, if it is above FITTED_FLOW_ML_PER_S."""
        if flow_ml_per_s <= FITTED_FLOW_ML_PER_S:
            return self
        laminar, turbulent = hydraulics.fit_resistance(
            _drops(self.extension, self.needle, self.line), min(flow_ml_per_s, self.flow_cap_ml_per_s)
        )
        return replace(self, resistance_kpa_s_per_ml=laminar, turbulence_kpa_s2_per_ml2=turbulent)

    def predict_kpa(self, flow_ml_per_s: float) -> float:
        """Pressure at the syringe's outlet, kPa, for a steady flow into a resting vein."""
        return VEIN_KPA + _kpa(_drops(self.extension, self.needle, self.line), flow_ml_per_s)

    def wall_shear_pa(self, flow_ml_per_s: float) -> float:
        """Mean shear stress at the catheter's wall, Pa: dP d / 4 L."""
        return hydraulics.wall_shear_pa(flow_ml_per_s, self.line.bore_mm, self.line.length_mm)


def _check_fit(line: Line, needle: Needle, syringe: Syringe) -> None:
    if line.needle_required and needle.length_mm == 0:
        raise UsageError(f"{line.name} is a port and needs a needle", "name one, for instance --needle huber-20g")
    if not line.needle_required and needle.length_mm > 0:
        raise UsageError(f"{line.name} has a hub and takes no needle", "use --needle none")
    if line.central and not syringe.central_allowed:
        raise RefusedError(
            f"{syringe.name} has a barrel narrower than a 10 mL syringe and {line.name} is a central line",
            "use a syringe of 10 mL or more",
        )


def _drops(*tubes: Line | Needle | Extension) -> tuple[Drop, ...]:
    return tuple(hydraulics.drop(tube.bore_mm, tube.length_mm) for tube in tubes if tube.length_mm > 0)


def _kpa(drops: Iterable[Drop], flow_ml_per_s: float) -> float:
    return sum(drop.kpa(flow_ml_per_s) for drop in drops)


def _flow_cap(line: Line, needle: Needle, drops: tuple[Drop, ...], working_kpa: float) -> Cap:
    caps = [Cap(PUMP_FLOW_ML_PER_S, f"the pump's maximum is {PUMP_FLOW_ML_PER_S:g} mL/s")]
    for part in (line, needle):
        if part.flow_limit_ml_per_s is not None:
            rated = part.flow_limit_ml_per_s
            caps.append(Cap(rated, f"{part.name} is rated {rated:g} mL/s"))
    planned_kpa = PLANNED_SHARE_OF_WORKING * working_kpa
    reason = f"more would need over {planned_kpa:.0f} kPa, 90 % of the working limit"
    return _highest(min(caps, key=lambda cap: cap.flow_ml_per_s), drops, planned_kpa - VEIN_KPA, reason)


def _highest(cap: Cap, drops: tuple[Drop, ...], drop_kpa: float, reason: str) -> Cap:
    """`cap`, or the highest flow with a drop of at most `drop_kpa`, whichever is lower."""
    if _kpa(drops, cap.flow_ml_per_s) <= drop_kpa:
        return cap
    low, high = 0.0, cap.flow_ml_per_s
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if _kpa(drops, middle) <= drop_kpa else (low, middle)
    # Rounded down to 10 uL/s, so that the shown value is the one in use.
    return Cap(math.floor(low * 100) / 100, reason)
