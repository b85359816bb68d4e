"""The plant: stepper, screw, plunger, syringe, line, vein and sensor, advanced together by one clock.

Between two events (end of a slice, edge of a fault, end of the play) the plunger moves evenly, so each such piece is
one call of the line's solver, or several like pieces are. The line follows when the flow changes, when the sensor is
read, and every 5 ms; whoever looks at the truth in between sees a copy of it that was brought up to the time, so
looking changes nothing. Everything is deterministic: the same calls and the same seed give the same counts.
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

# Less room than this in the barrel is none.
LEAST_STEPS = 1e-6
# Pieces whose flows differ by less are solved as one with their mean: slices of one speed differ by rounded ticks.
ALIKE = 0.0005
# The line is never further behind than this at the end of `advance`.
BEHIND_MOST_US = 5_000


class Plant:
    """Everything outside the firmware. `board` is the parsed board file; faults are texts or `Fault`s.

    Faults of the link and the rig are ignored here. FaultError if a fault cannot be read.
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
            *path.ways(),
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
        # Plunger steps per tick, and in all, since the line was last brought up to the time.
        self._flow = 0.0
        self._pushed = 0.0
        self._solved_ticks = 0
        self._behind_most_ticks = BEHIND_MOST_US * self.ticks_per_us
        self._looked_at: LineSolver | None = None
        self._looked_ticks = 0
        # Direction in which the motor has lost its step, 0 none: it turns again after a rest or the other way.
        self._stalled = 0
        self._motor_fault = False
        self._bursts_seen = 0
        self._meter: FlowMeter | None = None
        # Truth over time, for `delivered_at_us`: ticks and uL out of the tip.
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
        """Goes on to `until_us`. ValueError if that lies in the past."""
        target = until_us * self.ticks_per_us
        now = self._now_ticks
        if target < now:
            raise ValueError(f"the plant is at {self.now_us} us and cannot go back to {until_us} us")
        stepper, faults = self.stepper, self._faults
        while now < target:
            # To the next event; the line follows in `_solve`, several like pieces at once.
            rate, end = stepper.piece(target if target < faults.next_ticks else faults.next_ticks)
            if rate:
                if self.first_edge_ticks is None:
                    end = min(end, stepper.first_edge() or end)
                steps, end = self._motion(rate, now, end)
            else:
                steps = self._rest(end)
            flow = steps / (end - now)
            if flow != self._flow and abs(flow - self._flow) > ALIKE * abs(flow):
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
        if target - self._solved_ticks >= self._behind_most_ticks:
            self._solve()

    def _note_pulses(self, now: int) -> None:
        """Pulses have been made: what begins with the first one of a burst, and of all."""
        bursts = self.stepper.bursts
        if len(bursts) > self._bursts_seen:
            self._bursts_seen = len(bursts)
            bursts[-1].tip_before_ul = self._line.tip_ml * 1000
        if self.first_edge_ticks is None:
            self.first_edge_ticks = now
            self._faults.arm(now)

    def _rest(self, end: int) -> float:
        """Plunger steps of a piece without pulses: those that a stop has cut off or completed, or a siphon's."""
        stepper, plunger = self.stepper, self.plunger
        if self._stalled and not stepper.slots_used:
            self._stalled = 0
        if plunger.back_drives and not stepper.enabled:
            return plunger.let_go(self._line.p1, (end - self._now_ticks) / self._ticks_per_s)
        plunger.since_rest = 0.0
        way = stepper.position - self._motor
        if way == 0.0:
            return 0.0
        self._motor = stepper.position
        return plunger.settle(way)

    def _motion(self, rate: float, now: int, end: int) -> tuple[float, int]:
        """Plunger steps of a piece with pulses, and its end, earlier where the play closes or the barrel ends."""
        stepper, plunger = self.stepper, self.plunger
        play, room = plunger.ahead(rate)
        if room <= LEAST_STEPS or plunger.force_n(self._line.p1, rate) > plunger.force_limit_n:
            self._stalled = 1 if rate > 0 else -1
        stepper.blocked = blocked = self._motor_fault or self._stalled * rate > 0
        if blocked or not stepper.enabled:
            return 0.0, end
        speed = (rate if rate > 0 else -rate) * (1 - stepper.lost_share)
        way = speed * (end - now)
        if play > 0:
            if way > play:
                end = now + int(play / speed) + 1
                way = speed * (end - now)
        elif way > room:
            end = now + int(room / speed) + 1
            way = room
        way = way if rate > 0 else -way
        self._motor += way
        return plunger.move(way), end

    def _solve(self) -> None:
        """Brings the line up to now, with the plunger's flow since the last time."""
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
        """Makes the faults that are on now work, and all others not."""
        faults = self._faults
        if faults.switch(self._now_ticks):
            self._change_line()
        self._motor_fault = faults.has("stall")
        self.stepper.lost_share = faults.severity("step-loss")
        self.plunger.dry_out(faults.severity("stiction"))
        if faults.began("empty"):
            self.plunger.end_after(faults.severity("empty"))
        self.sensor.take(faults, self.now_us)

    def _change_line(self) -> None:
        self._line.change(self._state.condition(self._now_ticks))

    # -- what people and benches do ------------------------------------------------------------------------------------

    def connect(self, on: bool) -> None:
        """Puts the extension set on the line (as at the start) or takes it off, for priming."""
        if on != self._state.connected:
            self._state.connected = on
            self._solve()
            self._change_line()

    def clear_faults(self) -> None:
        """Somebody mends everything: what is closed opens, and no fault comes any more."""
        self._solve()
        self._faults.clear()
        self._state.mend()
        self._switch()
        self._change_line()

    def change_syringe(self, loaded_ml: float) -> None:
        """A fresh syringe of the same kind is put in."""
        self.plunger.load(loaded_ml, self.path.capacity_ml)

    def record_flows(self) -> None:
        """From now on notes what flows where, for `flow_record`."""
        self._solve()
        self._meter = FlowMeter(self._now_ticks / self.ticks_per_us, self._volumes())

    def flow_record(self) -> FlowRecord:
        """What has flowed since `record_flows`. RuntimeError without that, ImportError without numpy."""
        if self._meter is None:
            raise RuntimeError("no flows were noted: call record_flows before the run")
        self._solve()
        return self._meter.record()

    def _volumes(self) -> Volumes:
        line, driven_ml = self._line, self._driven_ml
        beside_ml = line.beside_ml
        line_ml, tip_ml, lost_ml = line.line_ml - beside_ml, line.tip_ml - beside_ml, line.leak_ml + beside_ml
        return driven_ml, driven_ml - line.barrel_ml, line_ml, tip_ml, lost_ml

    def hold(self, pressure_kpa: float | None) -> None:
        """A gauge and a hand pump hold the sensor at this pressure, for calibrating it; None: they are taken off."""
        self.held_kpa = pressure_kpa

    def read_sensor(self) -> int:
        """What the firmware reads: raw counts, -1 no new conversion since the last read, -2 sensor fault."""
        self._solve()
        port_kpa = self._line.port_kpa if self.held_kpa is None else self.held_kpa
        return self.sensor.read(port_kpa, self._now_ticks // self.ticks_per_us)

    # -- truth --------------------------------------------------------------------------------------------------------

    @property
    def line(self) -> LineSolver:
        """The line as it is now, to look at."""
        ticks = self._now_ticks - self._solved_ticks
        if not ticks:
            return self._line
        if self._looked_at is None or self._looked_ticks != self._now_ticks:
            dt_s = ticks / self._ticks_per_s
            self._looked_at = copy.copy(self._line)
            flow_ml_per_s = self._pushed * self.plunger.ml_per_step / dt_s
            self._looked_at.advance(dt_s, flow_ml_per_s, self._state.far_kpa(self._now_ticks))
            self._looked_ticks = self._now_ticks
        return self._looked_at

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
        """True volume out of the tip since the start; what was drawn back is taken off."""
        return self.line.tip_ml * 1000

    @property
    def leaked_ul(self) -> float:
        """True volume lost at the connector or through a torn catheter since the start, priming included."""
        return self.line.leak_ml * 1000

    @property
    def in_tissue_ul(self) -> float:
        """What tissue around tip or needle holds now; it counts as delivered, for the pump cannot tell."""
        return self.line.tissue_ml * 1000

    @property
    def driven_ul(self) -> float:
        """True volume that the plunger has displaced since the start, backwards taken off."""
        return (self._driven_ml + self._pushed * self.plunger.ml_per_step) * 1000

    @property
    def stored_ul(self) -> float:
        """Liquid that stretches syringe and line beyond their state at rest."""
        return self.line.stored_ml * 1000

    @property
    def syringe_ul(self) -> float:
        """What the plunger can still displace forwards."""
        return self.plunger.room(1) * self.plunger.ml_per_step * 1000

    @property
    def mass_error_ul(self) -> float:
        """Driven minus delivered, leaked and stored: what the solver has lost or made. Zero but for rounding."""
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
        """True uL out of the tip at a past time, in a straight line between the solver's pieces."""
        ticks = time_us * self.ticks_per_us
        after = bisect_right(self._history_ticks, ticks)
        before = after - 1
        if after == len(self._history_ticks):
            share = (ticks - self._solved_ticks) / (self._now_ticks - self._solved_ticks or 1)
            return self._history_ul[before] + min(max(share, 0.0), 1.0) * (self.delivered_ul - self._history_ul[before])
        span = self._history_ticks[after] - self._history_ticks[before]
        share = (ticks - self._history_ticks[before]) / span
        return self._history_ul[before] + share * (self._history_ul[after] - self._history_ul[before])
