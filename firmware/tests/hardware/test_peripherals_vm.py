"""The peripherals in the real MicroPython VM: no tick allocates, whatever sensor, host and switches do."""

import json
import os
import subprocess
from pathlib import Path

from flushsim.firmware.vm import find_micropython

HERE = Path(__file__).resolve().parent
FIRMWARE = HERE.parents[1]


def test_no_tick_of_link_sensors_and_indicators_allocates_and_control_characters_are_data(tmp_path):
    sent = bytes(range(256)) * 40
    # The package by its modules alone: hardware/__init__.py is for a board.
    done = subprocess.run(
        [find_micropython(), "-X", "heapsize=256k", str(HERE / "vm_peripherals" / "vm_ticks.py"), str(FIRMWARE)],
        env={**os.environ, "MICROPYPATH": f"{HERE / 'vm_peripherals'}:{FIRMWARE.parent / 'protocol'}"},
        input=sent,
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    result = json.loads(done.stderr)
    read, written, refused, faults, held = result["found"]
    assert result["grown"] == 0
    # The end of a pipe is readable for ever, which a console is not; what came before it has been read whole.
    assert read >= len(sent)
    assert written > 1000
    assert refused > 300
    assert faults > 200
    # Of 30 times, freed in the second tick, or in the sixth when nine clocks are not enough.
    assert 30 < held < 100
    assert done.stdout.count(b"f" * 60 + b"\0") == written
