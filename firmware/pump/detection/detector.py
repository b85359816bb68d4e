"""Classifies the line: in every tick of a burst and its pause, and once per pulse from the pulse's sums.

Per tick: the residual against a first-order model of the line, the slope against Q / C of a closed line, and in the
pause the fall that an open line would show. Per pulse: resistance of the plateau, compliance of rise and fall, first
against the catalog or the prior visit, then against the baseline of this line's own open pulses. The limits are in
`flushlink.detection_limits`; where a fault changes less than a limit on a line, its verdict is not given there. Every
verdict keeps what was observed and the threshold it passed.
"""

from array import array

from flushlink import detection_limits as limits
from flushlink.viper_compat import const, micropython

from .. import codes
from ..line_model import flow_at, step_model
from .kernels import (
    CHECK_OPEN,
    CLOSED,
    DETECTOR_SIZE,
    FIRST_PA,
    FLOW_THROTTLED,
    LINE_CLOSED,
    NO_FINDING,
    OBSERVED,
    REST_PA,
    SECOND_PA,
    THIRD_PA,
    clear,
    evaluate_tick,
)
from .pulse_sums import PulseSums, add_sample, pressure_held

# Pulses in the mean of the baseline, at most.
_BASELINE_PULSES = const(4)
# The first rise: at least 30 ms of it and 6 kPa, at most 100 ms, by when most of the flow leaves.
_RISE_TICKS = const(6)
_RISE_TICKS_MAX = const(20)
_RISE_MIN_PA = const(6_000)
# Inertia of the liquid behind a syringe, Pa s2/mL: 380 behind a port's needle, 450 in a tunneled line, 950 in a PICC.
_INERTIA = const(500)


