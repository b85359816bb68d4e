"""The statistics of a campaign: rates with exact 95 % intervals, times, volumes and pressures, by fault.

The interval of a rate is that of Clopper and Pearson: it contains the true rate in at least 95 of 100 campaigns, also
where nothing or everything was found.
"""

from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd
from scipy.stats import binomtest

from flushsim.campaign.results import SCORES, Results, area_under, roc, scores_of
from flushsim.campaign.rows import FIRMWARE_FAILED

CONFIDENCE = 0.95
# More different severities than _FEW are shown in _CLASSES classes of equal size.
_CLASSES = 4
_FEW = 6


@dataclass(frozen=True)
class Rate:
    """`count` of `of`, with the interval's ends, which are 0 and 1 where `of` is 0."""

    count: int
    of: int
    low: float
    high: float

    @classmethod
    def counted(cls, yes: "pd.Series[bool]") -> "Rate":
        """The share of true values."""
        return cls.of_counts(int(yes.sum()), len(yes))

    @classmethod
    def of_counts(cls, count: int, of: int) -> "Rate":
        """The rate of these counts."""
        if not of:
            return cls(0, 0, 0.0, 1.0)
        interval = binomtest(count, of).proportion_ci(CONFIDENCE, method="exact")
        return cls(count, of, float(interval.low), float(interval.high))

    @property
    def share(self) -> float | None:
        """The rate itself, None where `of` is 0."""
        return self.count / self.of if self.of else None


@dataclass(frozen=True)
class Spread:
    """Median, 95th percentile and worst (largest magnitude) of some values; None where there are none."""

    median: float | None
    most_of: float | None
    worst: float | None

    @classmethod
    def over(cls, values: "pd.Series[float]") -> "Spread":
        """The spread of the values that are not missing."""
        there = values.dropna()
        if there.empty:
            return cls(None, None, None)
        worst = there.loc[there.abs().idxmax()]
        worst = worst if not isinstance(worst, pd.Series) else worst.iloc[0]
        return cls(float(there.median()), float(there.abs().quantile(0.95)), float(worst))


def statistics_of(results: Results) -> dict[str, Any]:
    """All statistics as plain values for JSON. Its keys stay as in earlier results."""
    runs = results.runs
    healthy = runs[runs["healthy"]]
    faulty = runs[~runs["healthy"]]
    false = healthy["false_alarm"].notna()
    return {
        "runs": len(runs),
        "firmware_failed": int(runs["outcome"].eq(FIRMWARE_FAILED).sum()),
        "healthy": {
            "false_alarms": asdict(Rate.counted(false)),
            "by_group": {
                str(name): asdict(Rate.counted(group["false_alarm"].notna()))
                for name, group in healthy.groupby("group", sort=False)
            },
            "said": _counts(healthy.loc[false, "false_alarm"]),
            "paths_with_false_alarms": _counts(healthy.loc[false, "path"]),
            "completed": asdict(Rate.counted(healthy["outcome"].eq("completed"))),
            "derated_share_of_runs": _derated(results, healthy),
        },
        "faults": [_group(results, name, group) for name, group in faulty.groupby("group", sort=False)],
        "evidence": _evidence(results),
        "volume_error_ml": asdict(Spread.over(healthy["volume_error_ml"])),
        "pressure_kpa": {
            "above_working_limit": asdict(Spread.over(runs["overshoot_kpa"].clip(lower=0))),
            "runs_above_working_limit": asdict(Rate.counted(runs["overshoot_kpa"] > 0)),
            "runs_at_hard_limit": asdict(Rate.counted(runs["peak_kpa"] >= runs["hard_limit_kpa"])),
            "lowest_in_relief": _least(runs["relief_lowest_kpa"]),
        },
        "bolus_ml": _bolus(runs[runs["obstructed"]]),
        "drawn_in_relief_ml": asdict(Spread.over(runs.loc[~runs["in_tissue"], "relief_drawn_ml"])),
        "by_group": [_amounts(str(name), group) for name, group in runs.groupby("group", sort=False)],
    }


def _amounts(name: str, group: pd.DataFrame) -> dict[str, Any]:
    return {
        "group": name,
        "volume_error_ml": asdict(Spread.over(group["volume_error_ml"])),
        "beyond_uncertain_ml": asdict(Spread.over(group["volume_beyond_uncertain_ml"].clip(lower=0))),
        "above_working_limit_kpa": asdict(Spread.over(group["overshoot_kpa"].clip(lower=0))),
        "lowest_in_relief_kpa": _least(group["relief_lowest_kpa"]),
        "drawn_in_relief_ml": asdict(Spread.over(group["relief_drawn_ml"])),
        "bolus_ml": _bolus(group),
    }


def _bolus(runs: pd.DataFrame) -> dict[str, Any]:
    """Of runs that did not complete. A line under suction draws in, which is not a bolus."""
    return asdict(Spread.over(runs.loc[~runs["outcome"].eq("completed"), "bolus_ml"].clip(lower=0)))


