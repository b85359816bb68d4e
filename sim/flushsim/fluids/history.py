"""The fluids of a run, followed from syringe to vein after the run: which fluid was where, at each time.

The flow record is cut into steps in which at most STEP_ML moves, and a `FluidLine` is moved by them. Every liquid has
a label: `before` is the old content of the line, `blood` came in at the tip, and each charge of the syringe has one.
`summary` reduces the history to a few numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

import numpy as np
from numpy.typing import NDArray

from flushsim.fluids.charges import Charge
from flushsim.fluids.line import FIRST_CHARGE, SEGMENTS, FluidLine
from flushsim.fluids.mixing import Amounts
from flushsim.plant.flow_record import JUMP_S, FlowRecord
from flushsim.plant.parameters import PlantPath

Floats = NDArray[np.float64]

STEP_ML = 0.02
# Flows below this count as zero: a pause is a step of its own.
STILL_ML_PER_S = 1e-3
ROUNDING_US = 0.5
# Flow of an injection by hand, past the pump (R-m).
BY_HAND_ML_PER_S = 0.5


@dataclass(frozen=True)
class FluidHistory:
    """What each segment held over time, and where everything was at the end; volumes in mL.

    `fluids` names the fluid of each label: of BEFORE, BLOOD, AIR and, from FIRST_CHARGE on, of the charges. `held_ml`
    has the axes time, segment (as SEGMENTS; 0 where there is none), label. `out_ml` (time, label) has come out of the
    tip, without subtracting backflow. `at_tip` (time, label) are shares in the catheter's last cell. `error_ml` is
    the most that any label has lost or gained since the start.
    """

    time_us: Floats
    fluids: tuple[str, ...]
    charges: tuple[Charge, ...]
    held_ml: Floats
    out_ml: Floats
    at_tip: Floats
    blood_in_ml: float
    leaked_ml: Amounts
    astray_ml: Amounts
    error_ml: float

    def volume_ml(self, segment: str) -> float:
        """What a segment holds at the end; 0 where there is none."""
        return float(self.held_ml[-1, SEGMENTS.index(segment)].sum())

    def shares(self, segment: str) -> dict[str, Floats]:
        """Share of each fluid in a segment over time, from 0 to 1; only fluids that were there."""
        held = self.held_ml[:, SEGMENTS.index(segment)]
        volume = np.maximum(held.sum(axis=1), 1e-12)
        found: dict[str, Floats] = {}
        for label, fluid in enumerate(self.fluids):
            if held[:, label].max() > 1e-9:
                found[fluid] = found.get(fluid, 0.0) + held[:, label] / volume
        return found


def follow(record: FlowRecord, path: PlantPath, charges: Sequence[Charge], before: str = "heparin") -> FluidHistory:
    """Follows the fluids of a run.

    The first charge is what the syringe held at the start of the record and what extension and needle were primed
    with; `before` is the fluid in chamber and catheter. A syringe that gave more than its charge is taken to have held
    it. ValueError if the first charge is no syringe with a volume, or if charges are not in order of time.
    """
    if not charges or charges[0].volume_ml is None or charges[0].by_hand:
        raise ValueError("the first charge must be the fluid and volume in the syringe at the start")
    if any(later.at_us < sooner.at_us for sooner, later in pairwise(charges)):
        raise ValueError("the charges must be in order of time")
    fluids = (before, "blood", "air", *(charge.fluid for charge in charges))
    time_us, moved_ml, flows = _steps(record, [charge.at_us for charge in charges[1:]])
    in_hub_ml = record.extension_ml - record.tip_ml - record.leaked_ml
    line = FluidLine(path, len(fluids), charges[0].volume_ml, max(0.0, -1.1 * float(in_hub_ml.min())))
    held_ml, out_ml, at_tip = [line.held_ml()], [line.out_ml], [line.catheter.at_tip()]
    pending = list(enumerate(charges[1:], start=FIRST_CHARGE + 1))
    label = FIRST_CHARGE
    rows = zip(time_us[:-1].tolist(), moved_ml.tolist(), flows.tolist(), np.diff(time_us).tolist(), strict=True)
    for now_us, (extension_ml, line_ml, tip_ml, leaked_ml), (extension_flow, line_flow), step_us in rows:
        while pending and pending[0][1].at_us <= now_us + ROUNDING_US:
            label = _apply_charge(line, label, *pending.pop(0))
        line.step(extension_ml, leaked_ml, line_ml, tip_ml, extension_flow, line_flow, step_us / 1e6)
        held_ml.append(line.held_ml())
        out_ml.append(line.out_ml)
        at_tip.append(line.catheter.at_tip())
    return FluidHistory(
        time_us=time_us,
        fluids=fluids,
        charges=tuple(charges),
        held_ml=np.array(held_ml),
        out_ml=np.array(out_ml),
        at_tip=np.array(at_tip),
        blood_in_ml=line.blood_in_ml,
        leaked_ml=line.leak.amounts_ml,
        astray_ml=line.astray.amounts_ml,
        error_ml=float(np.abs(line.errors_ml()).max()),
    )


def _apply_charge(line: FluidLine, label: int, new: int, charge: Charge) -> int:
    """Starts a charge; returns the label of the syringe's content from then on."""
    if charge.by_hand:
        volume_ml = charge.volume_ml or 0.0
        line.give_by_hand(new, volume_ml, BY_HAND_ML_PER_S, ceil(volume_ml / STEP_ML))
        return label
    if charge.volume_ml is None:
        line.rename(label, new)
    else:
        line.change_syringe(new, charge.volume_ml)
    return new


def _steps(record: FlowRecord, at_us: Sequence[float]) -> tuple[Floats, Floats, Floats]:
    """Borders of the steps in us; in each the volumes (extension, line, tip, lost before it), flows (extension, line).

    A border is wherever another STEP_ML has moved, where flow begins or ends, and at the times `at_us`; its place is
    a row of the record and a part of the next, because volumes may jump at one time. A flow is that of the volume, not
    of the time: a step that ends in a pause has the flow before it.
    """
    time_us = record.time_us
    row = np.arange(time_us.size, dtype=float)
    at_needle_ml = record.leaked_ml - (record.line_ml - record.tip_ml)
    columns = np.stack((record.extension_ml, record.line_ml, record.tip_ml, at_needle_ml))
    moved = np.abs(np.diff(columns))
    most = moved.max(axis=0)
    travel = np.concatenate(([0.0], np.cumsum(most)))
    dt_s = np.diff(time_us) / 1e6
    flowing = most > STILL_ML_PER_S * dt_s
    edges = row[1:-1][flowing[1:] != flowing[:-1]]
    even = np.interp(np.linspace(0.0, travel[-1], ceil(travel[-1] / STEP_ML) + 1), travel, row)
    border = np.unique(np.concatenate((row[[0, -1]], edges, even, np.interp(at_us, time_us, row))))
    volumes = np.diff([np.interp(border, row, column) for column in columns])
    flows = []
    for part in moved[:2]:
        flow = np.divide(part, dt_s, out=np.zeros_like(part), where=dt_s > JUMP_S)
        total = np.concatenate(([0.0], np.cumsum(part)))
        weighted = np.concatenate(([0.0], np.cumsum(part * flow)))
        passed = np.diff(np.interp(border, row, total))
        fast = np.diff(np.interp(border, row, weighted))
        flows.append(np.divide(fast, passed, out=np.zeros_like(fast), where=passed > 0))
    return np.interp(border, row, time_us), volumes.T, np.stack(flows, axis=1)
