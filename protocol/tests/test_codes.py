"""The codes of the message table that firmware and host have as files of their own."""

from pathlib import Path

import pytest

from tools import make_codes


@pytest.mark.parametrize("path", make_codes.files(), ids=lambda path: path.parent.name)
def test_the_codes_are_those_of_the_message_table(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == make_codes.files()[path], "run python -m tools.make_codes"
