"""What the pump detects, and does not, on paths drawn within their tolerances, on a living vein: hard cases."""

from dataclasses import replace

import pytest
from flushpump.wire.messages import Verdict
from flushsim.campaign.config import CampaignConfig, parse
from flushsim.campaign.rows import scenario_with_visit
from flushsim.scenario import Scenario, run

_PATHS = """
[path]
lines = ["*"]
needles = ["huber-*"]
syringes = ["bd-10", "terumo-10", "braun-10", "bd-20"]
extensions = ["extension-*"]
"""
_AIR_AND_LEAKS = """
seed = 102
[[group]]
[[group.fault]]
name = "bubble"
severity = { choice = [0.1, 0.5] }
onset_pulse = { uniform = [2, 8] }
[[group]]
[[group.fault]]
name = "leak"
severity = { choice = [0.1, 0.5] }
onset_pulse = { uniform = [2, 8] }
"""
_LITTLE_AIR = """
seed = 501
[[group]]
[[group.fault]]
name = "bubble"
severity = { choice = [0.1] }
onset_pulse = { uniform = [1, 4] }
"""
_COUGHS = """
seed = 103
[[group]]
name = "coughing"
healthy = true
[[group.fault]]
name = "cough"
severity = { uniform = [3, 11] }
onset_s = { uniform = [0, 4.5] }
"""
_CLOSED = """
seed = 1
[[group]]
[[group.fault]]
name = "occlusion"
onset_pulse = { uniform = [1, 10.9] }
"""


def _described(text: str) -> CampaignConfig:
    seed, groups = text.strip().split("\n", 1)
    return parse(f'title = "detection"\nruns = 1\n{seed}\n{_PATHS}\n{groups}\n', "detection", "detection.toml")


def _verdicts(text: str, case: int) -> list[Verdict]:
    return [pulse.verdict for pulse in run(scenario_with_visit(_described(text), case)).reported.pulses]


@pytest.mark.parametrize("case", [6, 34, 128, 186, 218])
def test_half_a_millilitre_of_air_that_comes_when_the_first_pulse_has_ended_is_detected(case: int) -> None:
    assert Verdict.BUBBLE in _verdicts(_AIR_AND_LEAKS, case)


@pytest.mark.parametrize("case", [0, 21, 29, 66, 70])
def test_a_tenth_of_a_millilitre_of_air_that_comes_in_the_second_pulse_is_detected_within_two_more(case: int) -> None:
    verdicts = _verdicts(_LITTLE_AIR, case)
    assert verdicts[0] is Verdict.PATENT
    assert Verdict.BUBBLE in verdicts[1:4]


@pytest.mark.requirement("REQ-OCCL-1")
@pytest.mark.parametrize("case", [38, 240])
def test_liquid_that_swings_behind_air_is_not_taken_for_a_closed_line(case: int) -> None:
    verdicts = _verdicts(_AIR_AND_LEAKS, case)
    assert Verdict.BUBBLE in verdicts
    assert Verdict.OCCLUDED not in verdicts


@pytest.mark.requirement("REQ-OCCL-4")
@pytest.mark.parametrize(("line", "needle"), [("smartport-ct-8f", "huber-20g"), ("standard-port-6f", "huber-22g")])
def test_a_line_that_closes_behind_a_millilitre_of_air_is_relieved_of_all_that_the_air_holds(
    line: str, needle: str
) -> None:
    done = run(Scenario(line=line, needle=needle, faults=("bubble:1.0@2.5s", "occlusion@5.2s")))
    assert [pulse.verdict for pulse in done.reported.pulses][-2:] == [Verdict.BUBBLE, Verdict.OCCLUDED]
    # Measured 0.005 mL; 0.12 mL when relief does not know of the air.
    assert done.ground_truth.bolus_ml < 0.02


@pytest.mark.requirement("REQ-OCCL-4")
def test_a_line_whose_liquid_swings_is_relieved_of_all_that_it_holds_though_its_falls_have_shown_little() -> None:
    done = run(scenario_with_visit(_described(_CLOSED), 8995))
    assert done.reported.pulses[-1].verdict is Verdict.OCCLUDED
    assert done.reported.pulses[-2].compliance_nl_per_kpa < done.settings.compliance_nl_per_kpa / 4
    # Measured 0.005 mL; 0.25 mL when relief goes by the falls alone.
    assert done.ground_truth.bolus_ml < 0.02


@pytest.mark.parametrize("case", [79, 131, 253, 285, 319])
def test_a_leak_of_a_tenth_that_begins_after_the_first_pulses_is_detected(case: int) -> None:
    assert _verdicts(_AIR_AND_LEAKS, case)[-1] is Verdict.LEAK


@pytest.mark.parametrize("case", [28, 157, 219, 266, 302, 594, 2267])
def test_coughs_in_the_first_pulses_are_not_taken_for_a_leak_or_air_in_the_later_ones(case: int) -> None:
    assert set(_verdicts(_COUGHS, case)) == {Verdict.PATENT}


@pytest.mark.parametrize(
    ("seed", "case"),
    [
        pytest.param(77, 5847, id="a cough in a line too wide to measure its rise"),
        pytest.param(1, 11072, id="a cough in two falls"),
        pytest.param(1, 31423, id="a last visit in which the liquid swung"),
    ],
)
def test_nothing_in_one_of_thousands_of_healthy_runs_is_taken_for_air(seed: int, case: int) -> None:
    text = _COUGHS.replace("seed = 103", f"seed = {seed}").replace("[0, 4.5]", "[0, 9]")
    healthy = '[[group]]\nname = "healthy"\nshare = 3\n'
    visited = '[[group]]\nname = "visited before"\nlast_visit = true\n'
    text = text.replace("[[group]]", healthy + "[[group]]", 1) + visited
    assert set(_verdicts(text, case)) == {Verdict.PATENT}


@pytest.mark.parametrize(
    ("line", "needle", "syringe"),
    [
        ("smartport-ct-6.6f", "huber-22g", "bd-20"),
        ("smartport-ct-8f", "huber-20g", "bd-10"),
        ("picc-3f", "none", "bd-10"),
        ("tunneled-9.6f", "none", "bd-10"),
    ],
)
def test_what_a_visit_has_found_of_a_line_is_what_the_pump_finds_at_the_next(
    line: str, needle: str, syringe: str
) -> None:
    case = Scenario(line=line, needle=needle, syringe=syringe)
    first = run(replace(case, visit=run(case).visit())).reported.pulses[0]
    assert first.seen_permille == pytest.approx(1000, abs=50)


@pytest.mark.requirement("REQ-PRES-2")
@pytest.mark.parametrize("line", ["tunneled-9.6f", "picc-5f"])
def test_a_flow_that_is_only_on_its_way_up_is_not_reported_as_lowered(line: str) -> None:
    case = Scenario(line=line, needle="none")
    reported = run(replace(case, path=replace(case.true_path(), inertia=True))).reported
    assert [pulse.derated_percent for pulse in reported.pulses] == [0] * 10
    assert all(pulse.duration_us == pytest.approx(470_400, abs=1_000) for pulse in reported.pulses)
