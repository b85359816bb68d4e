"""The plant: stepper, screw, plunger, syringe, line, vein and sensor, advanced together by one clock.

Between two events (end of a slice, edge of a fault, end of the play) the plunger moves evenly. One call of the line's
solver covers one such piece, or several with equal flow. The solver runs when the flow changes, when the sensor is
read, and every 5 ms. A reader of the ground truth in between gets a copy advanced to that time, so reading changes
nothing. Everything is deterministic: the same calls and the same seed give the same counts.
"""

import copy
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from flushsim.faults.schedule import FaultSchedule
from flushsim.faults.spec import Fault, parse_faults
from flushsim.plant.flow_record import FlowMeter, FlowRecord, Volumes
from flushsim.plant.line_state import LineState
from flushsim.plant.parameters import PlantPath
from flushsim.plant.plunger import Plunger
from flushsim.plant.sensor import NOISE_KPA, PressureSensor
from flushsim.plant.solver import LineSolver
from flushsim.plant.stepper import Burst, Stepper

__all__ = ["Plant", "PlantPath"]

# Less room than this in the barrel counts as none.
ROOM_LEAST_STEPS = 1e-6
# Pieces whose flows differ by a smaller share are solved as one with their mean: slices of one speed differ by
# rounded ticks.
EQUAL_FLOW = 0.0005
# At the end of `advance` the solver is at most this much behind.
SOLVER_LAG_MOST_US = 5_000


