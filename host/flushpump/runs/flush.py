"""A whole run in one call, for programs: `flush`, and the result that it returns."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from flushpump.access.access_path import AccessPath
from flushpump.device.pump import DEFAULT_KEY, Pump
from flushpump.errors import (
    FlushPumpError,
    LinkLostError,
    OutcomeUnknownError,
    StoppedByAlarmError,
    StoppedByUserError,
    UsageError,
    not_installed,
)
from flushpump.link.ports import find_pump
from flushpump.link.url_handlers import target_of, with_path
from flushpump.planning.plan import Plan
from flushpump.planning.prior_visit import last_visit
from flushpump.planning.sequence import Sequence, load_sequence
from flushpump.records.store import Records
from flushpump.runs import report as reports
from flushpump.runs.ports import NoDisplay
from flushpump.runs.report import RunReport
from flushpump.runs.run import Run, current_user, describe_pump
from flushpump.signals import StopSignals
from flushpump.times import now_text
from flushpump.wire.messages import Fluid, Question

if TYPE_CHECKING:
    import pandas as pd

Answer = Callable[[Question], bool] | Literal["yes"]


@dataclass(frozen=True)
class FlushedPulse:
    """One pulse: volumes in mL, times in s, pressure in kPa; None where the pump could not estimate a value."""

    index: int
    verdict: str
    intended_ml: float
    delivered_ml: float
    start_s: float
    duration_s: float
    pause_s: float
    peak_kpa: float
    resistance_kpa_s_per_ml: float | None
    compliance_ul_per_kpa: float | None
    derated_percent: int
    why: str | None


@dataclass(frozen=True)
class FlushResult:
    """The result of a run: volumes in mL, times in s, pressures in kPa.

    `outcome` is completed, stopped, occluded, alarm, link_lost or unknown. `delivered_ml` is the pump's estimate of the
    dose that left the line's tip, and `unconfirmed_ml` its uncertainty. `record_id` names the record; without one
    `record_problem` is the reason, "" where none was asked for.
    """

    outcome: str
    verdict: str
    intended_ml: float
    delivered_ml: float
    unconfirmed_ml: float
    duration_s: float | None
    peak_kpa: float
    alarms: tuple[str, ...]
    pulses: tuple[FlushedPulse, ...]
    record_id: str | None
    record_problem: str
    _body: dict[str, Any]

    @classmethod
    def of(cls, body: dict[str, Any], record_id: str | None, record_problem: str = "") -> FlushResult:
        """The result in the object that `flushpump run --json` prints."""
        names = FlushedPulse.__dataclass_fields__
        return cls(
            outcome=body["outcome"],
            verdict=body["verdict"],
            intended_ml=body["intended_ml"],
            delivered_ml=body["delivered_ml"],
            unconfirmed_ml=body["unconfirmed_ml"],
            duration_s=body["duration_s"],
            peak_kpa=body["peak_kpa"],
            alarms=tuple(alarm["name"] for alarm in body["alarms"]),
            pulses=tuple(FlushedPulse(**{name: pulse[name] for name in names}) for pulse in body["pulses"]),
            record_id=record_id,
            record_problem=record_problem,
            _body={**body, "record_id": record_id},
        )

    def to_dict(self) -> dict[str, Any]:
        """The object that `flushpump run --json` prints: plain values, units in the keys."""
        return dict(self._body)

    def to_dataframe(self) -> pd.DataFrame:
        """One row for each pulse, the fields of FlushedPulse as columns. UsageError where pandas is not installed."""
        try:
            import pandas as pd
        except ImportError as problem:
            raise not_installed("to_dataframe()", "pandas") from problem
        return pd.DataFrame([asdict(pulse) for pulse in self.pulses], columns=list(FlushedPulse.__dataclass_fields__))


def flush(
    sequence: str | Sequence,
    path: AccessPath | None = None,
    *,
    line: str | None = None,
    needle: str | None = None,
    syringe: str | None = None,
    extension: str | None = None,
    loaded_ml: float | None = None,
    fluid: Fluid | None = None,
    port: str | None = None,
    key: bytes = DEFAULT_KEY,
    answer: Answer,
    operator: str = "",
    label: str = "",
    record: bool = True,
) -> FlushResult:
    """Does a whole run: plans it, loads and starts it, answers its questions, follows it to its end, records it.

    ::

        result = flush(
            "port-maintenance", line="smartport-ct-8f", needle="huber-20g", syringe="bd-10",
            port="flushsim://", answer="yes",
        )
        print(result.delivered_ml, result.verdict, [pulse.peak_kpa for pulse in result.pulses])

    `sequence` is a name, a TOML file or a Sequence. The path is `path`, or the catalog's names of line, needle, syringe
    and extension. `loaded_ml` is the content of the syringe, by default what the sequence needs. `port` is a URL, by
    default the one pump found. `answer` gets each question of the run (a Question) and returns True for yes; it may
    block, as `input` does, since it is called in a thread of its own. "yes" answers every question with yes. `operator`
    and `label` (your name of this very line) are for the record; `record=False` writes none.

    A run that ends early raises, and `error.result` is its FlushResult: StoppedByAlarmError (an alarm, an occlusion, a
    stop at the pump, or an answer no), StoppedByUserError (Ctrl-C), LinkLostError, OutcomeUnknownError. Before
    anything moves: UsageError (an unknown name), NoDeviceError, RefusedError (a rule or a limit forbids the run).
    """
    path = path or _path(line, needle, syringe, extension)
    visit = last_visit(Records().all(), label, path) if label else None
    plan = Plan.of(
        load_sequence(sequence) if isinstance(sequence, str) else sequence,
        path,
        loaded_ml=loaded_ml,
        fluid=fluid,
        visit=visit,
    )
    url = with_path(port or find_pump(), path.names)
    prompter = _FunctionPrompter(answer)
    report = RunReport(plan, target=target_of(url), operator=operator or current_user(), confirmed_by=prompter.by)
    report.label = label
    with Pump.open(url, key) as pump, StopSignals() as signals:
        describe_pump(report, pump)
        report.started_at = now_text()
        Run(pump, plan, report, prompter, NoDisplay(), signals).perform()
    result = _recorded(report) if record else FlushResult.of(report.to_json(), None)
    if prompter.problem is not None:
        raise prompter.problem
    if report.outcome != reports.COMPLETED:
        raise _error_of(report, result)
    return result


def _path(line: str | None, needle: str | None, syringe: str | None, extension: str | None) -> AccessPath:
    if line is None or needle is None or syringe is None:
        raise UsageError("a run needs a path", "give path, or line, needle and syringe")
    if extension is None:
        return AccessPath.of(line, needle, syringe)
    return AccessPath.of(line, needle, syringe, extension)


def _recorded(report: RunReport) -> FlushResult:
    """The result with its record; a record that cannot be written does not cost the result."""
    body = report.to_json()
    try:
        return FlushResult.of(body, Records().append(body, now_text()).record_id)
    except FlushPumpError as problem:
        return FlushResult.of(body, None, str(problem))


def _error_of(report: RunReport, result: FlushResult) -> FlushPumpError:
    kinds: dict[str, type[FlushPumpError]] = {
        reports.LINK_LOST: LinkLostError,
        reports.UNKNOWN: OutcomeUnknownError,
    }
    kind = kinds.get(report.outcome, StoppedByAlarmError)
    if report.interrupted and report.outcome == reports.STOPPED:
        kind = StoppedByUserError
    error = kind(report.sentence())
    error.result = result
    return error


class _FunctionPrompter:
    """Answers with a function, in a thread of its own, so that the run goes on renewing the lease."""

    is_person = False

    def __init__(self, answer: Answer) -> None:
        if answer != "yes" and not callable(answer):
            raise UsageError(f"{answer!r} is no answer", 'give a function of the question, or "yes"')
        self.by = 'answer="yes"' if answer == "yes" else "answer function"
        self.problem: Exception | None = None
        self._function = (lambda question: True) if answer == "yes" else answer
        self._answer: bool | None = None

    def ask(self, question: Question) -> None:
        """Calls the function."""
        self._answer = None
        threading.Thread(target=self._call, args=(question,), name="answer", daemon=True).start()

    def answer(self) -> bool | None:
        """The function's answer, None while there is none. An exception counts as no, and ends the run."""
        return self._answer

    def _call(self, question: Question) -> None:
        try:
            self._answer = bool(self._function(question))
        except Exception as problem:
            self.problem = problem
            self._answer = False