class Detector:
    """Needs `drive_tick` in every tick of a burst, `pause_tick` in every one of its pause until `estimate_pulse`."""

    def __init__(self, line_model, limiter):
        self._model = line_model
        self._limiter_state = limiter.state
        self._state = array("i", [0] * DETECTOR_SIZE)
        self._sums = PulseSums(line_model)
        # Figures of the pulse, by `estimate_pulse`: whether they are there, and whether it updates the baseline;
        # compliance of the first rise, and of the fall within bounds; of the plateau its height and flows, and the
        # residual deltas of its first and third part against the second,
        self._estimated = False
        self._updates = False
        self._rise_compliance = 0
        self._pulse_compliance = 0
        self._plateau_pa = 0
        self._outflow = 0
        self._inflow = 0
        self._delta_early = 0
        self._delta_late = 0
        self._middle_pa = 0
        self._late_pa = 0
        # and how much more the model expects of the first and the third than of the second.
        self._model_early_pa = 0
        self._model_late_pa = 0
        self.rest_pa = 0
        self.worst = codes.VERDICT_NOT_JUDGED
        # Compliance with the air that the last pulse detected, which is not the line's own; else 0.
        self.air_compliance = 0
        self.start_run(0)

    def start_run(self, rest_pa):
        self.rest_pa = rest_pa
        # The sensor's reading at rest, by the last pause in which the line has relaxed.
        self.relaxed_pa = rest_pa
        self.worst = codes.VERDICT_NOT_JUDGED
        self.air_compliance = 0
        # The baseline: its pulses, compliances, and the plateau from which its resistance is.
        self._baseline_count = 0
        self._baseline_fall = 0
        self._baseline_rise = 0
        self._baseline_pa = 0
        self._cusum = 0
        self._air_score = 0
        # Excess of the fall alone, in this pulse and in the one before.
        self._fall_only = 0
        self._fall_only_before = 0
        self._steady = False
        self._typical = True
        self._baseline_residual_pa = 0
        # Limit of the last pulse's residual deltas, and their largest distance from the baseline's.
        self._delta_limit_pa = 0
        self._delta_pa = 0
        # Residual deltas of the baseline, and of the pulse before.
        self._baseline_early = 0
        self._baseline_late = 0
        self._before_early = 0
        self._before_late = 0
        self._model.start_run()
        self.start_pulse(rest_pa, 0)

    def start_pulse(self, value_pa, ticks, primes=False):
        """A burst that should last for `ticks` begins at this pressure.

        One that `primes` an open line may find no resistance, but must not find a closed one.
        """
        state = self._state
        clear(state, CLOSED, DETECTOR_SIZE)
        state[REST_PA] = self.rest_pa
        state[CHECK_OPEN] = 0 if primes else 1
        state[FIRST_PA] = state[SECOND_PA] = state[THIRD_PA] = value_pa
        self._sums.start_pulse(value_pa, self.rest_pa, ticks)
        self.peak_pa = -1_000_000
        self.verdict = codes.VERDICT_NOT_JUDGED
        self._estimated = False
        self._updates = False
        self.resistance = 0
        self.compliance = 0
        self.residual_pa = 0
        self.evidence = 0
        self.observed = 0
        self.threshold = 0
        self._fall_only_before = self._fall_only
        self._fall_only = 0
        self._rise_ticks = 0
        self._rise_from_pa = value_pa
        self._rise_stored_nl = 0
        self._model.set_model(value_pa)

    def drive_tick(self, value_pa, rate):
        """One tick of driving, after the limiter's: pressure and steps/s made.

        Returns a verdict to act on at once, or 0.
        """
        model = self._model
        if value_pa > self.peak_pa:
            self.peak_pa = value_pa
        line = model.state
        step_model(line, rate, self.rest_pa)
        add_sample(self._sums.state, line, value_pa, rate, 0)
        if not model.compliance_measured:
            self._measure_compliance(value_pa, rate)
        finding = evaluate_tick(self._state, line, self._limiter_state, value_pa)
        if finding == NO_FINDING:
            return codes.VERDICT_NOT_JUDGED
        self.observed = self._state[OBSERVED]
        if finding == LINE_CLOSED:
            return self._set_verdict(codes.VERDICT_OCCLUDED, codes.EVIDENCE_SLOPE, limits.SLOPE)
        if finding == FLOW_THROTTLED:
            return self._set_verdict(codes.VERDICT_OCCLUDED, codes.EVIDENCE_FLOW, limits.THROTTLED)
        return self._set_verdict(codes.VERDICT_DISCONNECTED, codes.EVIDENCE_PRESSURE, limits.OPEN_LINE)

    def _measure_compliance(self, value_pa, rate):
        """C from the first rise: volume in, less what has left already, over the rise of pressure."""
        sums = self._sums
        # After an aspirate check there is suction first, and the screw's play: the rise begins where pressure does.
        if value_pa < self.rest_pa or self._rise_ticks == 0:
            self._rise_ticks = 1
            self._rise_from_pa = value_pa
            self._rise_stored_nl = sums.stored_nl(0)
            return
        self._rise_ticks += 1
        rise = value_pa - self._rise_from_pa
        if self._rise_ticks <= _RISE_TICKS or rise < _RISE_MIN_PA or self._rise_ticks > _RISE_TICKS_MAX:
            return
        # The reading is half a tick old.
        stored_nl = sums.stored_nl(rate // 400) - self._rise_stored_nl
        driven_nl = sums.volume_in_nl(0)
        if stored_nl * 2 < driven_nl:
            # The small difference of two large volumes is no measurement: in a wide line at a low flow all leaves.
            self._rise_ticks = _RISE_TICKS_MAX
            return
        # The model lets through at once what the liquid's inertia holds back for L / R: L Q^2 / dP is still inside.
        out = sums.model_flow_ul_per_s()
        stored_nl = min(stored_nl + out * out // rise * _INERTIA, driven_nl)
        self._model.set_compliance(min(max(min(stored_nl, 1_000_000) * 1_000 // rise, 200), 60_000))

    def pause_tick(self, value_pa, rate):
        """One tick of the pause after the last step. Returns a verdict to act on at once, or 0."""
        sums = self._sums.state
        line = self._model.state
        add_sample(sums, line, value_pa, rate, 1)
        if pressure_held(sums, line, value_pa):
            self.observed = 0
            return self._set_verdict(codes.VERDICT_OCCLUDED, codes.EVIDENCE_PAUSE, limits.PAUSE_FALL)
        return codes.VERDICT_NOT_JUDGED

    @micropython.native
    def estimate_pulse(self):
        """The pulse has ended, its pause nearly too: the figures for `classify_pulse`, a tick's work of their own."""
        self._estimated = True
        sums = self._sums
        if self.verdict == codes.VERDICT_OCCLUDED or self.verdict == codes.VERDICT_DISCONNECTED:
            return
        if not sums.long_enough():
            return
        self.compliance = fall = sums.fall_compliance()
        self._rise_compliance = sums.rise_compliance()
        compliance = self._model.compliance
        if fall:
            # Air or a softer syringe than expected is no flow: this pulse's own figure counts, within bounds.
            compliance = min(max(fall, compliance >> 2), compliance << 2, 60_000)
        self._pulse_compliance = compliance
        sums.evaluate_window(0, compliance)
        early_pa = sums.residual_pa
        model_early_pa = sums.rise_pa - early_pa
        sums.evaluate_window(1, compliance)
        self._middle_pa = middle_pa = sums.residual_pa
        rise, out, into = sums.rise_pa, sums.outflow_ul_per_s, sums.inflow_ul_per_s
        model_pa = rise - middle_pa
        sums.evaluate_window(2, compliance)
        self._late_pa = late_pa = sums.residual_pa
        self._delta_early = early_pa - middle_pa
        self._delta_late = late_pa - middle_pa
        self._model_early_pa = model_early_pa - model_pa
        self._model_late_pa = sums.rise_pa - late_pa - model_pa
        self._plateau_pa = rise + sums.rise_pa >> 1
        self._outflow = out + sums.outflow_ul_per_s >> 1
        self._inflow = into + sums.inflow_ul_per_s >> 1

    @micropython.native
    def classify_pulse(self):
        """Classifies the pulse that has ended; returns its verdict."""
        if not self._estimated:
            self.estimate_pulse()
        if self.verdict == codes.VERDICT_OCCLUDED or self.verdict == codes.VERDICT_DISCONNECTED:
            return self.verdict
        sums = self._sums
        if not sums.long_enough():
            return self.verdict
        rise = self._plateau_pa
        out = self._outflow
        fall = self.compliance
        # A line that stores much delivers little yet; a closed one less than a quarter of what this pressure pushes.
        passes = flow_at(self._model.state, rise)
        if rise > limits.PLATEAU_MIN_PA and out * 4 < passes and out * 5 < self._inflow:
            self.observed = max(out, 0) * 1000 // passes
            return self._set_verdict(codes.VERDICT_OCCLUDED, codes.EVIDENCE_PASSAGE, limits.PASSAGE)
        if out < 50:
            return self.verdict
        middle_pa = self._middle_pa
        late_pa = self._late_pa
        self.residual_pa = middle_pa + late_pa >> 1
        expected = max(rise - self.residual_pa, 1)
        self.resistance = max(rise, 0) * 1000 // out
        self.observed = min(min(max(rise, 0), 500_000) * 1000 // expected, 60_000)
        # Noise of single readings, as a large compliance behind a high resistance shows it.
        noise_pa = expected * 2 // out * (self._pulse_compliance // (sums.ticks * 5))
        self._check_steady(limits.DELTA_PA + noise_pa, expected >> 4)
        self._typical = True
        verdict = self._classify_resistance(rise, expected, min(middle_pa, late_pa))
        if verdict == codes.VERDICT_PATENT:
            verdict = self._classify_compliance(rise, fall)
            self.air_compliance = fall if verdict == codes.VERDICT_BUBBLE else 0
        self._updates = verdict == codes.VERDICT_PATENT and out * 2 > self._inflow
        if verdict == codes.VERDICT_PATENT and sums.line_relaxed():
            self.relaxed_pa = sums.last_pa()
        return verdict

    def _check_steady(self, limit_pa, model_error_pa):
        """Whether the plateau has the shape of those before: with a disturbance in the vein or a fault it has not.

        The model deviates a little, alike in every pulse: the first baseline pulse shows how much, later ones correct
        it.
        """
        if not self._baseline_count:
            limit_pa += model_error_pa
            self._steady = -limit_pa < self._delta_late < limit_pa
            return
        self._delta_limit_pa = limit_pa
        self._delta_pa = max(abs(self._delta_early - self._baseline_early), abs(self._delta_late - self._baseline_late))
        self._steady = self._delta_pa < limit_pa

    def _classify_resistance(self, rise, expected, least_pa):
        """By the plateau's residual: more than a cough can add to both its parts, or less than breathing takes away."""
        model = self._model
        count = self._baseline_count
        ratio = self.observed
        if count:
            high = limits.HIGH_BASELINE
            low_pa = limits.VEIN_PA + (expected >> limits.LOW_SHIFT) + (abs(expected - self._baseline_pa) >> 2)
            self._typical = -low_pa <= self.residual_pa <= low_pa
            if count == 1:
                # A cough in the only baseline pulse changed its residual delta by about as much as its resistance.
                low_pa += self._delta_pa * 3 >> 1
            else:
                low_pa += (limits.BASELINE_COUGH_PA >> count) + (self._baseline_residual_pa >> count - 1)
        else:
            high = limits.HIGH_PRIOR if model.prior_known else limits.HIGH_CATALOG
            low = limits.LOW_PRIOR if model.prior_known else limits.LOW_CATALOG
            low_pa = max(expected // 1000 * (1000 - low), limits.COUGH_PA)
        high_pa = max(expected // 1000 * (high - 1000), limits.COUGH_PA)
        high = 1000 + high_pa * 100 // expected * 10
        if least_pa > high_pa:
            return self._set_verdict(codes.VERDICT_PARTIAL, codes.EVIDENCE_RESISTANCE, high)
        # Nothing in a vein takes so much away for a moment: this needs no steady plateau.
        if self.residual_pa < -low_pa:
            line_off = model.open_permille
            verdict = codes.VERDICT_LEAK
            if ratio < line_off + (1000 - line_off >> 2):
                verdict = codes.VERDICT_DISCONNECTED
            return self._set_verdict(verdict, codes.EVIDENCE_RESISTANCE, max(1000 - low_pa * 100 // expected * 10, 0))
        if count > 1 and self._steady:
            # What a quiet vein and the model's own error cannot add up to; one pulse alone may not add much.
            growth = min(ratio - 1000, limits.CUSUM_STEP_MAX) - limits.CUSUM_DRIFT - limits.CUSUM_NOISE // expected
            self._cusum = max(self._cusum + growth, 0)
            if self._cusum > limits.CUSUM_LIMIT:
                self.observed = 1000 + self._cusum
                return self._set_verdict(codes.VERDICT_PARTIAL, codes.EVIDENCE_TREND, 1000 + limits.CUSUM_LIMIT)
        return self._set_verdict(codes.VERDICT_PATENT, codes.EVIDENCE_RESISTANCE, high)

    def _classify_compliance(self, rise, fall):
        """Air is compliant: rise and fall both show more compliance. A cough raises one of them and lowers the other.

        Air that came in the second pulse is not in its rise, and the first pulse's rise may be play of the screw: there
        two falls that agree show it. Otherwise the air score is a leaky sum over pulses, each of half the weight of the
        next: little air is detected later than much.
        """
        baseline = self._baseline_fall
        # A line that has just become narrower slows the fall down as well, but raises the pulse's end before.
        if not fall or (baseline and self._late_pa > limits.COUGH_PA):
            return codes.VERDICT_PATENT
        if not baseline:
            prior = self._model.prior_compliance
            if prior and fall >> 2 > prior:
                self.observed = min(fall // prior * 1000, 60_000)
                return self._set_verdict(codes.VERDICT_BUBBLE, codes.EVIDENCE_COMPLIANCE, limits.AIR_PRIOR)
            return codes.VERDICT_PATENT
        fall_excess = excess = fall * 1000 // baseline - 1000
        by_rise = limits.AIR_ONE_WITNESS
        if self._baseline_rise and self._rise_compliance:
            by_rise = self._rise_compliance * 1000 // self._baseline_rise - 1000
        beyond_cough = 0
        if rise > limits.FALL_FROM_PA and self._late_pa < limits.VEIN_PA * 2:
            beyond_cough = excess - limits.COUGH_FALL_PA * 1000 // rise
        excess = max(min(excess, by_rise), beyond_cough)
        noise = limits.AIR_NOISE + limits.AIR_NOISE_PA // max(rise, 1_000)
        noise += limits.AIR_NOISE_TICKS // self._sums.fall_ticks()
        if not self._steady:
            noise += limits.AIR_UNSTEADY + limits.AIR_UNSTEADY_PA // max(rise, 1_000)
        elif (
            rise > limits.FALL_FROM_PA
            and abs(self._delta_late - self._baseline_late) < limits.FALL_ONLY_DELTA_PA
            and abs(self.residual_pa) < limits.VEIN_PA + (rise >> limits.LOW_SHIFT)
            and fall_excess > noise + limits.FALL_ONLY
        ):
            # Two falls that agree, in steady pulses, need no other witness.
            self._fall_only = fall_excess
            before = self._fall_only_before
            if before and -limits.FALL_ONLY_SPREAD < fall_excess - before < limits.FALL_ONLY_SPREAD:
                self.observed = 1000 + fall_excess
                threshold = 1000 + noise + limits.FALL_ONLY
                return self._set_verdict(codes.VERDICT_BUBBLE, codes.EVIDENCE_COMPLIANCE, threshold)
        score = max(excess - noise, 0) + (min(self._air_score, limits.AIR_CARRIED_MAX) >> 1)
        self._air_score = score
        limit = limits.AIR_LIMIT if self._steady else limits.AIR_LIMIT_UNSTEADY
        if self._baseline_count == 1:
            limit = limits.AIR_LIMIT_FIRST if self._steady else limits.AIR_LIMIT_FIRST_UNSTEADY
        if score <= limit:
            return codes.VERDICT_PATENT
        self.observed = 1000 + noise + score
        return self._set_verdict(codes.VERDICT_BUBBLE, codes.EVIDENCE_COMPLIANCE, 1000 + noise + limit)

    def update_baseline(self):
        """Updates the baseline by an open pulse, after `classify_pulse`; the last of a pulse's three ticks of work."""
        if not self._updates:
            return
        self._updates = False
        early = self._delta_early
        late = self._delta_late
        # Two consecutive pulses agree with each other but not with the only baseline pulse: that pulse was disturbed,
        # so the baseline restarts.
        restart = (
            self._baseline_count == 1
            and max(abs(early - self._before_early), abs(late - self._before_late)) < self._delta_limit_pa
            and not (self._steady and (self._typical or self.residual_pa > 0))
        )
        self._before_early = early
        self._before_late = late
        if restart:
            self._baseline_fall = self._baseline_rise = self._air_score = self._baseline_count = 0
            self._add_to_baseline(self._plateau_pa, self.compliance)
        elif self._typical:
            step_pa = limits.DELTA_STEP_PA if self._steady else limits.DELTA_STEP_PA >> 2
            self._baseline_early += min(max(early - self._baseline_early >> 1, -step_pa), step_pa)
            self._baseline_late += min(max(late - self._baseline_late >> 1, -step_pa), step_pa)
            if self._steady and self._air_score <= limits.AIR_BASELINE_MAX and not self._fall_only:
                self._add_to_baseline(self._plateau_pa, self.compliance)

    def _add_to_baseline(self, rise, fall):
        """Adds the pulse to the mean of the last four open pulses, more or less."""
        model = self._model
        count = self._baseline_count
        found = self._rise_compliance
        # In a wide line all leaves at once, and what the rise shows of the compliance is chance.
        if found * 4 > fall * (2 if count else 3):
            known = self._baseline_rise
            # The first rise, out of play and friction, may show less than the next ones.
            self._baseline_rise = known + (found - known) // count if known else found + (found >> 3)
        count = min(count + 1, _BASELINE_PULSES)
        self._baseline_count = count
        model.scale_resistance(1000 + (self.observed - 1000) // count)
        self._baseline_pa = rise
        self._baseline_residual_pa = abs(self.residual_pa)
        if count == 1:
            # The residual deltas with the scale that this pulse has set: a wrong scale distorts the model as well.
            wrong = self.observed - 1000
            self._baseline_early = self._before_early = self._before_early - self._model_early_pa * wrong // 1000
            self._baseline_late = self._before_late = self._before_late - self._model_late_pa * wrong // 1000
        if fall:
            if self._baseline_fall:
                fall = self._baseline_fall + (fall - self._baseline_fall) // count
            self._baseline_fall = fall
            model.set_compliance(min(max(fall, 200), 60_000))

    def _set_verdict(self, verdict, evidence, threshold):
        self.verdict = verdict
        self.evidence = evidence
        self.threshold = threshold
        if _SEVERITY[verdict] > _SEVERITY[self.worst]:
            self.worst = verdict
        return verdict


# By verdict: the worst one is the run's.
_SEVERITY = bytes((0, 1, 3, 6, 2, 4, 5))
