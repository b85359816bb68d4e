"""What a campaign says in numbers: rates with exact 95 % intervals, times, volumes and pressures, by fault.

The interval of a rate is Clopper and Pearson's: it holds the true rate in at least 95 of 100 campaigns, also where
nothing or everything was found.
"""

from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd
from scipy.stats import binomtest

from flushsim.campaign.results import SCORES, Results, area_under, roc, scores_of
from flushsim.campaign.rows import FIRMWARE_FAILED

CONFIDENCE = 0.95
# A severity that takes more values than this is shown in as many classes of equal size.
_CLASSES = 4
_FEW = 6


@dataclass(frozen=True)
class Rate:
    """`count` of `of`, with the interval's ends; without any, the interval is everything."""

    count: int
    of: int
    low: float
    high: float

    @classmethod
    def counted(cls, yes: "pd.Series[bool]") -> "Rate":
        """The rate of what is true among all."""
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
        """The rate itself, None without any."""
        return self.count / self.of if self.of else None


@dataclass(frozen=True)
class Spread:
    """Median, 95th percentile and worst (the largest by its amount) of some values; None where there are none."""

    median: float | None
    most_of: float | None
    worst: float | None

    @classmethod
    def over(cls, values: "pd.Series[float]") -> "Spread":
        """Of the values that are there."""
        there = values.dropna()
        if there.empty:
            return cls(None, None, None)
        worst = there.loc[there.abs().idxmax()]
        worst = worst if not isinstance(worst, pd.Series) else worst.iloc[0]
        return cls(float(there.median()), float(there.abs().quantile(0.95)), float(worst))


def figures_of(results: Results) -> dict[str, Any]:
    """All figures as plain values that JSON can hold."""
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
    """Of runs that did not complete; a line under suction draws in, which is no bolus."""
    return asdict(Spread.over(runs.loc[~runs["outcome"].eq("completed"), "bolus_ml"].clip(lower=0)))


def _group(results: Results, name: Any, group: pd.DataFrame) -> dict[str, Any]:
    judged = group[group["found"].notna()]
    fault = str(group["fault"].iloc[0])
    claimed = bool(group["claimed"].iloc[0])
    areas = {score: area_under(roc(results, str(name), score)) for score in scores_of(fault)}
    return {
        "group": name,
        "fault": fault,
        "claimed": claimed,
        **_detection(judged),
        "by_severity": [
            {
                "severity": severity,
                **_detection(part),
                "paths_below_95_percent": _poor_paths(part) if claimed else {},
                "paths_not_permitting": _not_permitting(part),
            }
            for severity, part in _by_severity(judged)
        ],
        "false_alarms_before": asdict(Rate.counted(group["false_alarm"].notna())),
        "said_first": _counts(judged["said"].fillna("nothing")),
        "paths_below_95_percent": _poor_paths(judged) if claimed else {},
        "paths_not_permitting": _not_permitting(judged),
        "roc_area": {score: area for score, area in areas.items() if area is not None},
    }


def _detection(judged: pd.DataFrame) -> dict[str, Any]:
    hit = judged[judged["hit_pulse"].notna()]
    could = hit[hit["two_pulses_left"]]
    return {
        "found": asdict(Rate.counted(judged["found"].eq(True))),
        "in_the_pulse": asdict(Rate.counted(hit["in_pulse"])),
        "within_two_pulses": asdict(Rate.counted(could["in_two_pulses"])),
        "where_permitted": asdict(Rate.counted(could.loc[could["permitted"].eq(True), "in_two_pulses"])),
        "before_hard_limit": asdict(Rate.counted(judged["below_hard_limit"])),
        "found_after_s": asdict(Spread.over(judged["found_after_s"])),
        "above_working_limit_kpa": asdict(Spread.over(judged["overshoot_kpa"].clip(lower=0))),
        "bolus_ml": _bolus(judged),
    }


def _by_severity(judged: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The runs of each severity, or of each class of severities where there are many; none where there is one."""
    severity = judged["severity"]
    values = sorted(severity.dropna().unique())
    if len(values) < 2:
        return []
    # Where no two runs have the same, they were drawn from a span, however few they are.
    if len(values) <= _FEW and len(values) < len(judged):
        return [(f"{value:g}", judged[severity == value]) for value in values]
    classes = pd.qcut(severity, min(_CLASSES, len(judged) // 2), duplicates="drop")
    return [
        (f"{part['severity'].min():.3g} to {part['severity'].max():.3g}", part)
        for _, part in judged.groupby(classes, observed=True)
    ]


def _poor_paths(judged: pd.DataFrame) -> dict[str, str]:
    """Paths that should show the fault, and did within two pulses in less than 95 % of runs that could."""
    could = judged[judged["hit_pulse"].notna() & judged["two_pulses_left"] & ~judged["permitted"].eq(False)]
    shares = could.groupby("path")["in_two_pulses"].agg(["sum", "size"])
    poor = shares[shares["sum"] < 0.95 * shares["size"]]
    return {str(path): f"{int(row['sum'])} of {int(row['size'])}" for path, row in poor.iterrows()}


def _not_permitting(judged: pd.DataFrame) -> list[str]:
    """Paths of which the host says beforehand that the fault, as severe as it was, is not told there."""
    return sorted(judged.loc[judged["permitted"].eq(False), "path"].unique())


def _evidence(results: Results) -> list[dict[str, Any]]:
    """What the host was told of pulses: of healthy ones, and of the whole ones after each fault's onset."""
    pulses = results.pulses
    rows = []
    for name, group in pulses.groupby("group", sort=False):
        healthy = bool(group["healthy"].iloc[0])
        told = group[group["index"] > 0] if healthy else group[group["after_onset"] >= 1]
        spans = {}
        for score in SCORES:
            low, middle, high = told[score].astype(float).quantile([0.05, 0.5, 0.95])
            there = not pd.isna(middle)
            spans[score] = {"low": float(low), "median": float(middle), "high": float(high)} if there else None
        rows.append({"group": str(name), "pulses": len(told), **spans})
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
