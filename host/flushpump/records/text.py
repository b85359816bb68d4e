"""A record as text: what was run, on which path, by whom, and the result of each pulse."""

from typing import Any

from flushpump.records.store import Record, RecordError
from flushpump.text_table import aligned
from flushpump.times import shown_time
from flushpump.units import DisplayUnits
from flushpump.wire.events import verdict_words


def record_lines(record: Record, width: int | None = None, units: DisplayUnits | None = None) -> list[str]:
    """The record as lines of text, of at most `width` characters, in kPa and mL/s or the units given.

    RecordError if the record was altered and cannot be read any more.
    """
    units = units or DisplayUnits()
    try:
        pulses = units.in_table(pulse_rows(record))
        rows = [[label, units.in_text(text)] for label, text in record_rows(record)]
        return [*aligned(rows, width), *(aligned(pulses, width) if pulses else [])]
    except (TypeError, ValueError, KeyError, AttributeError) as problem:
        raise RecordError(f"record {record.number} cannot be read", "restore the file from backup") from problem


def record_rows(record: Record) -> list[tuple[str, str]]:
    """Label and text of each line. An altered record raises TypeError, ValueError, KeyError or AttributeError."""
    body = record.body
    path = body.get("plan", {}).get("path", {})
    loaded_ml = body.get("plan", {}).get("loaded_ml", 0.0)
    peak_kpa = body.get("peak_kpa", 0.0)
    verdict = verdict_words(str(body.get("verdict")))
    return [
        ("record", f"{record.record_id}, written {shown_time(record.written_at)}"),
        ("sequence", str(body.get("sequence"))),
        ("label", str(body.get("label") or "none: this line is not identified")),
        ("operator", f"{body.get('operator')}, confirmed by {body.get('confirmed_by')}"),
        ("path", ", ".join(str(path[key]) for key in ("line", "needle", "extension") if path.get(key))),
        ("syringe", f"{path.get('syringe')} ({path.get('syringe_brand')}), filled with {loaded_ml:g} mL"),
        ("limits", f"working {path.get('working_limit_kpa', 0):.0f} kPa, hard {path.get('hard_limit_kpa', 0):.0f} kPa"),
        ("pump", f"firmware {body.get('firmware')}, target {body.get('target')}"),
        ("answers", ", ".join(_answer(answer) for answer in body.get("answers", [])) or "none"),
        ("alarms", ", ".join(_words(alarm.get("name")) for alarm in body.get("alarms", [])) or "none"),
        ("outcome", f"{_words(body.get('outcome'))}, verdict {verdict}, peak {peak_kpa:.0f} kPa"),
        ("volume", _volume(body)),
    ]


def _words(name: Any) -> str:
    return str(name).replace("_", " ")


def _answer(answer: dict[str, Any]) -> str:
    given = "yes" if answer.get("yes") else "no"
    return f"{_words(answer.get('question'))}: {given} (by {answer.get('by')})"


def _volume(body: dict[str, Any]) -> str:
    text = f"{body.get('delivered_ml', 0):.2f} of {body.get('intended_ml', 0):.2f} mL delivered"
    text += f", {body.get('uncertain_ml', 0):.2f} mL unconfirmed"
    duration_s = body.get("duration_s")
    # A run whose end was not reported has no duration.
    return text if duration_s is None else f"{text}, in {duration_s:.1f} s"


def pulse_rows(record: Record) -> list[list[str]]:
    """The result of each pulse under a heading, nothing without pulses. Raises as `record_rows`."""
    pulses = record.body.get("pulses", [])
    if not pulses:
        return []
    rows = [["pulse", "mL", "s", "peak kPa", "kPa s/mL", "uL/kPa", "lowered", "verdict"]]
    for pulse in pulses:
        rows.append(
            [
                str(pulse["index"] + 1),
                f"{pulse['delivered_ml']:.3f}",
                f"{pulse['duration_s']:.3f}",
                f"{pulse['peak_kpa']:.1f}",
                _figure(pulse["resistance_kpa_s_per_ml"]),
                _figure(pulse["compliance_ul_per_kpa"]),
                f"{pulse.get('derated_percent', 0)} %" if pulse.get("derated") else "no",
                verdict_words(str(pulse.get("verdict", ""))),
            ]
        )
    return rows


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
