"""What a run depends on besides its description: one number over the sources of firmware and simulator."""

import zlib
from functools import cache
from pathlib import Path

from flushsim import boot


@cache
def code_fingerprint() -> str:
    """Changes when the firmware or the simulator does: runs of two of them are not one campaign."""
    crc = int.from_bytes(boot.load_firmware("rpi_pico").fingerprint, "little")
    here = Path(boot.__file__).parent
    for path in sorted([*here.glob("*.py"), *here.glob("campaign/*.py")]):
        crc = zlib.crc32(path.name.encode() + b"\0" + path.read_bytes(), crc)
    return f"{crc:08x}"
