"""The device under test on the target of `--target`: `open_dut` opens one with options, `dut` is a plain one."""

from collections.abc import Callable, Iterator

import pytest

from flushhil.dut import DeviceUnderTest
from flushhil.plugin import FAULTS_DROPPED
from flushhil.targets import target_of


@pytest.fixture
def open_dut(request: pytest.FixtureRequest) -> Iterator[Callable[..., DeviceUnderTest]]:
    """Opens devices with the arguments of DeviceUnderTest; all are closed after the test."""
    target = target_of(request.path.name, request.node.name, request.config.getoption("--target"))
    duts: list[DeviceUnderTest] = []

    def open_one(**options: object) -> DeviceUnderTest:
        if options.get("faults") and request.node.get_closest_marker("simulated") is None:
            pytest.fail("a test with faults must be marked as simulated")
        if options.get("faults") and request.config.getoption("--drop-faults"):
            request.node.stash[FAULTS_DROPPED] = True
            options["faults"] = ()
        if target == "emulator":
            options["board"] = request.getfixturevalue("started_board")
        duts.append(DeviceUnderTest(target, **options))  # type: ignore[arg-type]
        return duts[-1]

    yield open_one
    for dut in duts:
        dut.close()


@pytest.fixture
def dut(open_dut: Callable[..., DeviceUnderTest]) -> DeviceUnderTest:
    """A pump with an open session on the 8F port."""
    return open_dut()
