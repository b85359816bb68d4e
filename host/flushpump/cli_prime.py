"""`flushpump prime`: extension and needle are filled before they are connected; what goes out is no dose."""

import math
from dataclasses import dataclass

import click

from flushpump.cli_base import (
    FLOW,
    VOLUME,
    complain,
    console_for,
    json_option,
    path_options,
    port_option,
    print_json,
    say,
    simulated_with,
    written,
    yes_option,
)
from flushpump.cli_confirm import confirm, refuse_without_answers
from flushpump.errors import (
    FlushPumpError,
    Interrupted,
    LinkLost,
    OutcomeUnknown,
    Refused,
    StoppedByAlarm,
)
from flushpump.events import alarm_happened, alarm_remedy
from flushpump.following import going_on, patient_status
from flushpump.insisting import patiently, surely
from flushpump.interrupts import Interrupts
from flushpump.path import Path
from flushpump.plan import path_settings
from flushpump.ports import find_pump
from flushpump.pump import Pump
from flushpump.simulated import fill_syringe, line_taken_off
from flushpump.types import Fluid, Status

_POLL_S = 0.05
# What may be missing of the volume when all of it has been driven.
_WHOLE_ML = 0.005


@dataclass
class Priming:
    """One priming: from PRIME to the last step, with the volume known so far at any moment."""

    pump: Pump
    volume_ml: float
    flow_ml_per_s: float
    outcome: str = "completed"
    primed_ml: float = 0.0
    problem: FlushPumpError | None = None

    def perform(self, interrupts: Interrupts) -> None:
        """Refused, Interrupted, LinkLost before the start; afterwards everything is told by the fields."""
        before = patient_status(self.pump)
        if interrupts.wanted:
            raise Interrupted("stopped by the user", "nothing has moved")
        try:
            surely(self.pump, lambda: self.pump.prime(self.volume_ml, self.flow_ml_per_s))
            self.pump.keep_alive = True
            while going_on(status := patient_status(self.pump)):
                self._told(before, status)
                self.pump.poll(_POLL_S)
                if interrupts.wanted:
                    self.pump.stop()
                    break
            self._ended(before, patient_status(self.pump), interrupts.wanted)
        except Refused:
            raise
        except FlushPumpError as problem:
            self._came_to_grief(problem, before)

    def _told(self, before: Status, status: Status) -> None:
        self.primed_ml = max(0, before.syringe_remaining_nl - status.syringe_remaining_nl) / 1e6

    def _ended(self, before: Status, status: Status, interrupted: bool) -> None:
        self._told(before, status)
        if self.primed_ml >= self.volume_ml - _WHOLE_ML:
            return
        so_far = f"{self.primed_ml:.2f} of {self.volume_ml:.2f} mL primed"
        if interrupted:
            self.outcome = "stopped"
            self.problem = Interrupted(f"stopped by the user, nothing moves: {so_far}")
        elif status.alarm_code:
            self.outcome = "alarm"
            happened, remedy = alarm_happened(status.alarm_code), alarm_remedy(status.alarm_code)
            self.problem = StoppedByAlarm(f"alarm: {happened}; {so_far}", remedy)
        else:
            self.outcome = "stopped"
            self.problem = StoppedByAlarm(f"stopped from elsewhere: {so_far}", "see flushpump status")

    def _came_to_grief(self, problem: FlushPumpError, before: Status) -> None:
        lost = isinstance(problem, LinkLost)
        try:
            self.pump.stop()
            self._told(before, patient_status(self.pump))
            lost = True
        except FlushPumpError:
            # What was heard last is what can be told.
            pass
        self.outcome = "link_lost" if lost else "unknown"
        kind = LinkLost if lost else OutcomeUnknown
        so_far = f"{self.primed_ml:.2f} of {self.volume_ml:.2f} mL primed when last heard"
        self.problem = kind(f"{self.outcome.replace('_', ' ')}: {problem.message}; {so_far}", problem.remedy)


@click.command("prime", short_help="Fills extension and needle; no dose.")
@path_options
@click.option("--volume", "volume_ml", type=VOLUME, help="As in 0.5mL; default: extension and needle, and 20 % more.")
@click.option("--flow", "flow_ml_per_s", type=FLOW, default="0.2mL/s", show_default=True, help="With its unit.")
@click.option("--loaded", "loaded_ml", type=VOLUME, help="What the syringe holds, as in 10mL; default: its size.")
@port_option
@yes_option
@json_option
@click.pass_context
def prime_command(
    ctx: click.Context,
    line: str,
    needle: str,
    syringe: str,
    extension: str,
    heparin_intolerant: bool,
    volume_ml: float | None,
    flow_ml_per_s: float,
    loaded_ml: float | None,
    url: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Fills extension and needle before they are connected; booked as prime, not as dose."""
    path = Path.of(line, needle, syringe, extension, heparin_intolerant=heparin_intolerant)
    volume = volume_ml or max(0.1, math.ceil(12 * path.extension.volume_ml) / 10)
    loaded = loaded_ml or path.syringe.size_ml
    if flow_ml_per_s > path.flow_cap_ml_per_s:
        raise Refused(
            f"{flow_ml_per_s:g} mL/s is above this path's {path.flow_cap_ml_per_s:g} mL/s", "prime more slowly"
        )
    if loaded > path.syringe.capacity_ml:
        raise Refused(f"{path.syringe.name} ends at {path.syringe.capacity_ml:g} mL", "check --loaded")
    if volume > loaded:
        raise Refused(f"{volume:g} mL do not come out of a syringe that holds {loaded:g} mL", "check --volume")
    refuse_without_answers(yes, as_json)
    console = console_for(as_json)
    with Pump.open(simulated_with(url or find_pump(), path)) as pump:
        text = f"prime {volume:g} mL at {flow_ml_per_s:g} mL/s from {path.syringe.title}, {loaded:g} mL in it"
        confirm(console, [text], yes, "Is the line NOT connected, and the syringe as shown?")
        with Interrupts() as interrupts, line_taken_off(pump):
            fill_syringe(pump, loaded)
            patiently(pump, lambda: pump.set_path(path_settings(path, Fluid.SALINE, loaded)))
            priming = Priming(pump, volume, flow_ml_per_s)
            priming.perform(interrupts)
            told = _tell(priming, as_json)
            interrupts.no_more()
    problem = priming.problem
    ctx.exit(problem.exit_status if problem is not None else (0 if told else 1))


def _tell(priming: Priming, as_json: bool) -> bool:
    sentence = f"{priming.primed_ml:.2f} mL primed"
    told = True
    if as_json:
        result = {
            "outcome": priming.outcome,
            "primed_ml": priming.primed_ml,
            "intended_ml": priming.volume_ml,
            "interrupted": isinstance(priming.problem, Interrupted),
            "problem": None if priming.problem is None else priming.problem.message,
        }
        told = written(lambda: print_json(result), sentence)
    if priming.problem is not None:
        complain(str(priming.problem))
    else:
        told = written(lambda: say(console_for(as_json), [f"completed: {sentence}"]), sentence) and told
    return told
