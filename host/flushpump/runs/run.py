"""A run: a plan on a pump, from loading to the end of motion, with questions, alarms and Ctrl-C.

The report is updated during the run, so it always holds the volume so far. Events are hints: any of them may be lost,
doubled or late. So questions come from STATUS, and the end comes from PROGRAM_END or RESULT_READ.
"""

import getpass
import time

from flushpump.device import drive
from flushpump.device.bench_hooks import fill_syringe
from flushpump.device.follow import missing_pulses, result_of, status_while_leased, under_way
from flushpump.device.pump import Pump
from flushpump.device.retry import retry_idempotent
from flushpump.errors import FlushPumpError, LinkLostError, OutcomeUnknownError, RefusedError, StoppedByUserError
from flushpump.planning.plan import Plan
from flushpump.runs import report as reports
from flushpump.runs.ports import QUESTION_SENTENCES, Prompter, RunDisplay
from flushpump.runs.report import Answer, RunReport
from flushpump.signals import StopSignals
from flushpump.wire.messages import (
    Alarm,
    Event,
    Outcome,
    PhaseChange,
    ProgramEnd,
    PulseResult,
    Question,
    State,
    Telemetry,
)

POLL_S = 0.05
# STATUS is read this often in any case, and sooner after an event that hints at a question or at the end.
_CHECK_S = 1.0
_CHECK_SOON_S = 0.1


def describe_pump(report: RunReport, pump: Pump) -> None:
    """Notes in the report which pump it is, its firmware and its settings."""
    report.unit = retry_idempotent(pump, pump.info).unit.hex()
    if pump.hello is not None:
        report.firmware = f"{pump.hello.version_text} {pump.hello.firmware_fingerprint.hex()}"
        report.settings_fingerprint = pump.hello.settings_fingerprint.hex()


