"""The figures of a campaign as lines for a person."""

from collections.abc import Mapping
from typing import Any

from flushpump.text_table import aligned

from flushsim.campaign.results import SCORES

SOMETHING_SAID = "something said"
"""What is counted instead of "found" where the pump claims to find nothing, as in an extravasation."""
_PATHS_SHOWN = 6
_RATES = ("found", "in_the_pulse", "within_two_pulses", "where_permitted", "before_hard_limit")


def lines_of(title: str, seed: int, figures: Mapping[str, Any]) -> list[str]:
    """The whole report: false alarms, detection by fault and severity, what was said first, volumes and pressures."""
    blocks = [
        [f"{title}: {figures['runs']} runs, seed {seed}; rates in % with their 95 % intervals"],
        _healthy(figures["healthy"]),
        aligned(detection_rows(figures["faults"])) if figures["faults"] else [],
        _said(figures["healthy"], figures["faults"]),
        _evidence(figures["evidence"]),
        _paths(figures["faults"]),
        _volumes(figures),
    ]
    if figures["firmware_failed"]:
        blocks.insert(1, [f"THE FIRMWARE FAILED in {figures['firmware_failed']} runs; see `problem` in the results"])
    return [line for block in blocks if block for line in [*block, ""]][:-1]


def percent(rate: Mapping[str, Any]) -> str:
    """A rate with its interval, in %; a dash without any run."""
    if not rate["of"]:
        return "-"
    share = rate["count"] / rate["of"]
    return f"{_figure(100 * share)} ({_figure(100 * rate['low'])}-{_figure(100 * rate['high'])})"


def _figure(value: float) -> str:
    """More decimals where they say something: near 0 and near 100."""
    if value in (0, 100):
        return f"{value:.0f}"
    off = min(value, 100 - value)
    return f"{value:.{3 if off < 0.1 else 2 if off < 1 else 1}f}"


def _healthy(healthy: Mapping[str, Any]) -> list[str]:
    false = healthy["false_alarms"]
    if not false["of"]:
        return []
    lines = [
        f"without a fault: {false['count']} false alarms in {false['of']} runs, {percent(false)} of runs",
    ]
    if len(healthy["by_group"]) > 1:
        parts = [f"{name} {rate['count']} in {rate['of']}" for name, rate in healthy["by_group"].items()]
        lines.append("  of them: " + ", ".join(parts))
    if healthy["said"]:
        lines.append("  said: " + _listed(healthy["said"]) + "; on " + _listed(healthy["paths_with_false_alarms"]))
    return lines


def detection_rows(groups: list[Mapping[str, Any]]) -> list[list[str]]:
    """What was found of each group and each of its severities, under a heading."""
    rows = [["fault", "severity", "runs", "found", "in the pulse hit", "within two pulses", "where the path permits",
             "before hard limit", "seconds", "95 % within", "ROC area"]]  # fmt: skip
    for group in groups:
        area = max(group["roc_area"].values(), default=None)
        name = group["group"] if group["claimed"] else f"{group['group']}: {SOMETHING_SAID}"
        rows.append([name, "all", *_cells(group), "-" if area is None else f"{area:.4f}"])
        rows.extend(["", part["severity"], *_cells(part), ""] for part in group["by_severity"])
    return rows


def _cells(part: Mapping[str, Any]) -> list[str]:
    after = part["found_after_s"]
    return [
        str(part["found"]["of"]),
        *(percent(part[key]) for key in _RATES),
        "-" if after["median"] is None else f"{after['median']:.3f}",
        "-" if after["most_of"] is None else f"{after['most_of']:.3f}",
    ]


def _said(healthy: Mapping[str, Any], groups: list[Mapping[str, Any]]) -> list[str]:
    """What was said first, by what was true."""
    rows = [[group["group"], _listed(group["said_first"])] for group in groups]
    if healthy["false_alarms"]["of"]:
        quiet = healthy["false_alarms"]["of"] - healthy["false_alarms"]["count"]
        rows.insert(0, ["no fault", _listed({"nothing": quiet, **healthy["said"]})])
    before = [
        f"{group['group']}: a false alarm before the onset in {group['false_alarms_before']['count']} runs"
        for group in groups
        if group["false_alarms_before"]["count"]
    ]
    return [*aligned([["in truth", "said first"], *rows]), *before]


def _evidence(groups: list[Mapping[str, Any]]) -> list[str]:
    """The median of what was told of a group's pulses, and between what 90 % of them lie."""
    rows = [["told of pulses after the onset", "pulses", *(score.replace("_", " ") for score in SCORES)]]
    for group in groups:
        spans = [group[score] for score in SCORES]
        told = ["-" if one is None else f"{one['median']:.2f} ({one['low']:.2f}-{one['high']:.2f})" for one in spans]
        rows.append([group["group"], str(group["pulses"]), *told])
    return aligned(rows)


def _paths(groups: list[Mapping[str, Any]]) -> list[str]:
    """On which paths a fault, of each severity, is found too seldom."""
    lines = []
    for group in groups:
        for part in group["by_severity"] or [{"severity": "", **group}]:
            name = f"{group['group']} {part['severity']}".strip()
            poor = [f"{path} ({found})" for path, found in part["paths_below_95_percent"].items()]
            if poor:
                lines.append(f"{name}: below 95 % within two pulses on {_first(poor)}")
            if part["paths_not_permitting"]:
                lines.append(f"{name}: not told, as the plan says, on {_first(part['paths_not_permitting'])}")
    return lines


def _first(names: list[str]) -> str:
    more = f", and {len(names) - _PATHS_SHOWN} more" if len(names) > _PATHS_SHOWN else ""
    return ", ".join(names[:_PATHS_SHOWN]) + more


def volume_rows(figures: Mapping[str, Any]) -> list[list[str]]:
    """How far volumes and pressures went in each group, under a heading. The volume is that told less that given."""
    rows = [["volumes in mL, pressures in kPa", "error, median", "95 % within", "worst beyond uncertain",
             "worst above working limit", "lowest in relief", "most drawn in then", "worst bolus"]]  # fmt: skip
    for group in figures["by_group"]:
        error = group["volume_error_ml"]
        rows.append([
            group["group"], _number(error["median"], 4), _number(error["most_of"], 4),
            _number(group["beyond_uncertain_ml"]["worst"], 4), _number(group["above_working_limit_kpa"]["worst"], 2),
            _number(group["lowest_in_relief_kpa"], 2), _number(group["drawn_in_relief_ml"]["worst"], 4),
            _number(group["bolus_ml"]["worst"], 4),
        ])  # fmt: skip
    return rows


def _volumes(figures: Mapping[str, Any]) -> list[str]:
    pressure = figures["pressure_kpa"]
    return [
        *aligned(volume_rows(figures)),
        f"above the working limit in {percent(pressure['runs_above_working_limit'])} of runs, at the hard limit in "
        f"{percent(pressure['runs_at_hard_limit'])}",
        f"worst bolus when an obstructed line opens after the stop {_number(figures['bolus_ml']['worst'], 4)} mL, most "
        f"blood drawn in by relief {_number(figures['drawn_in_relief_ml']['worst'], 4)} mL",
    ]


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _listed(counts: Mapping[str, int]) -> str:
    shown = [f"{count} {name}" for name, count in list(counts.items())[:_PATHS_SHOWN]]
    return ", ".join(shown) + (" and others" if len(counts) > _PATHS_SHOWN else "")
