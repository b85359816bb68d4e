"""Records as one self-contained HTML page: a table of all runs, then each run as in `records show`."""

from html import escape

from flushpump.records.export.common import Export, convert, simulated
from flushpump.records.store import Record
from flushpump.records.text import pulse_rows, record_rows
from flushpump.times import shown_time

_STYLE = """
body { font: 15px/1.45 sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; color: #1b1b1b }
h1 { font-size: 1.5em } h2 { font-size: 1.15em; margin-top: 2em; border-top: 1px solid #bbb; padding-top: 1em }
table { border-collapse: collapse; margin: .6em 0 } th, td { text-align: left; padding: .2em .9em .2em 0; vertical-align: top }
th { font-weight: 600; color: #444 } .pulses td { font-variant-numeric: tabular-nums }
.wrong { border: 2px solid #a00; padding: .6em; color: #a00; font-weight: 600 }
.wide { overflow-x: auto } footer { margin-top: 3em; color: #555 } @media print { h2 { break-before: page } }
"""  # noqa: E501 - as a page has it
_HEADINGS = ["record", "written", "sequence", "label", "line", "outcome", "mL", "operator"]


def as_html(export: Export) -> str:
    """The page."""
    rows = [convert(record, _summary) for record in export.records]
    sections = [convert(record, _section) for record in export.records]
    warning = f'<p class="wrong">Do not trust these records: {escape(export.altered)}</p>\n'
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n<title>Records of flushpump</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<h1>Records of flushpump</h1>\n"
        f"{warning if export.altered else ''}{_table([_HEADINGS, *rows])}{''.join(sections)}"
        "<footer>For bench and research use only: flushpump is no medical device, and these are no medical records."
        "</footer>\n</body>\n</html>\n"
    )


def _summary(record: Record) -> list[str]:
    body = record.body
    return [
        record.record_id, shown_time(record.written_at), str(body["sequence"]), str(body.get("label") or "-"),
        str(body["plan"]["path"]["line"]), str(body["outcome"]).replace("_", " "), f"{body['delivered_ml']:.2f}",
        str(body["operator"]),
    ]  # fmt: skip


def _section(record: Record) -> str:
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>\n" for name, text in record_rows(record))
    kind = "<p>On a simulated pump.</p>\n" if simulated(record.body) else ""
    pulses = pulse_rows(record)
    table = _table(pulses, "pulses") if pulses else ""
    return f"<h2>Record {escape(record.record_id)}</h2>\n{kind}<table>\n{rows}</table>\n{table}"


def _table(rows: list[list[str]], name: str = "runs") -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in rows[0])
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>\n" for row in rows[1:])
    return f'<div class="wide"><table class="{name}">\n<tr>{head}</tr>\n{body}</table></div>\n'
