"""Benches for the black-box tests: `open_bench` makes one on the target of `--target`, `bench` is a plain one."""

from collections.abc import Callable, Iterator

import pytest

from flushhil.dut import DeviceUnderTest
from flushhil.targets import target_of


@pytest.fixture
def open_bench(request: pytest.FixtureRequest) -> Iterator[Callable[..., DeviceUnderTest]]:
    """Makes benches with the arguments of DeviceUnderTest; all are closed when the test is over."""
    target = target_of(request.path.name, request.node.name, request.config.getoption("--target"))
    benches: list[DeviceUnderTest] = []

    def make(**options: object) -> DeviceUnderTest:
        if options.get("faults") and request.node.get_closest_marker("simulated") is None:
            pytest.fail("a test with faults must be marked as simulated")
        if target == "emulator":
            options["board"] = request.getfixturevalue("started_board")
        benches.append(DeviceUnderTest(target, **options))  # type: ignore[arg-type]
        return benches[-1]

    yield make
    for bench in benches:
        bench.close()


@pytest.fixture
def bench(open_bench: Callable[..., DeviceUnderTest]) -> DeviceUnderTest:
    """A pump with an open session on the 8F port."""
    return open_bench()
