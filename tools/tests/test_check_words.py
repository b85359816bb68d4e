"""The count of replaced words finds them in sentences and identifiers, and leaves fixed names alone."""

import pytest

from tools.check_words import words_of


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("the pump says what it was told", ["says", "told"]),
        ("told_first_ms = tellUser(SAID)", ["told", "tell", "said"]),
        ("a foretold handle of the essay", []),
        ("in each turn of the loop", ["turns? of the loop|(?:each|one|a) turn"]),
        ("pulse.seen_permille", []),
        ("written by hand", []),
    ],
)
def test_replaced_words_are_found_in_sentences_and_identifiers(line: str, found: list[str]) -> None:
    assert list(words_of(line)) == found
