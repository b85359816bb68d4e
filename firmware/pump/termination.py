"""Ends a run: motion stops, the burst is cut, pressure is relieved or settles, and ledger and result are closed."""

from flushlink.viper_compat import const

from . import codes
from .relief import DONE, STUCK, UNDER_WAY

_RELIEF_FROM_PA = const(3_000)
_OPEN_TURNS = const(60)
# A finished program waits until the line has given out what its compliance held, 1.5 s at the most.
_SETTLED_PA = const(1_000)
_SETTLE_TURNS = const(300)


class RunTermination:
    """The end of `run`, a Runner, whose `state` leads on from here to RELIEVING and to STOPPED or IDLE."""

    def __init__(self, run, burst, parts):
        self._run = run
        self._burst = burst
        self._parts = parts
        # As the end of a program that was made to its last step wants them; stop() says otherwise.
        self._alarm_code = 0
        self._relief_allowed = False
        self._settling = 0
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
            # The end is under way and only comes sooner; a cause that lasts is one alarm, not one a turn.
            if alarm_code:
                parts.alarms.once(alarm_code, run.now_ms, detail)
            ramp = False
            self._relief_allowed = False
            self._settling = _SETTLE_TURNS
        self._stopped_us = run.now_us
        self._ramping = ramp
        if ramp:
            parts.motion.ramp_down()
        else:
            parts.motion.halt()

    def turn(self):
        """A turn of a run that is STOPPING."""
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
            burst.cut(run.now_us if self._ramping else self._stopped_us, run.start_us, run.run_ms())
        above = pressure.value_pa - parts.detector.rest_pa
        if run.outcome == codes.OUTCOME_COMPLETED and above > _SETTLED_PA and self._settling < _SETTLE_TURNS:
            self._settling += 1
            return
        if self._relief_allowed and above > _RELIEF_FROM_PA and not pressure.fault:
            if run.outcome == codes.OUTCOME_ALARM and self._settling < _OPEN_TURNS:
                # An open line gives it out by itself.
                self._settling += 1
                return
            model = parts.line_model
            # A fall that swings shows too little, and pressure would be left. Only here is air counted: air that goes
            # away while the pump drives would make an open line look closed.
            gives = max(parts.detector.air_compliance, model.compliance_nl_per_kpa)
            if gives > model.compliance:
                model.set_compliance(min(gives, 60_000))
                model.discard_measurement()
            # Twice what the compliance should hold, and 20 uL for the lead screw's backlash.
            cap = model.steps_per_ul() * (model.stored_nl(above) // 500 + 20)
            parts.relief.begin(min(cap, run.relief_cap_steps), self._rest_pa())
            run.state = codes.STATE_RELIEVING
            return
        self._finish()

    def relief_turn(self):
        """A turn of a run that is RELIEVING."""
        parts = self._parts
        relief = parts.relief
        result = relief.turn() if self._relief_allowed else DONE
        if result != UNDER_WAY:
            parts.ledger.relieved_nl += parts.line_model.volume_nl(relief.relieved_steps())
            now_ms = self._run.now_ms
            if result == STUCK:
                parts.alarms.raise_alarm(codes.ALARM_SENSOR_STUCK, now_ms, parts.pressure.value_pa)
            if result != DONE:
                parts.alarms.raise_alarm(codes.ALARM_RELIEF_INCOMPLETE, now_ms, parts.pressure.value_pa)
            self._finish()

    def _rest_pa(self):
        """Where relief may end: at what the sensor reads when the line is at rest, by the last pause.

        A zero that drifts upwards would have it draw blood. That pause may have been one of a line that closed in it:
        what a higher end leaves in the line is 40 uL at the most.
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
            alarms.round(run.now_ms)
        if outcome == codes.OUTCOME_OCCLUDED and detector.worst != codes.VERDICT_OCCLUDED:
            detector.worst = codes.VERDICT_OCCLUDED
        parts.report.result(
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
        self._settling = 0
