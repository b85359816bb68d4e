"""A line full of labelled liquids: its parts in series, moved together step by step.

    syringe -> extension -> needle -> chamber -> catheter -> vein
                             |-> leak         |-> astray

The needle with its hub and connector is one well mixed volume: a step passes the bore as a whole. It also holds
the liquid that stretches the tubes, or replaces compressed air. What goes into chamber and catheter but not out of the
tip (a tear) is astray, and comes back from there. What is lost at the connector or through a needle in tissue is the
leak.
"""

import numpy as np
from flushpump.access.parts import lumen_ml

from flushsim.fluids.mixing import SHAPES, Amounts, Chamber, Pool, Tube
from flushsim.plant.parameters import PlantPath

SEGMENTS = ("syringe", "extension", "needle", "chamber", "catheter")
# Labels that every line has; those of the charges come after them.
BEFORE, BLOOD, AIR, FIRST_CHARGE = 0, 1, 2, 3
CELLS = 40
# Connector and needle hub (R-l).
HUB_ML = 0.05


class FluidLine:
    """The parts with their content. `room_ml` is how far air drives the hub below its volume."""

    def __init__(self, path: PlantPath, labels: int, loaded_ml: float, room_ml: float = 0.0) -> None:
        self._unit = unit = np.eye(labels)
        nothing, primed, before = np.zeros(labels), unit[FIRST_CHARGE], unit[BEFORE]
        self.syringe = Pool(loaded_ml * primed, primed)
        needle_ml = HUB_ML + room_ml + lumen_ml(path.needle_bore_mm, path.needle_length_mm)
        self.needle = Pool(needle_ml * primed, unit[AIR])
        self.leak = Pool(nothing, unit[AIR])
        self.astray = Pool(nothing, unit[BLOOD])
        self.thrown_away = Pool(nothing, primed)
        # Out of the tip; blood that came in at the tip.
        self.out_ml = nothing
        self.blood_in_ml = 0.0
        self.extension = (
            Tube(path.extension_bore_mm, path.extension_length_mm, CELLS, primed, path.fluid)
            if path.extension_length_mm > 0
            else None
        )
        shape = SHAPES[path.chamber_shape]
        self.chamber = Chamber(path.chamber_ml, shape, before) if path.chamber_ml > 0 else None
        self.catheter = Tube(path.catheter_bore_mm, path.catheter_length_mm, CELLS, before, path.fluid)
        self._made_ml = self._everything_ml()

    def step(
        self,
        extension_ml: float,
        leaked_ml: float,
        line_ml: float,
        tip_ml: float,
        extension_flow_ml_per_s: float,
        line_flow_ml_per_s: float,
        time_s: float,
    ) -> None:
        """Moves each part by its volume, forwards positive; the flows are those while it moved, `time_s` the total."""
        needle, flow = self.needle, line_flow_ml_per_s
        if extension_ml > 0:
            needle.add(
                _through(self.extension, extension_ml, self.syringe.take_out(extension_ml), extension_flow_ml_per_s)
            )
        elif extension_ml < 0:
            back_ml = needle.take_out(-extension_ml)
            self.syringe.add(_through(self.extension, extension_ml, back_ml, extension_flow_ml_per_s))
        if leaked_ml > 0:
            self.leak.add(needle.take_out(leaked_ml))
        elif leaked_ml < 0:
            needle.add(self.leak.take_out(-leaked_ml))
        # The balance between chamber and catheter; usually the outflow of one is the inflow of the other.
        met = np.zeros(len(self._unit))
        if line_ml > 0:
            met = met + _through(self.chamber, line_ml, needle.take_out(line_ml), flow)
        if tip_ml < 0:
            self.blood_in_ml -= tip_ml
            met = met + self.catheter.move(tip_ml, self._unit[BLOOD], flow)
        forwards_ml, backwards_ml = max(tip_ml, 0.0), max(-line_ml, 0.0)
        wanted_ml = forwards_ml + backwards_ml
        if wanted_ml > met.sum():
            met = met + self.astray.take_out(wanted_ml - float(met.sum()))
        if wanted_ml > 0:
            shares = met / met.sum()
            met = met - wanted_ml * shares
            if forwards_ml:
                self.out_ml = self.out_ml + self.catheter.move(tip_ml, shares, flow)
            if backwards_ml:
                needle.add(_through(self.chamber, line_ml, backwards_ml * shares, flow))
        self.astray.add(met)
        for part in (self.extension, self.chamber, self.catheter):
            if part:
                part.rest(time_s)

    def change_syringe(self, label: int, volume_ml: float) -> None:
        """Removes the syringe with its content, and inserts one with `volume_ml` of `label`."""
        self.thrown_away.add(self.syringe.amounts_ml)
        filling_ml = volume_ml * self._unit[label]
        self._made_ml = self._made_ml + filling_ml + self.syringe.spared_ml
        self.syringe = Pool(filling_ml, self._unit[label])

    def rename(self, old: int, new: int) -> None:
        """Changes the label of a part of the syringe's content."""
        amounts_ml = self.syringe.amounts_ml.copy()
        renamed_ml = amounts_ml[old] * (self._unit[new] - self._unit[old])
        self._made_ml = self._made_ml + renamed_ml + self.syringe.spared_ml
        self.syringe = Pool(amounts_ml + renamed_ml, self._unit[new])

    def give_by_hand(self, label: int, volume_ml: float, flow_ml_per_s: float, parts: int) -> None:
        """`volume_ml` of `label` is pushed in at the hub, past the pump, in so many steps."""
        step_ml = volume_ml / parts
        for _ in range(parts):
            self.needle.add(step_ml * self._unit[label])
            self.step(0.0, 0.0, step_ml, step_ml, 0.0, flow_ml_per_s, step_ml / flow_ml_per_s)
        self._made_ml = self._made_ml + volume_ml * self._unit[label]

    def held_ml(self) -> Amounts:
        """What each of SEGMENTS holds of each label."""
        parts = (self.syringe, self.extension, self.needle, self.chamber, self.catheter)
        return np.array([part.amounts_ml if part else np.zeros(len(self._unit)) for part in parts])

    def errors_ml(self) -> Amounts:
        """The volume that each label gained since the start without a source: the error."""
        spared = self.syringe.spared_ml + self.needle.spared_ml + self.leak.spared_ml + self.astray.spared_ml
        put_in = self._made_ml + spared + self.blood_in_ml * self._unit[BLOOD]
        errors: Amounts = self._everything_ml() - put_in
        return errors

    def _everything_ml(self) -> Amounts:
        outside = self.out_ml + self.leak.amounts_ml + self.astray.amounts_ml + self.thrown_away.amounts_ml
        everything: Amounts = self.held_ml().sum(axis=0) + outside
        return everything


def _through(part: Tube | Chamber | None, volume_ml: float, amounts_ml: Amounts, flow_ml_per_s: float) -> Amounts:
    """Pushes these amounts (of size `volume_ml`, backwards if it is negative) through a part, if there is one."""
    return part.move(volume_ml, amounts_ml / abs(volume_ml), flow_ml_per_s) if part else amounts_ml
