"""Sequence files: the built-in ones, and the sentence for each mistake in a file."""

from pathlib import Path as FilePath

import pytest
from flushpump.access.parts import UnknownNameError
from flushpump.errors import UsageError
from flushpump.planning.sequence import built_in_names, load_sequence, parse_sequence
from flushpump.wire.messages import Fluid, PhaseKind, Question

GOOD = """
title = "mine"
[[phase]]
kind = "aspirate"
volume_ml = 0.5
flow_ml_per_s = 0.5
question = "blood_return"
[[phase]]
kind = "pulses"
count = 3
volume_ml = 1
flow_ml_per_s = 1.5
pause_s = 0.4
"""


def test_the_built_in_sequences_are_those_of_the_manual():
    assert set(built_in_names()) == {
        "port-maintenance", "picc-flush", "tunneled-flush", "sas", "sash", "lock", "patency",
    }  # fmt: skip


def test_port_maintenance_is_an_aspirate_check_ten_pulses_and_a_lock():
    check, pulses, lock = load_sequence("port-maintenance").phases
    assert (check.kind, check.question) == (PhaseKind.ASPIRATE, Question.BLOOD_RETURN)
    assert (pulses.kind, pulses.count, pulses.volume_ml, pulses.flow_ml_per_s, pulses.pause_s) == (
        PhaseKind.PULSES, 10, 0.9, 2.0, 0.4,
    )  # fmt: skip
    assert lock.kind == PhaseKind.LOCK


@pytest.mark.requirement("REQ-PATH-3")
@pytest.mark.parametrize("name", built_in_names())
def test_every_built_in_sequence_asks_for_blood_return_first(name: str):
    first = load_sequence(name).phases[0]
    assert first.question is Question.BLOOD_RETURN
    assert first.kind in (PhaseKind.ASPIRATE, PhaseKind.WAIT)


def test_a_file_of_the_user_is_read_as_written(tmp_path: FilePath):
    file = tmp_path / "mine.toml"
    file.write_text(GOOD)
    sequence = load_sequence(str(file))
    assert sequence.name == "mine"
    assert sequence.fluid is Fluid.SALINE
    assert sequence.phases[1].pause_s == 0.4


def test_an_unknown_sequence_is_refused_with_the_nearest_name():
    with pytest.raises(UnknownNameError, match="did you mean port-maintenance"):
        load_sequence("port-maintainance")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("volume_ml = 1\n", "volume = 1\n", "mine.toml, phase 2, volume has no unit; write volume_ml"),
        ("volume_ml = 1\n", "volume_ml = '1 mL'\n", "phase 2, volume_ml is '1 mL'; give a number in mL, without"),
        ("volume_ml = 1\n", "volume_ml = -1\n", "phase 2, volume_ml is -1 mL; give a number from 0.01 to 60 mL"),
        ("volume_ml = 1\n", "volume_ml = nan\n", "phase 2, volume_ml is nan mL"),
        ("volume_ml = 1\n", "volume_ml = inf\n", "phase 2, volume_ml is inf mL"),
        ("volume_ml = 1\n", "", "phase 2, volume_ml is missing; give a number in mL"),
        ("volume_ml = 1\n", "volume_ml = true\n", "phase 2, volume_ml is True"),
        ("volume_ml = 1\n", "volume_ml = 'lock'\n", "phase 2, volume_ml is 'lock'"),
        ("flow_ml_per_s = 1.5", "flow_ml_per_s = 1500", "flow_ml_per_s is 1500 mL/s; give a number from 0.01 to 10"),
        ("count = 3", "count = 0", "phase 2, count is 0; give a whole number from 1 to 100"),
        ("count = 3", "count = 2.5", "phase 2, count is 2.5"),
        ("count = 3\n", "", "phase 2, count is missing"),
        ("pause_s", "puase_s", "phase 2, puase_s is not known; did you mean pause_s?"),
        ('"pulses"', '"pulse"', "phase 2, kind is 'pulse', which is not known; did you mean pulses?"),
        ('"blood_return"', '"blood"', "phase 1, question is 'blood', which is not known"),
        ("title", "fluid = 'water'\ntitle", "mine.toml, fluid is 'water', which is not known"),
        ("title", "for = ['foot']\ntitle", "for is ['foot']; give a list of port, picc, tunneled"),
        ('title = "mine"', "title = 3", "title is 3; put a text in quotes"),
        ("[[phase]]", "[[phase", "mine.toml is not valid TOML"),
        ("[[phase]]", "[[fase]]", "fase is not known; did you mean phase?"),
        ('"pulses"\ncount = 3', '"wait"\ncount = 3', "count does not belong in a phase of kind wait; remove it"),
        ('"pulses"\ncount = 3', '"steady"\ncount = 3', "count does not belong in a phase of kind steady"),
    ],
)
def test_a_mistake_in_a_file_is_named_in_one_sentence(old: str, new: str, sentence: str):
    assert old in GOOD
    with pytest.raises(UsageError) as caught:
        parse_sequence(GOOD.replace(old, new), "mine", "mine.toml")
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "mine.toml" in str(caught.value)


def test_a_file_with_no_phase_or_too_many_is_refused():
    with pytest.raises(UsageError, match="begin each phase with"):
        parse_sequence("title = 'x'", "x", "x.toml")
    with pytest.raises(UsageError, match="at most 12 phases"):
        parse_sequence("[[phase]]\nkind = 'wait'\nquestion = 'continue'\n" * 13, "x", "x.toml")


def test_a_waiting_phase_needs_a_question():
    with pytest.raises(UsageError, match="question is missing; give one of"):
        parse_sequence("[[phase]]\nkind = 'wait'\n", "x", "x.toml")


def test_a_file_that_is_missing_binary_or_a_folder_is_refused(tmp_path: FilePath):
    with pytest.raises(UsageError, match="there is no sequence file"):
        load_sequence(str(tmp_path / "none.toml"))
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="is not text"):
        load_sequence(str(binary))
    folder = tmp_path / "folder.toml"
    folder.mkdir()
    with pytest.raises(UsageError, match="is a folder, not a file"):
        load_sequence(str(folder))


@pytest.mark.parametrize("text", ["a = " + "[" * 5000 + "]" * 5000, "a = " + "{a = " * 5000 + "1" + "}" * 5000])
def test_brackets_that_are_nested_too_deep_are_refused(text: str):
    with pytest.raises(UsageError, match=r"mine\.toml has brackets nested too deep; remove"):
        parse_sequence(text, "mine", "mine.toml")


def test_a_number_of_thousands_of_digits_is_refused():
    with pytest.raises(UsageError, match=r"mine\.toml is not valid TOML: Exceeds the limit"):
        parse_sequence(f"a = {'9' * 5000}", "mine", "mine.toml")


def test_a_title_that_cannot_be_printed_is_refused():
    with pytest.raises(UsageError, match=r"mine\.toml, title is 'red \\x1b\[31m'; write one line"):
        parse_sequence(GOOD.replace('"mine"', '"red \\u001b[31m"'), "mine", "mine.toml")
