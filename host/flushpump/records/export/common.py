"""What the formats of an export share: the records, the check of their chain, and the fluids of a run."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flushpump.records.store import Record, RecordError

_Made = TypeVar("_Made")
_FORWARD = ("pulses", "steady", "lock", "finish")
# A smaller volume is not a dose.
LEAST_ML = 0.005


@dataclass(frozen=True)
class Export:
    """Records to be exported. `altered` is the error of the chain's check, "" without one."""

    records: tuple[Record, ...]
    altered: str = ""


def convert(record: Record, make: Callable[[Record], _Made]) -> _Made:
    """`make` of the record. RecordError if the record was altered and cannot be read any more."""
    try:
        return make(record)
    except (TypeError, ValueError, KeyError, AttributeError) as problem:
        raise RecordError(
            f"record {record.number} cannot be read", "export the others by their numbers, see flushpump records list"
        ) from problem


@dataclass
class FluidVolume:
    """One fluid of a run: planned and infused volume, mL."""

    fluid: str
    planned_ml: float
    infused_ml: float


def fluid_volumes(body: dict[str, Any]) -> list[FluidVolume]:
    """The fluids in the order of the plan; the delivered volume is attributed to the phases in their order."""
    remaining_ml = float(body["delivered_ml"])
    found: dict[str, FluidVolume] = {}
    for phase in body["plan"]["phases"]:
        if phase["kind"] not in _FORWARD:
            continue
        planned_ml = phase["count"] * float(phase["volume_ml"])
        infused_ml = min(planned_ml, remaining_ml)
        remaining_ml -= infused_ml
        entry = found.setdefault(phase["fluid"], FluidVolume(phase["fluid"], 0.0, 0.0))
        entry.planned_ml += planned_ml
        entry.infused_ml += infused_ml
    return list(found.values())


def simulated(body: dict[str, Any]) -> bool:
    """Whether the run was on a simulated pump, by the record's target."""
    return not str(body.get("target", "")).startswith("serial:")
