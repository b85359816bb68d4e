"""Runs that are drawn in several tests, each run once."""

from collections.abc import Callable
from functools import lru_cache

import pytest
from flushsim.plots.run.build import timeline_of
from flushsim.plots.run.timeline import RunTimeline
from flushsim.scenario import run

from sim.tests.plots.support.cases import CASES


@lru_cache
def _timeline(name: str) -> RunTimeline:
    return timeline_of(run(CASES[name], [], flows=True))


@pytest.fixture
def timeline() -> Callable[[str], RunTimeline]:
    """The timeline of the case of this name."""
    return _timeline
