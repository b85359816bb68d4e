"""The changes of a flashing and their order, so that it can be interrupted anywhere and run again.

The manifest is removed first and written last: without it the board reports an incomplete flashing, and nothing moves.
main.py is written first, because it makes this report.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, Self

from flushpump.errors import RefusedError
from flushpump.flash.image import AS_TEXT, FOLDERS, JOURNAL, MANIFEST, SETTINGS
from flushpump.flash.raw_repl import PART, Found

# A folder takes two blocks of LittleFS; LittleFS needs some spare ones for itself.
_FOLDER_BLOCKS = 2
_SPARE_BLOCKS = 4
_FIRST = ("main.py", "boot.py", "board.json")


class Board(Protocol):
    """Carries out a plan: raw_repl.RawRepl."""

    def make_folder(self, name: str) -> None: ...

    def remove(self, name: str) -> None: ...

    def write(self, name: str, data: bytes, progress: Callable[[int], None]) -> None: ...


@dataclass(frozen=True)
class Plan:
    """`remove`, `folders`, `write` in the order of execution, without the manifest. Sizes in bytes."""

    remove: tuple[str, ...]
    folders: tuple[str, ...]
    write: dict[str, bytes]
    kept: tuple[str, ...]
    manifest: bytes
    has_manifest: bool
    manifest_fits: bool
    needed: int
    free: int

    @classmethod
    def of(cls, contents: dict[str, bytes], settings: dict[str, bytes], found: Found) -> Self:
        """`contents` as of image.stage; `settings` for a board without settings.

        Raises RefusedError if there is no room.
        """
        files = found.files
        _refuse_wrong_kinds(contents, found)
        ours = [name for name in files if name.rpartition("/")[0] in FOLDERS or name == PART]
        remove = tuple(sorted(name for name in ours if name not in contents))
        wanted = {name: contents[name] for name in (*_FIRST, *sorted(contents)) if name in contents}
        del wanted[MANIFEST]
        kept = tuple(name for name, data in wanted.items() if _same(data, files.get(name)))
        # A power cut leaves a new file empty.
        if not any(files.get(name, (0, b""))[0] for name in SETTINGS):
            wanted |= settings
        write = {name: data for name, data in wanted.items() if name not in kept}
        needed_folders = {folder for name in write for folder in _folders_above(name)}
        plan = cls(
            remove,
            tuple(sorted(needed_folders - found.folders)),
            write,
            kept,
            contents[MANIFEST],
            MANIFEST in files,
            _same(contents[MANIFEST], files.get(MANIFEST)),
            _needed_blocks(write, remove, len(needed_folders - found.folders), found) * found.block_size,
            found.blocks_free * found.block_size,
        )
        if plan.write and plan.needed > plan.free:
            raise RefusedError(
                f"the board's file system has too little room: {plan.needed / 1000:.0f} kB are needed and "
                f"{plan.free / 1000:.0f} kB are free",
                "remove files of your own from it; the board is unchanged",
            )
        return plan

    @property
    def done(self) -> bool:
        """Whether there is nothing to change."""
        return not self.write and not self.remove and self.manifest_fits

    @property
    def bytes_to_write(self) -> int:
        """Sum over all files."""
        return sum(len(data) for data in self.write.values())

    def carry_out(self, board: Board, progress: Callable[[str, int], None]) -> None:
        """`progress` takes the present file and the bytes written so far. Raises the errors of `board`."""
        if self.done:
            return
        if self.has_manifest:
            board.remove(MANIFEST)
        for name in self.remove:
            board.remove(name)
        for name in self.folders:
            board.make_folder(name)
        before = 0
        for name, data in self.write.items():
            progress(name, before)
            board.write(name, data, lambda written, name=name, before=before: progress(name, before + written))  # type: ignore[misc]
            before += len(data)
        board.write(MANIFEST, self.manifest, lambda written: None)


def replaces_another_program(found: Found, contents: dict[str, bytes]) -> str:
    """The name of a boot.py or main.py on the board that is not flushpump's; "" when there is none."""
    if MANIFEST in found.files or any(name.rpartition("/")[0] in FOLDERS for name in found.files):
        return ""
    return next((name for name in AS_TEXT if name in found.files and not _same(contents[name], found.files[name])), "")


def _folders_above(name: str) -> list[str]:
    parts = name.split("/")[:-1]
    return ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]


def _same(data: bytes, found: tuple[int, bytes] | None) -> bool:
    return found == (len(data), hashlib.sha256(data).digest())


def _refuse_wrong_kinds(contents: dict[str, bytes], found: Found) -> None:
    for name in (*contents, PART):
        if name in found.folders:
            raise RefusedError(f"{name} on the board is a folder, but a file of the firmware", "rename or remove it")
    for name in (*FOLDERS, JOURNAL):
        if name in found.files:
            raise RefusedError(f"{name} on the board is a file, but a folder of the firmware", "rename or remove it")


def _needed_blocks(write: dict[str, bytes], remove: tuple[str, ...], folders: int, found: Found) -> int:
    """The largest number of additional blocks at any moment: a file is written beside the one it replaces."""

    def blocks(size: int) -> int:
        return max(1, -(-size // found.block_size))

    now = folders * _FOLDER_BLOCKS - sum(blocks(found.files[name][0]) for name in remove)
    most = now
    for name, data in write.items():
        most = max(most, now + blocks(len(data)))
        now += blocks(len(data)) - (blocks(found.files[name][0]) if name in found.files else 0)
    return most + _SPARE_BLOCKS
