"""Records as CSV: one row per run, units in the column names. The other formats have the pulses too."""

import csv
import io
from typing import Any

from flushpump.records.export.common import Export, convert, fluid_volumes
from flushpump.records.store import Record

COLUMNS = (
    "record_id", "written_at", "started_at", "sequence", "outcome", "verdict", "label", "line", "needle", "extension",
    "syringe", "fluids", "operator", "confirmed_by", "blood_return", "intended_ml", "delivered_ml", "uncertain_ml",
    "aspirated_ml", "relieved_ml", "duration_s", "pulses", "peak_kpa", "working_limit_kpa", "hard_limit_kpa", "alarms",
    "problem", "firmware", "settings_fingerprint", "unit", "target", "hash", "chain",
)  # fmt: skip


def as_csv(export: Export) -> str:
    """The rows with a heading."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for record in export.records:
        row = convert(record, _row)
        writer.writerow({"chain": "altered" if export.altered else "unaltered"} | {k: _cell(v) for k, v in row.items()})
    return text.getvalue()


def _row(record: Record) -> dict[str, Any]:
    body, path = record.body, record.body["plan"]["path"]
    blood = [answer["yes"] for answer in body["answers"] if answer["question"] == "blood_return"]
    same = {name: body.get(name) for name in COLUMNS if name in body}
    return {
        **same,
        "record_id": record.record_id,
        "written_at": record.written_at,
        "line": path["line"],
        "needle": path["needle"],
        "extension": path["extension"],
        "syringe": path["syringe"],
        "fluids": " ".join(volume.fluid for volume in fluid_volumes(body)),
        "blood_return": None if not blood else "yes" if blood[-1] else "no",
        "pulses": len(body["pulses"]),
        "working_limit_kpa": path["working_limit_kpa"],
        "hard_limit_kpa": path["hard_limit_kpa"],
        "alarms": " ".join(str(alarm["name"]) for alarm in body["alarms"]),
        "hash": record.hash,
    }


def _cell(value: Any) -> Any:
    # A spreadsheet takes a text that begins with one of these for a formula.
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t"):
        return f"'{value}"
    return value
