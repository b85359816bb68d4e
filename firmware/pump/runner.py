"""Runs a program: phases, bursts and pauses, supervised tick by tick; how it ends is `termination.py`.

A burst goes to the motion when the one before has been queued to its end, so that pulses follow each other on the step
clock and not on the ticks of the loop. Pressure acts first: limiter and detector come before the next slice is
queued.
"""

from flushlink.viper_compat import const

from . import codes
from .burst import CLASSIFIED, CLOSED, ESTIMATED, OPEN, Burst
from .program import is_dose
from .termination import RunTermination
from .ticks import since

_VACUUM_PA = const(-50_000)


class Runner:
    def __init__(self, parts):
        self._motion = parts.motion
        self._pressure = parts.pressure
        self._model = parts.line_model
        self._detector = parts.detector
        self._limiter = parts.limiter
        self._ledger = parts.ledger
        self._alarms = parts.alarms
        self._program = parts.program
        self._report = parts.report
        self._steps = parts.steps
        self.state = codes.STATE_IDLE
        self.phase = 0
        self.question = 0
        self.hard_pa = 0
        self.relief_cap_steps = 0
        self.outcome = 0
        self.elapsed_us = 0
        self._burst = Burst(parts)
        self._termination = RunTermination(self, self._burst, parts)
        self._burst_index = 0
        self.start_us = 0
        self._start_ms = 0
        self.worked = False
        self.now_us = 0
        self.now_ms = 0

    def active(self):
        """Whether a program is under way, waiting included."""
        return codes.STATE_RUNNING <= self.state <= codes.STATE_RELIEVING

    def moving(self):
        state = self.state
        return state == codes.STATE_RUNNING or state == codes.STATE_STOPPING or state == codes.STATE_RELIEVING

    def derated(self):
        return self._burst.derated()

    def pulse_index(self):
        return self._report.pulses

    # Beginning and ending

    def start(self):
        """Starts the committed program, everything has been checked; False when the journal takes no mark of it."""
        if not self._ledger.start_run(self._program.dose_nl, self._program.forward_nl):
            return False
        self._report.clear()
        self._detector.start_run(self._pressure.rest_pa)
        self.state = codes.STATE_RUNNING
        self.phase = 0
        self.outcome = 0
        self.elapsed_us = 0
        self.start_us = self.now_us
        self._start_ms = self.now_ms
        self._steps.enable(True)
        self._start_phase()
        return True

    def stop(self, outcome, alarm_code=0, detail=0, ramp=False):
        """Ends the program: motion stops within one step (or, for a lost host, down the ramp)."""
        if codes.STATE_RUNNING <= self.state <= codes.STATE_RELIEVING:
            self.question = 0
            self._termination.stop(outcome, alarm_code, detail, ramp)

    def answer(self, yes):
        """The answer to the pending question: goes on, or ends the program."""
        if not yes:
            code = codes.ALARM_NO_BLOOD_RETURN if self.question == codes.QUESTION_BLOOD_RETURN else 0
            self.stop(codes.OUTCOME_STOPPED, code)
            return
        self.question = 0
        self.state = codes.STATE_RUNNING
        self._next_phase()

    def acknowledged(self):
        """An alarm was acknowledged: the stop ends when nothing else forbids a start."""
        if self.state == codes.STATE_STOPPED and not self._alarms.blocks_start():
            self.state = codes.STATE_IDLE

    def _start_phase(self):
        self._burst_index = 0
        self._report.add_phase()
        if self._program.kind[self.phase] == codes.PHASE_WAIT:
            self._ask()
        else:
            self._burst.start(self.phase, 0)

    def _next_phase(self):
        self.phase += 1
        if self.phase < self._program.phases:
            self._start_phase()
        else:
            self.phase -= 1
            self.outcome = codes.OUTCOME_COMPLETED
            self.state = codes.STATE_STOPPING

    def _ask(self):
        self.question = self._program.question[self.phase]
        self.state = codes.STATE_WAITING
        self._report.add_phase()

    # The tick

    def tick(self, rate, tick_us, answered):
        """One tick: `rate` are the steps/s counted since the last; a host was `answered` in it or was not.

        Classifying a pulse, reporting it and starting the next are a tick's work each, and leave little time for more:
        each waits for a tick in which nothing was answered, as long as it may. `worked` is True after such work, and
        after that of ending a run.
        """
        state = self.state
        self.worked = False
        if state == codes.STATE_RUNNING:
            self.elapsed_us += tick_us
            self._tick_running(rate, answered)
        elif state == codes.STATE_STOPPING:
            self._termination.tick_stopping()
        elif state == codes.STATE_RELIEVING:
            self._termination.tick_relieving()

    def _tick_running(self, rate, answered):
        motion = self._motion
        pressure = self._pressure
        value_pa = pressure.value_pa
        kind = self._program.kind[self.phase]
        report = self._report
        if value_pa > report.peak_pa:
            report.peak_pa = value_pa
        if self.elapsed_us // 1000 > self._program.max_time_ms:
            self.stop(codes.OUTCOME_ALARM, codes.ALARM_PROGRAM_TIME, self.elapsed_us // 1000)
            return
        if value_pa >= self.hard_pa:
            self.stop(codes.OUTCOME_OCCLUDED, codes.ALARM_HARD_LIMIT, value_pa)
            return
        if kind == codes.PHASE_ASPIRATE:
            if value_pa < _VACUUM_PA:
                self.stop(codes.OUTCOME_OCCLUDED, codes.ALARM_OCCLUSION, value_pa)
                return
        elif not self._supervise(kind, value_pa, rate):
            return
        burst = self._burst
        if not burst.running:
            if motion.idle():
                self.worked = True
                burst.start(self.phase, self._burst_index)
        elif burst.tail:
            if self._may_end_burst():
                if not (answered and motion.can_wait()):
                    self.worked = True
                    while burst.closed < CLOSED:
                        if not self._close_burst(kind):
                            return
                    self._finish_burst(kind)
            elif burst.closed < CLOSED and not answered and motion.last_dwell():
                self.worked = True
                self._close_burst(kind)
        elif motion.queued():
            self.worked = True
            burst.queue_pause()

    def _may_end_burst(self):
        """Within a phase the next burst is appended to the queue; the last one must have been made to its last step."""
        motion = self._motion
        return motion.queued() and (self._burst_index + 1 < self._program.count[self.phase] or motion.idle())

    def _supervise(self, kind, value_pa, rate):
        """Limiter and detector of a forward burst; False when the program has been ended."""
        burst = self._burst
        if not burst.running:
            return True
        if burst.tail and burst.in_pause():
            if burst.closed == OPEN and self._detector.pause_tick(value_pa, rate):
                self.stop(codes.OUTCOME_OCCLUDED, codes.ALARM_OCCLUSION, value_pa)
                return False
            return True
        pressure = self._pressure
        allowed = self._limiter.allowed_rate(value_pa, pressure.slope_pa, rate)
        verdict = self._detector.drive_tick(value_pa, rate)
        if verdict == codes.VERDICT_OCCLUDED:
            self.stop(codes.OUTCOME_OCCLUDED, codes.ALARM_OCCLUSION, value_pa)
        elif verdict == codes.VERDICT_DISCONNECTED:
            self.stop(codes.OUTCOME_ALARM, codes.ALARM_DISCONNECTED, value_pa)
        elif not pressure.fine and kind != codes.PHASE_PRIME and not pressure.follows_model(self._model.model_pa()):
            self.stop(codes.OUTCOME_ALARM, codes.ALARM_SENSOR_STUCK, value_pa)
        else:
            motion = self._motion
            if allowed < burst.rate or motion.slowed:
                motion.limit(allowed)
            return True
        return False

    def _close_burst(self, kind):
        """A burst is made and its pause nearly over: the next stage of closing it. False when that ends the run."""
        burst = self._burst
        burst.closed += 1
        if kind == codes.PHASE_ASPIRATE or kind == codes.PHASE_PRIME:
            return True
        if burst.closed == ESTIMATED:
            self._detector.estimate_pulse()
        elif burst.closed == CLASSIFIED:
            self._detector.classify_pulse()
        else:
            self._detector.update_baseline()
            if kind == codes.PHASE_PULSES:
                burst.report_pulse(burst.ordered_steps(), self.start_us, self.run_ms())
            return self._act_on_verdict(self._detector.verdict)
        return True

    def _finish_burst(self, kind):
        """A burst and its pause have been queued to the end."""
        burst = self._burst
        burst.book(burst.ordered_steps())
        self._burst_index += 1
        if self._burst_index < self._program.count[self.phase]:
            burst.start(self.phase, self._burst_index)
        elif self._program.question[self.phase] and kind != codes.PHASE_WAIT:
            self._ask()
        else:
            self._next_phase()

    def _act_on_verdict(self, verdict):
        """Raises the alarm of a verdict; False when it ends the program."""
        now_ms = self.now_ms
        if verdict >= codes.VERDICT_LEAK:
            # It left the syringe, but perhaps not through the tip.
            self._ledger.add_uncertain(self._model.volume_nl(self._burst.ordered_steps()))
        if verdict == codes.VERDICT_OCCLUDED:
            self.stop(codes.OUTCOME_OCCLUDED, codes.ALARM_OCCLUSION, self._detector.residual_pa)
        elif verdict == codes.VERDICT_DISCONNECTED:
            self.stop(codes.OUTCOME_ALARM, codes.ALARM_DISCONNECTED, self._detector.residual_pa)
        elif verdict == codes.VERDICT_LEAK:
            self.stop(codes.OUTCOME_ALARM, codes.ALARM_LEAK, self._detector.residual_pa)
        elif verdict == codes.VERDICT_PARTIAL:
            self._alarms.raise_once(codes.ALARM_PARTIAL_OCCLUSION, now_ms, self._detector.residual_pa)
        elif verdict == codes.VERDICT_BUBBLE:
            self._alarms.raise_once(codes.ALARM_BUBBLE, now_ms, self._detector.compliance)
        return self.state == codes.STATE_RUNNING

    def run_ms(self):
        """Time since the run began, ms."""
        return since(self.now_ms, self._start_ms)

    def refresh_ledger(self):
        """Brings the ledger up to date with the burst under way, and its mirror in the scratch registers."""
        if self.state == codes.STATE_RUNNING or self.state == codes.STATE_STOPPING:
            self.refresh_figures()
            self._ledger.mirror()

    def refresh_figures(self):
        """Brings the ledger's figures up to date with the burst under way."""
        if self.state != codes.STATE_RUNNING and self.state != codes.STATE_STOPPING:
            return
        burst = self._burst
        running = burst.steps_made() if burst.running and is_dose(self._program.kind[self.phase]) else 0
        self._ledger.refresh(running, self._model.stored_nl(self._pressure.value_pa - self._detector.rest_pa))
