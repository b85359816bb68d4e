"""Is the path open? Judged live in every turn of a burst and its pause, and once per pulse from its sums.

Live: the residual against a first-order model of the path, the slope against Q / C of a closed line, and in the pause
the fall that an open line would show. Per pulse: resistance of the plateau, compliance of rise and fall, against the
catalogue first (or what the last visit found) and then against the baseline that this path's own open pulses teach.
A limit is what veins do of themselves (breathing, heartbeat, cough) plus what the model may err; where a fault changes
less than that on a path, its verdict stays unspoken there. Every verdict keeps what was seen and the limit it passed.
"""

from array import array

from flushlink.viper_compat import const, micropython

from .. import codes
from .kernels import (
    CLOSED,
    FIRST,
    JUDGE_SIZE,
    REST,
    SAYS_CLOSED,
    SAYS_NOTHING,
    SAYS_THROTTLED,
    SECOND,
    SEEN,
    THIRD,
    WATCH_OPEN,
    advance,
    clear,
    live,
)
from .pulse_sums import PulseSums, held, tally

_RISE_MIN_PA = const(15_000)
# What breathing and heartbeat may change of a mean over a quarter of a pulse, and what a cough may.
_VEIN_PA = const(1_500)
_COUGH_PA = const(9_000)
# How far two thirds of a plateau may part in a quiet vein, beside the noise; and how fast their usual way is learnt.
_BEND_PA = const(1_200)
_BEND_STEP_PA = const(700)
# Permille of compliance: what one witness alone may add, and what is not learnt any more.
_UNSURE = const(100)
_UNUSUAL = const(20)
# What at most of air that is gone again counts on: it is told of one more pulse.
_CARRIED = const(200)
# How far the end of a plateau may lie off its usual way where a fall is believed alone: a cough may begin there.
_ALONE_BEND_PA = const(2_500)
# A fall alone: by how much more than its noise it departs, and how far two that agree may lie apart.
_ALONE = const(30)
_ALIKE = const(40)
# A cough in the pause holds the fall up: by less than this of a plateau, as long as that is a good deal higher.
_COUGH_FALL_PA = const(20_000)
_FALL_FROM_PA = const(25_000)
_LESSONS = const(4)
# What a cough may have left in the mean of two lessons that agree, half of it in that of four.
_LESSON_PA = const(4_000)
# Bounds of resistance over the catalogue's, over the last visit's (another needle, another warmth), over the baseline.
_HIGH_CATALOGUE = const(2_000)
_HIGH_VISIT = const(1_800)
_HIGH = const(1_500)
_LOW_CATALOGUE = const(400)
_LOW_VISIT = const(600)
_TREND_LIMIT = const(300)
_TREND_MOST = const(100)
# The first rise: at least 30 ms of it and 6 kPa, at most 100 ms, by when most of the flow leaves.
_RISE_TURNS = const(6)
_RISE_TURNS_MAX = const(20)
_COMPLIANCE_RISE_PA = const(6_000)
# Inertia of the liquid behind a syringe, Pa s2/mL: 380 behind a port's needle, 450 in a tunneled line, 950 in a PICC.
_INERTIA = const(500)


