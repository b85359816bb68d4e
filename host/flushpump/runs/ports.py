"""What a run needs from its surroundings: who answers its questions, and where its progress is shown."""

from typing import Protocol

from flushpump.planning.plan import Plan
from flushpump.wire.messages import Alarm, PhaseChange, PulseResult, Question, Telemetry

QUESTION_SENTENCES = {
    Question.BLOOD_RETURN: "Was blood return seen?",
    Question.SYRINGE_CHANGED: "Has the syringe been changed for a full one of the same brand and size?",
    Question.CLAMPED: "Is the line clamped?",
    Question.CONTINUE: "Continue?",
}


class Prompter(Protocol):
    """A person or a program that answers questions. `by` is the name in the record of whoever answered.

    `ask` returns at once and the answer is fetched with `answer`, so that the run renews the pump's lease meanwhile.
    """

    by: str
    is_person: bool

    def ask(self, question: Question) -> None:
        """Asks the question. OSError when the terminal has gone."""

    def answer(self) -> bool | None:
        """The answer to the last question, None while there is none."""


class RunDisplay(Protocol):
    """Shows a run. `pause` and `resume` frame a question, so that it can be read and answered."""

    def run_started(self, plan: Plan) -> None: ...
    def telemetry(self, telemetry: Telemetry) -> None: ...
    def phase(self, change: PhaseChange) -> None: ...
    def pulse(self, pulse: PulseResult) -> None: ...
    def alarm(self, alarm: Alarm) -> None: ...
    def note(self, text: str) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def run_ended(self) -> None: ...


class NoDisplay:
    """Shows nothing."""

    def run_started(self, plan: Plan) -> None:
        """Nothing to show."""

    def telemetry(self, telemetry: Telemetry) -> None:
        """Nothing to show."""

    def phase(self, change: PhaseChange) -> None:
        """Nothing to show."""

    def pulse(self, pulse: PulseResult) -> None:
        """Nothing to show."""

    def alarm(self, alarm: Alarm) -> None:
        """Nothing to show."""

    def note(self, text: str) -> None:
        """Nothing to show."""

    def pause(self) -> None:
        """Nothing to show."""

    def resume(self) -> None:
        """Nothing to show."""

    def run_ended(self) -> None:
        """Nothing to show."""
