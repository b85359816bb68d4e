"""Puts the firmware on the emulated board: compiled, and copied by mpremote as to a real one, or the quick way.

mpremote talks to a pseudo-terminal that `serve` connects with the board's console. It sends each byte as text that the
board compiles, which takes the emulator minutes for a whole firmware; `copy` sends the bytes as they are to a loop on
the board. `prepared` keeps the flash with the firmware in a file, and makes it anew when anything in it has changed.
"""

import hashlib
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from flushpump import board_files

from flushsim.emulator.chip import Chip
from flushsim.serve import PseudoTerminal

_SLICE_US = 1_000


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


def contents_of(board: str, root: Path | None = None) -> dict[str, bytes]:
    """Everything that lies on a freshly flashed board called `board`, its settings included; see board_files.stage."""
    return board_files.stage(board_files.load_board(board), root) | board_files.default_settings(root)


def copy(chip: Chip, contents: dict[str, bytes]) -> None:
    """Writes files to a board at its prompt, `main.py` last, so that a board that is half flashed does not start."""
    names = sorted(contents, key=lambda name: (name in board_files.AS_TEXT, name))
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
    contents = contents_of(board, root)
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

