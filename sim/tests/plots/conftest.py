"""Runs that are drawn in several tests, each run once."""

from collections.abc import Callable
from functools import lru_cache

import pytest
from flushsim.plots.run.build import story_of
from flushsim.plots.run.timeline import Story
from flushsim.scenario import run

from sim.tests.plots.support.cases import CASES


@lru_cache
def _story(name: str) -> Story:
    return story_of(run(CASES[name], [], flows=True))


@pytest.fixture
def story() -> Callable[[str], Story]:
    """The story of the case of this name."""
    return _story
