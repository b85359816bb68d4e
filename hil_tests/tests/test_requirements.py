"""The list of requirements, the list of targets and the tests of all folders fit together; no test is run for that."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from flushhil import requirements, targets
from flushhil.targets import SUITE

ROOT = Path(__file__).parents[2]


def markers(file: Path, name: str) -> Iterator[str]:
    """The texts that `pytest.mark.NAME(...)` has as arguments in a file."""
    for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == name:
            yield from (one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str))


def ids_named_in_tests() -> set[str]:
    """Arguments of every requirement marker in the test folders of pyproject.toml."""
    options = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"]
    files = [file for folder in options["testpaths"] for file in (ROOT / folder).rglob("*.py")]
    return {requirement for file in files for requirement in markers(file, "requirement")}


def test_every_entry_of_the_list_of_targets_fits_a_test() -> None:
    files = list(SUITE.glob("test_*.py"))
    names = {
        f"{file.name}::{node.name}"
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    }
    assert targets.unknown_entries(names, {needs for file in files for needs in markers(file, "simulated")}) == []


def test_every_requirement_without_not_yet_has_a_test() -> None:
    named = ids_named_in_tests()
    untested = [row.id for row in requirements.read_requirements().values() if row.id not in named and not row.not_yet]
    assert not untested, f"no test names {untested}: write one, or give the reason as not_yet"


def test_no_requirement_with_a_test_has_a_not_yet() -> None:
    named = ids_named_in_tests()
    stale = [row.id for row in requirements.read_requirements().values() if row.id in named and row.not_yet]
    assert not stale, f"tests name {stale}: not_yet is not true any more"


def test_no_test_names_an_unknown_requirement() -> None:
    assert not ids_named_in_tests() - set(requirements.read_requirements())


def test_ids_and_sentences_are_well_formed() -> None:
    for row in requirements.read_requirements().values():
        assert re.fullmatch(r"REQ-[A-Z]+-[1-9]", row.id)
        assert row.sentence.endswith(".")
