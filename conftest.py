"""Gives the tests of every folder the target, the `requirement` marker, the `figure` fixture and started boards."""

import gc

import pytest
from hypothesis import settings

pytest.register_assert_rewrite("flushhil.dut", "flushhil.raw_client", "flushhil.ground_truth")

pytest_plugins = ("flushhil.targets", "flushhil.requirements", "flushhil.forks")

# No deadline anywhere: how long an example takes depends on the load of the machine.
settings.register_profile("test", derandomize=True, deadline=None, database=None)
settings.register_profile("long", settings.get_profile("test"), max_examples=1_000)
settings.register_profile("fuzz", deadline=None, max_examples=1_000, print_blob=True)
settings.load_profile("test")


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """The tests and what they import stay; a collection of garbage need not look through them."""
    gc.collect()
    gc.freeze()
