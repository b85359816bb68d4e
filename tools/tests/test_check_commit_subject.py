"""The check of commit subjects: what it refuses, and what it lets pass."""

import pytest

from tools.check_commit_subject import problem_of


@pytest.mark.parametrize(
    "message",
    [
        "cli: refuse a fifo as sequence file\n",
        "docs/howto: add a page\n\nThe reason.\n",
        "x: " + "y" * 69,
        "cli: name the port\n# Please enter the commit message\n",
        "Merge branch 'main'",
        'Revert "cli: name the port"',
        "version 0.2.0",
    ],
)
def test_a_good_subject_passes(message: str) -> None:
    assert problem_of(message) == ""


@pytest.mark.parametrize(
    ("message", "part"),
    [
        ("", "no area"),
        ("Refuse a fifo", "no area"),
        ("cli:refuse a fifo", "no area"),
        ("x: " + "y" * 70, "73 characters"),
        ("cli: refuse a fifo.", "full stop"),
        ("cli: refuse a fifo\nas sequence file", "second line"),
    ],
)
def test_a_bad_subject_is_refused_with_its_reason(message: str, part: str) -> None:
    assert part in problem_of(message)
