"""The raw REPL of a board, over mpremote's transport: identifies the board, lists its files, writes files.

A file is written under another name, compared by its SHA-256 on the board, and renamed: its own name always has the
whole old or the whole new file. The snippets below run on the board.
"""

import ast
import contextlib
import hashlib
import io
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from mpremote.transport import TransportError, TransportExecError  # type: ignore[import-untyped]
from mpremote.transport_serial import SerialTransport  # type: ignore[import-untyped]

from flushpump.errors import LinkLostError, NoDeviceError, RefusedError
from flushpump.flash.image import FILES, FOLDERS, JOURNAL, MANIFEST, SETTINGS

PART = "flushpump.part"
"""The file that is being written."""

# A working board answers sooner; erasing a sector of its flash takes at most 0.4 s.
_TIMEOUT_S = 20
_LEAVING_S = 5
# Larger chunks are not faster and need more of the board's memory.
_CHUNK = 512
_TRIES = 2
_NO_SPACE = 28

# Failed firmware leaves its watchdog running, which would reset the board; this register bit stops it.
_IDENTIFY = """
import gc, sys
if "RP2040" in getattr(sys.implementation, "_machine", ""):
    import machine
    machine.mem32[0x4005B000] = 0x40000000
gc.collect()
print((sys.implementation.name, tuple(sys.implementation.version)[:3],
    getattr(sys.implementation, "_mpy", 0), getattr(sys.implementation, "_machine", "")))
"""
_HELPERS = """
import hashlib, os
def _digest(path):
    digest = hashlib.sha256()
    chunk = bytearray(512)
    with open(path, "rb") as file:
        count = file.readinto(chunk)
        while count:
            digest.update(memoryview(chunk)[:count])
            count = file.readinto(chunk)
    return digest.digest()
def _list(folder, names):
    try:
        entries = list(os.ilistdir("/" + folder))
    except OSError:
        return
    for entry in entries:
        name = folder + entry[0]
        if entry[1] == 0x4000:
            print((name, -1, b""))
        elif name in names or (not names and name.endswith((".py", ".mpy"))):
            print((name, os.stat("/" + name)[6], _digest("/" + name)))
def _take(name, digest):
    if _digest("/PART") != digest:
        return False
    os.rename("/PART", "/" + name)
    return True
""".replace("PART", PART)


@dataclass(frozen=True)
class About:
    """The board's MicroPython. `mpy` is sys.implementation._mpy: version, and from bit 8 on sub-version and chip."""

    name: str
    version: tuple[int, int, int]
    mpy: int
    machine: str

    @property
    def release(self) -> str:
        """As in 1.28.0."""
        return ".".join(str(part) for part in self.version)


@dataclass(frozen=True)
class Found:
    """The files of flushpump on the board, by path: bytes and SHA-256. Sizes of the file system in blocks."""

    files: dict[str, tuple[int, bytes]]
    folders: frozenset[str]
    """All folders in the root."""
    block_size: int
    blocks: int
    blocks_free: int


class RawRepl:
    """The raw REPL of the board at `port`, which must be at its prompt.

    Raises NoDeviceError, LinkLostError, RefusedError.
    """

    def __init__(self, port: str) -> None:
        self._port = port
        with self._linked():
            try:
                self._transport: Any = SerialTransport(port, timeout=_TIMEOUT_S)
            except TransportError as problem:
                raise NoDeviceError(f"the port {port} cannot be opened", "see `flushpump ports`") from problem
        try:
            # mpremote prints what it cannot parse.
            with self._linked(), contextlib.redirect_stdout(io.StringIO()):
                self._transport.enter_raw_repl(soft_reset=False, timeout_overall=_TIMEOUT_S)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def about(self) -> About:
        """Identifies MicroPython and chip, and stops the watchdog of failed firmware."""
        return About(*ast.literal_eval(self.run(_IDENTIFY)))

    def found(self) -> Found:
        """Lists and hashes the files on the board. Call it once before `write`."""
        self.run(_HELPERS)
        names = (*FILES, *FOLDERS, JOURNAL, MANIFEST, PART)
        calls = [f"_list('', {names!r})", f"_list('{JOURNAL}/', {SETTINGS!r})"]
        calls += [f"_list('{folder}/', ())" for folder in FOLDERS]
        entries = [ast.literal_eval(line) for call in calls for line in self.run(call).splitlines()]
        block_size, _, blocks, free = ast.literal_eval(self.run("print(tuple(os.statvfs('/'))[:4])"))
        return Found(
            {name: (size, digest) for name, size, digest in entries if size >= 0},
            frozenset(name for name, size, _ in entries if size < 0),
            block_size,
            blocks,
            free,
        )

    def make_folder(self, name: str) -> None:
        """Makes a folder."""
        self.run(f"os.mkdir({'/' + name!r})")

    def remove(self, name: str) -> None:
        """Removes a file."""
        self.run(f"os.remove({'/' + name!r})")

    def write(self, name: str, data: bytes, progress: Callable[[int], None]) -> None:
        """Writes a file and compares it; `progress` takes the bytes written so far."""
        digest = hashlib.sha256(data).digest()
        for _ in range(_TRIES):
            self._write_part(data, lambda written, _: progress(written))
            if self.run(f"print(_take({name!r}, {digest!r}))") == "True":
                return
        raise RefusedError(f"{name} differs on the board after each of {_TRIES} writes", "its flash may be worn out")

    def _write_part(self, data: bytes, progress: Callable[[int, int], None]) -> None:
        with self._linked():
            try:
                self._transport.fs_writefile("/" + PART, data, chunk_size=_CHUNK, progress_callback=progress)
            except OSError as problem:
                # mpremote also turns an error on the board into an OSError, with the path in it.
                if problem.args[1:] != ("/" + PART,):
                    raise
                why = "its file system is full" if problem.errno == _NO_SPACE else str(problem.strerror or problem)
                raise RefusedError(f"the board cannot write a file: {why}") from problem

    def restart(self) -> None:
        """Resets the board and closes the port."""
        with contextlib.suppress(LinkLostError), self._linked():
            self._transport.exec_raw_no_follow("import machine\nmachine.reset()")
        self.close()

    def interrupt(self) -> None:
        """Ends an interrupted operation, so that `restart` can be called; does nothing without an answer."""
        with contextlib.suppress(LinkLostError), self._linked(), contextlib.redirect_stdout(io.StringIO()):
            self._transport.serial.write(b"\r\x03\x03")
            self._transport.enter_raw_repl(soft_reset=False, timeout_overall=_LEAVING_S)

    def close(self) -> None:
        """Closes the port."""
        with contextlib.suppress(OSError):
            self._transport.close()

    def run(self, code: str) -> str:
        """The output of the code on the board, without white space around it."""
        with self._linked():
            output, error = self._transport.exec_raw(code, timeout=_TIMEOUT_S)
        if error:
            last = " ".join(error.decode(errors="replace").split("\n")[-2:]).strip()
            raise RefusedError(f"flashing failed on the board: {last}", "reset it and run the command again")
        return str(output.decode(errors="replace")).strip()

    @contextlib.contextmanager
    def _linked(self) -> Iterator[None]:
        try:
            yield
        except TransportExecError as problem:
            raise RefusedError(f"flashing failed on the board: {' '.join(str(problem).split())}") from problem
        except (OSError, TransportError, struct.error) as problem:
            reason = " ".join(str(problem).split()) or "no answer"
            raise LinkLostError(f"the board at {self._port} does not answer any more ({reason})") from problem
