"""The list of requirements and the tests that show them fit together, without any test being run."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

from flushhil import requirements, targets

ROOT = Path(__file__).parents[3]


def ids_named_in_tests() -> set[str]:
    """Arguments of every requirement marker in the test folders of pyproject.toml."""
    folders = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["testpaths"]
    return {
        argument.value
        for folder in folders
        for file in (ROOT / folder).rglob("*.py")
        for call in ast.walk(ast.parse(file.read_text()))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "requirement"
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }


def functions_and_needs() -> tuple[set[str], set[str]]:
    """Every black-box test as file::function, and the words of all `simulated` markers."""
    names, needs = set(), set()
    for file in Path(__file__).parent.glob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef):
                names.add(f"{file.name}::{node.name}")
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "simulated":
                needs |= {argument.value for argument in node.args if isinstance(argument, ast.Constant)}
    return names, needs


def test_every_entry_of_the_list_of_targets_fits_a_test() -> None:
    assert targets.unknown_entries(*functions_and_needs()) == []


def test_every_requirement_that_is_not_said_to_be_open_has_a_test() -> None:
    named = ids_named_in_tests()
    silent = [row.id for row in requirements.read_requirements().values() if row.id not in named and not row.not_yet]
    assert not silent, f"no test names {silent}: write one, or say with not_yet why there is none"


def test_no_requirement_that_has_a_test_is_said_to_be_open() -> None:
    named = ids_named_in_tests()
    stale = [row.id for row in requirements.read_requirements().values() if row.id in named and row.not_yet]
    assert not stale, f"tests name {stale}: not_yet is not true any more"


def test_no_test_names_a_requirement_that_is_not_in_the_list() -> None:
    assert not ids_named_in_tests() - set(requirements.read_requirements())


def test_ids_and_sentences_are_whole() -> None:
    for row in requirements.read_requirements().values():
        assert re.fullmatch(r"REQ-[A-Z]+-[1-9]", row.id)
        assert row.sentence.endswith(".")


REQUIREMENT = requirements.Requirement("REQ-STOP-1", "STOP stops.", partly="the rest")


@pytest.mark.parametrize(
    ("outcomes", "words"),
    [
        ([], "not shown by the tests of this run"),
        (["passed", "skipped"], "partly shown: 1 passed, 1 skipped; the rest"),
        (["skipped"], "not shown on this target: 1 skipped"),
        (["passed", "failed"], "NOT SHOWN: 1 passed, 1 failed"),
    ],
)
def test_the_report_calls_shown_only_what_passed(outcomes: list[str], words: str) -> None:
    rows = [requirements.Outcome("test", "sim", outcome, ("REQ-STOP-1",), ()) for outcome in outcomes]
    assert requirements.verdict(REQUIREMENT, rows) == words


def test_the_report_tells_a_figure_with_unit_limit_and_target() -> None:
    row = {"name": "STOP to last step", "value": 4.0, "unit": "ms", "least": None, "most": 10}
    told = requirements.Evidence(
        {"REQ-STOP-1": REQUIREMENT}, [requirements.Outcome("t", "native", "passed", ("REQ-STOP-1",), (row,))]
    )
    line = "STOP to last step: 4 ms (at most 10) [native]"
    assert requirements.figure_lines(told.outcomes) == [line]
    assert line in requirements.as_markdown(told)
    assert '"value": 4.0' in requirements.as_json(told)


@pytest.mark.parametrize(
    ("value", "target", "fails", "missed"),
    [(9.9, "emulator", False, False), (13.0, "emulator", False, True), (15.1, "emulator", True, False),
     (13.0, "sim", True, False)],
)  # fmt: skip
def test_a_miss_that_the_emulator_is_known_for_is_told_and_any_other_fails(
    value: float, target: str, fails: bool, missed: bool
) -> None:
    name = "host STOP behind 180 bytes of noise to last step"
    row, complaint = requirements.figure_row(name, value, "ms", 10.0, target)
    assert (bool(complaint), "missed" in row) == (fails, missed)
