"""The state of the line by faults and operator: its condition for the solver, and the vein's pressure.

An obstruction is assumed at the catheter's tip, so it does not narrow a tear, or a needle that is out of the port.
"""

from dataclasses import replace
from math import inf

from flushsim.faults.schedule import FaultSchedule
from flushsim.plant.flow_paths import Condition, Outlet
from flushsim.plant.parameters import PlantPath
from flushsim.plant.pressure_drop import drop_curve
from flushsim.plant.vein import Vein, cough_kpa

# The forward resistance factor of a fibrin flap; known are 1 to 3.
FLAP_FORWARDS = 1.5


class LineState:
    """The line's state by the active faults, and by a tear, which outlasts them.

    `connected` is whether the extension set is on the line; it is off for priming.
    """

    def __init__(self, path: PlantPath, faults: FaultSchedule) -> None:
        self.connected = True
        self._path = path
        self._faults = faults
        self._ticks_per_s = faults.ticks_per_us * 1_000_000
        self._vein = Vein(path)
        self._needle = drop_curve(path.needle())
        self._coughing = False
        self._height_kpa = path.hydrostatic_kpa
        self._torn = False
        # The vein's pressure as long as it does not change, else None.
        self.still_kpa: float | None = None
        self._update_still_pressure()
        # Above this the catheter tears; inf as long as it cannot.
        self.tears_at_kpa = inf

    def condition(self, ticks: int) -> Condition:
        """The line's condition from now on until the faults change."""
        faults = self._faults
        self._coughing = faults.has("cough")
        self.tears_at_kpa = inf if self._torn else faults.severity("rupture", inf)
        height_mm = faults.severity("height", self._path.height_mm)
        self._height_kpa = replace(self._path, height_mm=height_mm).hydrostatic_kpa
        self._update_still_pressure()
        outlet = self._outlet()
        upstream = Condition(bubble_ml=faults.severity("bubble"), leak_share=faults.severity("leak"), outlet=outlet)
        if outlet is Outlet.ROOM or outlet is Outlet.BURST:
            return upstream
        tissue = {Outlet.TIP_IN_TISSUE: "extravasation", Outlet.NEEDLE_IN_TISSUE: "dislodged"}.get(outlet, "")
        upstream = replace(upstream, closed=faults.has("occlusion"), tissue_kpa_per_ml=faults.severity(tissue))
        if outlet is Outlet.NEEDLE_IN_TISSUE:
            return upstream
        scale, growth_per_s = faults.line_scale(ticks)
        back = 1.0
        if faults.has("fibrin-flap"):
            scale *= FLAP_FORWARDS
            back = max(faults.severity("fibrin-flap") / FLAP_FORWARDS, 1.0)
        return replace(upstream, scale=scale, growth_per_s=growth_per_s, back=back)

    def _outlet(self) -> Outlet:
        faults = self._faults
        if faults.has("disconnect") or not self.connected:
            return Outlet.ROOM
        if faults.has("dislodged"):
            return Outlet.NEEDLE_IN_TISSUE
        if self._torn:
            return Outlet.BURST
        return Outlet.TIP_IN_TISSUE if faults.has("extravasation") else Outlet.VEIN

    def _update_still_pressure(self) -> None:
        is_still = self._vein.quiet and not self._coughing
        self.still_kpa = self._vein.kpa(0.0) - self._height_kpa if is_still else None

    def far_kpa(self, ticks: int) -> float:
        """The vein's pressure at a time, referred to the pump's height."""
        kpa = self._vein.kpa(ticks / self._ticks_per_s) - self._height_kpa
        if self._coughing:
            kpa += cough_kpa(self._faults.severity("cough"), self._faults.on_for_s("cough", ticks))
        return kpa

    def tears(self, connector_kpa: float, flow_ml_per_s: float) -> bool:
        """Whether the catheter tears now. An obstruction is at its tip, so only the needle lowers its pressure."""
        self._torn = connector_kpa - self._needle(flow_ml_per_s)[0] > self.tears_at_kpa
        return self._torn

    def replace_catheter(self) -> None:
        """A new catheter."""
        self._torn = False
