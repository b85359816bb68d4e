"""The results of a campaign as two tables, read from its part files: one row a run, one row a pulse.

Columns that follow from other columns are added here, so that no part file has to be written again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from flushpump.errors import UsageError

from flushsim.campaign.schema import SCHEMA

SCORES = (
    "resistance_ratio", "resistance_change", "compliance_change", "pressure_missing", "peak_change", "residual_share",
    "plateau_ratio", "plateau_missing",
)  # fmt: skip
"""Scores of a pulse, each from values that the host receives; a higher score is stronger evidence of a fault.

`resistance_ratio` is the resistance over that of the path, `resistance_change` over that of the run's first pulse,
`pressure_missing` the first pulse's over this one's. `compliance_change` and `peak_change` are like resistance_change.
`residual_share` is the residual over the pulse's peak. `plateau_ratio` is the plateau over the expected one, and
`plateau_missing` its inverse.
"""
SCORES_OF_FAULT = {
    "bubble": ("compliance_change",),
    "leak": ("plateau_missing", "pressure_missing"),
    "disconnect": ("plateau_missing", "pressure_missing"),
}
_OBSTRUCTIONS = ("occlusion", "partial", "growing", "pinch-off", "fibrin-flap")
# In tissue no blood comes back into the tip, and no bolus reaches a vein.
_IN_TISSUE = ("extravasation", "dislodged")
_SCORES_OF_OTHERS = ("plateau_ratio", "resistance_change", "resistance_ratio", "peak_change", "residual_share")


@dataclass(frozen=True)
class Results:
    """`runs` are indexed by their case, `pulses` have the run's `case`, `group` and `healthy` and the SCORES."""

    runs: pd.DataFrame
    pulses: pd.DataFrame


def read(files: Iterable[Path], below: int | None = None) -> Results:
    """All runs in the order of their cases; with `below` only cases below it. UsageError if there are none."""
    tables = [pq.read_table(file, schema=SCHEMA) for file in files]
    if not tables:
        raise UsageError("there are no results yet", "run the campaign first")
    table = pa.concat_tables(tables)
    # A case that two commands ran at the same time is there twice, with equal values.
    cases = table["case"].to_pandas().drop_duplicates().sort_values()
    table = table.take(pa.array(cases.index[cases < below] if below is not None else cases.index))
    runs = table.drop_columns("pulses").to_pandas()
    return Results(_with_paths(runs.set_index("case", drop=False)), _pulses(runs, table["pulses"].combine_chunks()))


def _with_paths(runs: pd.DataFrame) -> pd.DataFrame:
    needle = runs["needle"].where(runs["needle"] == "none", " + " + runs["needle"]).replace("none", "")
    found, completed = runs["found"].eq(True), runs["outcome"].eq("completed")
    return runs.assign(
        path=runs["line"] + needle,
        obstructed=runs["fault"].isin(_OBSTRUCTIONS),
        in_tissue=runs["fault"].isin(_IN_TISSUE),
        in_pulse=found & (runs["found_pulse"] <= runs["hit_pulse"]),
        in_two_pulses=found & (runs["whole_pulses"] <= 2),
        # A completed run in which too few pulses were left does not show how many are needed.
        two_pulses_left=runs["found"].notna() & (found | ~completed | (runs["pulses_left"] >= 2)),
        volume_beyond_uncertain_ml=runs["volume_error_ml"].abs() - runs["told_uncertain_ml"],
        below_hard_limit=found & (runs["peak_kpa"] < runs["hard_limit_kpa"]),
    )


def _pulses(runs: pd.DataFrame, pulse_lists: pa.ListArray) -> pd.DataFrame:
    run = pc.list_parent_indices(pulse_lists).to_numpy()
    flat = pc.list_flatten(pulse_lists)
    columns = {field.name: pc.struct_field(flat, field.name) for field in flat.type}
    pulses = pa.table(columns).to_pandas()
    for name in ("case", "group", "healthy", "fault", "severity", "expected_resistance_kpa_s_per_ml"):
        pulses[name] = runs[name].to_numpy()[run]
    resistance = pulses["resistance_pa_s_per_ml"].where(lambda value: value > 0) / 1000
    compliance = pulses["compliance_nl_per_kpa"].where(lambda value: value > 0)
    plateau = pulses["seen_permille"].where(pulses["evidence"].eq("resistance") & (pulses["seen_permille"] > 0)) / 1000
    peak = pulses["peak_pa"].clip(lower=1000)
    first_resistance = resistance.groupby(pulses["case"]).transform("first")
    return pulses.assign(
        resistance_ratio=resistance / pulses["expected_resistance_kpa_s_per_ml"],
        resistance_change=resistance / first_resistance,
        compliance_change=compliance / compliance.groupby(pulses["case"]).transform("first"),
        pressure_missing=first_resistance / resistance,
        peak_change=peak / peak.groupby(pulses["case"]).transform("first"),
        residual_share=pulses["residual_pa"] / peak,
        plateau_ratio=plateau,
        plateau_missing=1 / plateau,
    )


def scores_of(fault: str) -> tuple[str, ...]:
    """The SCORES in which a fault of this name should show."""
    return SCORES_OF_FAULT.get(fault, _SCORES_OF_OTHERS)


def roc(results: Results, group: str, score: str) -> pd.DataFrame:
    """The curve: for each threshold the share of healthy pulses, and of the group's runs, that reach it.

    Columns `threshold`, `false_rate`, `true_rate`, by falling threshold. A run of the group counts if the pulse that
    the fault hit, or one of the two whole pulses after it, reaches the threshold. Of a healthy run every pulse counts
    but the first, which sets the baseline.
    """
    pulses = results.pulses.dropna(subset=score)
    healthy = pulses.loc[pulses["healthy"] & (pulses["index"] > 0), score]
    hit = pulses[(pulses["group"] == group) & pulses["after_onset"].isin((0, 1, 2))].groupby("case")[score].max()
    both = pd.concat([healthy.to_frame("score").assign(hit=0), hit.to_frame("score").assign(hit=1)])
    counted = both.groupby("score")["hit"].agg(["size", "sum"]).sort_index(ascending=False).cumsum()
    return pd.DataFrame({
        "threshold": counted.index,
        "false_rate": (counted["size"] - counted["sum"]).to_numpy() / max(1, len(healthy)),
        "true_rate": counted["sum"].to_numpy() / max(1, len(hit)),
    })  # fmt: skip


def area_under(curve: pd.DataFrame) -> float | None:
    """Area under such a curve: 1 separates all pulses, 0.5 none; None where one side has no pulses."""
    if curve.empty or not curve["false_rate"].iloc[-1] or not curve["true_rate"].iloc[-1]:
        return None
    return float(np.trapezoid([0.0, *curve["true_rate"]], [0.0, *curve["false_rate"]]))
