"""The pytest plug-in of the black-box suite, an entry point of the package: options, markers, evidence.

It does nothing to tests outside of `flushhil.suite`, unless the ini option `flushhil_evidence` makes the tests of the
whole session evidence, as in this project's own repository.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("flushhil.dut", "flushhil.raw_client", "flushhil.ground_truth")

from flushhil import report, requirements, targets  # noqa: E402

pytest_plugins = ("flushhil.forks",)

# It only ends what hangs: the longest test takes some seconds, on a loaded machine some minutes.
_TIMEOUT_S = 600
_EVIDENCE = pytest.StashKey[requirements.Evidence]()
FAULTS_DROPPED = pytest.StashKey[bool]()
"""Whether --drop-faults has taken faults from the devices of a test."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("flushpump", "black-box tests of the flush pump")
    group.addoption(
        "--target", default="sim", metavar="TARGET", help=f"what the black-box tests run on: {targets.TARGETS}"
    )
    group.addoption("--whole-suite", action="store_true", help="on the emulator, all tests and not its subset (hours)")
    group.addoption("--evidence", metavar="FILE", help="write requirements, tests and measurements (.json or .md)")
    group.addoption(
        "--drop-faults",
        action="store_true",
        help="run each test that has faults without them: it has to fail then, or be marked passes_without_faults",
    )
    parser.addini("flushhil_evidence", "tests outside of flushhil.suite are evidence for requirements too", type="bool")


def pytest_configure(config: pytest.Config) -> None:
    target = config.getoption("--target")
    if not targets.is_known(target):
        raise pytest.UsageError(f"there is no target '{target}': write --target {targets.TARGETS}")
    config.addinivalue_line("markers", "slow: takes seconds; `make test-fast` leaves it out")
    config.addinivalue_line("markers", "long: takes long; `make test` leaves it out, `make test-long` runs it")
    config.addinivalue_line(
        "markers", "passes_without_faults(why): the test passes when its faults are dropped, and why that is right"
    )
    config.addinivalue_line("markers", "simulated(what): needs `what`, which no real board has; see targets.toml")
    config.addinivalue_line("markers", "requirement(*ids): requirements of requirements.toml that the test shows")
    config.stash[_EVIDENCE] = requirements.Evidence(requirements.read_requirements())


def pytest_report_header(config: pytest.Config) -> str | None:
    if config.getoption("--target") != "emulator":
        return None
    from flushsim.emulator import image

    try:
        return f"emulator: {image.banner(image.find())}"
    except image.NoImageError as problem:
        raise pytest.UsageError(f"the emulator has nothing to run: {problem}") from problem


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    everywhere = config.getini("flushhil_evidence")
    for item in items:
        in_suite = item.path.is_relative_to(targets.SUITE)
        if in_suite or everywhere:
            _note_requirements(item, config, in_suite)
        if in_suite:
            _prepare(item, config)


def _note_requirements(item: pytest.Item, config: pytest.Config, in_suite: bool) -> None:
    """Refuses unknown ids, and notes for the report what the test is about."""
    known = config.stash[_EVIDENCE].requirements
    marks = list(item.iter_markers("requirement"))
    ids = [name for mark in marks for name in mark.args]
    unknown = [name for name in ids if name not in known]
    if unknown or any(not mark.args for mark in marks):
        named = ", ".join(unknown) or "no requirement"
        raise pytest.UsageError(f"{item.nodeid} names {named}; {requirements.FILE.name} has the known ones")
    parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    own = targets.target_of(item.path.name, item.name, config.getoption("--target")) if in_suite else "-"
    target = parameters.get("target", own)
    item.user_properties.append(("requirements", sorted(set(ids))))
    item.user_properties.append(("target", str(target)))


def _prepare(item: pytest.Item, config: pytest.Config) -> None:
    """Skips what the target cannot show, and limits the time of the rest."""
    mark = item.get_closest_marker("simulated")
    needs = "" if mark is None else str(mark.args[0])
    names = (item.path.name, item.name)
    reason = targets.left_out(*names, needs, config.getoption("--target"), config.getoption("--whole-suite"))
    if reason and "open_dut" in getattr(item, "fixturenames", ()):
        item.add_marker(pytest.mark.skip(reason=reason))
    if item.get_closest_marker("timeout") is None and config.pluginmanager.hasplugin("timeout"):
        item.add_marker(pytest.mark.timeout(_TIMEOUT_S))


@pytest.fixture
def record_measurement(request: pytest.FixtureRequest) -> Callable[..., None]:
    """`record_measurement(name, value, unit, limit)` puts a value into the report and fails the test beyond its limit.

    `limit` is the most, or (least, most), or None for a value without a limit. A value beyond a most that the emulator
    is known to miss (`misses` of targets.toml) does not fail the test up to the most given there; the report names it.
    """
    target = dict(request.node.user_properties).get("target", "")

    def record(name: str, value: float, unit: str, limit: requirements.Limit = None) -> None:
        row, failure = requirements.measurement_row(name, value, unit, limit, target)
        request.node.user_properties.append(("measurement", row))
        if failure:
            pytest.fail(failure, pytrace=False)

    return record


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """With --drop-faults a test that had faults has to fail: one that passes does not depend on them."""
    found: pytest.TestReport = yield  # type: ignore[misc,assignment]
    if not item.config.getoption("--drop-faults") or call.when != "call" or found.skipped:
        return found  # type: ignore[return-value]
    why = item.get_closest_marker("passes_without_faults")
    if not item.stash.get(FAULTS_DROPPED, False) or why is not None:
        found.outcome, found.longrepr = "skipped", (str(item.path), 0, "Skipped: no fault to drop, or marked")
    elif found.passed:
        found.outcome, found.longrepr = "failed", "it passes without its faults"
    else:
        found.outcome, found.longrepr = "passed", None
    return found  # type: ignore[return-value]


class _Collector:
    """Collects the outcomes of all tests; with xdist the reports of the workers reach the controller."""

    def __init__(self, evidence: requirements.Evidence) -> None:
        self._evidence = evidence

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and report.passed:
            return
        facts = {key: value for key, value in report.user_properties if key != "measurement"}
        if "requirements" not in facts:
            return
        measured = tuple(value for key, value in report.user_properties if key == "measurement")
        reason = ""
        if report.skipped and isinstance(report.longrepr, tuple):
            reason = str(report.longrepr[2]).removeprefix("Skipped: ")
        self._evidence.outcomes.append(
            requirements.Outcome(
                report.nodeid, facts["target"], report.outcome, tuple(facts["requirements"]), measured, reason
            )
        )


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    session.config.pluginmanager.register(_Collector(session.config.stash[_EVIDENCE]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    evidence = config.stash[_EVIDENCE]
    if not any(outcome.requirements or outcome.measurements for outcome in evidence.outcomes):
        return
    measurements = report.measurement_lines(evidence.outcomes)
    if measurements:
        terminalreporter.section("measurements")
    for line in measurements:
        terminalreporter.line(line)
    terminalreporter.section("requirements")
    for line in report.requirement_lines(evidence) + report.skip_lines(evidence.outcomes):
        terminalreporter.line(line)
    file = config.getoption("--evidence")
    if file:
        path = Path(file)
        text = report.as_json(evidence) if path.suffix == ".json" else report.as_markdown(evidence)
        path.write_text(text, encoding="utf-8")
        terminalreporter.line(f"evidence written to {path}")
