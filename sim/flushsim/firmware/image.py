"""The input of a board's start: where its files are, its data, its identity, the cause of the start."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flushlink
from flushpump.flash.image import firmware_root, load_board, release

RESET_UNKNOWN = 0
RESET_POWER_ON = 1
RESET_WATCHDOG = 2
RESET_COMMAND = 3
RESET_BUTTON = 4


class FirmwareError(RuntimeError):
    """The firmware raised an exception, or its VM ended or could not start; the text is one sentence or more."""


@dataclass(frozen=True)
class Firmware:
    """One firmware to run: `root` holds the package `pump`."""

    root: Path
    board: dict[str, Any]
    version: tuple[int, int, int]
    fingerprint: bytes


def load_firmware(board: str, root: Path | None = None) -> Firmware:
    """The firmware under `root` (by default the project's own) for the board called `board`."""
    place = firmware_root() if root is None else root
    return Firmware(place, load_board(board), release(), _fingerprint(place))


def boot_config(
    firmware: Firmware, *, unit: bytes, reset_cause: int, entropy_seed: int, scratch: Sequence[int]
) -> dict[str, Any]:
    """The boot config that both targets pass to `SimulatedBoard`, in types of JSON."""
    return {
        "import_paths": [str(firmware.root), str(Path(flushlink.__file__).parent.parent)],
        "board": firmware.board,
        "version": list(firmware.version),
        "fingerprint": firmware.fingerprint.hex(),
        "unit": unit.hex(),
        "reset_cause": reset_cause,
        "entropy_seed": entropy_seed,
        "scratch": list(scratch),
    }


def _fingerprint(root: Path) -> bytes:
    """CRC-32 over the names and texts of the package's files, in the order of their names."""
    crc = 0
    for path in sorted((root / "pump").rglob("*.py")):
        crc = zlib.crc32(path.relative_to(root).as_posix().encode() + b"\0", crc)
        crc = zlib.crc32(path.read_bytes(), crc)
    return crc.to_bytes(4, "little")
