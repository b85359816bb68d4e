"""What a control tick costs: bytecodes and time over a whole port-maintenance, and where they go.

`python -m firmware.tests.support.tick_cost` prints figures; `measure()` gives them. Bytecodes are counted in CPython
(those that MicroPython has too), because their number is the same on every machine; on the RP2040 at 125 MHz one takes
about 2 us (recalled, medium confidence), so a tick's estimate there is twice its bytecodes in us.
"""

import json
import subprocess
import sys
import tempfile
import types
from collections import Counter
from dataclasses import dataclass
from dis import opname
from pathlib import Path

from flushpump.access.access_path import AccessPath
from flushsim.firmware.vm import find_micropython
from flushsim.rig.lockstep import Rig

from firmware.tests.support.recording import Recording, recording
from firmware.tests.support.replay_vm import Replay
from firmware.tests.support.run import MAINTENANCE, perform, wire_path

US_PER_BYTECODE = 2.0
# Made by CPython's compiler for its own ends; MicroPython has nothing like them.
_OWN = {"RESUME", "PRECALL", "PUSH_NULL", "CACHE", "EXTENDED_ARG", "COPY_FREE_VARS", "NOP"}
_OWN_CODES = frozenset(code for code, name in enumerate(opname) if name in _OWN)


@dataclass(frozen=True)
class Cost:
    """One run's costs: of ticks in motion, `rest_bytecodes` of the worst at rest (the self-test's memory check).

    `parts` are the shares of the files, `dearest_step` and `functions` bytecodes by function.
    """

    ticks: int
    moving_ticks: int
    mean_bytecodes: float
    p99_bytecodes: int
    worst_bytecodes: int
    rest_bytecodes: int
    parts: dict[str, float]
    dearest_step: dict[str, int]
    functions: dict[str, float]
    vm_mean_us: float
    vm_p99_us: float
    vm_worst_us: float


def record(faults: tuple[str, ...] = ()) -> Recording:
    """A port-maintenance on the 8F port."""
    with recording() as kept, Rig("record", faults=list(faults)) as rig:
        perform(rig, wire_path(AccessPath.of("smartport-ct-8f", "huber-20g", "bd-10")), MAINTENANCE)
    return kept


def _is_firmware(code: types.CodeType) -> bool:
    # The loops of flushlink.kernels are machine code on a board: a few us each, and no bytecodes.
    return "/pump/" in code.co_filename or ("/flushlink/" in code.co_filename and "/fast.py" not in code.co_filename)


class _Counter:
    """Counts the bytecodes of firmware and codec, by function; those of ports and adapters are not the step's own."""

    def __init__(self) -> None:
        self.by_code: Counter[types.CodeType] = Counter()

    def trace(self, frame: types.FrameType, event: str, arg: object) -> object:
        if event != "call" or not _is_firmware(frame.f_code):
            return None
        frame.f_trace_lines = False
        frame.f_trace_opcodes = True
        code = frame.f_code
        instructions = code.co_code
        by_code = self.by_code

        def local(inner: types.FrameType, what: str, _: object) -> object:
            if what == "opcode" and instructions[inner.f_lasti] not in _OWN_CODES:
                by_code[code] += 1
            return local

        return local


def _replayed(kept: Recording) -> tuple[list[Counter[types.CodeType]], list[bool]]:
    sys.path[:0] = kept.import_paths()
    replay = Replay({**kept.boot, "journal": {"0": list(_settings())}})
    steps, moved = [], []
    for record_in, record_out in zip(kept.inputs, kept.outputs, strict=True):
        replay.board.input[:] = record_in
        now_us = replay.begin()
        counter = _Counter()
        moved.append(replay.controller.moving)
        sys.settrace(counter.trace)  # type: ignore[arg-type]
        replay.controller.tick(now_us)
        sys.settrace(None)
        steps.append(counter.by_code)
        assert bytes(replay.finish()) == record_out, "the replay does not do what was recorded"
    return steps, moved


def _settings() -> bytes:
    from flushlink.settings_record import default_record

    return bytes(default_record())


def _vm(kept: Recording) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "recording"
        kept.write(place)
        program = [find_micropython(), "-X", "heapsize=4m", str(Path(__file__).with_name("replay_vm.py")), str(place)]
        done = subprocess.run(program, capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def measure(kept: Recording | None = None) -> Cost:
    """Counts one run's steps and times them in the VM; takes some 15 s."""
    kept = kept or record()
    steps, moved = _replayed(kept)
    totals = sorted(sum(step.values()) for step, moving in zip(steps, moved, strict=True) if moving)
    everything: Counter[str] = Counter()
    functions: Counter[str] = Counter()
    for step in steps:
        for code, count in step.items():
            everything[Path(code.co_filename).stem] += count
            functions[f"{Path(code.co_filename).stem}.{code.co_qualname.split('.')[-1]}"] += count
    dearest: Counter[str] = Counter()
    in_motion = [step for step, moving in zip(steps, moved, strict=True) if moving]
    for code, count in max(in_motion, key=lambda step: sum(step.values())).items():
        dearest[f"{Path(code.co_filename).stem}.{code.co_qualname.split('.')[-1]}"] += count
    whole = sum(everything.values())
    vm = _vm(kept)
    return Cost(
        ticks=len(steps),
        moving_ticks=sum(moved),
        mean_bytecodes=sum(totals) / len(totals),
        p99_bytecodes=totals[len(totals) * 99 // 100],
        worst_bytecodes=totals[-1],
        rest_bytecodes=max(sum(step.values()) for step, moves in zip(steps, moved, strict=True) if not moves),
        parts={name: count / whole for name, count in everything.most_common()},
        dearest_step=dict(dearest.most_common()),
        functions={name: count / len(steps) for name, count in functions.most_common()},
        vm_mean_us=vm["mean_us"],
        vm_p99_us=vm["p99_us"],
        vm_worst_us=vm["worst_us"],
    )


def main() -> None:
    cost = measure()
    print(f"Controller.tick over port-maintenance: {cost.ticks} ticks, {cost.moving_ticks} of them moving")
    print(
        f"  bytecodes in motion: mean {cost.mean_bytecodes:.0f}, 99 % below {cost.p99_bytecodes}, "
        f"worst {cost.worst_bytecodes}; "
        f"on an RP2040 at {US_PER_BYTECODE:g} us each: mean {cost.mean_bytecodes * US_PER_BYTECODE / 1000:.2f} ms, "
        f"worst {cost.worst_bytecodes * US_PER_BYTECODE / 1000:.2f} ms of 2.5 ms"
    )
    print(f"  at rest: worst {cost.rest_bytecodes}, once, in the self-test")
    print(
        f"  MicroPython VM on this machine: mean {cost.vm_mean_us:.0f} us, 99 % below {cost.vm_p99_us:.0f} us, "
        f"worst {cost.vm_worst_us:.0f} us"
    )
    print("  dearest files:", ", ".join(f"{name} {share:.0%}" for name, share in list(cost.parts.items())[:3]))
    print("  dearest functions (bytecodes a tick):", _few(cost.functions))
    print("  worst step:", _few(cost.dearest_step))


def _few(counts: dict[str, float] | dict[str, int]) -> str:
    return ", ".join(f"{name} {count:.0f}" for name, count in list(counts.items())[:8])


if __name__ == "__main__":
    main()