class Plant:
    """Everything outside the firmware. `board` is the parsed board file; faults are texts or `Fault`s.

    Faults of the link and the rig are ignored here. FaultError for an invalid fault.
    """

    def __init__(
        self,
        path: PlantPath,
        board: dict[str, Any],
        faults: Iterable[str | Fault] = (),
        seed: int = 1,
        noise_kpa: float = NOISE_KPA,
    ) -> None:
        self._faults = FaultSchedule(parse_faults(faults), int(board["clock"]["ticks_per_us"]))
        path = replace(path, barrel_mm=self._faults.built_in("wrong-syringe", path.barrel_mm))
        self.path = path
        self.ticks_per_us = int(board["clock"]["ticks_per_us"])
        self._ticks_per_s = self.ticks_per_us * 1_000_000
        self.stepper = Stepper(self.ticks_per_us)
        self.plunger = Plunger(path, board["drive"])
        self.sensor = PressureSensor(board["sensor"], seed, noise_kpa)
        self.held_kpa: float | None = None
        self._state = LineState(path, self._faults)
        self._line = LineSolver(
            *path.flow_paths(),
            path.syringe_compliance_ul_per_kpa / 1000,
            (path.extension_compliance_ul_per_kpa + path.line_compliance_ul_per_kpa) / 1000,
            self._state.far_kpa(0),
            path.damping(),
        )
        self.faults = self._faults.faults
        self.sensor.offset_kpa = self._faults.built_in("sensor-offset", 0.0)
        self.sensor.gain = self._faults.built_in("sensor-gain", 1.0)
        self.first_edge_ticks: int | None = None
        self._driven_ml = 0.0
        self._peak_kpa = self._line.p1
        self._now_ticks = 0
        self._motor = 0.0
        # Plunger steps per tick, and in all, since the last call of the solver.
        self._flow = 0.0
        self._pushed = 0.0
        self._solved_ticks = 0
        self._lag_most_ticks = SOLVER_LAG_MOST_US * self.ticks_per_us
        self._preview: LineSolver | None = None
        self._preview_ticks = 0
        # Direction in which the motor stalled, 0 none: it moves again after a rest, or in the other direction.
        self._stalled = 0
        self._motor_fault = False
        self._bursts_noted = 0
        self._meter: FlowMeter | None = None
        # Ground truth over time, for `delivered_at_us`: ticks and uL out of the tip.
        self._history_ticks = [0]
        self._history_ul = [0.0]

    # -- time ---------------------------------------------------------------------------------------------------------

    @property
    def now_us(self) -> int:
        """Simulated time in us since the start; it does not wrap."""
        return self._now_ticks // self.ticks_per_us

    @property
    def motion_started_us(self) -> int | None:
        """Time of the first step pulse, None before. Fault times count from it."""
        return None if self.first_edge_ticks is None else self.first_edge_ticks // self.ticks_per_us

    def advance(self, until_us: int) -> None:
        """Advances to `until_us`. ValueError if that is in the past."""
        target = until_us * self.ticks_per_us
        now = self._now_ticks
        if target < now:
            raise ValueError(f"the plant is at {self.now_us} us and cannot go back to {until_us} us")
        stepper, faults = self.stepper, self._faults
        while now < target:
            # To the next event; `_solve` covers several pieces of equal flow at once.
            rate, end = stepper.piece(target if target < faults.next_ticks else faults.next_ticks)
            if rate:
                if self.first_edge_ticks is None:
                    end = min(end, stepper.first_edge() or end)
                steps, end = self._motion(rate, now, end)
            else:
                steps = self._rest(end)
            flow = steps / (end - now)
            if flow != self._flow and abs(flow - self._flow) > EQUAL_FLOW * abs(flow):
                self._solve()
                self._flow = flow
            self._pushed += steps
            made = stepper.run_to(end)
            self._now_ticks = now = end
            if made:
                self._note_pulses(end)
            if end >= faults.next_ticks:
                self._solve()
                self._switch()
        if target - self._solved_ticks >= self._lag_most_ticks:
            self._solve()

    def _note_pulses(self, now: int) -> None:
        """Pulses were made: starts a burst with its first one, and the fault schedule with the first of all."""
        bursts = self.stepper.bursts
        if len(bursts) > self._bursts_noted:
            self._bursts_noted = len(bursts)
            bursts[-1].tip_before_ul = self._line.tip_ml * 1000
        if self.first_edge_ticks is None:
            self.first_edge_ticks = now
            self._faults.arm(now)

    def _rest(self, end: int) -> float:
        """Plunger steps of a piece without pulses: what a stop cut off or completed, or a siphon moved."""
        stepper, plunger = self.stepper, self.plunger
        if self._stalled and not stepper.slots_used:
            self._stalled = 0
        if plunger.back_drives and not stepper.enabled:
            return plunger.back_drive(self._line.p1, (end - self._now_ticks) / self._ticks_per_s)
        plunger.since_rest = 0.0
        steps = stepper.position - self._motor
        if steps == 0.0:
            return 0.0
        self._motor = stepper.position
        return plunger.complete_step(steps)

    def _motion(self, rate: float, now: int, end: int) -> tuple[float, int]:
        """Plunger steps of a piece with pulses, and its end, earlier where the play closes or the barrel ends."""
        stepper, plunger = self.stepper, self.plunger
        play, room = plunger.ahead(rate)
        if room <= ROOM_LEAST_STEPS or plunger.force_n(self._line.p1, rate) > plunger.force_limit_n:
            self._stalled = 1 if rate > 0 else -1
        stepper.blocked = blocked = self._motor_fault or self._stalled * rate > 0
        if blocked or not stepper.enabled:
            return 0.0, end
        speed = (rate if rate > 0 else -rate) * (1 - stepper.lost_share)
        steps = speed * (end - now)
        if play > 0:
            if steps > play:
                end = now + int(play / speed) + 1
                steps = speed * (end - now)
        elif steps > room:
            end = now + int(room / speed) + 1
            steps = room
        steps = steps if rate > 0 else -steps
        self._motor += steps
        return plunger.move(steps), end

    def _solve(self) -> None:
        """Advances the line to now, with the plunger's flow since the last call."""
        ticks = self._now_ticks - self._solved_ticks
        if not ticks:
            return
        line = self._line
        pushed_ml = self._pushed * self.plunger.ml_per_step
        self._pushed = 0.0
        self._driven_ml += pushed_ml
        line.peak_kpa = line.p1
        before_ml = line.tip_ml
        dt_s = ticks / self._ticks_per_s
        far_kpa = self._state.still_kpa
        line.advance(dt_s, pushed_ml / dt_s, self._state.far_kpa(self._now_ticks) if far_kpa is None else far_kpa)
        self._solved_ticks = self._now_ticks
        if self._meter is not None:
            self._meter.note(self._now_ticks / self.ticks_per_us, self._volumes())
        if line.peak_kpa > self._peak_kpa:
            self._peak_kpa = line.peak_kpa
        bursts = self.stepper.bursts
        if bursts and line.peak_kpa > bursts[-1].peak_kpa:
            bursts[-1].peak_kpa = line.peak_kpa
        if line.tip_ml != before_ml:
            self._history_ticks.append(self._now_ticks)
            self._history_ul.append(line.tip_ml * 1000)
        if line.p2 > self._state.tears_at_kpa and self._state.tears(line.p2, line.qf):
            self._change_line()

    # -- faults -------------------------------------------------------------------------------------------------------

    def _switch(self) -> None:
        """Applies the active faults, and ends all others."""
        faults = self._faults
        if faults.switch(self._now_ticks):
            self._change_line()
        self._motor_fault = faults.has("stall")
        self.stepper.lost_share = faults.severity("step-loss")
        self.plunger.set_stiction(faults.severity("stiction"))
        if faults.began("empty"):
            self.plunger.set_end(faults.severity("empty"))
        self.sensor.apply_faults(faults, self.now_us)

    def _change_line(self) -> None:
        self._line.change(self._state.condition(self._now_ticks))

    # -- operator and test bench ---------------------------------------------------------------------------------------

    def connect(self, on: bool) -> None:
        """Puts the extension set on the line (as at the start) or removes it, for priming."""
        if on != self._state.connected:
            self._state.connected = on
            self._solve()
            self._change_line()

    def clear_faults(self) -> None:
        """Ends all faults: a closed line opens, and no later fault begins."""
        self._solve()
        self._faults.clear()
        self._state.replace_catheter()
        self._switch()
        self._change_line()

    def change_syringe(self, loaded_ml: float) -> None:
        """Inserts a new syringe of the same kind."""
        self.plunger.load(loaded_ml, self.path.capacity_ml)

    def record_flows(self) -> None:
        """Records the flows from now on, for `flow_record`."""
        self._solve()
        self._meter = FlowMeter(self._now_ticks / self.ticks_per_us, self._volumes())

    def flow_record(self) -> FlowRecord:
        """The flows since `record_flows`. RuntimeError without that, ImportError without numpy."""
        if self._meter is None:
            raise RuntimeError("no flows were recorded: call record_flows before the run")
        self._solve()
        return self._meter.record()

    def _volumes(self) -> Volumes:
        line, driven_ml = self._line, self._driven_ml
        beside_ml = line.beside_ml
        line_ml, tip_ml, lost_ml = line.line_ml - beside_ml, line.tip_ml - beside_ml, line.leak_ml + beside_ml
        return driven_ml, driven_ml - line.barrel_ml, line_ml, tip_ml, lost_ml

    def hold(self, pressure_kpa: float | None) -> None:
        """A gauge and a hand pump hold the sensor at this pressure, to calibrate it; None: they are removed."""
        self.held_kpa = pressure_kpa

    def read_sensor(self) -> int:
        """The firmware's reading: raw counts, -1 no new conversion since the last read, -2 sensor fault."""
        self._solve()
        port_kpa = self._line.port_kpa if self.held_kpa is None else self.held_kpa
        return self.sensor.read(port_kpa, self._now_ticks // self.ticks_per_us)

    # -- ground truth --------------------------------------------------------------------------------------------------

    @property
    def line(self) -> LineSolver:
        """The line as it is now, read only."""
        ticks = self._now_ticks - self._solved_ticks
        if not ticks:
            return self._line
        if self._preview is None or self._preview_ticks != self._now_ticks:
            dt_s = ticks / self._ticks_per_s
            self._preview = copy.copy(self._line)
            flow_ml_per_s = self._pushed * self.plunger.ml_per_step / dt_s
            self._preview.advance(dt_s, flow_ml_per_s, self._state.far_kpa(self._now_ticks))
            self._preview_ticks = self._now_ticks
        return self._preview

    @property
    def peak_kpa(self) -> float:
        """Highest true gauge pressure at the syringe's outlet so far."""
        return max(self._peak_kpa, self.line.peak_kpa)

    @property
    def pressure_pa(self) -> float:
        """True gauge pressure at the syringe's outlet."""
        return self.line.p1 * 1000

    @property
    def flow_tip_ul_per_s(self) -> float:
        """True flow out of the tip into the vein; negative while blood is drawn."""
        return self.line.qf * 1000

    @property
    def delivered_ul(self) -> float:
        """True volume out of the tip since the start; less what was drawn back."""
        return self.line.tip_ml * 1000

    @property
    def leaked_ul(self) -> float:
        """True volume lost at the connector or through a torn catheter since the start, priming included."""
        return self.line.leak_ml * 1000

    @property
    def in_tissue_ul(self) -> float:
        """What tissue around tip or needle holds now; it counts as delivered, because the pump cannot detect it."""
        return self.line.tissue_ml * 1000

    @property
    def driven_ul(self) -> float:
        """True volume that the plunger has displaced since the start, less what it drew back."""
        return (self._driven_ml + self._pushed * self.plunger.ml_per_step) * 1000

    @property
    def stored_ul(self) -> float:
        """Liquid that stretches syringe and line beyond their state at rest."""
        return self.line.stored_ml * 1000

    @property
    def syringe_ul(self) -> float:
        """The volume that the plunger can still displace forwards."""
        return self.plunger.room(1) * self.plunger.ml_per_step * 1000

    @property
    def mass_error_ul(self) -> float:
        """Driven minus delivered, leaked and stored: the solver's error. Zero except for rounding."""
        return self.driven_ul - self.delivered_ul - self.leaked_ul - self.stored_ul

    @property
    def plunger_force_n(self) -> float:
        """Force that the drive needs now to push on."""
        return self.plunger.force_n(self.line.p1, 1)

    @property
    def bursts(self) -> list[Burst]:
        """All bursts of steps so far, with the tick of the first and last step of each."""
        return self.stepper.bursts

    def delivered_at_us(self, time_us: float) -> float:
        """True uL out of the tip at a past time, interpolated between the calls of the solver."""
        ticks = time_us * self.ticks_per_us
        after = bisect_right(self._history_ticks, ticks)
        before = after - 1
        if after == len(self._history_ticks):
            share = (ticks - self._solved_ticks) / (self._now_ticks - self._solved_ticks or 1)
            return self._history_ul[before] + min(max(share, 0.0), 1.0) * (self.delivered_ul - self._history_ul[before])
        span = self._history_ticks[after] - self._history_ticks[before]
        share = (ticks - self._history_ticks[before]) / span
        return self._history_ul[before] + share * (self._history_ul[after] - self._history_ul[before])
