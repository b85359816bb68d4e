"""What a board is started with: where its files are, its data, its identity, why it starts."""

import tomllib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import flushlink
from flushpump.board_pins import check

RESET_UNKNOWN = 0
RESET_POWER_ON = 1
RESET_WATCHDOG = 2
RESET_COMMAND = 3
RESET_BUTTON = 4


class FirmwareError(RuntimeError):
    """The firmware raised an exception, or its VM ended or could not be started; the text is one sentence or more."""


@dataclass(frozen=True)
class Firmware:
    """One firmware to run: `root` holds the package `pump`."""

    root: Path
    board: dict[str, Any]
    version: tuple[int, int, int]
    fingerprint: bytes


def firmware_root() -> Path:
    """The folder that holds `pump`: inside an installed wheel, or the repository's `firmware`."""
    return _place("_firmware", "firmware")


def boards_root() -> Path:
    """The folder of the board files."""
    return _place("_boards", "boards")


def load_board(name: str) -> dict[str, Any]:
    """The data of the board called `name`, parsed and checked. Raises ValueError with one sentence: none, or unfit."""
    folder = boards_root()
    file = folder / f"{name}.toml"
    if not file.is_file() or file.parent != folder:
        known = ", ".join(sorted(path.stem for path in folder.glob("*.toml")))
        raise ValueError(f"there is no board '{name}'; known are {known}")
    data = tomllib.loads(file.read_text(encoding="utf-8"))
    check(data)
    return data


def load_firmware(board: str, root: Path | None = None) -> Firmware:
    """The firmware under `root` (by default the project's own) for the board called `board`."""
    place = firmware_root() if root is None else root
    return Firmware(place, load_board(board), _version(), _fingerprint(place))


def describe(
    firmware: Firmware, *, unit: bytes, reset_cause: int, entropy_seed: int, scratch: Sequence[int]
) -> dict[str, Any]:
    """The boot description that both targets hand to `SimulatedBoard`; made of what JSON can say."""
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


def _place(installed: str, in_repository: str) -> Path:
    here = Path(__file__).resolve().parent
    wheel = here / installed
    return wheel if wheel.is_dir() else here.parents[1] / in_repository


def _version() -> tuple[int, int, int]:
    try:
        parts = version("flushpump").split(".")
        return int(parts[0]), int(parts[1]), int(parts[2])
    except (PackageNotFoundError, ValueError, IndexError):
        return 0, 0, 0


def _fingerprint(root: Path) -> bytes:
    """CRC-32 over the names and texts of the package's files, in the order of their names."""
    crc = 0
    for path in sorted((root / "pump").rglob("*.py")):
        crc = zlib.crc32(path.relative_to(root).as_posix().encode() + b"\0", crc)
        crc = zlib.crc32(path.read_bytes(), crc)
    return crc.to_bytes(4, "little")
