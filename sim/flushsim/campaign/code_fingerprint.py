"""One checksum over the sources of firmware and simulator, on which every run depends besides its config."""

import zlib
from functools import cache
from pathlib import Path

import flushsim
from flushsim.firmware import image

_ROOMS = ("campaign", "faults", "firmware", "fluids", "plant", "rig")


@cache
def code_fingerprint() -> str:
    """Changes with firmware and simulator: runs of two versions are not one campaign."""
    crc = int.from_bytes(image.load_firmware("rpi_pico").fingerprint, "little")
    package = Path(flushsim.__file__).parent
    files = [package / "scenario.py", *(path for room in _ROOMS for path in (package / room).glob("*.py"))]
    for path in sorted(files):
        crc = zlib.crc32(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes(), crc)
    return f"{crc:08x}"
