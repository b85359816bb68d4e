"""Ends a run: motion stops, the burst is cut short, pressure is relieved or falls, ledger and result are closed."""

from flushlink.viper_compat import const

from . import codes
from .relief import DONE, STUCK, UNDER_WAY

_RELIEF_FROM_PA = const(3_000)
_OPEN_TICKS = const(60)
# A finished program waits until the compliance of the line is empty, 1.5 s at the most.
_SETTLED_PA = const(1_000)
_SETTLE_TICKS = const(300)


class RunTermination:
    """The end of `run`, a Runner, whose `state` leads on from here to RELIEVING and to STOPPED or IDLE."""

    def __init__(self, run, burst, parts):
        self._run = run
        self._burst = burst
        self._parts = parts
        # As at the end of a program that was driven to its last step; stop() sets them otherwise.
        self._alarm_code = 0
        self._relief_allowed = False
        self._settle_ticks = 0
        self._stopped_us = 0
        self._ramping = False

    def stop(self, outcome, alarm_code, detail, ramp):
        """Motion stops within one step, or down the ramp."""
        run = self._run
        parts = self._parts
        if run.state < codes.STATE_STOPPING:
            if alarm_code:
                parts.alarms.raise_alarm(alarm_code, run.now_ms, detail)
            run.outcome = outcome
            run.state = codes.STATE_STOPPING
            self._alarm_code = alarm_code
            # Steps go missing when the drive meets more pressure than it can push: that pressure is still there.
            self._relief_allowed = outcome == codes.OUTCOME_OCCLUDED or alarm_code == codes.ALARM_STEP_MISMATCH
        else:
            # The end is under way and only comes sooner; a cause that lasts is one alarm, not one per tick.
            if alarm_code:
                parts.alarms.raise_once(alarm_code, run.now_ms, detail)
            ramp = False
            self._relief_allowed = False
            self._settle_ticks = _SETTLE_TICKS
        self._stopped_us = run.now_us
        self._ramping = ramp
        if ramp:
            parts.motion.ramp_down()
        else:
            parts.motion.halt()

    def tick_stopping(self):
        """A tick of a run that is STOPPING."""
        run = self._run
        parts = self._parts
        motion = parts.motion
        pressure = parts.pressure
        if not motion.idle():
            if pressure.value_pa >= run.hard_pa:
                motion.halt()
            return
        burst = self._burst
        if burst.running:
            run.worked = True
            burst.cut_short(run.now_us if self._ramping else self._stopped_us, run.start_us, run.run_ms())
        above = pressure.value_pa - parts.detector.rest_pa
        if run.outcome == codes.OUTCOME_COMPLETED and above > _SETTLED_PA and self._settle_ticks < _SETTLE_TICKS:
            self._settle_ticks += 1
            return
        if self._relief_allowed and above > _RELIEF_FROM_PA and not pressure.fault:
            if run.outcome == codes.OUTCOME_ALARM and self._settle_ticks < _OPEN_TICKS:
                # An open line relieves itself.
                self._settle_ticks += 1
                return
            model = parts.line_model
            # A fall with the liquid's swing shows too little compliance, and pressure would be left. Air counts here
            # only: air that leaves while the pump drives would make an open line look closed.
            compliance = max(parts.detector.air_compliance, model.compliance_nl_per_kpa)
            if compliance > model.compliance:
                model.set_compliance(min(compliance, 60_000))
                model.discard_measurement()
            # Twice what the compliance should hold, and 20 uL for the lead screw's backlash.
            cap = model.steps_per_ul() * (model.stored_nl(above) // 500 + 20)
            parts.relief.start(min(cap, run.relief_cap_steps), self._rest_pa())
            run.state = codes.STATE_RELIEVING
            return
        self._finish()

    def tick_relieving(self):
        """A tick of a run that is RELIEVING."""
        parts = self._parts
        relief = parts.relief
        result = relief.tick() if self._relief_allowed else DONE
        if result != UNDER_WAY:
            parts.ledger.relieved_nl += parts.line_model.volume_nl(relief.relieved_steps())
            now_ms = self._run.now_ms
            if result == STUCK:
                parts.alarms.raise_alarm(codes.ALARM_SENSOR_STUCK, now_ms, parts.pressure.value_pa)
            if result != DONE:
                parts.alarms.raise_alarm(codes.ALARM_RELIEF_INCOMPLETE, now_ms, parts.pressure.value_pa)
            self._finish()

    def _rest_pa(self):
        """Pressure at which relief may end: the sensor's reading with the line at rest, by the last pause.

        With a zero that drifts upwards relief to 0 would draw blood. The line may have closed in that pause: a higher
        end leaves 40 uL in the line at the most.
        """
        parts = self._parts
        rest_pa = parts.detector.rest_pa
        return rest_pa + min(max(parts.detector.relaxed_pa - rest_pa, 0), 40_000_000 // parts.line_model.compliance)

    def _finish(self):
        run = self._run
        parts = self._parts
        detector = parts.detector
        alarms = parts.alarms
        outcome = run.outcome
        run.worked = True
        parts.ledger.close(parts.line_model.stored_nl(parts.pressure.value_pa - detector.rest_pa))
        if not parts.board.back_drives:
            parts.steps.enable(False)
        if outcome == codes.OUTCOME_OCCLUDED or outcome == codes.OUTCOME_ALARM:
            alarms.count_run(run.now_ms)
        if outcome == codes.OUTCOME_OCCLUDED and detector.worst != codes.VERDICT_OCCLUDED:
            detector.worst = codes.VERDICT_OCCLUDED
        parts.report.set_result(
            outcome,
            detector.worst,
            self._alarm_code,
            parts.program.crc,
            run.run_ms(),
            parts.ledger,
            run.now_ms,
        )
        run.state = codes.STATE_STOPPED if alarms.blocks_start() else codes.STATE_IDLE
        self._alarm_code = 0
        self._relief_allowed = False
        self._settle_ticks = 0
