"""A verdict comes with the statistic that it rests on."""

import pytest
from flushpump.access.access_path import AccessPath
from flushpump.runs.verdict_text import evidence_words
from flushpump.wire.messages import Evidence, PulseResult, Verdict

PORT = AccessPath.of("smartport-ct-8f", "huber-20g", "bd-10")
WIDE = AccessPath.of("tunneled-9.6f", "none", "bd-60")


def result(verdict: Verdict, evidence: Evidence, observed: int, threshold: int) -> PulseResult:
    volumes, times = (900_000, 900_000, 900_000), (0, 470_000, 400_000)
    return PulseResult(0, verdict, 0, 0, *volumes, *times, 80_000, 0, 0, 0, evidence, observed, threshold)


@pytest.mark.parametrize("evidence", [each for each in Evidence if each])
def test_every_kind_of_evidence_has_a_sentence_with_its_threshold_and_cause(evidence: Evidence):
    words = evidence_words(result(Verdict.OCCLUDED, evidence, 890, 800), PORT)
    assert "80 %" in words
    assert "separate needle and catheter" in words
    assert "needle" not in evidence_words(result(Verdict.OCCLUDED, evidence, 890, 800), WIDE)


def test_a_patent_pulse_has_no_sentence():
    assert evidence_words(result(Verdict.PATENT, Evidence.RESISTANCE, 1_004, 1_500), PORT) == ""


def test_air_is_named_with_the_compliance_over_its_baseline():
    words = evidence_words(result(Verdict.BUBBLE, Evidence.COMPLIANCE, 1_670, 1_250), PORT)
    assert words.startswith("compliance 167 % of baseline (threshold 125 %): possible air")
