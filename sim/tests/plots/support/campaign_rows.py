"""Results of a campaign that was never run: rows as a campaign writes them, with figures drawn from a seed."""

import random
from dataclasses import fields
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from flushpump.wire.messages import PulseResult
from flushsim.campaign.results import Results, read
from flushsim.campaign.schema import SCHEMA

Row = dict[str, Any]
LINES = (("smartport-ct-8f", "huber-20g"), ("smartport-plus-5f", "huber-22g"), ("picc-4f", "none"))
DETECTED_AS = {
    "occlusion": "occluded", "partial": "partial", "growing": "partial", "bubble": "bubble", "leak": "leak",
    "extravasation": "partial", "dislodged": "partial",
}  # fmt: skip
UNCLAIMED = ("extravasation", "dislodged")
GROUPS = {
    "healthy": "healthy", "leak": "leak, where the extension meets the line, of a tenth to a third of the flow",
    "dislodged": "dislodged from the port's chamber into tissue of every kind",
}  # fmt: skip
SEVERITIES = {"partial": (2.0, 3.0, 5.0), "bubble": (0.05, 0.1, 0.2, 0.4), "leak": (0.1, 0.3), "growing": (3.0, 10.0)}
# Drawn from a span: its classes have long names.
SPANS = {"extravasation": (0.0123, 0.0789), "dislodged": (1234.0, 98765.0)}


def results(folder: Path, runs: int, seed: int = 1, false_alarms: bool = True) -> Results:
    """The results of so many runs; without `false_alarms` nothing is detected wrongly."""
    chance = random.Random(seed)
    rows = [_row(chance, case, false_alarms) for case in range(runs)]
    folder.mkdir(exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), folder / "part-0.parquet")
    return read([folder / "part-0.parquet"])


def _row(chance: random.Random, case: int, false_alarms: bool) -> Row:
    fault = None if case % 3 == 0 else (*DETECTED_AS,)[case % len(DETECTED_AS)]
    line, needle = LINES[chance.randrange(len(LINES))]
    severity = None if fault is None else chance.choice(SEVERITIES.get(fault, (1.0,)))
    if fault in SPANS:
        severity = chance.uniform(*SPANS[fault])
    found = fault is not None and chance.random() < min(0.99, 0.5 + case % 7 / 5)
    pulse = chance.choice((3, 3, 4, 4, 5)) if found else None
    stopped = found and fault == "occlusion"
    row: Row = {name: None for name in SCHEMA.names}
    row.update(
        case=case, group=GROUPS.get(fault or "healthy", fault), healthy=fault is None, seed=case,
        claimed=fault not in (None, *UNCLAIMED),
        sequence="port-maintenance", line=line, needle=needle, syringe="bd-10", extension="extension-20cm", fault=fault,
        severity=severity,
        faults=[] if fault is None else [f"{fault}@3s"], outcome="occluded" if stopped else "completed",
        verdict=DETECTED_AS[fault] if found else "patent", alarms=[], problem="", duration_s=11.0, planned_ml=9.5,
        tip_ml=8.99, volume_error_ml=chance.gauss(0.002, 0.01) * (5 if stopped else 1),
        bolus_ml=abs(chance.gauss(0.005, 0.01)), told_relieved_ml=0.1 if stopped else 0.0, told_uncertain_ml=0.01,
        relief_lowest_kpa=chance.uniform(0, 4) if stopped else None, relief_drawn_ml=0.0 if stopped else None,
        peak_kpa=chance.gauss(95, 10), working_limit_kpa=137.9, hard_limit_kpa=172.0,
        false_alarm="partial" if fault is None and false_alarms and chance.random() < 0.01 else None,
        expected_resistance_kpa_s_per_ml=41.0, expected_compliance_ul_per_kpa=2.1, flow_ml_per_s=2.0,
        said=DETECTED_AS[fault] if found else None,
    )  # fmt: skip
    row["overshoot_kpa"] = row["peak_kpa"] - 137.9
    if fault is not None:
        row.update(
            onset_s=3.0, hit_pulse=3, pulses_left=6, found=found, found_as=DETECTED_AS[fault] if found else None,
            found_after_s=chance.lognormvariate(-0.5, 0.8) if found else None, found_pulse=pulse,
            whole_pulses=None if pulse is None else pulse - 3,
        )  # fmt: skip
    row["pulses"] = [_pulse(chance, index, fault, severity) for index in range(10)]
    return row


def _pulse(chance: random.Random, index: int, fault: str | None, severity: float | None) -> Row:
    hit = fault is not None and index >= 3
    worse = {"partial": 1.3, "growing": 1.5, "leak": 0.9}.get(fault or "", 1.0) if hit else 1.0
    row: Row = {field.name: 0 for field in fields(PulseResult)}
    row.update(
        index=index, verdict="patent", evidence="resistance", peak_pa=round(83_000 * worse),
        start_us=1_025_000 + 870_000 * index,
        resistance_pa_s_per_ml=round(41_000 * worse * chance.gauss(1, 0.04)),
        compliance_nl_per_kpa=round(3300 * (1.2 if hit and fault == "bubble" else 1) * chance.gauss(1, 0.05)),
        residual_pa=round(83_000 * (worse - 1) + chance.gauss(0, 900)), after_onset=index - 3 if hit else None,
    )  # fmt: skip
    return row