class Detector:
    """Needs `turn` in every control turn of a burst, `pause_turn` in every one of its pause until `weigh_pulse`."""

    def __init__(self, hydraulics, limiter):
        self._path = hydraulics
        self._limits = limiter.state
        # Places in it: turn_math.
        self._live = array("i", [0] * JUDGE_SIZE)
        self._sums = PulseSums(hydraulics)
        # What `weigh_pulse` found: the first rise's compliance, that of the fall within reason; of the plateau how high
        # it lies, the flows, what its three parts lie above the model,
        self._weighed = False
        self._teaches = False
        self._rise_gives = 0
        self._in_force = 0
        self._rise = 0
        self._out = 0
        self._into = 0
        self._bends_early = 0
        self._bends_late = 0
        self._middle_pa = 0
        self._late_pa = 0
        # and how much more the model expects of the first and the third than of the second.
        self._early_more_pa = 0
        self._late_more_pa = 0
        self.rest_pa = 0
        self.worst = codes.VERDICT_NOT_JUDGED
        # The compliance with the air that the last pulse told of, which is not that of the path; else 0.
        self.air_gives = 0
        self.begin_run(0)

    def begin_run(self, rest_pa):
        self.rest_pa = rest_pa
        # What the sensor reads at rest, by the last pause in which the line has relaxed.
        self.floor_pa = rest_pa
        self.worst = codes.VERDICT_NOT_JUDGED
        self.air_gives = 0
        # The baseline: lessons it was learnt from, compliances, and the rise at which its resistance was learnt.
        self._lessons = 0
        self._fall_learnt = 0
        self._rise_learnt = 0
        self._learnt_pa = 0
        self._trend = 0
        self._air = 0
        # By how much the falls of this pulse and of the one before departed alone.
        self._alone = 0
        self._alone_before = 0
        self._steady = False
        self._usual = True
        self._parted_pa = 0
        # How even its pulses were last, and how far the last one's parts lay from where those of the lessons lay.
        self._even_pa = 0
        self._bent_pa = 0
        # How plateaus bend: those of the lessons, and the one before.
        self._bend = 0
        self._late_bend = 0
        self._bend_before = 0
        self._late_before = 0
        self._path.begin_run()
        self.begin_pulse(rest_pa, 0)

    def begin_pulse(self, value_pa, turns, primes=False):
        """A burst that should last for `turns` begins at this pressure.

        One that `primes` an open line may find no resistance, but must not find a closed one.
        """
        live = self._live
        clear(live, CLOSED, JUDGE_SIZE)
        live[REST] = self.rest_pa
        live[WATCH_OPEN] = 0 if primes else 1
        live[FIRST] = live[SECOND] = live[THIRD] = value_pa
        self._sums.begin(value_pa, self.rest_pa, turns)
        self.peak_pa = -1_000_000
        self.verdict = codes.VERDICT_NOT_JUDGED
        self._weighed = False
        self._teaches = False
        self.resistance = 0
        self.compliance = 0
        self.residual_pa = 0
        self.evidence = 0
        self.seen = 0
        self.limit = 0
        self._alone_before = self._alone
        self._alone = 0
        self._turns = 0
        self._from_pa = value_pa
        self._stored_nl = 0
        self._path.settle(value_pa)

    def turn(self, value_pa, rate):
        """One turn of driving, after the limiter's: pressure and steps/s made.

        Returns a verdict to act on at once, or 0.
        """
        path = self._path
        if value_pa > self.peak_pa:
            self.peak_pa = value_pa
        line = path.line
        advance(line, rate, self.rest_pa)
        tally(self._sums.state, line, value_pa, rate, 0)
        if not path.compliance_measured:
            self._measure_compliance(value_pa, rate)
        said = live(self._live, line, self._limits, value_pa)
        if said == SAYS_NOTHING:
            return codes.VERDICT_NOT_JUDGED
        self.seen = self._live[SEEN]
        if said == SAYS_CLOSED:
            return self._say(codes.VERDICT_OCCLUDED, codes.EVIDENCE_SLOPE, 800)
        if said == SAYS_THROTTLED:
            return self._say(codes.VERDICT_OCCLUDED, codes.EVIDENCE_FLOW, 200)
        return self._say(codes.VERDICT_DISCONNECTED, codes.EVIDENCE_PRESSURE, 250)

    def _measure_compliance(self, value_pa, rate):
        """C from the first rise: what went in, less what left already, over the rise of pressure."""
        sums = self._sums
        # After an aspirate check there is suction first, and the screw's play: it begins where pressure does.
        if value_pa < self.rest_pa or self._turns == 0:
            self._turns = 1
            self._from_pa = value_pa
            self._stored_nl = sums.stored_nl(0)
            return
        self._turns += 1
        rise = value_pa - self._from_pa
        if self._turns <= _RISE_TURNS or rise < _COMPLIANCE_RISE_PA or self._turns > _RISE_TURNS_MAX:
            return
        # The reading is half a turn old.
        stored_nl = sums.stored_nl(rate // 400) - self._stored_nl
        pushed_nl = sums.pushed_nl(0)
        if stored_nl * 2 < pushed_nl:
            # The small difference of two big volumes is no measurement: in a wide line at a low flow all leaves.
            self._turns = _RISE_TURNS_MAX
            return
        # What the model lets through at once the liquid's inertia holds back for L / R: L Q^2 / dP is still inside.
        out = sums.flow_ul_per_s()
        stored_nl = min(stored_nl + out * out // rise * _INERTIA, pushed_nl)
        self._path.take_compliance(min(max(min(stored_nl, 1_000_000) * 1_000 // rise, 200), 60_000))

    def pause_turn(self, value_pa, rate):
        """One turn of the pause after the last step. Returns a verdict to act on at once, or 0."""
        sums = self._sums.state
        line = self._path.line
        tally(sums, line, value_pa, rate, 1)
        if held(sums, line, value_pa):
            self.seen = 0
            return self._say(codes.VERDICT_OCCLUDED, codes.EVIDENCE_PAUSE, 167)
        return codes.VERDICT_NOT_JUDGED

    @micropython.native
    def weigh_pulse(self):
        """The pulse has ended, its pause nearly too: figures for `finish_pulse`, a turn's work of their own."""
        self._weighed = True
        sums = self._sums
        if self.verdict == codes.VERDICT_OCCLUDED or self.verdict == codes.VERDICT_DISCONNECTED or not sums.whole():
            return
        self.compliance = fall = sums.fall_compliance()
        self._rise_gives = sums.rise_compliance()
        in_force = self._path.compliance
        if fall:
            # Air or a softer syringe than expected is no flow: this pulse's own figure counts, within reason.
            in_force = min(max(fall, in_force >> 2), in_force << 2, 60_000)
        self._in_force = in_force
        sums.look(0, in_force)
        early_pa = sums.residual_pa
        early_needs_pa = sums.rise_pa - early_pa
        sums.look(1, in_force)
        self._middle_pa = middle_pa = sums.residual_pa
        rise, out, into = sums.rise_pa, sums.out_ul_per_s, sums.into_ul_per_s
        needs_pa = rise - middle_pa
        sums.look(2, in_force)
        self._late_pa = late_pa = sums.residual_pa
        self._bends_early = early_pa - middle_pa
        self._bends_late = late_pa - middle_pa
        self._early_more_pa = early_needs_pa - needs_pa
        self._late_more_pa = sums.rise_pa - late_pa - needs_pa
        self._rise = rise + sums.rise_pa >> 1
        self._out = out + sums.out_ul_per_s >> 1
        self._into = into + sums.into_ul_per_s >> 1

    @micropython.native
    def finish_pulse(self):
        """Judges the pulse that has ended; returns its verdict."""
        if not self._weighed:
            self.weigh_pulse()
        if self.verdict == codes.VERDICT_OCCLUDED or self.verdict == codes.VERDICT_DISCONNECTED:
            return self.verdict
        sums = self._sums
        if not sums.whole():
            return self.verdict
        path = self._path
        rise = self._rise
        out = self._out
        fall = self.compliance
        # A line that stores much gives little yet; a closed one less than a quarter of what this pressure pushes.
        passes = path.flow_at_ul_per_s(rise)
        if rise > _RISE_MIN_PA and out * 4 < passes and out * 5 < self._into:
            self.seen = max(out, 0) * 1000 // passes
            return self._say(codes.VERDICT_OCCLUDED, codes.EVIDENCE_PASSAGE, 250)
        if out < 50:
            return self.verdict
        middle_pa = self._middle_pa
        late_pa = self._late_pa
        self.residual_pa = middle_pa + late_pa >> 1
        expected = max(rise - self.residual_pa, 1)
        self.resistance = max(rise, 0) * 1000 // out
        self.seen = min(min(max(rise, 0), 500_000) * 1000 // expected, 60_000)
        # Noise of single readings, as a big compliance behind a big resistance shows it.
        noise_pa = expected * 2 // out * (self._in_force // (sums.turns * 5))
        self._is_steady(_BEND_PA + noise_pa, expected >> 4)
        self._usual = True
        verdict = self._judge_resistance(rise, expected, min(middle_pa, late_pa))
        if verdict == codes.VERDICT_PATENT:
            verdict = self._judge_compliance(rise, fall)
            self.air_gives = fall if verdict == codes.VERDICT_BUBBLE else 0
        self._teaches = verdict == codes.VERDICT_PATENT and out * 2 > self._into
        if verdict == codes.VERDICT_PATENT and sums.rested():
            self.floor_pa = sums.now_pa()
        return verdict

    def _is_steady(self, limit_pa, unknown_pa):
        """Whether the plateau goes as those of the pulses before: with a bump in the vein or a fault it does not.

        The model bends a little, alike in every pulse; how much the first lesson tells, and later pulses mend.
        """
        if not self._lessons:
            limit_pa += unknown_pa
            self._steady = -limit_pa < self._bends_late < limit_pa
            return
        self._even_pa = limit_pa
        self._bent_pa = max(abs(self._bends_early - self._bend), abs(self._bends_late - self._late_bend))
        self._steady = self._bent_pa < limit_pa

    def _judge_resistance(self, rise, expected, least_pa):
        """Residual of the plateau: more than a cough can add to both its parts, or less than breathing takes away."""
        path = self._path
        lessons = self._lessons
        ratio = self.seen
        if lessons:
            high = _HIGH
            low_pa = _VEIN_PA + (expected >> 5) + (abs(expected - self._learnt_pa) >> 2)
            self._usual = -low_pa <= self.residual_pa <= low_pa
            if lessons == 1:
                # A cough in the only pulse to compare with has bent its plateau by about what it added.
                low_pa += self._bent_pa * 3 >> 1
            else:
                low_pa += (_LESSON_PA >> lessons) + (self._parted_pa >> lessons - 1)
        else:
            high = _HIGH_VISIT if path.visited else _HIGH_CATALOGUE
            low_pa = max(expected // 1000 * (1000 - (_LOW_VISIT if path.visited else _LOW_CATALOGUE)), _COUGH_PA)
        high_pa = max(expected // 1000 * (high - 1000), _COUGH_PA)
        if least_pa > high_pa:
            return self._say(codes.VERDICT_PARTIAL, codes.EVIDENCE_RESISTANCE, 1000 + high_pa * 100 // expected * 10)
        # Nothing in a vein takes so much away for a moment: this needs no steady plateau.
        if self.residual_pa < -low_pa:
            line_off = path.open_permille
            verdict = codes.VERDICT_DISCONNECTED if ratio < line_off + (1000 - line_off >> 2) else codes.VERDICT_LEAK
            return self._say(verdict, codes.EVIDENCE_RESISTANCE, max(1000 - low_pa * 100 // expected * 10, 0))
        if lessons > 1 and self._steady:
            # What a quiet vein and the model's own error cannot add up to; one pulse alone may not add much.
            grown = min(ratio - 1000, _TREND_MOST) - 20 - 600_000 // expected
            self._trend = max(self._trend + grown, 0)
            if self._trend > _TREND_LIMIT:
                self.seen = 1000 + self._trend
                return self._say(codes.VERDICT_PARTIAL, codes.EVIDENCE_TREND, 1000 + _TREND_LIMIT)
        return self._say(codes.VERDICT_PATENT, codes.EVIDENCE_RESISTANCE, 1000 + high_pa * 100 // expected * 10)

    def _judge_compliance(self, rise, fall):
        """Air gives way: rise and fall both show more compliance. A cough makes one of them more, the other less.

        Air that has come in the second pulse is not in its rise, and the first one's may be out of play: there two
        falls that agree tell it. Else what is told is a sum over pulses, each of half the weight of the next: little
        air is told later than much.
        """
        learnt = self._fall_learnt
        # A line that has just become narrower slows the fall down as well, but raises the pulse's end before.
        if not fall or (learnt and self._late_pa > _COUGH_PA):
            return codes.VERDICT_PATENT
        if not learnt:
            learnt = self._path.known_compliance
            # Another syringe of the same kind gives way by half to twice as much as the catalogue says.
            if learnt and fall >> 2 > learnt:
                self.seen = min(fall // learnt * 1000, 60_000)
                return self._say(codes.VERDICT_BUBBLE, codes.EVIDENCE_COMPLIANCE, 4_000)
            return codes.VERDICT_PATENT
        alone = grown = fall * 1000 // learnt - 1000
        again = self._rise_gives if self._rise_learnt else 0
        beyond = 0
        if rise > _FALL_FROM_PA and self._late_pa < _VEIN_PA * 2:
            beyond = grown - _COUGH_FALL_PA * 1000 // rise
        grown = max(min(grown, again * 1000 // self._rise_learnt - 1000 if again else _UNSURE), beyond)
        # What breathing may feign in a wide line does not count, nor what a few turns of a quick fall leave open.
        noise = 20 + 600_000 // max(rise, 1_000) + 400 // self._sums.fall_turns()
        if not self._steady:
            # Much air bends the plateau; a cough does as well, but never makes both so much more.
            noise += 20 + 2_500_000 // max(rise, 1_000)
        elif (
            rise > _FALL_FROM_PA
            and abs(self._bends_late - self._late_bend) < _ALONE_BEND_PA
            and abs(self.residual_pa) < _VEIN_PA + (rise >> 5)
            and alone > noise + _ALONE
        ):
            # Two falls that are alike, in pulses as even as those before, need no other witness.
            self._alone = alone
            if self._alone_before and -_ALIKE < alone - self._alone_before < _ALIKE:
                self.seen = 1000 + alone
                return self._say(codes.VERDICT_BUBBLE, codes.EVIDENCE_COMPLIANCE, 1000 + noise + _ALONE)
        self._air = grown = max(grown - noise, 0) + (min(self._air, _CARRIED) >> 1)
        limit = 60 if self._steady else 150
        if self._lessons == 1:
            limit = 120 if self._steady else 250
        if grown <= limit:
            return codes.VERDICT_PATENT
        self.seen = 1000 + noise + grown
        return self._say(codes.VERDICT_BUBBLE, codes.EVIDENCE_COMPLIANCE, 1000 + noise + limit)

    def learn_pulse(self):
        """Takes what a pulse that `finish_pulse` found open teaches; the last of a pulse's three turns of work."""
        if not self._teaches:
            return
        self._teaches = False
        bend = self._bends_early
        late_bend = self._bends_late
        # Two in a row that are alike, but not like the only lesson, tell that it was that one which had a bump.
        outvoted = (
            self._lessons == 1
            and max(abs(bend - self._bend_before), abs(late_bend - self._late_before)) < self._even_pa
            and not (self._steady and (self._usual or self.residual_pa > 0))
        )
        self._bend_before = bend
        self._late_before = late_bend
        if outvoted:
            self._fall_learnt = self._rise_learnt = self._air = self._lessons = 0
            self._learn(self._rise, self.compliance)
        elif self._usual:
            step_pa = _BEND_STEP_PA if self._steady else _BEND_STEP_PA >> 2
            self._bend += min(max(bend - self._bend >> 1, -step_pa), step_pa)
            self._late_bend += min(max(late_bend - self._late_bend >> 1, -step_pa), step_pa)
            if self._steady and self._air <= _UNUSUAL and not self._alone:
                self._learn(self._rise, self.compliance)

    def _learn(self, rise, fall):
        """The mean of the last four open pulses, more or less."""
        path = self._path
        lessons = self._lessons
        found = self._rise_gives
        # In a wide line all leaves at once, and what the rise shows of the compliance is chance.
        if found * 4 > fall * (2 if lessons else 3):
            known = self._rise_learnt
            # The first rise, out of play and friction, may show less than the next ones.
            self._rise_learnt = known + (found - known) // lessons if known else found + (found >> 3)
        lessons = min(lessons + 1, _LESSONS)
        self._lessons = lessons
        path.learn(1000 + (self.seen - 1000) // lessons)
        self._learnt_pa = rise
        self._parted_pa = abs(self.residual_pa)
        if lessons == 1:
            # As it looks by what it has taught: a wrong scale bends as well.
            wrong = self.seen - 1000
            self._bend = self._bend_before = self._bend_before - self._early_more_pa * wrong // 1000
            self._late_bend = self._late_before = self._late_before - self._late_more_pa * wrong // 1000
        if fall:
            if self._fall_learnt:
                fall = self._fall_learnt + (fall - self._fall_learnt) // lessons
            self._fall_learnt = fall
            path.take_compliance(min(max(fall, 200), 60_000))

    def _say(self, verdict, evidence, limit):
        self.verdict = verdict
        self.evidence = evidence
        self.limit = limit
        if _GRAVITY[verdict] > _GRAVITY[self.worst]:
            self.worst = verdict
        return verdict


# By verdict number: what a run is called when its pulses differ.
_GRAVITY = bytes((0, 1, 3, 6, 2, 4, 5))