def _group(results: Results, name: Any, group: pd.DataFrame) -> dict[str, Any]:
    assessed = group[group["found"].notna()]
    fault = str(group["fault"].iloc[0])
    claimed = bool(group["claimed"].iloc[0])
    areas = {score: area_under(roc(results, str(name), score)) for score in scores_of(fault)}
    return {
        "group": name,
        "fault": fault,
        "claimed": claimed,
        **_detection(assessed),
        "by_severity": [
            {
                "severity": severity,
                **_detection(part),
                "paths_below_95_percent": _poor_paths(part) if claimed else {},
                "paths_not_permitting": _not_permitting(part),
            }
            for severity, part in _by_severity(assessed)
        ],
        "false_alarms_before": asdict(Rate.counted(group["false_alarm"].notna())),
        "said_first": _counts(assessed["said"].fillna("nothing")),
        "paths_below_95_percent": _poor_paths(assessed) if claimed else {},
        "paths_not_permitting": _not_permitting(assessed),
        "roc_area": {score: area for score, area in areas.items() if area is not None},
    }


def _detection(assessed: pd.DataFrame) -> dict[str, Any]:
    hit = assessed[assessed["hit_pulse"].notna()]
    could = hit[hit["two_pulses_left"]]
    return {
        "found": asdict(Rate.counted(assessed["found"].eq(True))),
        "in_the_pulse": asdict(Rate.counted(hit["in_pulse"])),
        "within_two_pulses": asdict(Rate.counted(could["in_two_pulses"])),
        "where_permitted": asdict(Rate.counted(could.loc[could["permitted"].eq(True), "in_two_pulses"])),
        "before_hard_limit": asdict(Rate.counted(assessed["below_hard_limit"])),
        "found_after_s": asdict(Spread.over(assessed["found_after_s"])),
        "above_working_limit_kpa": asdict(Spread.over(assessed["overshoot_kpa"].clip(lower=0))),
        "bolus_ml": _bolus(assessed),
    }


def _by_severity(assessed: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The runs of each severity, or of each class of severities where there are many; empty for a single severity."""
    severity = assessed["severity"]
    values = sorted(severity.dropna().unique())
    if len(values) < 2:
        return []
    # Where no two runs have the same severity, they were drawn from a range, however few they are.
    if len(values) <= _FEW and len(values) < len(assessed):
        return [(f"{value:g}", assessed[severity == value]) for value in values]
    classes = pd.qcut(severity, min(_CLASSES, len(assessed) // 2), duplicates="drop")
    return [
        (f"{part['severity'].min():.3g} to {part['severity'].max():.3g}", part)
        for _, part in assessed.groupby(classes, observed=True)
    ]


def _poor_paths(assessed: pd.DataFrame) -> dict[str, str]:
    """Paths on which less than 95 % of the runs that could show the fault did so within two pulses."""
    could = assessed[assessed["hit_pulse"].notna() & assessed["two_pulses_left"] & ~assessed["permitted"].eq(False)]
    shares = could.groupby("path")["in_two_pulses"].agg(["sum", "size"])
    poor = shares[shares["sum"] < 0.95 * shares["size"]]
    return {str(path): f"{int(row['sum'])} of {int(row['size'])}" for path, row in poor.iterrows()}


def _not_permitting(assessed: pd.DataFrame) -> list[str]:
    """Paths on which the host does not claim to detect a fault of this severity."""
    return sorted(assessed.loc[assessed["permitted"].eq(False), "path"].unique())


def _evidence(results: Results) -> list[dict[str, Any]]:
    """Scores of pulses: of healthy ones, and of the whole ones after the onset of each fault."""
    pulses = results.pulses
    rows = []
    for name, group in pulses.groupby("group", sort=False):
        healthy = bool(group["healthy"].iloc[0])
        counted = group[group["index"] > 0] if healthy else group[group["after_onset"] >= 1]
        spans = {}
        for score in SCORES:
            low, middle, high = counted[score].astype(float).quantile([0.05, 0.5, 0.95])
            there = not pd.isna(middle)
            spans[score] = {"low": float(low), "median": float(middle), "high": float(high)} if there else None
        rows.append({"group": str(name), "pulses": len(counted), **spans})
    return rows


def _derated(results: Results, healthy: pd.DataFrame) -> float | None:
    if healthy.empty:
        return None
    pulses = results.pulses
    derated = pulses.loc[pulses["healthy"] & (pulses["derated_percent"] > 0), "case"].nunique()
    return float(derated / len(healthy))


def _counts(values: "pd.Series[str]") -> dict[str, int]:
    return {str(value): int(count) for value, count in values.value_counts().items()}


def _least(values: "pd.Series[float]") -> float | None:
    there = values.dropna()
    return None if there.empty else float(there.min())
