"""Gives the tests of every folder the target, the `requirement` marker, the `figure` fixture and started boards."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "hil_tests"))
pytest.register_assert_rewrite("hil_bench", "hil_wire", "hil_truth")

pytest_plugins = ("targets", "evidence", "forks")
