"""What the records say of a labelled line: how much it resisted and gave way at its last visit.

Only a run that ended well with open pulses counts, on the same line with the same kind of needle and extension set.
With another one nothing is known, and the pump learns the path anew; compliance is known of the same syringe only, and
not of a line wide enough for its liquid to swing. A needle is new at each visit and its bore is known to a tenth or so,
hence the pump takes it for no more than a hint.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import exp
from statistics import median
from typing import Any

from flushpump.access.access_path import VEIN_KPA, AccessPath
from flushpump.planning.detection_limits import damping
from flushpump.records.store import Record
from flushpump.times import shown_time

# What the pump takes; outside it a figure is no hint but a mistake.
TIMES_LEAST, TIMES_MOST = 0.4, 2.0
COMPLIANCE_MOST_UL_PER_KPA = 60.0
# A barrel that is wider than the pump believes makes both figures wrong by its area, R up and C down. Another needle
# changes R by up to a half, another syringe of the same brand and size C by up to a factor of four: less than this of
# both says nothing, so that another brand (at most 1.25) cannot be told, another size can.
SYRINGE_FACTOR_LEAST = 1.6
# What two needles of one gauge do not resist more than each other: 19G 0.686 +-0.038 mm, 22G 0.413 +-0.019 mm.
RESISTANCE_FACTOR_LEAST = 1.7


@dataclass(frozen=True)
class Visit:
    """`times` is resistance over the catalogue's; compliance is None when another syringe was used or liquid swung."""

    record_id: str
    date: str
    times: float
    compliance_ul_per_kpa: float | None

    def sentence(self) -> str:
        """For the plan."""
        gave = "" if self.compliance_ul_per_kpa is None else f" and gave way by {self.compliance_ul_per_kpa:.1f} uL/kPa"
        return (
            f"last visit {self.date} (record {self.record_id}): the line resisted {self.times:.2f} times as much as "
            f"the catalogue expects{gave}; the pump starts from that"
        )


def last_visit(records: Iterable[Record], label: str, path: AccessPath) -> Visit | None:
    """The newest run of this label that says something of this path; None without a label or such a run."""
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
                # What was at this line last was another needle or catheter: older figures say nothing of it.
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
    """(resistance over the catalogue's, compliance in uL/kPa or None) of a run's open pulses; None if they say none."""
    if body.get("outcome") != "completed" or body.get("verdict") != "patent":
        return None
    whole = [pulse for pulse in body["pulses"] if pulse["verdict"] == "patent" and not pulse["derated_percent"]]
    found = _of_pulses(whole, path)
    return found if found is not None and TIMES_LEAST <= found[0] <= TIMES_MOST else None


def _of_pulses(pulses: list[dict[str, Any]], path: AccessPath) -> tuple[float, float | None] | None:
    resisted = [_times(pulse, path) for pulse in pulses if pulse["resistance_kpa_s_per_ml"]]
    if len(resisted) < 2:
        return None
    times = median(resisted)
    gave = [
        pulse["compliance_ul_per_kpa"]
        for pulse in pulses
        if pulse["compliance_ul_per_kpa"] and damping(path, pulse["intended_ml"] / pulse["duration_s"]) >= 1
    ]
    compliance = median(gave) if gave else None
    return times, compliance if compliance is None or compliance < COMPLIANCE_MOST_UL_PER_KPA else None


def _times(pulse: dict[str, Any], path: AccessPath) -> float:
    """How much the path resisted in a pulse, over what the catalogue expects at the flow that left it then.

    The pump tells the resistance of a pulse's second half. A soft syringe behind a narrow needle still takes some of
    the flow then, and goes on giving it out in the pause: with pulse T, pause S and decay R C, pulse after pulse.
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
    """A sentence when a run looks as if the barrel were not the one that was confirmed; "" otherwise.

    A wider barrel makes resistance seem more and compliance less, by the same factor, and leaves the decay as it was; a
    line that has become narrower slows the decay. Both need a last visit to compare with, and a factor that needles and
    syringes of one kind do not have among each other: a barrel of another size, not one of another brand. Where the
    compliance says nothing, resistance alone is told of, with all that it may come from.
    """
    if visit is None:
        return ""
    # So much more resistance than at the last visit has been called a partial occlusion.
    found = _of_pulses([pulse for pulse in body["pulses"] if pulse["verdict"] in ("patent", "partial")], path)
    if found is None:
        return ""
    more = found[0] / visit.times
    less = visit.compliance_ul_per_kpa / found[1] if visit.compliance_ul_per_kpa and found[1] else 0.0
    alike = less > 0 and 0.7 < more / less < 2.0
    if alike and (min(more, less) > SYRINGE_FACTOR_LEAST or max(more, less) < 1 / SYRINGE_FACTOR_LEAST):
        return (
            f"since the last visit resistance is {more:.2f} times and compliance {1 / less:.2f} times what it was, "
            f"and the decay is as it was: as if {(more * less) ** 0.5:.1f} times the volume were driven; check the "
            f"syringe's brand and size ({path.syringe.title}). A narrower needle together with a stiffer syringe looks "
            "the same"
        )
    if more > RESISTANCE_FACTOR_LEAST:
        return (
            f"since the last visit resistance is {more:.2f} times what it was: the line or the needle has become "
            "narrower, or the barrel is wider than confirmed and gives more than is counted; check the syringe's "
            f"brand and size ({path.syringe.title})"
        )
    return ""
