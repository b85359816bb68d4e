"""The firmware's hardware files over an emulated RP2040, without a processor and without a firmware image."""

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def memory_of_chips_is_freed() -> Iterator[None]:
    """A chip is a cycle of objects with 16 MB of flash, of which the garbage collector sees only the few objects."""
    yield
    gc.collect()
