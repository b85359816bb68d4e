"""Where MicroPython's image for the Pico comes from; it is never part of the project.

`FLUSHPUMP_UF2` names a file, or a release such as `1.28.0` that rp2040py fetches and keeps in its cache; unset, a
release in that cache serves.
"""

import os
import re
import sys
from pathlib import Path

VARIABLE = "FLUSHPUMP_UF2"
OLDEST = (1, 24)
UNKNOWN = (0,)
NEWEST_KNOWN = "1.28.0"


class NoImageError(ValueError):
    """There is no image; one sentence with the reason and what to do."""


def find() -> Path:
    """The image to run. Raises NoImageError; the network is asked only when FLUSHPUMP_UF2 names a release."""
    wanted = os.environ.get(VARIABLE, "")
    if not wanted:
        return _newest_in_cache()
    if Path(wanted).is_file():
        return Path(wanted)
    if not wanted.removeprefix("v").replace(".", "").isdigit():
        raise NoImageError(f"{VARIABLE} names '{wanted}', which is neither a file nor a release such as {NEWEST_KNOWN}")
    return _fetched(wanted)


def _cache() -> Path:
    return Path.home() / ".cache" / "rp2040py"


def _newest_in_cache() -> Path:
    found = sorted((release(path), path) for path in _cache().glob("RPI_PICO-*.uf2"))
    if not found or found[-1][0] < OLDEST:
        raise NoImageError(
            f"there is no MicroPython image: set {VARIABLE} to RPI_PICO's .uf2, or to a release such as {NEWEST_KNOWN}"
        )
    return found[-1][1]


def _fetched(wanted: str) -> Path:
    from rp2040py.utils.firmware_retrieve import MICROPYTHON, retrieve

    try:
        path = retrieve(MICROPYTHON, wanted)
    except OSError as problem:
        raise NoImageError(f"MicroPython {wanted} cannot be fetched ({problem}); set {VARIABLE} to a file") from problem
    if path is None or not Path(path).is_file():
        raise NoImageError(f"rp2040py knows no MicroPython {wanted}; set {VARIABLE} to a file")
    return Path(path)


def release(path: Path) -> tuple[int, ...]:
    """The release in the name of an image, as in RPI_PICO-20250911-v1.26.1.uf2; UNKNOWN when it has none."""
    numbers = path.stem.rpartition("-v")[2].split(".")
    return tuple(int(number) for number in numbers) if all(number.isdigit() for number in numbers) else UNKNOWN


def banner(path: Path) -> str:
    """The name and date in the image, as in `MicroPython v1.26.1 on 2025-09-11`; the file's name without one."""
    blocks = path.read_bytes()
    # UF2: blocks of 512 bytes, each with 256 of the image behind a header of 32.
    content = b"".join(blocks[at + 32 : at + 288] for at in range(0, len(blocks), 512))
    found = re.search(rb"MicroPython v[\w.+-]+ on \d{4}-\d\d-\d\d", content)
    return found[0].decode() if found else path.name


def main() -> int:
    """Prints the image that the emulator runs; 2 and one line without one."""
    try:
        print(f"the emulator runs {banner(find())}")
    except NoImageError as problem:
        print(f"flushpump: the emulator suite is not run: {problem}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
