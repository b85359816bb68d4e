"""Speed: simulated against real time on both targets, and frames per second of both codecs; by the wall clock."""

import subprocess
import time
from pathlib import Path as FilePath

import flushlink
from flushlink import messages
from flushpump.wire import codec
from flushsim.firmware.vm import find_micropython
from flushsim.rig.lockstep import Rig
from measurements import heading, perform, plan_of, report

_FRAMES = 20_000
_VM_FRAMES = 5_000

_VM_SCRIPT = """
import sys, time
sys.path.insert(0, {path!r})
from flushlink.frames import seal, unseal
from flushlink.messages import FRAME_MAX
plain = bytearray(64)
for index in range(57):
    plain[index] = index * 7 & 255
wire = bytearray(64)
copy = bytearray(64)
start = time.ticks_us()
for _ in range({count}):
    length = seal(plain, 48, wire)
sealed = time.ticks_diff(time.ticks_us(), start)
start = time.ticks_us()
for _ in range({count}):
    copy[:] = wire
    if unseal(copy, length - 1) != 48:
        raise SystemExit(1)
unsealed = time.ticks_diff(time.ticks_us(), start)
print(sealed, unsealed)
"""


def main() -> None:
    heading("Speed (wall clock of this machine)")
    for target, least, goal in (("sim", 20, 50), ("native", 50, 200)):
        report(f"port-maintenance on `{target}`, client included", _speed(target), "x real time", least, goal)
    payload = bytes(index * 7 & 255 for index in range(48))
    frame = codec.Frame(messages.VERSION, messages.KIND_EVENT, 0x81, 1, 2, 0, payload)
    encoded = codec.encode_frame(frame)
    report("frames encoded on the host, 48 bytes of payload", _rate(lambda: codec.encode_frame(frame)), "1/s")
    report("frames decoded on the host", _rate(lambda: codec.decode_frame(encoded[:-1])), "1/s")
    sealed_us, unsealed_us = _vm_us()
    report("frames encoded in the MicroPython VM", _VM_FRAMES * 1e6 / sealed_us, "1/s")
    report("frames decoded in the MicroPython VM", _VM_FRAMES * 1e6 / unsealed_us, "1/s")


def _speed(target: str) -> float:
    """The best of three runs, from power-on: what else the machine does can only slow a run down."""
    plan = plan_of()
    best = 0.0
    for _ in range(3):
        rig = Rig(target)
        rig.step()
        begun_s = time.perf_counter()
        perform(plan, rig)
        best = max(best, rig.now_us / 1e6 / (time.perf_counter() - begun_s))
    return best


def _rate(call: object) -> float:
    begun_s = time.perf_counter()
    for _ in range(_FRAMES):
        call()  # type: ignore[operator]
    return _FRAMES / (time.perf_counter() - begun_s)


def _vm_us() -> tuple[int, int]:
    script = _VM_SCRIPT.format(path=str(FilePath(flushlink.__file__).parent.parent), count=_VM_FRAMES)
    done = subprocess.run([find_micropython(), "-c", script], capture_output=True, text=True, check=True, timeout=100)
    sealed, unsealed = done.stdout.split()
    return int(sealed), int(unsealed)
