"""Records what the firmware is given in every tick of a whole run, for replays in other machines."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import flushlink
import flushsim
from flushlink.settings_record import default_record
from flushsim.firmware.exchange import OUT_SLICE, SLICE_SIZE, SLOTS
from flushsim.firmware.native import NativeTarget
from flushsim.rig import lockstep as rigs

# Of an output record: everything before the bytes of the link, which replays make too but need not sum.
SUMMED = OUT_SLICE + SLICE_SIZE * SLOTS


@dataclass
class Recording:
    """One run: how the firmware was started, and its input and output records."""

    boot: dict[str, Any] = field(default_factory=dict)
    inputs: list[bytes] = field(default_factory=list)
    outputs: list[bytes] = field(default_factory=list)

    def sum(self) -> int:
        """What a faithful replay reports as its `sum`."""
        crc = 0
        for record in self.outputs:
            for byte in record[:SUMMED]:
                crc = (crc * 31 + byte) & 0xFFFFFF
        return crc

    def write(self, path: Path, import_paths: Sequence[str] | None = None) -> None:
        """The file that replay_vm reads."""
        boot = {
            **self.boot, "journal": {"0": list(default_record())}, "summed": SUMMED,
            "ticks": len(self.inputs),
            "import_paths": list(import_paths) if import_paths else self.import_paths(),
        }  # fmt: skip
        path.write_bytes(json.dumps(boot).encode() + b"\n" + b"".join(self.inputs))

    def import_paths(self) -> list[str]:
        """Where firmware, codec and adapters are."""
        roots = (flushlink.__file__, flushsim.__file__)
        return [*self.boot["import_paths"], *(str(Path(root).parents[1]) for root in roots)]


@contextmanager
def recording() -> Iterator[Recording]:
    """Inside, rigs of the target "record" run natively and fill the recording; one rig, one start."""
    kept = Recording()

    class Recorder(NativeTarget):
        def __init__(self, boot: dict[str, Any], journal: Any) -> None:
            super().__init__(boot, journal)
            kept.boot = boot

        def begin_tick(self) -> None:
            kept.inputs.append(bytes(self.input))
            super().begin_tick()
            kept.outputs.append(bytes(self.finish_tick()))

    rigs.TARGETS["record"] = Recorder  # type: ignore[assignment]
    try:
        yield kept
    finally:
        del rigs.TARGETS["record"]
