"""A scenario: one run of a sequence on one line with its faults; its result, as reported and as it really was.

The real client drives the real firmware (target `native`) over the port of `flushsim://` and answers every question
with yes, at once. The same scenario gives the same run, byte for byte, in any process.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from math import inf
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from flushpump.access.access_path import AccessPath
from flushpump.device.drive import drive
from flushpump.device.pump import Pump
from flushpump.errors import FlushPumpError
from flushpump.planning.plan import Plan
from flushpump.planning.prior_visit import Visit, measured
from flushpump.planning.sequence import load_sequence
from flushpump.runs.report import RunReport
from flushpump.wire.messages import (
    Alarm,
    Event,
    PathSettings,
    ProgramEnd,
    PulseResult,
    Telemetry,
    Verdict,
)

from flushsim.faults.spec import Fault
from flushsim.firmware.image import Firmware, load_firmware
from flushsim.plant.flow_record import FlowRecord
from flushsim.plant.parameters import PlantPath
from flushsim.plant.plant import Plant
from flushsim.rig.base import path_of
from flushsim.rig.lockstep import Rig
from flushsim.rig.trace import TraceRow
from flushsim.url.serial_urls.protocol_flushsim import Serial

if TYPE_CHECKING:
    from flushsim.fluids.history import FluidHistory

# A read ends as soon as a byte arrives, so this longer timeout delays no event.
_READ_WAIT_S = 0.05
# After this time an opened line has released what it stored: ten time constants of the slowest line, a 3F PICC.
_RELEASE_US = 10_000_000


@dataclass(frozen=True)
class Scenario:
    """What is run. The names are those of the catalog, by which the host plans.

    `path` is the real line (None: as in the catalog), `settings` what the pump gets (None: those of the plan), `visit`
    what is known of the line's last visit. `faults` are texts as in `occlusion@3s`, or Faults; `loaded_ml` None is what
    the plan needs.
    """

    sequence: str = "port-maintenance"
    line: str = "smartport-ct-8f"
    needle: str = "huber-20g"
    syringe: str = "bd-10"
    extension: str = "extension-20cm"
    loaded_ml: float | None = None
    seed: int = 1
    faults: tuple[str | Fault, ...] = ()
    path: PlantPath | None = None
    settings: PathSettings | None = None
    board: str = "rpi_pico"
    visit: Visit | None = None

    def plan(self) -> Plan:
        """The plan of the run. Raises RefusedError, UsageError or UnknownNameError where there can be none."""
        plan = _plan(self.sequence, self.line, self.needle, self.syringe, self.extension, self.loaded_ml)
        return plan if self.visit is None else replace(plan, visit=self.visit)

    def true_path(self) -> PlantPath:
        """The real line. Raises UnknownNameError."""
        return self.path or path_of(self.line, self.needle, self.syringe, self.extension)


@dataclass
class Reported:
    """What the pump reported to the host. Each of `events` has the simulated time in us at which the host received it.

    `problem` is the sentence of the error that ended the run at `problem_us`, "" without one. `end` is None when the
    pump did not report the end.
    """

    events: list[tuple[int, Event]] = field(default_factory=list)
    pulses: list[PulseResult] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)
    end: ProgramEnd | None = None
    problem: str = ""
    problem_us: int = 0

    @property
    def verdict(self) -> Verdict:
        """The verdict of the whole run."""
        return Verdict.NOT_JUDGED if self.end is None else self.end.verdict


@dataclass(frozen=True)
class Stroke:
    """One motion of the plunger: its first and last step in us since power-on, its steps and its direction."""

    first_us: float
    last_us: float
    steps: float
    direction: int


@dataclass(frozen=True)
class GroundTruth:
    """The plant's values: gauge pressures in kPa at the syringe's outlet, volumes in mL, times in us since power-on.

    `first_step_us` is the time from which the faults' onsets count. `tip_ml` left the tip into the vein and was not
    drawn back; `after_stop_ml` did so after the last step forwards. `relief_lowest_kpa` is the lowest pressure since
    the relief began, `relief_drawn_ml` the most that came back in through the tip; None without a relief.
    `bolus_ml` leaves the tip when all faults of the line end after the run: 0 without a fault.
    """

    first_step_us: int | None
    last_forward_us: float | None
    strokes: tuple[Stroke, ...]
    peak_kpa: float
    driven_ml: float
    tip_ml: float
    leaked_ml: float
    after_stop_ml: float
    relief_drawn_ml: float | None
    relief_lowest_kpa: float | None
    bolus_ml: float

    def onset_us(self, fault: Fault) -> float | None:
        """When a fault of line, drive or sensor began, us since power-on; None if the run ended before."""
        return None if self.first_step_us is None else self.first_step_us + fault.at_us


@dataclass
class ScenarioResult:
    """The result of a scenario. `trace` is the list that was asked for; `plant` is as the run left it.

    `flows` are the volumes over time, if they were asked for.
    """

    scenario: Scenario
    plan: Plan
    reported: Reported
    ground_truth: GroundTruth
    plant: Plant
    settings: PathSettings
    trace: list[TraceRow] | None
    duration_us: int
    flows: FlowRecord | None = None

    def report(self) -> RunReport:
        """The report that `flushpump run` would have made."""
        reported = self.reported
        report = RunReport(self.plan, target="native", operator="nobody", confirmed_by="simulator")
        report.problem = reported.problem
        report.pulses = {pulse.index: pulse for pulse in reported.pulses}
        report.alarms = {alarm.occurrence: alarm for alarm in reported.alarms}
        report.telemetry = next((event for _, event in reversed(reported.events) if isinstance(event, Telemetry)), None)
        if reported.end is not None:
            report.ended(reported.end)
        return report

    def fluid_history(self, before: str = "heparin") -> "FluidHistory":
        """Follows the fluids of a run with `flows`; `before` was in chamber and catheter. ValueError without flows."""
        # Here, because most runs need no numpy.
        from flushsim.fluids.charges import charges_of
        from flushsim.fluids.history import follow

        if self.flows is None:
            raise ValueError("the scenario was run without its flows: run it with flows=True")
        return follow(self.flows, self.scenario.true_path(), charges_of(self.plan, self.reported.events), before)

    def visit(self) -> Visit | None:
        """What the next visit knows of this one; None when this one measured nothing."""
        found = measured(self.report().to_json(), self.plan.path)
        return None if found is None else Visit("", "", *found)


def run(
    scenario: Scenario, trace: list[TraceRow] | str | FilePath | None = None, flows: bool = False
) -> ScenarioResult:
    """Runs the scenario to its end. `trace` is as for a Rig: a list that gets a row each tick, or a file.

    Raises RefusedError, UsageError or UnknownNameError for a path or plan that is not possible, FaultError for a fault,
    FirmwareError when the firmware fails. What fails in the run itself, such as a lost link, is part of the result.
    """
    plan = scenario.plan()
    settings = scenario.settings or plan.settings()
    rig = _ReliefObservingRig(
        "native", faults=scenario.faults, seed=scenario.seed, trace=trace, path=scenario.true_path(),
        firmware=_firmware(scenario.board),
    )  # fmt: skip
    if flows:
        rig.plant.record_flows()
    reported = Reported()
    try:
        with Pump.over(Serial.over(rig, _READ_WAIT_S), "the scenario's pump", nonce=_nonces(scenario.seed)) as pump:
            rig.plant.change_syringe(plan.loaded_ml)
            drive(pump, plan.program(), settings, on_event=partial(_record_event, reported, rig))
    except FlushPumpError as problem:
        reported.problem, reported.problem_us = str(problem), rig.now_us
    finally:
        rig.close()
    duration_us = rig.now_us
    rows = trace if isinstance(trace, list) else None
    record = rig.plant.flow_record() if flows else None
    ground_truth = _ground_truth(rig, reported)
    return ScenarioResult(scenario, plan, reported, ground_truth, rig.plant, settings, rows, duration_us, record)


class _ReliefObservingRig(Rig):
    """A rig that records, once a tick, what happened since the plunger reversed after driving forwards."""

    lowest_kpa = inf
    drawn_ml = 0.0
    _driven = False
    _relieving = False
    _highest_tip_ml = 0.0

    def step(self) -> None:
        super().step()
        rate = self.plant.stepper.rate
        if rate > 0:
            self._driven = True
            self._relieving = False
        elif self._driven and (self._relieving or rate < 0):
            self._observe_relief()

    def _observe_relief(self) -> None:
        line = self.plant.line
        if not self._relieving:
            self._relieving = True
            self.lowest_kpa = inf
            self.drawn_ml = 0.0
            self._highest_tip_ml = line.tip_ml
        self.lowest_kpa = min(self.lowest_kpa, line.p1)
        self._highest_tip_ml = max(self._highest_tip_ml, line.tip_ml)
        self.drawn_ml = max(self.drawn_ml, self._highest_tip_ml - line.tip_ml)


@lru_cache(maxsize=512)
def _plan(sequence: str, line: str, needle: str, syringe: str, extension: str, loaded_ml: float | None) -> Plan:
    path = AccessPath.of(line, needle, syringe, extension)
    return Plan.of(load_sequence(sequence), path, loaded_ml=loaded_ml)


@lru_cache(maxsize=8)
def _firmware(board: str) -> Firmware:
    """The firmware for all scenarios of this process: reading it and its checksum take a hundredth of a run."""
    return load_firmware(board)


def _nonces(seed: int) -> Callable[[int], bytes]:
    """The client's nonces, which the device's answers depend on, drawn from the seed."""
    return random.Random(f"{seed} nonces").randbytes


def _record_event(reported: Reported, rig: Rig, event: Event) -> None:
    reported.events.append((rig.now_us, event))
    if isinstance(event, PulseResult):
        reported.pulses.append(event)
    elif isinstance(event, Alarm):
        if event.code:
            reported.alarms.append(event)
    elif isinstance(event, ProgramEnd):
        reported.end = event


def _ground_truth(rig: _ReliefObservingRig, reported: Reported) -> GroundTruth:
    plant = rig.plant
    ticks_per_us = plant.ticks_per_us
    strokes = tuple(
        Stroke(burst.first_ticks / ticks_per_us, burst.last_ticks / ticks_per_us, burst.steps, burst.direction)
        for burst in plant.bursts
    )
    forwards = [stroke for stroke in strokes if stroke.direction > 0]
    last_us = forwards[-1].last_us if forwards else None
    tip_ul = plant.delivered_ul
    relieved = reported.end is not None and reported.end.relieved_nl > 0 and last_us is not None
    return GroundTruth(
        first_step_us=plant.motion_started_us,
        last_forward_us=last_us,
        strokes=strokes,
        peak_kpa=plant.peak_kpa,
        driven_ml=plant.driven_ul / 1000,
        tip_ml=tip_ul / 1000,
        leaked_ml=plant.leaked_ul / 1000,
        after_stop_ml=0.0 if last_us is None else (tip_ul - plant.delivered_at_us(last_us)) / 1000,
        relief_drawn_ml=rig.drawn_ml if relieved else None,
        relief_lowest_kpa=rig.lowest_kpa if relieved else None,
        # Last, because it advances the plant.
        bolus_ml=_bolus_ml(plant),
    )


def _bolus_ml(plant: Plant) -> float:
    """What leaves the tip when all faults are cleared, in the time that the slowest line needs for it."""
    if not plant.faults:
        return 0.0
    before_ul = plant.delivered_ul
    plant.clear_faults()
    plant.advance(plant.now_us + _RELEASE_US)
    return (plant.delivered_ul - before_ul) / 1000
