"""A run: a plan on a pump, from loading to the end of motion, with questions, alarms and Ctrl-C on the way.

The report is filled as the run goes on, so whatever happens it holds the volume so far.
"""

import time
from collections.abc import Callable
from typing import TypeVar

from flushpump import report as reports
from flushpump.asking import SENTENCES, Asker
from flushpump.display import Display
from flushpump.errors import FlushPumpError, Interrupted, LinkLost, OutcomeUnknown, Refused, refused
from flushpump.following import going_on, patient_status
from flushpump.interrupts import Interrupts
from flushpump.plan import Plan
from flushpump.pump import Pump
from flushpump.report import Answer, RunReport
from flushpump.simulated import fill_syringe
from flushpump.types import Alarm, Event, PhaseChange, ProgramEnd, PulseResult, Question, State, Telemetry

POLL_S = 0.05
_BOOT_S = 5.0
# Events come many times a second while the pump moves; after this much silence STATUS is asked.
_SILENCE_S = 1.0
_TRIES = 4

_Reply = TypeVar("_Reply")


def wait_for_boot(pump: Pump) -> None:
    """Returns when the power-on self-test is over; a pump that does not get there refuses what is asked of it next."""
    until_s = pump.now_s + _BOOT_S
    while pump.now_s < until_s and patient_status(pump).state is State.BOOT:
        pump.poll(POLL_S)


class Run:
    """One run of a plan. `perform` returns the report; only what happens before the start is raised."""

    def __init__(
        self, pump: Pump, plan: Plan, report: RunReport, asker: Asker, display: Display, interrupts: Interrupts
    ) -> None:
        self._pump = pump
        self._plan = plan
        self._report = report
        self._asker = asker
        self._display = display
        self._interrupts = interrupts
        self._asked = Question.NONE
        self._stopping = False
        self._heard_s = pump.now_s

    def perform(self) -> RunReport:
        """Loads, starts and follows the program. Refused, LinkLost, OutcomeUnknown, Interrupted before the start."""
        wait_for_boot(self._pump)
        fill_syringe(self._pump, self._plan.loaded_ml)
        self._patiently(lambda: self._pump.set_path(self._plan.settings()))
        self._patiently(lambda: self._pump.load(self._plan.program()))
        if self._interrupts.wanted:
            raise Interrupted("stopped by the user", "nothing has moved")
        self._display.begin(self._plan)
        try:
            self._surely(self._pump.start)
            self._pump.keep_alive = True
            self._pump.program_running = True
            self._follow()
        except FlushPumpError as problem:
            self._came_to_grief(problem)
        finally:
            self._display.end()
        self._collect_alarms()
        return self._report

    def _follow(self) -> None:
        self._heard_s = self._pump.now_s
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
            if self._report.end is None and self._pump.now_s - self._heard_s >= _SILENCE_S:
                self._look()

    def _take(self, event: Event) -> None:
        self._heard_s = self._pump.now_s
        report = self._report
        if isinstance(event, Telemetry):
            report.telemetry = event
            report.peak_pa = max(report.peak_pa, event.pressure_pa)
            self._display.telemetry(event)
        elif isinstance(event, PulseResult):
            if event.index not in report.pulses:
                report.pulses[event.index] = event
                self._display.pulse(event)
        elif isinstance(event, PhaseChange):
            self._display.phase(event)
            if event.state is State.WAITING and event.question is not Question.NONE:
                self._put(event.question)
        elif isinstance(event, Alarm):
            if event.code and event.occurrence not in report.alarms:
                report.alarms[event.occurrence] = event
                self._display.alarm(event)
        elif self._is_ours(event):
            self._end(event)

    def _is_ours(self, end: ProgramEnd) -> bool:
        loaded = self._pump.loaded
        return loaded is not None and end.program_crc == loaded.program_crc

    def _look(self) -> None:
        """No event for a while: asks what is going on, and makes up for events that were lost."""
        self._heard_s = self._pump.now_s
        status = patient_status(self._pump)
        if going_on(status):
            if status.state is State.WAITING and status.question is not Question.NONE:
                self._put(status.question)
            return
        result = self._patiently(self._pump.result)
        if result is None or not self._is_ours(result):
            raise OutcomeUnknown("the pump has no result of this program", "read its status and its log")
        self._end(result)

    def _end(self, end: ProgramEnd) -> None:
        self._pump.keep_alive = False
        self._pump.program_running = False
        self._report.ended(end)
        for index in range(end.pulse_count):
            if index not in self._report.pulses:
                pulse = self._patiently(lambda index=index: self._pump.pulse(index))  # type: ignore[misc]
                if pulse is not None:
                    self._take(pulse)

    def _put(self, question: Question) -> None:
        if self._asked is Question.NONE and not self._stopping:
            self._asked = question
            self._display.pause()
            self._asker.ask(SENTENCES[question])

    def _fetch_answer(self) -> None:
        yes = self._asker.answer()
        if yes is None or self._stopping:
            return
        question = self._asked
        self._asked = Question.NONE
        self._report.answers.append(Answer(question.name.lower(), yes, self._asker.by))
        self._display.resume()
        loaded_ml = 0.0
        if yes and question is Question.SYRINGE_CHANGED:
            loaded_ml = self._plan.loaded_ml
            fill_syringe(self._pump, loaded_ml)
        self._surely(lambda: self._pump.answer(question, yes, loaded_ml))

    def _stop(self) -> None:
        self._stopping = True
        self._pump.stop()
        self._report.interrupted = True
        self._look()

    def _came_to_grief(self, problem: FlushPumpError) -> None:
        """The link or the pump failed after the start: stops what can be stopped, and says what is known."""
        report = self._report
        report.problem = problem.message
        report.outcome = reports.LINK_LOST if isinstance(problem, LinkLost) else reports.UNKNOWN
        try:
            self._pump.stop()
            status = self._pump.status()
            report.status = status
        except FlushPumpError:
            return
        # No command since the restart: the device was reset, and what was under way is booked as uncertain.
        if status.last_session == 0 and not isinstance(problem, Refused):
            report.outcome = reports.UNKNOWN

    def _collect_alarms(self) -> None:
        if self._report.outcome == reports.COMPLETED and not self._report.alarms:
            return
        try:
            for alarm in self._patiently(self._pump.alarms):
                self._report.alarms.setdefault(alarm.occurrence, alarm)
        except FlushPumpError:
            # The alarms stay latched in the pump; `flushpump alarms` reads them when it can be reached again.
            return

    def _patiently(self, command: Callable[[], _Reply]) -> _Reply:
        """For what may be sent again without harm: tried until its outcome is known."""
        for _ in range(_TRIES - 1):
            try:
                return command()
            except OutcomeUnknown:
                patient_status(self._pump)
        return command()

    def _surely(self, command: Callable[[], object]) -> None:
        """For what must happen once: sent again only where the pump says that it was not executed."""
        for attempt in range(_TRIES):
            try:
                command()
                return
            except OutcomeUnknown:
                patient_status(self._pump)
                settled = self._pump.settled
                if settled is None or settled.executed is None or attempt == _TRIES - 1:
                    raise
                if settled.executed:
                    if settled.status:
                        raise refused(settled.name, settled.status) from None
                    return
