"""What only the start needs is freed before the loop begins, in a real MicroPython: `delattr` alone frees no method."""

import subprocess
from pathlib import Path

from flushsim.firmware.vm import find_micropython

FIRMWARE = Path(__file__).parents[2]
SCRIPT = """
import gc, sys
sys.path[:0] = [%r, %r]
sys.modules["machine"] = sys
sys.modules["rp2"] = sys
import main, pump.controller
gc.collect()
before = gc.mem_alloc()
for name in dir(sys.modules["pump.controller"]):
    part = getattr(sys.modules["pump.controller"], name)
    if isinstance(part, type):
        main.forget_methods(part)
gc.collect()
print(before - gc.mem_alloc(), pump.controller.Controller.__init__)
"""


def test_the_methods_that_only_the_start_needs_are_freed() -> None:
    script = SCRIPT % (str(FIRMWARE), str(FIRMWARE.parent / "protocol"))
    done = subprocess.run([find_micropython(), "-c", script], capture_output=True, text=True, check=True)
    freed, left = done.stdout.split()
    assert left == "None"
    assert int(freed) > 2_000