def current_user() -> str:
    """The name of whoever is logged in, for the record; "unknown" without one."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
    return name if name.isprintable() else "unknown"


class Run:
    """One run of a plan. `perform` returns the report; only what happens before the start is raised."""

    def __init__(
        self, pump: Pump, plan: Plan, report: RunReport, prompter: Prompter, display: RunDisplay, signals: StopSignals
    ) -> None:
        self._pump = pump
        self._plan = plan
        self._report = report
        self._prompter = prompter
        self._display = display
        self._signals = signals
        self._asked = Question.NONE
        self._overtaken = False
        self._stopping = False
        self._hinted = False
        self._checked_s = pump.now_s

    def perform(self) -> RunReport:
        """Loads, starts and follows the program. RefusedError, LinkLostError, StoppedByUserError before the start."""
        self._prepare()
        if self._signals.stop_requested:
            raise StoppedByUserError("stopped by the user", "nothing has moved")
        try:
            drive.start(self._pump)
        except RefusedError:
            raise
        except FlushPumpError as problem:
            self._handle_failure(problem)
            return self._report
        self._display.run_started(self._plan)
        try:
            self._follow()
        except FlushPumpError as problem:
            self._handle_failure(problem)
        finally:
            self._display.run_ended()
        self._collect_alarms()
        return self._report

    def _prepare(self) -> None:
        fill_syringe(self._pump, self._plan.loaded_ml)
        try:
            drive.load(self._pump, self._plan.settings(), self._plan.program())
        except OutcomeUnknownError as problem:
            # No command of this moves the plunger.
            raise LinkLostError(
                "too little arrives over the link to load the program", "nothing has moved; check cable and plugs"
            ) from problem

    def _follow(self) -> None:
        self._checked_s = self._pump.now_s
        while self._report.end is None:
            if self._signals.stop_requested and not self._stopping:
                self._stop()
            began_s, began_pump_s = time.monotonic(), self._pump.now_s
            for event in self._pump.poll(POLL_S):
                self._handle(event)
            if self._asked is not Question.NONE and self._report.end is None:
                self._fetch_answer()
                # A person answers in real time; a simulated clock must not run ahead of them.
                ahead_s = (self._pump.now_s - began_pump_s) - (time.monotonic() - began_s)
                time.sleep(max(0.0, ahead_s))
            since_s = self._pump.now_s - self._checked_s
            if self._report.end is None and since_s >= (_CHECK_SOON_S if self._hinted else _CHECK_S):
                self._check()

    def _handle(self, event: Event) -> None:
        report = self._report
        if isinstance(event, Telemetry):
            report.telemetry = event
            report.peak_pa = max(report.peak_pa, event.pressure_pa)
            if event.state is not State.RUNNING and self._asked is Question.NONE:
                self._hinted = True
            self._display.telemetry(event)
        elif isinstance(event, PulseResult):
            if event.index not in report.pulses:
                report.pulses[event.index] = event
                self._display.pulse(event)
        elif isinstance(event, PhaseChange):
            if event.question is Question.NONE:
                self._display.phase(event)
            self._hinted = True
        elif isinstance(event, Alarm):
            if event.code and event.occurrence not in report.alarms:
                report.alarms[event.occurrence] = event
                self._end_question()
                self._display.alarm(event)
        elif self._is_ours(event):
            self._end(event)

    def _is_ours(self, end: ProgramEnd) -> bool:
        loaded = self._pump.loaded
        return loaded is not None and end.program_crc == loaded.program_crc

    def _check(self) -> None:
        """Reads the status, and recovers what lost events have reported."""
        self._checked_s = self._pump.now_s
        self._hinted = False
        status = status_while_leased(self._pump)
        if under_way(status):
            if status.state is State.WAITING and status.question is not Question.NONE:
                self._ask(status.question)
            return
        self._end(result_of(self._pump, self._pump.motion_crc))

    def _end(self, end: ProgramEnd) -> None:
        self._pump.keep_alive = False
        self._report.ended(end)
        for pulse in missing_pulses(self._pump, end, set(self._report.pulses)):
            self._handle(pulse)

    def _ask(self, question: Question) -> None:
        if self._asked is Question.NONE and not self._stopping:
            self._asked = question
            self._overtaken = False
            self._display.pause()
            try:
                self._prompter.ask(question)
            except OSError:
                # The terminal has gone, so nobody can answer.
                self._signals.stop_requested = True

    def _end_question(self) -> None:
        """Ends the question's line, so that the next output does not continue it."""
        if self._asked is not Question.NONE and not self._overtaken:
            self._overtaken = True
            self._display.note("")

    def _fetch_answer(self) -> None:
        yes = self._prompter.answer()
        if yes is None or self._stopping:
            return
        question = self._asked
        self._asked = Question.NONE
        self._report.answers.append(Answer(question.name.lower(), yes, self._prompter.by))
        self._display.resume()
        if not self._prompter.is_person:
            self._display.note(f"{QUESTION_SENTENCES[question]} {'yes' if yes else 'no'} ({self._prompter.by})")
        if not drive.give_answer(self._pump, question, yes, self._plan.loaded_ml):
            # An alarm or the stop button has ended the program before the answer.
            self._report.answers.pop()
            self._hinted = True

    def _stop(self) -> None:
        self._stopping = self._report.interrupted = True
        self._pump.stop()
        self._end_question()
        self._display.note("stopped; waiting for the result")
        self._check()

    def _handle_failure(self, problem: FlushPumpError) -> None:
        """After a failure of link or pump since the start: stops the pump if it can, and reports what is known."""
        report = self._report
        report.problem = problem.message
        report.outcome = reports.LINK_LOST if isinstance(problem, LinkLostError) else reports.UNKNOWN
        try:
            self._pump.stop()
            status = status_while_leased(self._pump)
            report.status = status
            result = retry_idempotent(self._pump, self._pump.result)
            if result is None or not self._is_ours(result):
                return
            self._end(result)
        except FlushPumpError:
            # No command since the restart: the device was reset, and the volume under way is unconfirmed.
            if report.status is not None and report.status.last_session == 0 and not isinstance(problem, RefusedError):
                report.outcome = reports.UNKNOWN
            return
        if result.outcome is Outcome.STOPPED and not report.interrupted:
            if self._pump.stopped_by_another:
                # The failure came from that program, which read the port alone for a while.
                report.problem = ""
            else:
                # The link failed; no alarm and no person stopped the pump.
                report.outcome = reports.LINK_LOST

    def _collect_alarms(self) -> None:
        if self._report.outcome == reports.COMPLETED and not self._report.alarms:
            return
        try:
            for alarm in retry_idempotent(self._pump, self._pump.alarms):
                self._report.alarms.setdefault(alarm.occurrence, alarm)
        except FlushPumpError:
            # The alarms stay latched in the pump; `flushpump alarms` reads them when it can be reached again.
            return
