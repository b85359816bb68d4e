"""What every format of an export shares: the records chosen, whether the chain is whole, and what a run gave."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flushpump.records.store import Record, RecordError

_Made = TypeVar("_Made")
_FORWARD = ("pulses", "steady", "lock", "finish")
# Less is not a dose.
LEAST_ML = 0.005


@dataclass(frozen=True)
class Export:
    """Records to be exported. `altered` is what the chain's check complains of, "" when nothing."""

    records: tuple[Record, ...]
    altered: str = ""


def sense(record: Record, make: Callable[[Record], _Made]) -> _Made:
    """What `make` makes of the record. RecordError where somebody has altered it so that it makes no sense."""
    try:
        return make(record)
    except (TypeError, ValueError, KeyError, AttributeError) as problem:
        raise RecordError(
            f"record {record.number} makes no sense", "export the others by their numbers, see flushpump records list"
        ) from problem


@dataclass
class Given:
    """One fluid of a run: what was planned, and what was given of it, mL."""

    fluid: str
    planned_ml: float
    given_ml: float


def fluids_given(body: dict[str, Any]) -> list[Given]:
    """The fluids in the order of the plan; what was delivered is told to the phases in their order."""
    left_ml = float(body["delivered_ml"])
    found: dict[str, Given] = {}
    for phase in body["plan"]["phases"]:
        if phase["kind"] not in _FORWARD:
            continue
        planned_ml = phase["count"] * float(phase["volume_ml"])
        given_ml = min(planned_ml, left_ml)
        left_ml -= given_ml
        entry = found.setdefault(phase["fluid"], Given(phase["fluid"], 0.0, 0.0))
        entry.planned_ml += planned_ml
        entry.given_ml += given_ml
    return list(found.values())


def simulated(body: dict[str, Any]) -> bool:
    """Whether the run was made on a simulated pump, as far as the command could see."""
    return not str(body.get("target", "")).startswith("serial:")
