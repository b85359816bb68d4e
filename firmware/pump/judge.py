"""Is the path open? Judged live in every turn of a burst, and once per pulse from its plateau and its pause.

Live: the residual against a first-order model of the path, and the slope against Q / C of a closed
line, with the C that the first rise of pressure gave. Per pulse: resistance from the plateau, compliance from
the decay in the pause, both against the catalogue first and then against what the first open pulse taught.
Evidence that physics cannot give on a path (a rise of a few kPa in a wide line) leaves that verdict unspoken.
"""

from array import array

from flushlink.viper import const

from .turn_math import (
    CLOSED,
    FIRST,
    JUDGE_SIZE,
    LATE_AREA,
    LATE_FROM,
    LATE_STEPS,
    LATE_TO,
    LATE_TURNS,
    REST,
    SAYS_NOTHING,
    SAYS_OCCLUDED,
    SECOND,
    THIRD,
    TURNS_LEFT,
    WATCH_OPEN,
    advance,
    clear,
    live,
)

NOT_JUDGED = 0
PATENT = 1
PARTIAL = 2
OCCLUDED = 3
BUBBLE = 4
LEAK = 5
DISCONNECTED = 6

_RISE_MIN_PA = const(15_000)
_PULSE_RESIDUAL_PA = const(6_000)
_LESSONS = const(3)
_DECAY_MIN_PA = const(4_000)
_BUBBLE_MIN_NL_PER_KPA = const(600)
# The first rise: at least 30 ms of it and 6 kPa, at most 100 ms, by when most of the flow leaves.
_RISE_TURNS = const(6)
_RISE_TURNS_MAX = const(20)
_COMPLIANCE_RISE_PA = const(6_000)


