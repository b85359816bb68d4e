"""One program on a pump, from loading to its end: load, start, answer the questions, follow.

`drive` does all of it. A run that a person supervises (runs/run.py) uses the steps one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from flushpump.device.bench_hooks import fill_syringe
from flushpump.device.pump import Pump
from flushpump.device.retry import execute_once, retry_idempotent
from flushpump.errors import RefusedError
from flushpump.wire.messages import (
    Alarm,
    Event,
    PathSettings,
    PhaseChange,
    Program,
    ProgramEnd,
    PulseResult,
    Question,
    Telemetry,
)

_TRIES = 5
# The question is no longer asked, or the pump is not in a state in which it asks. STATUS shows which.
_OVERTAKEN = ("NOT_ANSWERED", "WRONG_STATE")


@dataclass
class ProgramEvents:
    """The events of one program, in the order in which they came."""

    events: list[Event] = field(default_factory=list)

    @property
    def pulses(self) -> list[PulseResult]:
        """The results of the pulses, by their index."""
        return sorted((event for event in self.events if isinstance(event, PulseResult)), key=lambda one: one.index)

    @property
    def telemetry(self) -> list[Telemetry]:
        """The telemetry."""
        return [event for event in self.events if isinstance(event, Telemetry)]

    @property
    def questions(self) -> list[Question]:
        """The questions that the pump asked."""
        return [event.question for event in self.events if isinstance(event, PhaseChange) and event.question]

    @property
    def alarms(self) -> list[str]:
        """The names of the alarms, each occurrence once."""
        names = {event.occurrence: event.name for event in self.events if isinstance(event, Alarm) and event.code}
        return [names[occurrence] for occurrence in sorted(names)]

    @property
    def end(self) -> ProgramEnd:
        """The result of the program."""
        return next(event for event in reversed(self.events) if isinstance(event, ProgramEnd))


def always_yes(question: Question) -> bool:
    """Answers every question with yes."""
    return True


def load(pump: Pump, path: PathSettings, program: Program) -> None:
    """Sets the path and loads the program; repeats what was lost."""
    for attempt in range(_TRIES):
        retry_idempotent(pump, lambda: pump.set_path(path))
        session = pump.link.session
        try:
            retry_idempotent(pump, lambda: pump.load(program))
        except RefusedError as refusal:
            # After a lost reply a new session may have been opened, and a path belongs to the session that set it.
            if refusal.status_name != "NO_PATH" or pump.link.session == session or attempt == _TRIES - 1:
                raise
        else:
            return


def start(pump: Pump) -> None:
    """Starts the loaded program, once; the lease is renewed from now on even if the reply was lost."""
    execute_once(pump, pump.start)
    pump.keep_alive = True


def give_answer(pump: Pump, question: Question, yes: bool, loaded_ml: float) -> bool:
    """Answers the question; False when an alarm or the stop button has ended it meanwhile.

    `loaded_ml` is the content of the new syringe where the question asks for one.
    """
    new_ml = loaded_ml if yes and question is Question.SYRINGE_CHANGED else 0.0
    if new_ml:
        fill_syringe(pump, new_ml)
    try:
        execute_once(pump, lambda: pump.answer(question, yes, new_ml))
    except RefusedError as refusal:
        if refusal.status_name not in _OVERTAKEN:
            raise
        return False
    return True


def answer_and_follow(
    pump: Pump,
    loaded_ml: float,
    answer: Callable[[Question], bool] = always_yes,
    on_event: Callable[[Event], None] = lambda event: None,
) -> ProgramEvents:
    """Follows the program under way to its end. `on_event` gets each event before a question in it is answered."""
    found = ProgramEvents()
    for event in pump.follow():
        found.events.append(event)
        on_event(event)
        if isinstance(event, PhaseChange) and event.question is not Question.NONE:
            give_answer(pump, event.question, answer(event.question), loaded_ml)
    return found


def drive(
    pump: Pump,
    program: Program,
    path: PathSettings,
    answer: Callable[[Question], bool] = always_yes,
    on_event: Callable[[Event], None] = lambda event: None,
) -> ProgramEvents:
    """Sets the path, loads the program, starts it, answers its questions and follows it to its end.

    A new syringe holds as much as the path names. Raises RefusedError, LinkLostError, OutcomeUnknownError; a
    `with Pump.open(...)` block then stops the pump.
    """
    load(pump, path, program)
    start(pump)
    return answer_and_follow(pump, path.syringe_loaded_nl / 1e6, answer, on_event)
