"""A run: a plan on a pump, from loading to the end of motion, with questions, alarms and Ctrl-C on the way.

The report is filled as the run goes on, so whatever happens it holds the volume so far. Events are hints: any of them
may be lost, doubled or late, so a question is put and the end is taken from what STATUS and RESULT_READ say.
"""

import time

from flushpump.cli.live_view import Display
from flushpump.cli.prompts import SENTENCES, Prompter
from flushpump.device.bench_hooks import fill_syringe
from flushpump.device.follow import status_while_leased, under_way
from flushpump.device.pump import Pump
from flushpump.device.retry import execute_once, retry_idempotent
from flushpump.errors import FlushPumpError, LinkLostError, OutcomeUnknownError, RefusedError, StoppedByUserError
from flushpump.planning.plan import Plan
from flushpump.runs import report as reports
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
# STATUS is asked this often whatever comes, and sooner where an event hints at a question or at the end.
_LOOK_S = 1.0
_LOOK_SOON_S = 0.1
# The question is no longer asked, or not in this state: STATUS tells what is.
_OVERTAKEN = ("NOT_ANSWERED", "WRONG_STATE")


class Run:
    """One run of a plan. `perform` returns the report; only what happens before the start is raised."""

    def __init__(
        self, pump: Pump, plan: Plan, report: RunReport, asker: Prompter, display: Display, interrupts: StopSignals
    ) -> None:
        self._pump = pump
        self._plan = plan
        self._report = report
        self._asker = asker
        self._display = display
        self._interrupts = interrupts
        self._asked = Question.NONE
        self._overtaken = False
        self._stopping = False
        self._hinted = False
        self._looked_s = pump.now_s

    def perform(self) -> RunReport:
        """Loads, starts and follows the program. RefusedError, LinkLostError, StoppedByUserError before the start."""
        self._prepare()
        if self._interrupts.wanted:
            raise StoppedByUserError("stopped by the user", "nothing has moved")
        try:
            execute_once(self._pump, self._pump.start)
        except RefusedError:
            raise
        except FlushPumpError as problem:
            self._came_to_grief(problem)
            return self._report
        self._display.begin(self._plan)
        try:
            self._pump.keep_alive = True
            self._pump.program_running = True
            self._follow()
        except FlushPumpError as problem:
            self._came_to_grief(problem)
        finally:
            self._display.end()
        self._collect_alarms()
        return self._report

    def _prepare(self) -> None:
        fill_syringe(self._pump, self._plan.loaded_ml)
        try:
            retry_idempotent(self._pump, lambda: self._pump.set_path(self._plan.settings()))
            retry_idempotent(self._pump, lambda: self._pump.load(self._plan.program()))
        except OutcomeUnknownError as problem:
            # Nothing of this moves the plunger.
            raise LinkLostError(
                "too little arrives over the link to load the program", "nothing has moved; check cable and plugs"
            ) from problem

    def _follow(self) -> None:
        self._looked_s = self._pump.now_s
        while self._report.end is None:
            if self._interrupts.wanted and not self._stopping:
                self._stop()
            began_s, began_pump_s = time.monotonic(), self._pump.now_s
            for event in self._pump.poll(POLL_S):
                self._take(event)
            if self._asked is not Question.NONE and self._report.end is None:
                self._fetch_answer()
                # A person answers in real time; a simulated clock must not run ahead of them.
                ahead_s = (self._pump.now_s - began_pump_s) - (time.monotonic() - began_s)
                time.sleep(max(0.0, ahead_s))
            since_s = self._pump.now_s - self._looked_s
            if self._report.end is None and since_s >= (_LOOK_SOON_S if self._hinted else _LOOK_S):
                self._look()

    def _take(self, event: Event) -> None:
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

    def _look(self) -> None:
        """Asks what is going on, and makes up for events that were lost."""
        self._looked_s = self._pump.now_s
        self._hinted = False
        status = status_while_leased(self._pump)
        if under_way(status):
            if status.state is State.WAITING and status.question is not Question.NONE:
                self._put(status.question)
            return
        result = retry_idempotent(self._pump, self._pump.result)
        if result is None or not self._is_ours(result):
            raise OutcomeUnknownError("the pump has no result of this program", "read its status and its log")
        self._end(result)

    def _end(self, end: ProgramEnd) -> None:
        self._pump.keep_alive = False
        self._pump.program_running = False
        self._report.ended(end)
        for index in range(end.pulse_count):
            if index not in self._report.pulses:
                pulse = retry_idempotent(self._pump, lambda index=index: self._pump.pulse(index))  # type: ignore[misc]
                if pulse is not None:
                    self._take(pulse)

    def _put(self, question: Question) -> None:
        if self._asked is Question.NONE and not self._stopping:
            self._asked = question
            self._overtaken = False
            self._display.pause()
            try:
                self._asker.ask(SENTENCES[question])
            except OSError:
                # The terminal has gone, and with it whoever could answer.
                self._interrupts.wanted = True

    def _end_question(self) -> None:
        """What is written next does not belong into the question's line."""
        if self._asked is not Question.NONE and not self._overtaken:
            self._overtaken = True
            self._display.note("")

    def _fetch_answer(self) -> None:
        yes = self._asker.answer()
        if yes is None or self._stopping:
            return
        question = self._asked
        self._asked = Question.NONE
        self._report.answers.append(Answer(question.name.lower(), yes, self._asker.by))
        self._display.resume()
        if not self._asker.is_person:
            self._display.note(f"{SENTENCES[question]} {'yes' if yes else 'no'} ({self._asker.by})")
        loaded_ml = 0.0
        if yes and question is Question.SYRINGE_CHANGED:
            loaded_ml = self._plan.loaded_ml
            fill_syringe(self._pump, loaded_ml)
        try:
            execute_once(self._pump, lambda: self._pump.answer(question, yes, loaded_ml))
        except RefusedError as refusal:
            if refusal.status_name not in _OVERTAKEN:
                raise
            # While somebody thought about the answer, an alarm or the stop button has ended the program.
            self._report.answers.pop()
            self._hinted = True

    def _stop(self) -> None:
        self._stopping = self._report.interrupted = True
        self._pump.stop()
        self._end_question()
        self._display.note("stopped; waiting for the result")
        self._look()

    def _came_to_grief(self, problem: FlushPumpError) -> None:
        """The link or the pump failed after the start: stops what can be stopped, and says what is known."""
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
            # No command since the restart: the device was reset, and what was under way is booked as uncertain.
            if report.status is not None and report.status.last_session == 0 and not isinstance(problem, RefusedError):
                report.outcome = reports.UNKNOWN
            return
        if result.outcome is Outcome.STOPPED and not report.interrupted:
            if self._pump.stopped_by_another:
                # What failed, failed because that program had the line to itself for a while.
                report.problem = ""
            else:
                # It was stopped because of the link, not by an alarm and by nobody's hand.
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