class Judge:
    """Needs `turn` in every control turn of a burst and `pause_turn` in every one of its pause."""

    def __init__(self, hydraulics, limiter):
        self._path = hydraulics
        self._limits = limiter.state
        # Places in it: turn_math.
        self._live = array("i", [0] * JUDGE_SIZE)
        self.rest_pa = 0
        self.worst = NOT_JUDGED
        self.begin_run(0)

    def begin_run(self, rest_pa):
        self.rest_pa = rest_pa
        self.worst = NOT_JUDGED
        self._tau_learnt_us = 0
        self._lessons = 0
        self.begin_pulse(rest_pa, 0)

    def begin_pulse(self, value_pa, turns, primes=False):
        """A burst that should last for `turns` begins at this pressure; its second half is judged.

        One that `primes` an open line may find no resistance, but must not find a closed one.
        """
        live = self._live
        clear(live, CLOSED, JUDGE_SIZE)
        live[REST] = self.rest_pa
        live[WATCH_OPEN] = 0 if primes else 1
        live[TURNS_LEFT] = turns >> 1
        live[FIRST] = live[SECOND] = live[THIRD] = value_pa
        self.peak_pa = -1_000_000
        self.verdict = NOT_JUDGED
        self.resistance = 0
        self.compliance = 0
        self.residual_pa = 0
        self._rise_turns = 0
        self._rise_from_pa = 0
        self._rise_steps = 0
        self._rise_area = 0
        # The pause has its own judgement; what the model got wrong in it is no evidence against the next pulse.
        self._path.settle(value_pa)
        self._tau_us = 0
        self._area = 0
        self._decay_start_pa = 0
        self._decay_pa = 0
        self._decay_turns = 0
        self._model_fall_pa = 0
        self._decaying = False

    def turn(self, value_pa, rate):
        """One turn of driving, after the limiter's: pressure and steps/s made.

        Returns a verdict to act on at once, or 0.
        """
        path = self._path
        if value_pa > self.peak_pa:
            self.peak_pa = value_pa
        line = path.line
        advance(line, rate, self.rest_pa)
        if not path.compliance_measured:
            self._measure_compliance(value_pa, rate)
        said = live(self._live, line, self._limits, value_pa)
        if said == SAYS_NOTHING:
            return NOT_JUDGED
        return self._say(OCCLUDED if said == SAYS_OCCLUDED else DISCONNECTED)

    def _late_out_ul_per_s(self):
        """Mean flow that left in the second half: what went in less what the compliance took."""
        path = self._path
        live = self._live
        late_nl = path.stored_nl(live[LATE_TO] - self.rest_pa)
        taken_nl = late_nl - path.stored_nl(live[LATE_FROM] - self.rest_pa)
        return (path.volume_nl(live[LATE_STEPS]) - taken_nl) // max((live[LATE_TURNS] - 1) * 5, 1)

    def _late_in_ul_per_s(self):
        """Mean flow that went in."""
        live = self._live
        return self._path.volume_nl(live[LATE_STEPS]) // max((live[LATE_TURNS] - 1) * 5, 1)

    def _measure_compliance(self, value_pa, rate):
        """C from the first rise: what went in, less what left already, over the rise of pressure."""
        if self._rise_turns == 0:
            self._rise_from_pa = value_pa
        self._rise_turns += 1
        self._rise_steps += rate // 200
        # Below rest, as after an aspirate check, the line still gives: what left is then less than nothing.
        self._rise_area += value_pa - self.rest_pa
        rise = value_pa - self._rise_from_pa
        if self._rise_turns < _RISE_TURNS or rise < _COMPLIANCE_RISE_PA:
            return
        if self._rise_turns > _RISE_TURNS_MAX:
            return
        path = self._path
        # The reading is half a turn old.
        pushed_nl = path.volume_nl(max(self._rise_steps - rate // 400, 0))
        half = max(path.flow_ul_per_s(rate) >> 1, 1)
        resistance = max(path.rise_pa(half) * 1000 // half, 1_000)
        left_nl = max(min(self._rise_area, 200_000), -200_000) * 5_000 // resistance
        if left_nl * 2 > pushed_nl:
            # The small difference of two big volumes is no measurement: in a wide line at a low flow all leaves.
            self._rise_turns = _RISE_TURNS_MAX
            return
        compliance = min(pushed_nl - left_nl, 1_000_000) * 1_000 // rise
        path.take_compliance(min(max(compliance, 200), 60_000))

    def pause_turn(self, value_pa):
        """One turn of the pause after the last step."""
        self._path.advance(0, self.rest_pa)
        above = value_pa - self.rest_pa
        if not self._decaying:
            self._decaying = True
            # From here the model shows what an open line would do.
            self._path.settle(value_pa)
            self._decay_start_pa = above
            self._decay_pa = above
            self._area = above >> 1
            self._decay_turns = 1
            return
        if self._decay_turns < 200 and self._decay_pa * 8 > self._decay_start_pa * 3:
            self._area += above
            self._decay_pa = above
            self._model_fall_pa = self._decay_start_pa - (self._path.model_pa() - self.rest_pa)
            self._decay_turns += 1

    def finish_pulse(self):
        """Judges the pulse that has ended; returns its verdict."""
        path = self._path
        if self.verdict == OCCLUDED or self.verdict == DISCONNECTED:
            return self.verdict
        late_turns = self._live[LATE_TURNS]
        if late_turns < 4:
            return self.verdict
        out = self._late_out_ul_per_s()
        into = self._late_in_ul_per_s()
        rise = self._live[LATE_AREA] // (late_turns - 1)
        # A line that stores much gives little yet; a closed one less than a quarter of what this pressure pushes.
        if rise > _RISE_MIN_PA and out * 4 < path.flow_at_ul_per_s(rise) and out * 5 < into:
            return self._say(OCCLUDED)
        if out < 50:
            return self.verdict
        expected = max(path.rise_pa(out), 1)
        self.residual_pa = rise - expected
        self.resistance = max(rise, 0) * 1000 // out
        ratio = min(min(max(rise, 0), 500_000) * 1000 // expected, 1_000_000)
        verdict = PATENT
        learnt = path.learnt
        if ratio > (1_500 if learnt else 2_000) and self.residual_pa > _PULSE_RESIDUAL_PA:
            verdict = PARTIAL
        elif self.residual_pa < -_PULSE_RESIDUAL_PA and ratio < (650 if learnt else 400):
            verdict = DISCONNECTED if ratio < 250 else LEAK
        self._judge_decay(out)
        # Less than a quarter of the fall that an open line would have shown, where that is enough to tell.
        held = (self._decay_start_pa - self._decay_pa) * 4 < self._model_fall_pa
        if held and self._model_fall_pa > _DECAY_MIN_PA and self._decay_turns > 30:
            verdict = OCCLUDED
        elif verdict == PATENT and self._bubble():
            verdict = BUBBLE
        # Where most of the flow is still being stored, resistance is the small difference of two big volumes.
        if verdict == PATENT and self._lessons < _LESSONS and out * 2 > into:
            self._learn(ratio)
        return self._say(verdict)

    def _judge_decay(self, out):
        fall = self._decay_start_pa - self._decay_pa
        if not self._decaying or fall < _DECAY_MIN_PA:
            return
        half = max(out >> 1, 1)
        resistance = max(self._path.rise_pa(half) * 1000 // half, 100)
        # Pa x turns over Pa, a turn being 5,000 us; pressure that fell below rest leaves nothing to measure.
        tau_us = min(max(self._area, 0) // (fall // 100) * 50, 1_000_000)
        self._tau_us = tau_us
        self.compliance = min(tau_us * 1000 // resistance, 65_535)

    def _bubble(self):
        """Whether the pause decays more slowly than the first did, by more compliance than noise could feign."""
        longer = self._tau_us - self._tau_learnt_us
        if self._tau_learnt_us == 0 or longer * 10 <= self._tau_learnt_us * 3:
            return False
        return longer * 100 // self._tau_us * self.compliance // 100 > _BUBBLE_MIN_NL_PER_KPA

    def _learn(self, ratio):
        """The first open pulses teach the path's resistance: the first wholly, the next ones by half."""
        path = self._path
        if path.learnt:
            ratio = (ratio + 1_000) >> 1
        else:
            self._tau_learnt_us = self._tau_us
        self._lessons += 1
        path.learn(ratio)

    def _say(self, verdict):
        self.verdict = verdict
        if _GRAVITY[verdict] > _GRAVITY[self.worst]:
            self.worst = verdict
        return verdict


# By verdict number: what a run is called when its pulses differ.
_GRAVITY = bytes((0, 1, 3, 6, 2, 4, 5))
