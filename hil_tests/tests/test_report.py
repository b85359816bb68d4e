"""What the report of the black-box suite claims, and what it does not."""

import pytest
from flushhil import report, requirements

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
def test_a_requirement_is_shown_only_by_tests_that_passed(outcomes: list[str], words: str) -> None:
    rows = [requirements.Outcome("test", "sim", outcome, ("REQ-STOP-1",), ()) for outcome in outcomes]
    assert requirements.verdict(REQUIREMENT, rows) == words


def test_the_report_gives_a_measurement_with_unit_limit_and_target() -> None:
    row = {"name": "STOP to last step", "value": 4.0, "unit": "ms", "least": None, "most": 10}
    evidence = requirements.Evidence(
        {"REQ-STOP-1": REQUIREMENT}, [requirements.Outcome("t", "native", "passed", ("REQ-STOP-1",), (row,))]
    )
    line = "STOP to last step: 4 ms (at most 10) [native]"
    assert report.measurement_lines(evidence.outcomes) == [line]
    assert line in report.as_markdown(evidence)
    assert '"value": 4.0' in report.as_json(evidence)


@pytest.mark.parametrize(
    ("value", "target", "fails", "missed"),
    [(9.9, "emulator", False, False), (13.0, "emulator", False, True), (15.1, "emulator", True, False),
     (13.0, "sim", True, False)],
)  # fmt: skip
def test_a_known_miss_of_the_emulator_is_reported_and_any_other_fails(
    value: float, target: str, fails: bool, missed: bool
) -> None:
    name = "host STOP behind 180 bytes of noise to last step"
    row, failure = requirements.measurement_row(name, value, "ms", 10.0, target)
    assert (bool(failure), "missed" in row) == (fails, missed)
