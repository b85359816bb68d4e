"""Puts the firmware on the emulated board: compiled, and copied by mpremote as to a real one, or directly.

mpremote talks to a pseudo-terminal that `serve` connects with the board's console. It sends each byte as text that the
board compiles, which takes the emulator minutes for a whole firmware; `filesystem` has a MicroPython VM of this machine
write the board's file system. `prepared` keeps the flash in a file, and makes it anew when anything in it has changed.
"""

import hashlib
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from flushpump.flash import image as board_files

from flushsim.emulator.chip import FLASH_SIZE, Chip
from flushsim.firmware.vm import find_micropython
from flushsim.rig.pty import PseudoTerminal

_SLICE_US = 1_000
# Where MicroPython for the Pico keeps its files: the last 1408 kB of 2 MB (its mpconfigboard.cmake).
STORAGE_SIZE = 1408 * 1024
STORAGE_BASE = FLASH_SIZE - STORAGE_SIZE


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
            printed = output.read().decode(errors="replace")
    finally:
        terminal.close()
    if process.returncode:
        raise RuntimeError(f"mpremote ended with {process.returncode}: {printed}")
    return printed


def contents_of(board: str, root: Path | None = None) -> dict[str, bytes]:
    """All files of a freshly flashed board called `board`, its settings included; see board_files.stage."""
    return board_files.stage(board_files.load_board(board), root) | board_files.default_settings(root)


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
        chip.rp2040.flash[STORAGE_BASE : STORAGE_BASE + STORAGE_SIZE] = filesystem(contents)
        chip.save()
    return flash


def filesystem(contents: dict[str, bytes]) -> bytes:
    """The board's LittleFS with these files. Raises MicroPythonMissingError, RuntimeError."""
    sizes = [(name, len(content)) for name, content in contents.items()]
    command = [find_micropython(), "-X", "heapsize=8m", "-c", _WRITER.format(sizes=sizes, size=STORAGE_SIZE)]
    done = subprocess.run(command, input=b"".join(contents.values()), capture_output=True, check=False)
    if done.returncode or len(done.stdout) != STORAGE_SIZE:
        raise RuntimeError(f"the board's file system cannot be made: {(done.stderr or done.stdout[-500:]).decode()}")
    return done.stdout


# As MicroPython's _boot.py makes it on the board.
_WRITER = """
import sys, vfs

class Flash:
    data = bytearray({size})
    def readblocks(self, block, buffer, offset=0):
        at = block * 4096 + offset
        buffer[:] = memoryview(self.data)[at : at + len(buffer)]
    def writeblocks(self, block, buffer, offset=None):
        at = block * 4096 + (offset or 0)
        memoryview(self.data)[at : at + len(buffer)] = buffer
    def ioctl(self, operation, argument):
        return {{4: {size} // 4096, 5: 4096}}.get(operation, 0)

flash = Flash()
vfs.VfsLfs2.mkfs(flash, progsize=256)
board = vfs.VfsLfs2(flash, progsize=256)
folders = set()
for name, size in {sizes}:
    parts = name.split("/")[:-1]
    for depth in range(1, len(parts) + 1):
        folder = "/".join(parts[:depth])
        if folder not in folders:
            folders.add(folder)
            board.mkdir(folder)
    with board.open(name, "wb") as file:
        file.write(sys.stdin.buffer.read(size))
board.umount()
sys.stdout.buffer.write(flash.data)
"""
