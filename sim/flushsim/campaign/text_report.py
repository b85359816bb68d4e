"""The statistics of a campaign as lines of text."""

from collections.abc import Mapping
from typing import Any

from flushpump.text_table import aligned

from flushsim.campaign.results import SCORES

ANY_DETECTION = "any detection"
"""Counted instead of "found" where the pump does not claim to find the fault, as in an extravasation."""
_PATHS_SHOWN = 6
_RATES = ("found", "in_the_pulse", "within_two_pulses", "where_permitted", "before_hard_limit")


def lines_of(title: str, seed: int, statistics: Mapping[str, Any]) -> list[str]:
    """The whole report: false alarms, detection by fault and severity, first detections, volumes and pressures."""
    blocks = [
        [f"{title}: {statistics['runs']} runs, seed {seed}; rates in % with their 95 % intervals"],
        _healthy(statistics["healthy"]),
        aligned(detection_rows(statistics["faults"])) if statistics["faults"] else [],
        _first_detections(statistics["healthy"], statistics["faults"]),
        _evidence(statistics["evidence"]),
        _paths(statistics["faults"]),
        _volumes(statistics),
    ]
    if statistics["firmware_failed"]:
        blocks.insert(1, [f"THE FIRMWARE FAILED in {statistics['firmware_failed']} runs; see `problem` in the results"])
    return [line for block in blocks if block for line in [*block, ""]][:-1]


def percent(rate: Mapping[str, Any]) -> str:
    """A rate with its interval, in %; a dash without a run."""
    if not rate["of"]:
        return "-"
    share = rate["count"] / rate["of"]
    return f"{_figure(100 * share)} ({_figure(100 * rate['low'])}-{_figure(100 * rate['high'])})"


def _figure(value: float) -> str:
    """More decimals near 0 and near 100."""
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
        result_store = [f"{name} {rate['count']} in {rate['of']}" for name, rate in healthy["by_group"].items()]
        lines.append("  of them: " + ", ".join(result_store))
    if healthy["said"]:
        lines.append("  detected: " + _listed(healthy["said"]) + "; on " + _listed(healthy["paths_with_false_alarms"]))
    return lines


def detection_rows(groups: list[Mapping[str, Any]]) -> list[list[str]]:
    """The rates of each group and each of its severities, under a heading."""
    rows = [["fault", "severity", "runs", "found", "in the pulse hit", "within two pulses", "where the path permits",
             "before hard limit", "seconds", "95 % within", "ROC area"]]  # fmt: skip
    for group in groups:
        area = max(group["roc_area"].values(), default=None)
        name = group["group"] if group["claimed"] else f"{group['group']}: {ANY_DETECTION}"
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


def _first_detections(healthy: Mapping[str, Any], groups: list[Mapping[str, Any]]) -> list[str]:
    """The first detection, by fault."""
    rows = [[group["group"], _listed(group["said_first"])] for group in groups]
    if healthy["false_alarms"]["of"]:
        quiet = healthy["false_alarms"]["of"] - healthy["false_alarms"]["count"]
        rows.insert(0, ["no fault", _listed({"nothing": quiet, **healthy["said"]})])
    before = [
        f"{group['group']}: a false alarm before the onset in {group['false_alarms_before']['count']} runs"
        for group in groups
        if group["false_alarms_before"]["count"]
    ]
    return [*aligned([["fault", "detected first"], *rows]), *before]


def _evidence(groups: list[Mapping[str, Any]]) -> list[str]:
    """The median of each score of a group's pulses, and the range of 90 % of them."""
    rows = [["pulses after the onset", "pulses", *(score.replace("_", " ") for score in SCORES)]]
    for group in groups:
        spans = [group[score] for score in SCORES]
        cells = ["-" if one is None else f"{one['median']:.2f} ({one['low']:.2f}-{one['high']:.2f})" for one in spans]
        rows.append([group["group"], str(group["pulses"]), *cells])
    return aligned(rows)


def _paths(groups: list[Mapping[str, Any]]) -> list[str]:
    """The paths on which a fault is found too rarely, for each severity."""
    lines = []
    for group in groups:
        for part in group["by_severity"] or [{"severity": "", **group}]:
            name = f"{group['group']} {part['severity']}".strip()
            poor = [f"{path} ({found})" for path, found in part["paths_below_95_percent"].items()]
            if poor:
                lines.append(f"{name}: below 95 % within two pulses on {_first(poor)}")
            if part["paths_not_permitting"]:
                lines.append(f"{name}: not detectable, as the plan lists, on {_first(part['paths_not_permitting'])}")
    return lines


def _first(names: list[str]) -> str:
    more = f", and {len(names) - _PATHS_SHOWN} more" if len(names) > _PATHS_SHOWN else ""
    return ", ".join(names[:_PATHS_SHOWN]) + more


def volume_rows(statistics: Mapping[str, Any]) -> list[list[str]]:
    """Volumes and pressures of each group, under a heading. The error is the reported volume less the true one."""
    rows = [["volumes in mL, pressures in kPa", "error, median", "95 % within", "worst beyond uncertain",
             "worst above working limit", "lowest in relief", "most drawn in then", "worst bolus"]]  # fmt: skip
    for group in statistics["by_group"]:
        error = group["volume_error_ml"]
        rows.append([
            group["group"], _number(error["median"], 4), _number(error["most_of"], 4),
            _number(group["beyond_uncertain_ml"]["worst"], 4), _number(group["above_working_limit_kpa"]["worst"], 2),
            _number(group["lowest_in_relief_kpa"], 2), _number(group["drawn_in_relief_ml"]["worst"], 4),
            _number(group["bolus_ml"]["worst"], 4),
        ])  # fmt: skip
    return rows


def _volumes(statistics: Mapping[str, Any]) -> list[str]:
    pressure = statistics["pressure_kpa"]
    bolus_ml, drawn_ml = statistics["bolus_ml"]["worst"], statistics["drawn_in_relief_ml"]["worst"]
    return [
        *aligned(volume_rows(statistics)),
        f"above the working limit in {percent(pressure['runs_above_working_limit'])} of runs, at the hard limit in "
        f"{percent(pressure['runs_at_hard_limit'])}",
        f"worst bolus when an obstructed line opens after the stop {_number(bolus_ml, 4)} mL, most blood drawn in by "
        f"relief {_number(drawn_ml, 4)} mL",
    ]


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _listed(counts: Mapping[str, int]) -> str:
    shown = [f"{count} {name}" for name, count in list(counts.items())[:_PATHS_SHOWN]]
    return ", ".join(shown) + (" and others" if len(counts) > _PATHS_SHOWN else "")
