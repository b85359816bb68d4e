"""The last visit of a labelled line, from its records: resistance and compliance as first baseline of the next run.

Only a completed run with patent pulses counts, on the same line with the same needle and extension set. With another
needle or extension set nothing is known, and the pump takes its baseline from the first pulses. The compliance is known
of the same syringe only, and not of a line so wide that its liquid oscillates. A needle is new at each visit and its
bore is known to about 10 %, so the pump uses these values only as a hint.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import exp
from statistics import median
from typing import Any, Protocol

from flushpump.access.access_path import VEIN_KPA, AccessPath
from flushpump.planning.detection_limits import damping
from flushpump.times import shown_time

# Range of the pump's parameters; a value outside it is an error, not a hint.
TIMES_LEAST, TIMES_MOST = 0.4, 2.0
COMPLIANCE_MOST_UL_PER_KPA = 60.0
# A barrel wider than configured changes both values by the ratio of the areas, R up and C down. Another needle changes
# R by up to 50 %, another syringe of the same brand and size C by up to a factor of four. Below this factor in both,
# the cause is not known: another size is detected, another brand (at most 1.25) is not.
SYRINGE_FACTOR_LEAST = 1.6
# Two needles of one gauge differ by less than this: 19G 0.686 +-0.038 mm, 22G 0.413 +-0.019 mm.
RESISTANCE_FACTOR_LEAST = 1.7


class RunRecord(Protocol):
    """A record of a run; `body` is the object of `run --json`."""

    @property
    def number(self) -> int: ...

    @property
    def record_id(self) -> str: ...

    @property
    def written_at(self) -> str: ...

    @property
    def body(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Visit:
    """`times` is the resistance over the catalog's. The compliance is None if not known of this syringe and line."""

    record_id: str
    date: str
    times: float
    compliance_ul_per_kpa: float | None

    def sentence(self) -> str:
        """For the plan."""
        compliance = self.compliance_ul_per_kpa
        and_compliance = "" if compliance is None else f", compliance {compliance:.1f} uL/kPa"
        return (
            f"last visit {self.date} (record {self.record_id}): resistance {self.times:.2f} x catalog{and_compliance}; "
            "this is the first baseline"
        )


def last_visit(records: Iterable[RunRecord], label: str, path: AccessPath) -> Visit | None:
    """The newest run of this label on this path; None without a label or such a run."""
    if not label:
        return None
    for record in sorted(records, key=lambda each: each.number, reverse=True):
        body = record.body
        try:
            if body.get("label") != label:
                continue
            names = body["plan"]["path"]
            line, needle, syringe, extension = path.names
            if (names["line"], names["needle"], names["extension"]) != (line, needle, extension):
                # The last visit was with another needle or catheter: older values do not describe this one.
                return None
            found = measured(body, path)
            if found is None:
                continue
            times, compliance = found
            same = names["syringe"] == syringe
            return Visit(record.record_id, shown_time(record.written_at)[:10], times, compliance if same else None)
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
    return None


def measured(body: dict[str, Any], path: AccessPath) -> tuple[float, float | None] | None:
    """(resistance over the catalog's, compliance in uL/kPa or None) of a run's patent pulses; None without a value."""
    if body.get("outcome") != "completed" or body.get("verdict") != "patent":
        return None
    whole = [pulse for pulse in body["pulses"] if pulse["verdict"] == "patent" and not pulse["derated_percent"]]
    found = _of_pulses(whole, path)
    return found if found is not None and TIMES_LEAST <= found[0] <= TIMES_MOST else None


def _of_pulses(pulses: list[dict[str, Any]], path: AccessPath) -> tuple[float, float | None] | None:
    ratios = [_times(pulse, path) for pulse in pulses if pulse["resistance_kpa_s_per_ml"]]
    if len(ratios) < 2:
        return None
    times = median(ratios)
    compliances = [
        pulse["compliance_ul_per_kpa"]
        for pulse in pulses
        if pulse["compliance_ul_per_kpa"] and damping(path, pulse["intended_ml"] / pulse["duration_s"]) >= 1
    ]
    compliance = median(compliances) if compliances else None
    return times, compliance if compliance is None or compliance < COMPLIANCE_MOST_UL_PER_KPA else None


def _times(pulse: dict[str, Any], path: AccessPath) -> float:
    """Resistance of a pulse over the catalog's at the outflow of its second half, where the pump measures it.

    A compliant syringe behind a narrow needle still stores some of the flow then and returns it in the pause; with
    pulse T, pause S and time constant R C this repeats in each pulse.
    """
    resistance, pulse_s = pulse["resistance_kpa_s_per_ml"], pulse["duration_s"]
    flow = pulse["intended_ml"] / pulse_s
    decay_s = resistance * (pulse["compliance_ul_per_kpa"] or 0.0) / 1000
    if decay_s > 0:
        halves = pulse_s / 2 / decay_s
        period_s = pulse_s + pulse["pause_s"]
        at_first = exp(-pulse["pause_s"] / decay_s) * (1 - exp(-2 * halves)) / (1 - exp(-period_s / decay_s))
        flow *= 1 - (1 - at_first) * (exp(-halves) - exp(-2 * halves)) / halves
    return float(resistance / ((path.predict_kpa(flow) - VEIN_KPA) / flow))


def syringe_note(visit: Visit | None, body: dict[str, Any], path: AccessPath) -> str:
    """A sentence when a run suggests that the barrel is not the confirmed one; "" otherwise.

    A wider barrel raises the apparent resistance and lowers the apparent compliance by the same factor, and does not
    change their product, the time constant; a narrower line raises the time constant. Both need a last visit to compare
    with, and a factor larger than the spread of needles and syringes of one kind: a barrel of another size, not of
    another brand. Without a compliance the resistance alone is reported, with all its possible causes.
    """
    if visit is None:
        return ""
    # A resistance this much above the last visit has the verdict partial.
    found = _of_pulses([pulse for pulse in body["pulses"] if pulse["verdict"] in ("patent", "partial")], path)
    if found is None:
        return ""
    more = found[0] / visit.times
    less = visit.compliance_ul_per_kpa / found[1] if visit.compliance_ul_per_kpa and found[1] else 0.0
    similar = less > 0 and 0.7 < more / less < 2.0
    if similar and (min(more, less) > SYRINGE_FACTOR_LEAST or max(more, less) < 1 / SYRINGE_FACTOR_LEAST):
        return (
            f"resistance is {more:.2f} x and compliance {1 / less:.2f} x that of the last visit, with the same time "
            f"constant, as if {(more * less) ** 0.5:.1f} x the volume were driven: check the syringe's brand and size "
            f"({path.syringe.title}). A narrower needle together with a stiffer syringe looks the same"
        )
    if more > RESISTANCE_FACTOR_LEAST:
        return (
            f"resistance is {more:.2f} x that of the last visit: the line or the needle is narrower, or the barrel is "
            "wider than confirmed and delivers more than is counted; check the syringe's brand and size "
            f"({path.syringe.title})"
        )
    return ""
