"""The plan states beforehand what the pump detects on a path, and what it cannot detect."""

import pytest
from flushpump.access.access_path import AccessPath
from flushpump.planning.detection_limits import damping, detectable, limit_lines, open_share

PORT = AccessPath.of("smartport-ct-8f", "huber-20g", "bd-10")
WIDE = AccessPath.of("tunneled-9.6f", "none", "bd-60")


def test_on_a_port_the_pump_detects_a_leak_of_a_tenth_and_a_tenth_of_a_millilitre_of_air():
    found = detectable(PORT, 2.0)
    assert found.leak_share is not None
    assert found.leak_share < 0.1
    assert found.air_ml is not None
    assert found.air_ml < 0.1
    assert found.partial_times < 3
    assert found.line_off
    lines = limit_lines(PORT, 2.0)
    assert lines[1].startswith("Monitoring detects: flow resistance >= ")
    assert not any("cannot detect on this path" in line for line in lines)


def test_on_a_wide_line_neither_a_small_leak_nor_air_is_claimed():
    lines = limit_lines(WIDE, 2.0)
    assert any("cannot detect on this path: a leak" in line for line in lines)
    assert any("cannot detect on this path: air, because liquid that oscillates" in line for line in lines)
    assert damping(WIDE, 2.0) < 1
    assert detectable(WIDE, 2.0).air_ml is None


def test_with_a_big_syringe_a_little_air_is_not_claimed():
    path = AccessPath.of("smartport-ct-8f", "huber-20g", "bd-60")
    assert any("cannot detect on this path: 0.1 mL of air" in line for line in limit_lines(path, 2.0))
    assert damping(path, 2.0) > 1


@pytest.mark.parametrize("path", [PORT, WIDE])
def test_extravasation_is_never_claimed(path: AccessPath):
    assert limit_lines(path, 2.0)[-1] == "Monitoring cannot detect: fluid that runs into tissue; look at the site"


def test_without_the_line_the_extension_set_alone_remains():
    assert open_share(PORT, 2.0) == pytest.approx(0.08, abs=0.01)
    assert open_share(WIDE, 2.0) == pytest.approx(0.47, abs=0.02)
    assert open_share(AccessPath.of("picc-4f", "none", "bd-10", "none"), 1.0) == 0
