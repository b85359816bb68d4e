"""What a campaign file means, and the sentence for an invalid one."""

import random
from collections import Counter
from pathlib import Path

import pytest
from flushpump.errors import UsageError
from flushsim.campaign.config import CampaignConfig, load, parse, shipped_names
from flushsim.campaign.distributions import parsed
from flushsim.campaign.rows import scenario_with_visit
from flushsim.campaign.sampling import scenario_of, visit_before
from flushsim.faults.spec import Fault


def test_every_shipped_campaign_can_be_read_and_its_scenarios_drawn() -> None:
    assert {"catalogue", "small"} <= set(shipped_names())
    for name in shipped_names():
        config = load(name)
        for index in range(3 * len(config.groups)):
            assert scenario_of(config, index).plan().pulse_count


def test_the_same_seed_and_index_draw_the_same_scenario_whatever_was_drawn_before(config: CampaignConfig) -> None:
    forwards = [scenario_of(config, index) for index in range(12)]
    backwards = [scenario_of(config, index) for index in reversed(range(12))]
    assert forwards == backwards[::-1]
    assert len({scenario.seed for scenario in forwards}) == 12


def test_a_path_with_tolerances_is_another_for_each_scenario_and_the_same_for_one(text: str) -> None:
    drawn = parse(text.replace("tolerances = false", "tolerances = true"), "two", "two.toml")
    bores = [scenario.true_path().needle_bore_mm for scenario in (scenario_of(drawn, index) for index in (0, 1, 2, 0))]
    assert len(set(bores)) == 3
    assert bores[0] == bores[3]


def test_a_last_visit_had_the_same_catheter_and_another_needle_and_is_known_to_the_plan(text: str) -> None:
    visited = parse(
        text.replace("tolerances = false", "tolerances = true").replace("[[group]]", "[[group]]\nlast_visit = true", 1),
        "two", "two.toml",
    )  # fmt: skip
    now, before = scenario_of(visited, 0).true_path(), visit_before(visited, 0).true_path()
    assert before.catheter_bore_mm == now.catheter_bore_mm
    assert before.needle_bore_mm != now.needle_bore_mm
    assert visit_before(visited, 0).faults == ()
    visit = scenario_with_visit(visited, 0).plan().visit
    assert visit is not None
    assert 0.4 < visit.times < 2.0


def test_the_host_claims_to_find_another_syringe_only_where_the_last_visit_is_known(text: str) -> None:
    wrong = text.replace('"occlusion"\nonset_pulse = { uniform = [1, 2] }', '"wrong-syringe"')
    assert parse(wrong, "two", "two.toml").groups[1].expect == frozenset()
    visited = parse(wrong.replace("[[group]]", "[[group]]\nlast_visit = true"), "two", "two.toml")
    assert visited.groups[1].expect == {"wrong_syringe"}


def test_a_group_is_healthy_without_a_fault_or_when_the_file_sets_it(text: str) -> None:
    assert [group.healthy for group in parse(text, "two", "two.toml").groups] == [True, False]
    cough = text.replace("[[group]]\n[[group.fault]]", "[[group]]\nhealthy = true\n[[group.fault]]")
    assert [group.healthy for group in parse(cough, "two", "two.toml").groups] == [True, True]


def test_cases_go_to_groups_by_their_shares(config: CampaignConfig) -> None:
    names = [config.group_of(index).name for index in range(9)]
    assert Counter(names) == {"healthy": 6, "occlusion": 3}
    assert Counter(names[:3]) == {"healthy": 2, "occlusion": 1}


def test_an_onset_in_pulses_reaches_from_that_pulse_to_the_next(config: CampaignConfig) -> None:
    onsets_s = []
    for index in range(1, 300, 3):
        (fault,) = scenario_of(config, index).faults
        assert isinstance(fault, Fault)
        onsets_s.append(fault.at_us / 1e6)
    # The first pulse of 0.9 mL at 2 mL/s begins 1.025 s after the aspirate check's first step and lasts 0.47 s.
    assert 1.02 < min(onsets_s) < 1.05
    assert 1.45 < max(onsets_s) < 1.50


