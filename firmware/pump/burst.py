"""One burst of a program: its share of the phase's steps, its limiter and detector, its pause and its result."""

from flushlink.viper_compat import const

from . import codes
from .program import is_dose
from .ticks import MASK, since

# Stages of closing one, a tick's work each.
OPEN = 0
ESTIMATED = 1
CLASSIFIED = 2
CLOSED = 3

_ROUNDING_US = const(1_000)


class Burst:
    """`running` from the first slice until its pause is over or it is stopped; `tail` once every step is queued,
    `closed` goes from OPEN, over ESTIMATED and CLASSIFIED, to CLOSED, which is reported."""

    def __init__(self, parts):
        self._motion = parts.motion
        self._pressure = parts.pressure
        self._model = parts.line_model
        self._detector = parts.detector
        self._limiter = parts.limiter
        self._ledger = parts.ledger
        self._program = parts.program
        self._report = parts.report
        self.running = False
        self.tail = False
        self.closed = OPEN
        self.rate = 1
        self._phase = 0
        self._start_position = 0
        self._goal = 0
        self._stored_nl = 0

    def start(self, phase, index):
        """Appends burst `index` of a phase to what is queued; a change of direction first waits for an empty queue."""
        program = self._program
        motion = self._motion
        direction = -1 if program.kind[phase] == codes.PHASE_ASPIRATE else 1
        if direction != motion.direction and not motion.idle():
            return
        # Boundaries are fractions of the phase's steps, so that rounding never adds up.
        count = program.count[phase]
        steps = program.steps[phase]
        burst_steps = share(steps, index + 1, count) - share(steps, index, count)
        value_pa = self._pressure.value_pa
        self.rate = min(program.rate[phase], motion.rate_max)
        self.running = True
        self.tail = False
        self.closed = OPEN
        self._phase = phase
        self._start_position = motion.commanded
        self._goal = self._start_position + direction * burst_steps
        self._stored_nl = self._model.stored_nl(value_pa - self._detector.rest_pa)
        self._limiter.start_burst(self.rate)
        self._detector.start_pulse(value_pa, program.burst_us[phase] // 5_000, program.kind[phase] == codes.PHASE_PRIME)
        self._pressure.set_reference(self._model.model_pa())
        motion.start_burst(burst_steps, self.rate, direction)

    def queue_pause(self):
        """Every step is queued: the pause follows."""
        self.tail = True
        motion = self._motion
        motion.start_burst(0, self.rate, motion.direction, self._pause_us())

    def _pause_us(self):
        """The pause, corrected by what rounding made the burst late or early: bursts start on their times."""
        pause_us = self._program.pause_ms[self._phase] * 1000
        early_us = self._program.burst_us[self._phase] - since(self._motion.end_us, self._motion.start_us)
        return pause_us + early_us if pause_us and -_ROUNDING_US < early_us < _ROUNDING_US else pause_us

    def in_pause(self):
        """Whether the last step has been made."""
        return self.tail and self._motion.position() == self._goal

    def derated(self):
        return self.running and self._limiter.lowest < self.rate - (self.rate >> 6)

    def ordered_steps(self):
        """Steps of the burst, backwards negative."""
        return self._goal - self._start_position

    def steps_made(self):
        """Steps counted since it began, backwards negative."""
        return self._motion.position() - self._start_position

    def book(self, steps):
        """Ends the burst with `steps` made, and books them."""
        self.running = False
        kind = self._program.kind[self._phase]
        if steps > 0:
            self._ledger.forward_nl += self._model.volume_nl(steps)
        if is_dose(kind):
            self._ledger.add_dose(steps)
        elif kind == codes.PHASE_ASPIRATE:
            self._ledger.aspirated_nl += self._model.volume_nl(-steps)

    def cut_short(self, stopped_us, run_start_us, run_ms):
        """Books the steps of a burst that was ended at `stopped_us`, and reports it unless it is reported."""
        steps = self.steps_made()
        self.book(steps)
        if self.closed == CLOSED:
            return
        if steps != self.ordered_steps():
            self._motion.end_us = stopped_us
        kind = self._program.kind[self._phase]
        # A pulse without a step has no result and no time.
        if kind == codes.PHASE_PULSES and steps > 0:
            self.report_pulse(steps, run_start_us, run_ms)
        if self._detector.verdict >= codes.VERDICT_LEAK and steps > 0 and is_dose(kind):
            self._ledger.add_uncertain(self._model.volume_nl(steps))

    def report_pulse(self, steps, run_start_us, run_ms):
        """Keeps the result of a pulse with `steps` made, in a run that began at `run_start_us`, `run_ms` ago."""
        driven_nl = self._model.volume_nl(max(steps, 0))
        stored_nl = self._model.stored_nl(self._pressure.value_pa - self._detector.rest_pa)
        motion = self._motion
        # A run that waited for its user longer than the microsecond clock goes round.
        start_us = since(motion.start_us, run_start_us) if run_ms < MASK // 1000 else MASK
        self._report.add_pulse(
            self._detector,
            self._phase,
            self._limiter.derated_percent(self.rate),
            self._program.volume_nl[self._phase],
            driven_nl,
            max(driven_nl - stored_nl + self._stored_nl, 0),
            start_us,
            since(motion.end_us, motion.start_us),
            self._program.pause_ms[self._phase] * 1000 if self.tail else 0,
        )


def share(steps, part, count):
    """steps * part / count without leaving 31 bits."""
    return steps // count * part + steps % count * part // count
