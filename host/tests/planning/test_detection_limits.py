"""What the pump can tell of a path is said beforehand, and a verdict says what it rests on."""

import pytest
from flushpump.access.access_path import AccessPath
from flushpump.planning.detection_limits import damping, detectable, evidence_words, limit_lines, open_share
from flushpump.wire.messages import Evidence, PulseResult, Verdict

PORT = AccessPath.of("smartport-ct-8f", "huber-20g", "bd-10")
WIDE = AccessPath.of("tunneled-9.6f", "none", "bd-60")


def result(verdict: Verdict, evidence: Evidence, seen: int, limit: int) -> PulseResult:
    volumes, times = (900_000, 900_000, 900_000), (0, 470_000, 400_000)
    return PulseResult(0, verdict, 0, 0, *volumes, *times, 80_000, 0, 0, 0, evidence, seen, limit)


def test_on_a_port_a_leak_of_a_tenth_and_a_tenth_of_a_millilitre_of_air_are_told():
    found = detectable(PORT, 2.0)
    assert found.leak_share is not None
    assert found.leak_share < 0.1
    assert found.air_ml is not None
    assert found.air_ml < 0.1
    assert found.partial_times < 3
    assert found.line_off
    assert not any("not told" in line for line in limit_lines(PORT, 2.0))


def test_a_wide_line_says_that_it_tells_neither_little_leaks_nor_air():
    lines = limit_lines(WIDE, 2.0)
    assert any("not told on this path: a leak" in line for line in lines)
    assert any("not told on this path: air: liquid that swings" in line for line in lines)
    assert damping(WIDE, 2.0) < 1
    assert detectable(WIDE, 2.0).air_ml is None


def test_a_big_syringe_says_that_it_gives_way_more_than_a_little_air():
    path = AccessPath.of("smartport-ct-8f", "huber-20g", "bd-60")
    assert any("not told on this path: 0.1 mL of air" in line for line in limit_lines(path, 2.0))
    assert damping(path, 2.0) > 1


@pytest.mark.parametrize("path", [PORT, WIDE])
def test_extravasation_is_never_claimed(path: AccessPath):
    assert limit_lines(path, 2.0)[-1] == "never told: fluid that runs into tissue; look at the site"


def test_without_the_line_the_extension_set_alone_is_left():
    assert open_share(PORT, 2.0) == pytest.approx(0.08, abs=0.01)
    assert open_share(WIDE, 2.0) == pytest.approx(0.47, abs=0.02)
    assert open_share(AccessPath.of("picc-4f", "none", "bd-10", "none"), 1.0) == 0


@pytest.mark.parametrize("evidence", [each for each in Evidence if each])
def test_every_kind_of_evidence_has_its_words(evidence: Evidence):
    words = evidence_words(result(Verdict.OCCLUDED, evidence, 890, 800), PORT)
    assert "80 %" in words
    assert "needle and catheter apart" in words
    assert "needle" not in evidence_words(result(Verdict.OCCLUDED, evidence, 890, 800), WIDE)


def test_an_open_pulse_needs_no_words():
    assert evidence_words(result(Verdict.PATENT, Evidence.RESISTANCE, 1_004, 1_500), PORT) == ""
