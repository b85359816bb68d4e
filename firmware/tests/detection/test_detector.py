"""The detector takes its baseline from open pulses and detects what departs from it by more than a vein does."""

from math import pi, sin, sqrt

import pytest
from pump import codes
from pump.detection.detector import Detector
from pump.limiter import Limiter
from pump.line_model import LineModel

STEP_PL = 102_214
RATE = 19_600
DRIVE_TICKS, PAUSE_TICKS = 90, 80
SUB = 20
REST_PA = 700


class Line:
    """A line of R_L 8 kPa s/mL and R_T 17 kPa s2/mL2 behind a compliance, and the detector that looks at it."""

    def __init__(self, compliance=2.2, known=(0, 0, 80)):
        self.path = LineModel()
        self.path.set_prior(*known)
        self.path.configure(STEP_PL, 8_000, 17_000, 2_200)
        self.limiter = Limiter(self.path)
        self.limiter.working_pa = 137_600
        self.detector = Detector(self.path, self.limiter)
        self.detector.start_run(REST_PA)
        self.compliance = compliance
        self.times = 1.0
        self.leak = 0.0
        self.kpa = REST_PA / 1000
        self.ticks = 0
        self.closes_at = None
        self.air_at = None
        self.vein = lambda seconds: 0.0

    def _tick(self, rate):
        """Lets 5 ms pass; returns the reading in Pa."""
        into_ul = rate / 200 * STEP_PL / 1e6
        if self.ticks == self.air_at:
            self.compliance *= 1.12
        for _ in range(SUB):
            above = self.kpa - REST_PA / 1000 - self.vein(self.ticks * 0.005)
            out = (-8 + sqrt(64 + 68 * self.times * abs(above) / self.times**2)) / 34 if above else 0.0
            if self.closes_at is not None and self.ticks >= self.closes_at:
                out = 0.0
            out = out / (1 - self.leak) if above > 0 else -out
            self.kpa += (into_ul / SUB - out * 5 / SUB) / self.compliance
        self.ticks += 1
        noise_pa = (self.ticks * 7919 % 23 - 11) * 12
        return round(self.kpa * 1000) + noise_pa

    def pulse(self):
        """The verdict of one pulse and its pause."""
        detector = self.detector
        detector.start_pulse(round(self.kpa * 1000), DRIVE_TICKS)
        self.limiter.start_burst(RATE)
        last_pa = round(self.kpa * 1000)
        allowed = RATE
        for tick in range(DRIVE_TICKS):
            # Four ticks up the ramp, four down.
            rate = min(RATE * min(tick + 1, DRIVE_TICKS - tick, 4) // 4, allowed)
            value_pa = self._tick(rate)
            allowed = self.limiter.allowed_rate(value_pa, value_pa - last_pa, rate)
            last_pa = value_pa
            if detector.drive_tick(value_pa, rate):
                return detector.verdict
        for _ in range(PAUSE_TICKS):
            if detector.pause_tick(self._tick(0), 0):
                return detector.verdict
        verdict = detector.classify_pulse()
        detector.update_baseline()
        return verdict

    def pulses(self, count):
        return [self.pulse() for _ in range(count)]


PATENT = codes.VERDICT_PATENT


def bump(at_s):
    """A cough of 75 mmHg that begins then."""
    return lambda seconds: 10 * sin(pi * (seconds - at_s) / 0.3) if 0 < seconds - at_s < 0.3 else 0.0


def breathing(seconds):
    """A vein as it is: 3 mmHg of breath and 2 of heartbeat."""
    return 0.4 * sin(2 * pi * 0.3 * seconds) + 0.27 * sin(2 * pi * 1.4 * seconds)


@pytest.mark.parametrize("compliance", [1.1, 2.2, 4.4])
@pytest.mark.parametrize("times", [0.6, 1.0, 1.6])
def test_an_open_line_within_its_tolerances_is_patent_from_its_first_pulse_on(compliance, times):
    line = Line(compliance)
    line.times, line.vein = times, breathing
    assert line.pulses(10) == [PATENT] * 10
    assert line.detector.compliance == pytest.approx(compliance * 1000, rel=0.05)


@pytest.mark.parametrize("compliance", [2.2, 5.0, 15.0])
def test_a_leak_of_a_tenth_of_the_flow_is_reported_of_its_first_whole_pulse(compliance):
    line = Line(compliance)
    line.vein = breathing
    assert line.pulses(6) == [PATENT] * 6
    line.leak = 0.1
    assert line.pulse() == codes.VERDICT_LEAK
    assert line.detector.observed < line.detector.threshold < 1_000


def test_air_that_adds_a_quarter_to_the_compliance_is_reported_of_its_first_whole_pulse():
    line = Line()
    line.vein = breathing
    assert line.pulses(5) == [PATENT] * 5
    line.compliance *= 1.25
    assert line.pulse() == codes.VERDICT_BUBBLE
    assert line.detector.observed > line.detector.threshold > 1_000


def test_what_air_gives_way_is_known_until_it_is_gone():
    line = Line()
    assert line.pulses(4) == [PATENT] * 4
    assert line.detector.air_compliance == 0
    line.compliance *= 3
    assert line.pulses(2) == [codes.VERDICT_BUBBLE] * 2
    assert line.detector.air_compliance == pytest.approx(6_600, rel=0.05)
    assert line.path.compliance == pytest.approx(2_200, rel=0.05)
    line.compliance /= 3
    assert line.pulses(3)[1:] == [PATENT] * 2
    assert line.detector.air_compliance == 0


@pytest.mark.parametrize("at_tick", range(10, DRIVE_TICKS, 20))
def test_a_little_air_that_comes_in_the_second_pulse_is_reported_within_two_more(at_tick):
    line = Line()
    line.vein = breathing
    line.air_at = DRIVE_TICKS + PAUSE_TICKS + at_tick
    assert line.pulses(2)[0] == PATENT
    assert codes.VERDICT_BUBBLE in line.pulses(2)


@pytest.mark.requirement("REQ-OCCL-1")
def test_a_line_three_times_as_narrow_is_partly_occluded_in_its_first_whole_pulse():
    line = Line()
    assert line.pulses(4) == [PATENT] * 4
    line.times = 3.0
    assert line.pulse() == codes.VERDICT_PARTIAL


@pytest.mark.requirement("REQ-OCCL-1")
def test_resistance_that_grows_little_by_little_is_reported_though_no_pulse_departs_much_from_the_last():
    line = Line()
    line.vein = breathing
    assert line.pulses(3) == [PATENT] * 3
    reported = []
    for _ in range(10):
        line.times *= 1.07
        reported.append(line.pulse())
    assert codes.VERDICT_PARTIAL in reported[:7]
    assert set(reported) == {PATENT, codes.VERDICT_PARTIAL}


@pytest.mark.requirement("REQ-OCCL-1")
@pytest.mark.parametrize("after", [-3, 0, 5])
def test_a_line_that_closes_as_a_pulse_ends_is_reported_in_its_pause(after):
    line = Line()
    assert line.pulses(3) == [PATENT] * 3
    line.closes_at = line.ticks + DRIVE_TICKS + after
    assert line.pulse() == codes.VERDICT_OCCLUDED
    assert line.ticks < line.closes_at + 40


@pytest.mark.parametrize("at_tick", range(0, 170, 10))
def test_a_cough_at_any_moment_of_a_pulse_is_no_fault_and_leaves_none_behind(at_tick):
    line = Line()
    cough = bump((3 * (DRIVE_TICKS + PAUSE_TICKS) + at_tick) * 0.005)
    line.vein = lambda seconds: breathing(seconds) + cough(seconds)
    assert line.pulses(8) == [PATENT] * 8


def test_a_cough_in_the_first_pulse_is_no_leak_when_it_is_over():
    for at_tick in range(0, 100, 10):
        line = Line()
        line.vein = bump(at_tick * 0.005)
        assert line.pulses(8) == [PATENT] * 8


def test_another_path_is_updated_anew():
    line = Line()
    line.times = 0.6
    assert line.pulses(3) == [PATENT] * 3
    line.path.reset_baseline()
    line.detector.start_run(REST_PA)
    line.times = 1.5
    assert line.pulses(3) == [PATENT] * 3, "against the first needle it would be partly occluded"


def test_what_the_last_visit_found_narrows_what_the_first_pulse_may_need():
    for known, verdict in (((0, 0, 80), PATENT), ((600, 0, 80), codes.VERDICT_PARTIAL)):
        line = Line(known=known)
        line.times = 1.3
        assert line.pulse() == verdict


def test_air_from_the_start_is_reported_only_beyond_what_another_syringe_of_the_kind_may_have():
    assert Line(4.4, known=(1_000, 1_200, 80)).pulse() == PATENT
    assert Line(5.4, known=(1_000, 1_200, 80)).pulse() == codes.VERDICT_BUBBLE


def test_the_end_of_a_pause_in_which_the_line_has_relaxed_is_where_the_sensors_zero_is():
    line = Line()
    assert line.pulses(2) == [PATENT] * 2
    assert line.detector.relaxed_pa == pytest.approx(REST_PA, abs=200)
    slow = Line(15.0)
    slow.times = 1.8
    slow.pulses(3)
    assert slow.detector.relaxed_pa == REST_PA, "it has not relaxed: its end reports nothing"
