"""What each target can show: the options --target and --whole, and the tests that are left out and why.

`targets.toml` is the one place that says so. The report names what was left out by reason.
"""

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent
TARGETS = "sim, native, emulator or serial:DEVICE"
_TABLES: dict[str, Any] = tomllib.loads((FOLDER / "targets.toml").read_text(encoding="utf-8"))
LACKS: dict[str, str] = _TABLES["emulator"]["lacks"]
MISSES: dict[str, dict[str, Any]] = _TABLES["emulator"]["misses"]
SUBSET: dict[str, list[str]] = _TABLES["emulator"]["subset"]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("flushpump")
    group.addoption("--target", default="sim", metavar="TARGET", help=f"what the black-box tests run on: {TARGETS}")
    group.addoption("--whole", action="store_true", help="on the emulator, all tests and not its subset; takes hours")


def pytest_configure(config: pytest.Config) -> None:
    target = config.getoption("--target")
    if target not in ("sim", "native", "emulator") and not (target.startswith("serial:") and target != "serial:"):
        raise pytest.UsageError(f"there is no target '{target}': write --target {TARGETS}")
    config.addinivalue_line("markers", "simulated(what): needs `what`, which no real board has; see targets.toml")


def pytest_report_header(config: pytest.Config) -> str | None:
    if config.getoption("--target") != "emulator":
        return None
    from flushsim.emulator import image

    try:
        return f"emulator: {image.banner(image.find())}"
    except image.NoImageError as problem:
        raise pytest.UsageError(f"the emulator has nothing to run: {problem}") from problem


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    target: str = config.getoption("--target")
    for item in items:
        if item.path.parent != FOLDER / "suite" or "open_bench" not in getattr(item, "fixturenames", ()):
            continue
        reason = _left_out(item, target, config.getoption("--whole"))
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))


def _left_out(item: pytest.Item, target: str, whole: bool) -> str:
    """Why the target cannot show it, "" when it can."""
    mark = item.get_closest_marker("simulated")
    needs = "" if mark is None else str(mark.args[0])
    if target.startswith("serial:") and needs:
        return f"needs {needs}, which only a simulated target has"
    if target == "emulator" and needs in LACKS:
        return f"needs {needs}, and {LACKS[needs]}"
    if target == "emulator" and not whole and not _in_subset(item.path.name, item.name):
        return "takes the emulator too long for its subset; --whole runs it"
    return ""


def _in_subset(file: str, name: str) -> bool:
    """Whether targets.toml lists the test, with its parameters or without."""
    return any(entry in (name, name.split("[")[0]) for entry in SUBSET.get(file, ()))


def unknown_entries(names: Iterable[str], marks: Iterable[str]) -> list[str]:
    """Entries of targets.toml that fit no test (`names` as file::test) or no word of a marker."""
    known = set(names)
    entries = [f"{file}::{entry.split('[')[0]}" for file, listed in SUBSET.items() for entry in listed]
    return [entry for entry in entries if entry not in known] + [what for what in LACKS if what not in set(marks)]
