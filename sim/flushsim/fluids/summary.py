"""Summary of the fluids of a run: how much was replaced, and whether the lock reached the tip."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import floor
from typing import Any

import numpy as np

from flushsim.fluids.charges import Charge
from flushsim.fluids.history import FluidHistory, follow
from flushsim.fluids.line import BEFORE, BLOOD, FIRST_CHARGE, SEGMENTS
from flushsim.plant.flow_record import FlowRecord
from flushsim.plant.parameters import PlantPath

# The lock reaches the tip when half of the liquid there is lock: what a straight tube has when exactly its volume
# has gone in (Polaschegg, Blood Purif. 26:255, 2008).
AT_TIP = 0.5


@dataclass(frozen=True)
class LockSummary:
    """The last lock. `at_tip`, `in_chamber` and `in_catheter` are shares at the end, without a chamber None;
    `reached_at_s` counts from the record's start, None if it never reached the tip; `passed_ml` went out of the tip.
    `as_flush`: it came out of the flush's own syringe; `fluid_at_tip` is the share there of its fluid, flush or lock.
    """

    fluid: str
    as_flush: bool
    reached_at_s: float | None
    at_tip: float
    fluid_at_tip: float
    in_chamber: float | None
    in_catheter: float
    passed_ml: float

    @property
    def reached_tip(self) -> bool:
        """Whether the tip was reached at any time."""
        return self.reached_at_s is not None

    def sentence(self) -> str:
        """The lock as a sentence. For a lock of the same liquid as the flush only the fluid counts."""
        if self.as_flush:
            return (
                f"the lock is {self.fluid}, as the flush, and is {_percent(self.fluid_at_tip)} of the liquid at the tip"
            )
        reached = f"reached the tip at {self.reached_at_s:.1f} s" if self.reached_tip else "did not reach the tip"
        return (
            f"the lock ({self.fluid}) {reached}; {_percent(self.in_catheter)} of the catheter and "
            f"{_percent(self.at_tip)} of the liquid at its tip are lock, {self.passed_ml:.2f} mL of it passed the tip"
        )


@dataclass(frozen=True)
class FluidSummary:
    """The summary of the fluids. Replaced is the share that in the end is from the pump's syringes, not what the line
    held before, blood, or what was given by hand; None without a chamber. `drawn_back_ml` is the most of blood and old
    content that lay in the syringe, `to_vein_ml` what left the tip, by fluid.
    """

    chamber_replaced: float | None
    catheter_replaced: float
    chamber: dict[str, float]
    catheter: dict[str, float]
    lock: LockSummary | None
    drawn_back_ml: float
    to_vein_ml: dict[str, float]
    error_ml: float

    @classmethod
    def of(cls, history: FluidHistory) -> "FluidSummary":
        """The summary of a history."""
        pumped = [not charge.by_hand for charge in history.charges]
        given = np.array([False] * FIRST_CHARGE + pumped)
        end = {segment: history.held_ml[-1, index] for index, segment in enumerate(SEGMENTS)}
        replaced = {segment: _share(held, given) for segment, held in end.items()}
        drawn = history.held_ml[:, SEGMENTS.index("syringe"), [BEFORE, BLOOD]].sum(axis=1)
        to_vein: dict[str, float] = {}
        for fluid, volume_ml in zip(history.fluids, history.out_ml[-1].tolist(), strict=True):
            to_vein[fluid] = to_vein.get(fluid, 0.0) + volume_ml
        return cls(
            chamber_replaced=replaced["chamber"],
            catheter_replaced=replaced["catheter"] or 0.0,
            chamber=_final_shares(history, "chamber"),
            catheter=_final_shares(history, "catheter"),
            lock=_lock_summary(history, end),
            drawn_back_ml=float(drawn.max()),
            to_vein_ml={fluid: volume_ml for fluid, volume_ml in to_vein.items() if volume_ml > 1e-9},
            error_ml=history.error_ml,
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values, with units in the keys."""
        return asdict(self)

    def sentences(self) -> tuple[str, ...]:
        """The summary as sentences."""
        parts = []
        if self.chamber_replaced is not None:
            parts.append(f"chamber {_percent(self.chamber_replaced)} replaced ({_listed(self.chamber)})")
        parts.append(f"catheter {_percent(self.catheter_replaced)} replaced ({_listed(self.catheter)})")
        lines = ["; ".join(parts)]
        if self.lock:
            lines.append(self.lock.sentence())
        if self.drawn_back_ml > 0.005:
            lines.append(f"{self.drawn_back_ml:.2f} mL of blood and old content were drawn into the syringe")
        return tuple(lines)


def summarize(record: FlowRecord, path: PlantPath, charges: Sequence[Charge], before: str = "heparin") -> FluidSummary:
    """Follows the fluids of a run and sums them up. Arguments and ValueError as of `history.follow`."""
    return FluidSummary.of(follow(record, path, charges, before))


def _lock_summary(history: FluidHistory, end: dict[str, Any]) -> LockSummary | None:
    locks = [label for label, charge in enumerate(history.charges, start=FIRST_CHARGE) if charge.lock]
    if not locks:
        return None
    label = locks[-1]
    fluid = history.fluids[label]
    is_lock = np.arange(len(history.fluids)) == label
    there = np.flatnonzero(history.at_tip[:, label] >= AT_TIP)
    began_us = history.time_us[0]
    return LockSummary(
        fluid=fluid,
        as_flush=history.charges[label - FIRST_CHARGE].volume_ml is None,
        reached_at_s=float(history.time_us[there[0]] - began_us) / 1e6 if there.size else None,
        at_tip=float(history.at_tip[-1, label]),
        fluid_at_tip=float(history.at_tip[-1, [each == fluid for each in history.fluids]].sum()),
        in_chamber=_share(end["chamber"], is_lock),
        in_catheter=_share(end["catheter"], is_lock) or 0.0,
        passed_ml=float(history.out_ml[-1, label]),
    )


def _share(held_ml: Any, of: Any) -> float | None:
    total = held_ml.sum()
    return float(held_ml[of].sum() / total) if total > 0 else None


def _final_shares(history: FluidHistory, segment: str) -> dict[str, float]:
    return {fluid: float(shares[-1]) for fluid, shares in history.shares(segment).items()}


def _percent(share: float) -> str:
    """Rounded down: 100 % only where nothing else is left."""
    return f"{floor(1000 * share + 1e-9) / 10:.1f} %"


def _listed(shares: dict[str, float]) -> str:
    most = sorted(shares.items(), key=lambda item: -item[1])
    return ", ".join(f"{fluid} {_percent(share)}" for fluid, share in most if share >= 0.0005)
