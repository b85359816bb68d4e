"""When each line is due for its next flush, by the records of its runs.

A record identifies a line by its label; without one only its name in the catalog is known.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from flushpump.access.catalog import load
from flushpump.records.export.common import simulated
from flushpump.records.store import Record
from flushpump.times import local

# Days after a flush from which the next is due, and after which it is overdue. An idle port: every 6-8 weeks (older
# practice 4-6; some policies: 3 months). PICCs and tunneled catheters: daily care.
INTERVALS_DAYS = {"port": (42, 56), "picc": (1, 1), "tunneled": (1, 1)}
# The smallest flush by the nursing standards: twice the volume of catheter and add-on.
_LEAST_VOLUMES = 2.0

OVERDUE, DUE, UNKNOWN, NOT_DUE = "overdue", "due", "not known", "not due"
_ORDER = (OVERDUE, DUE, UNKNOWN, NOT_DUE)


@dataclass
class LineCare:
    """What is known of one line from its records. `label` is "" for all lines of this name without a label."""

    label: str
    line: str
    kind: str
    flushed: Record | None = None
    flushed_on: date | None = None
    last: Record | None = None
    last_on: date | None = None
    interval_days: tuple[int, int] | None = None

    @property
    def due_from(self) -> date | None:
        """The first day on which it is due; None if not known."""
        return self._after(0)

    @property
    def overdue_after(self) -> date | None:
        """The last day on which it is not yet overdue."""
        return self._after(1)

    def state(self, today: date) -> str:
        """overdue, due, not due, or not known."""
        due_from, overdue_after = self.due_from, self.overdue_after
        if due_from is None or overdue_after is None or self.flushed_on is None or self.flushed_on > today:
            return UNKNOWN
        return OVERDUE if today > overdue_after else DUE if today >= due_from else NOT_DUE

    def note(self, today: date) -> str:
        """A remark, in a few words."""
        if self.flushed_on is not None and self.flushed_on > today:
            return "the last flush is in the future: check the clock"
        if self.interval_days is None:
            return "no interval is known for this line"
        if self.flushed is not None and simulated(self.flushed.body):
            return "on a simulated pump"
        if self.last is not None and self.last is not self.flushed:
            outcome = str(self.last.body.get("outcome")).replace("_", " ")
            what = "with too small a volume for a flush" if outcome == "completed" else outcome
            return f"last run {what}, {self.last_on}"
        return ""

    def _after(self, which: int) -> date | None:
        if self.flushed_on is None or self.interval_days is None:
            return None
        return self.flushed_on + timedelta(days=self.interval_days[which])


def lines_due(records: Iterable[Record], today: date, port_days: int | None = None) -> tuple[list[LineCare], int]:
    """Every line of the records, the most urgent first, and the number of records that cannot be read.

    `port_days` replaces the interval of ports.
    """
    found: dict[tuple[str, str], LineCare] = {}
    unreadable = 0
    for record in records:
        try:
            line, label = str(record.body["plan"]["path"]["line"]), str(record.body.get("label") or "")
            on, counts = _day(record), _is_flush(record)
        except (KeyError, TypeError, ValueError):
            unreadable += 1
            continue
        care = found.setdefault((label, line), _line_care(label, line, port_days))
        if care.last_on is None or on >= care.last_on:
            care.last, care.last_on = record, on
        if counts and (care.flushed_on is None or on >= care.flushed_on):
            care.flushed, care.flushed_on = record, on
    order = sorted(
        found.values(), key=lambda care: (_ORDER.index(care.state(today)), care.due_from or date.min, care.label)
    )
    return order, unreadable


def _line_care(label: str, line: str, port_days: int | None) -> LineCare:
    known = load().lines.get(line)
    kind = known.kind if known is not None else ""
    interval = INTERVALS_DAYS.get(kind)
    if kind == "port" and port_days is not None:
        interval = (port_days, port_days)
    return LineCare(label, line, kind, interval_days=interval)


def _is_flush(record: Record) -> bool:
    body = record.body
    least_ml = _LEAST_VOLUMES * float(body["plan"]["path"]["volume_ml"])
    return body["outcome"] == "completed" and float(body["delivered_ml"]) >= least_ml


def _day(record: Record) -> date:
    """The day of the run on this computer's calendar."""
    return local(record.body.get("started_at") or record.written_at).date()
