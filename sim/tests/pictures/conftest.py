"""Runs that are drawn in several tests, each run once, and makes this folder's helpers importable."""

import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import pytest
from flushsim.cases import Case, run
from flushsim.pictures.story import Story
from flushsim.pictures.telling import story_of

sys.path.insert(0, str(Path(__file__).parent))

DENSE = str(Path(__file__).parent / "dense.toml")
CASES = {
    "dense": Case(DENSE),
    "healthy": Case(),
    "occlusion": Case(faults=("occlusion@6s",)),
    "many pulses": Case("sash", faults=("bubble:0.2@4s", "leak:0.3@20s~3s")),
    "narrow line": Case("picc-flush", "picc-3f", "none", faults=("partial:3@5s",)),
    "sensor": Case(faults=("sensor-drift:6@1s", "stop-button@4s")),
    "at the pulse's start": Case(faults=("occlusion@6.2s",)),
    "too late": Case("lock", faults=("bubble@30s", "sensor-offset@30s", "link-delay@0s")),
    "link": Case(faults=("link-loss@3s",)),
    "deaf": Case(faults=("link-loss@0s",)),
    "power": Case(faults=("power-cut@3s",)),
}


@lru_cache
def _story(name: str) -> Story:
    return story_of(run(CASES[name], [], flows=True))


@pytest.fixture
def story() -> Callable[[str], Story]:
    """The story of the case of this name."""
    return _story
