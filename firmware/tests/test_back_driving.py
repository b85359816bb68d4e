"""A screw that does not hold by itself is held by its motor from when a path is set; others are let go after a run."""

import pytest
from flushpump.access.access_path import AccessPath
from flushpump.device.pump import Pump
from flushsim.rig.lockstep import Rig

from firmware.tests.support.run import LOCK, RigPort, perform, wire_path

PATH = AccessPath.of("smartport-ct-8f", "huber-20g", "bd-10")


@pytest.mark.requirement("REQ-START-3")
@pytest.mark.parametrize(("board", "holds"), [("breadboard", True), ("rpi_pico", False)])
def test_the_motor_holds_the_plunger_between_runs_where_the_screw_does_not(board: str, holds: bool):
    with Rig("native", board=board) as rig:
        pump = Pump.over(RigPort(rig), "the rig", nonce=bytes)
        pump.set_path(wire_path(PATH))
        pump.status()
        assert rig.plant.stepper.enabled is holds
    with Rig("native", board=board) as rig:
        perform(rig, wire_path(PATH), (LOCK,))
        rig.run_until(rig.now_us + 60_000_000)
        assert rig.plant.stepper.enabled is holds
        rig.reset()
        assert not rig.plant.stepper.enabled, "nothing holds without current, and a reset takes it away"


def test_height_moves_nothing_while_the_motor_holds():
    with Rig("native", board="breadboard", faults=["height:2000@0s"]) as rig:
        perform(rig, wire_path(PATH), (LOCK,))
        rig.run_until(rig.now_us + 2_000_000)
        before_ul = rig.plant.driven_ul
        rig.run_until(rig.now_us + 60_000_000)
        assert rig.plant.driven_ul == pytest.approx(before_ul, abs=1.0)