def test_a_group_has_every_path_that_its_names_give_and_that_can_be_run() -> None:
    text = '[path]\nlines = ["picc-*", "standard-port-8f"]\nneedles = ["huber-*"]\nsyringes = ["bd-*"]\n[[group]]\n'
    (group,) = parse(text, "paths", "paths.toml").groups
    assert {scenario.needle for scenario in group.scenarios if scenario.line.startswith("picc")} == {"none"}
    assert {scenario.needle for scenario in group.scenarios if not scenario.line.startswith("picc")} == {
        "huber-19g", "huber-20g", "huber-22g",
    }  # fmt: skip
    # A barrel narrower than a 10 mL syringe is refused for a central line.
    assert {scenario.syringe for scenario in group.scenarios} == {"bd-10", "bd-20", "bd-30", "bd-60"}
    assert {scenario.sequence for scenario in group.scenarios} == {"picc-flush", "port-maintenance"}


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [
        (3, 3, 3),
        ({"uniform": [1, 9]}, 1, 9),
        ({"log_uniform": [0.1, 10]}, 0.1, 10),
        ({"normal": [5, 1]}, 2, 8),
        ({"choice": [2, 7, 3]}, 2, 7),
    ],
)
def test_a_distribution_stays_within_its_bounds_and_reaches_near_them(value: object, low: float, high: float) -> None:
    distribution = parsed(value)
    assert (distribution.low, distribution.high) == (low, high)
    source = random.Random(1)
    drawn = [distribution.drawn(source) for _ in range(5_000)]
    assert low <= min(drawn) <= low + 0.15 * (high - low)
    assert high - 0.15 * (high - low) <= max(drawn) <= high


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("runs = 6", "run = 6"), "two.toml, run is not known; did you mean runs?"),
        (("runs = 6", "runs = 0"), "runs is 0; give a whole number from 1"),
        (("lines = [", "line = ["), "path, line is not known; did you mean lines?"),
        (("smartport-ct-8f", "smartport-ct-8"), "which is not in the catalog; did you mean smartport-ct-8f?"),
        (("share = 2", "share = -2"), "group 1, share is -2; give a whole number from 1"),
        (('"occlusion"', '"oclusion"'), "name is 'oclusion', which is not known; did you mean occlusion?"),
        (('"occlusion"', '"occlusion"\nseverity = 2'), "severity is not for occlusion; leave it out"),
        (("onset_pulse", "onset"), "onset has no unit; write onset_s"),
        (("onset_pulse", "onset_s = 3\nonset_pulse"), "onset_s and onset_pulse are both given"),
        (("uniform", "unifrom"), "onset_pulse is of the kind 'unifrom', which is not known: did you mean uniform?"),
        (("[1, 2]", "[2, 1]"), "onset_pulse goes from 2 down to 1: write the lower one first"),
        (("[1, 2]", "[1, 12]"), "onset_pulse can be 1 to 12; it has to stay from 1 to 10.999"),
        (("[1, 2]", "[1, nan]"), "has for uniform no list of numbers"),
        (("uniform = [1, 2]", "normal = [5, -1]"), "has a standard deviation of -1, below 0"),
        (("uniform = [1, 2]", "log_uniform = [0, 2]"), "begins at 0, and a logarithm needs more than 0"),
        (("{ uniform = [1, 2] }", '"late"'), "onset_pulse is no distribution, as in 3, "),
        (("[[group]]\n[[", '[[group]]\nname = "healthy"\n[['), "group 'healthy' is there twice"),
        (('title = "two groups"', "title = two"), "two.toml is not valid TOML"),
        (("share = 2", 'expect = ["partail"]'), "which is no verdict and no alarm; did you mean partial?"),
        (("tolerances = false", "tolerances = 1"), "tolerances is 1; write true or false"),
        (("tolerances = false", 'syringes = ["bd-3"]'), "lines gives no path that can be run"),
    ],
)
def test_an_invalid_file_is_refused_in_one_sentence(text: str, change: tuple[str, str], sentence: str) -> None:
    assert change[0] in text
    with pytest.raises(UsageError) as refused:
        parse(text.replace(change[0], change[1], 1), "two", "two.toml")
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_severity_that_its_fault_cannot_have_is_refused(text: str) -> None:
    partial = text.replace('"occlusion"', '"partial"\nseverity = { uniform = [0.5, 3] }')
    with pytest.raises(UsageError, match=r"severity can be 0.5 to 3; it has to stay from 1 to 1e\+06 times"):
        parse(partial, "two", "two.toml")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("smal", "did you mean small?"),
        ("zzz", "name a .toml file, or one of"),
        ("nowhere.toml", "there is no campaign file nowhere.toml"),
    ],
)
def test_an_unknown_campaign_is_refused_with_the_known_ones(name: str, sentence: str) -> None:
    with pytest.raises(UsageError) as refused:
        load(name)
    assert sentence in str(refused.value)


def test_a_users_file_is_read_by_its_path(tmp_path: Path, text: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    assert load(str(file)).name == "mine"
