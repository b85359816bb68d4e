"""The parameters of the plant: drive, syringe, extension, needle, line and vein."""

from dataclasses import dataclass, replace
from math import inf, pi, sqrt
from typing import TYPE_CHECKING

from flushpump.access.hydraulics import SALINE_20C, Drop, Fluid, drop, inertia_kpa_s2_per_ml
from flushpump.units import KPA_PER_MMHG

from flushsim.plant.flow_paths import FlowPath
from flushsim.plant.pressure_drop import drop_curve

if TYPE_CHECKING:
    from flushpump.access.parts import Extension, Line, Needle, Syringe

GRAVITY_M_PER_S2 = 9.80665


@dataclass(frozen=True)
class PlantPath:
    """The line from barrel to vein. The default is an 8F port with a 20G needle, a 10 mL syringe, a 20 cm extension.

    A tube of length 0 is absent. `loaded_ml` is what the syringe holds at the start. `backlash_um` is the play of
    the lead screw's nut, kept small by a spring-loaded nut (R-l); `drive_n_per_mm` the stiffness between nut and
    plunger, by which friction shows in the flow; `back_drive_n` the force that turns a screw which back-drives while
    the driver is off (R-l: 15 mN m of a NEMA 17's detent, 8 mm lead, half of it lost in the thread). `opens_out_kpa`
    and `opens_in_kpa` are those of a valve in the tip, 0 without one. The vein's pressure swings by `breath_kpa` and
    `beat_kpa` about `vein_kpa`; `vein_phase` (0 to 1) is where at power-on. `height_mm` is the pump's above the heart.
    Without `inertia` the liquid has no mass to speed up. `tube_loss` is the loss tangent of what stretches at the
    connector, at the frequency at which it swings (R-l: soft PVC 0.2 to 0.4).
    """

    barrel_mm: float = 14.43
    capacity_ml: float = 12.0
    loaded_ml: float = 10.0
    syringe_compliance_ul_per_kpa: float = 2.0
    friction_break_n: float = 5.0
    friction_glide_n: float = 4.0
    extension_bore_mm: float = 1.382
    extension_length_mm: float = 200.0
    extension_compliance_ul_per_kpa: float = 0.1
    needle_bore_mm: float = 0.603
    needle_length_mm: float = 25.0
    chamber_ml: float = 0.5
    chamber_shape: str = "rounded"
    catheter_bore_mm: float = 1.5
    catheter_length_mm: float = 250.0
    line_compliance_ul_per_kpa: float = 0.02
    vein_kpa: float = 5 * KPA_PER_MMHG
    breath_kpa: float = 0.0
    breaths_per_min: float = 15.0
    beat_kpa: float = 0.0
    beats_per_min: float = 75.0
    vein_phase: float = 0.0
    height_mm: float = 0.0
    opens_out_kpa: float = 0.0
    opens_in_kpa: float = 0.0
    backlash_um: float = 10.0
    drive_n_per_mm: float = inf
    back_drive_n: float = 6.0
    tube_loss: float = 0.25
    fluid: Fluid = SALINE_20C
    inertia: bool = True

    @classmethod
    def from_catalog(
        cls, line: "Line", needle: "Needle", syringe: "Syringe", extension: "Extension", loaded_ml: float | None = None
    ) -> "PlantPath":
        """The path of these catalog elements; the syringe holds its printed size without `loaded_ml`."""
        return cls(
            barrel_mm=syringe.inner_diameter_mm,
            capacity_ml=syringe.capacity_ml,
            loaded_ml=syringe.size_ml if loaded_ml is None else loaded_ml,
            syringe_compliance_ul_per_kpa=syringe.compliance_ul_per_kpa,
            friction_break_n=syringe.friction_break_n,
            friction_glide_n=syringe.friction_glide_n,
            extension_bore_mm=extension.bore_mm,
            extension_length_mm=extension.length_mm,
            extension_compliance_ul_per_kpa=extension.compliance_ul_per_kpa,
            needle_bore_mm=needle.bore_mm,
            needle_length_mm=needle.length_mm,
            chamber_ml=line.chamber_ml,
            chamber_shape=line.chamber_shape or "rounded",
            catheter_bore_mm=line.bore_mm,
            catheter_length_mm=line.length_mm,
            line_compliance_ul_per_kpa=line.compliance_ul_per_kpa,
        )

    def with_compliance(self, syringe_ul_per_kpa: float) -> "PlantPath":
        """The same path with a syringe of another compliance."""
        return replace(self, syringe_compliance_ul_per_kpa=syringe_ul_per_kpa)

    @property
    def barrel_area_mm2(self) -> float:
        """Cross-section of the barrel."""
        return pi * self.barrel_mm**2 / 4

    @property
    def hydrostatic_kpa(self) -> float:
        """The pressure at the heart's height less that at the pump's."""
        return self.fluid.density_g_per_ml * GRAVITY_M_PER_S2 * self.height_mm / 1000

    def near(self) -> tuple[Drop, ...]:
        """The tubes between sensor and connector."""
        return self._tubes(self._extension)

    def needle(self) -> tuple[Drop, ...]:
        """The needle, if there is one."""
        return self._tubes(self._needle)

    def far(self) -> tuple[Drop, ...]:
        """The tubes between connector and vein."""
        return self._tubes(self._needle, self._catheter)

    def flow_paths(self) -> tuple[FlowPath, FlowPath, FlowPath]:
        """Extension set, needle and catheter together, needle alone: as inputs of the solver."""
        return (
            FlowPath(drop_curve(self.near()), self._inertia(self._extension)),
            FlowPath(
                drop_curve(self.far()),
                self._inertia(self._needle, self._catheter),
                self.opens_out_kpa,
                self.opens_in_kpa,
            ),
            FlowPath(drop_curve(self.needle()), self._inertia(self._needle)),
        )

    def damping(self) -> float:
        """The viscous resistance of extension and line to stretch, in kPa s/mL; 0 where nothing oscillates."""
        c2 = (self.extension_compliance_ul_per_kpa + self.line_compliance_ul_per_kpa) / 1000
        return self.tube_loss * sqrt(self._inertia(self._extension) / c2) if c2 > 0 else 0.0

    @property
    def _extension(self) -> tuple[float, float]:
        return self.extension_bore_mm, self.extension_length_mm

    @property
    def _needle(self) -> tuple[float, float]:
        return self.needle_bore_mm, self.needle_length_mm

    @property
    def _catheter(self) -> tuple[float, float]:
        return self.catheter_bore_mm, self.catheter_length_mm

    def _inertia(self, *sizes: tuple[float, float]) -> float:
        """Of tubes in series, in kPa s2/mL."""
        if not self.inertia:
            return 0.0
        return sum(inertia_kpa_s2_per_ml(bore, length, self.fluid) for bore, length in sizes if length > 0)

    def _tubes(self, *sizes: tuple[float, float]) -> tuple[Drop, ...]:
        return tuple(drop(bore_mm, length_mm, self.fluid) for bore_mm, length_mm in sizes if length_mm > 0)
