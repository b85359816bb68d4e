"""Half an hour of simulated time in the MicroPython VM: no memory is lost, and the device's clock does not drift."""

import shutil
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from flushpump.access.access_path import AccessPath
from flushpump.device.pump import Pump
from flushpump.link.ports import READ_WAIT_S
from flushpump.planning.plan import path_settings
from flushpump.wire.messages import Fluid, LineFlag, Outcome, Phase, PhaseKind, Program, ProgramEnd
from flushsim.firmware import image
from flushsim.rig.lockstep import Rig
from flushsim.url.serial_urls.protocol_flushsim import Serial

ROUNDS = 30
ROUND_US = 60_000_000
VOLUME_NL = 100_000
# The memory that is free is noted in the log, where the rig can read it.
HOOK = """

import gc
_note = bytearray(b"heap" + bytes(12))
_turns = bytearray(4)
_inner = Controller.tick

def _tick(self, now_us):
    # The heap is locked in a tick that begins in motion, and may not be used in one that ends in it.
    moving = self.moving
    _inner(self, now_us)
    if moving or self.moving:
        return
    count = (int.from_bytes(_turns, "little") + 1) % 4000
    _turns[:] = count.to_bytes(4, "little")
    if count == 0:
        gc.collect()
        _note[4:8] = gc.mem_free().to_bytes(4, "little")
        self.journal.append(_note, 16)

Controller.tick = _tick
"""


@pytest.mark.long
def test_half_an_hour_of_runs_loses_neither_memory_nor_time(
    tmp_path: Path, record_measurement: Callable[..., None]
) -> None:
    root = tmp_path / "firmware"
    shutil.copytree(image.firmware_root() / "pump", root / "pump", ignore=shutil.ignore_patterns("__pycache__"))
    with open(root / "pump" / "controller.py", "a") as file:
        file.write(HOOK)
    with Rig("sim", firmware_root=root) as rig:
        pump = Pump.over(Serial.over(rig, READ_WAIT_S), "the rig")
        rig.plant.change_syringe(10.0)
        path = AccessPath.of("smartport-ct-8f", "huber-20g", "bd-10")
        pump.set_path(replace(path_settings(path, Fluid.SALINE, 10.0), line_flags=LineFlag.NONE))
        device_ms, true_us = pump.status().device_time_ms, rig.now_us
        for number in range(ROUNDS):
            pump.load(Program((Phase(PhaseKind.PULSES, VOLUME_NL, 2_000_000),), 60_000))
            pump.start()
            end = [event for event in pump.follow() if isinstance(event, ProgramEnd)][-1]
            assert end.outcome is Outcome.COMPLETED
            rig.run_until(true_us + (number + 1) * ROUND_US)
            pump.poll(0.0)
        drift_ms = pump.status().device_time_ms - device_ms - (rig.now_us - true_us) / 1000
        free = [struct.unpack("<I", entry[4:8])[0] for _, entry in rig.journal.entries if entry[:4] == b"heap"]
        assert rig.boots == 1
        delivered_ml = ROUNDS * VOLUME_NL / 1e6
        assert rig.plant.delivered_ul / 1000 == pytest.approx(delivered_ml, rel=0.01)
    assert len(free) >= ROUNDS
    record_measurement("device's clock after half an hour", drift_ms, "ms off", (-10.0, 10.0))
    record_measurement("heap of the VM after half an hour", free[0] - free[-1], "bytes lost", (-2_000, 2_000))
