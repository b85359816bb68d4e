"""A campaign small enough for a test: two groups on one path, and rows without a run."""

from collections.abc import Callable

import pytest
from flushsim.campaign.config import CampaignConfig, parse
from flushsim.campaign.rows import Row

TEXT = """
title = "two groups"
seed = 3
runs = 6

[path]
lines = ["smartport-ct-8f"]
tolerances = false

[[group]]
share = 2

[[group]]
[[group.fault]]
name = "occlusion"
onset_pulse = { uniform = [1, 2] }
"""


@pytest.fixture
def text() -> str:
    """The campaign's file."""
    return TEXT


@pytest.fixture
def config() -> CampaignConfig:
    """The campaign."""
    return parse(TEXT, "two", "two.toml")


@pytest.fixture
def a_row() -> Callable[[int], Row]:
    """Makes a row with the fewest fields."""

    def make(case: int) -> Row:
        return {"case": case, "group": "healthy", "healthy": True, "outcome": "completed", "pulses": []}

    return make
