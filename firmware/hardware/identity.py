"""What this board is and why it started: release, fingerprint, chip number, reset cause; and random bytes.

The fingerprint is computed at each start over the files on the board, so it is that of what really runs. The manifest
that flashing removes first and writes last, {"version": "0.1.0", "fingerprint": "8 hex digits"}, has the intended one:
without it, or with another fingerprint, the board is half flashed, which is the text of `complaint`.
"""

import json
import os
from binascii import crc32

import machine
from machine import mem32
from micropython import const
from pump import codes

MANIFEST = "manifest.json"
FOLDERS = ("flushlink", "hardware", "pump", "pump/detection", "pump/link")
FILES = ("board.json", "boot.py", "main.py")

# RP2040: watchdog REASON, its SCRATCH0, and the status of the chip's own reset.
_REASON = const(0x40058008)
_SCRATCH0 = const(0x4005800C)
_CHIP_RESET = const(0x40064008)
_REASON_TIMER = const(1)
_REASON_FORCE = const(2)
_HAD_RUN = const(1 << 16)
# In SCRATCH0, which the ledger uses only while a run is open.
_COMMAND_MARK = const(0x3C0DE03)


class Identity:
    """`complaint` is "" on a board whose files are those of its manifest, else one sentence."""

    def __init__(self, root=""):
        self.reset_cause = reset_cause()
        self.unit = (machine.unique_id() + bytes(8))[:8]
        self.firmware_version = (0, 0, 0)
        self.firmware_fingerprint = bytes(4)
        self.complaint = self._compare(root)
        self._random = _Random(os.urandom(256))

    def entropy(self, buffer):
        """Fills `buffer` with random bytes; allocates nothing, a HELLO may come while the pump moves."""
        self._random.fill(buffer)

    def _compare(self, root):
        """Takes the release from the manifest and the fingerprint from the files; the sentence for `complaint`."""
        version, meant = "", ""
        try:
            with open(root + "/" + MANIFEST) as file:
                manifest = json.load(file)
            version, meant = manifest["version"], manifest["fingerprint"]
            parts = [int(part) for part in version.split(".")]
            self.firmware_version = (parts[0], parts[1], parts[2])
        except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError):
            version = ""
        try:
            self.firmware_fingerprint = fingerprint(root, version)
        except OSError as error:
            return f"a file of the firmware cannot be read ({error}); flash the board again"
        if not version:
            return "flashing was not completed, the manifest is missing or damaged; flash the board again"
        if meant != self.firmware_fingerprint.hex():
            return "the files on the board are not those of its manifest; flash the board again"
        return ""


def fingerprint(root, version):
    """CRC-32, four bytes, over the release and the names and contents of the firmware's files, in their order."""
    crc = crc32(version.encode())
    chunk = bytearray(512)
    for name in firmware_files(root):
        crc = crc32(name.encode() + b"\0", crc)
        with open(root + "/" + name, "rb") as file:
            count = file.readinto(chunk)
            while count:
                crc = crc32(memoryview(chunk)[:count], crc)
                count = file.readinto(chunk)
    return crc.to_bytes(4, "little")


def firmware_files(root):
    """Their paths below `root`, sorted."""
    found = [name for name in os.listdir(root or "/") if name in FILES]
    for folder in FOLDERS:
        try:
            names = os.listdir(root + "/" + folder)
        except OSError:
            continue
        found += [folder + "/" + name for name in names if name.endswith((".py", ".mpy"))]
    return sorted(found)


def reset_cause():
    """Why the board started, as the message table numbers it; the mark of a command is read, not taken away."""
    if mem32[_SCRATCH0] == _COMMAND_MARK:
        return codes.RESET_COMMAND
    reason = mem32[_REASON]
    if reason & _REASON_TIMER:
        return codes.RESET_WATCHDOG
    if reason & _REASON_FORCE:
        # machine.reset() by somebody at the prompt.
        return codes.RESET_COMMAND
    return codes.RESET_BUTTON if mem32[_CHIP_RESET] & _HAD_RUN else codes.RESET_POWER_ON


def mark_command():
    """Call before a restart that was asked for, of the chip or of the prompt; the ledger clears it at the start."""
    mem32[_SCRATCH0] = _COMMAND_MARK


class _Random:
    """RC4's generator: bytes alone, so it makes no integer that allocates. Seeded by the chip at each start."""

    def __init__(self, seed):
        state = bytearray(range(256))
        other = 0
        for round_index in range(1024):
            index = round_index & 255
            other = (other + state[index] + seed[index]) & 255
            state[index], state[other] = state[other], state[index]
        self._state = state
        self._index = 0
        self._other = other

    def fill(self, buffer):
        state = self._state
        index = self._index
        other = self._other
        for at in range(len(buffer)):
            index = (index + 1) & 255
            held = state[index]
            other = (other + held) & 255
            swapped = state[other]
            state[index] = swapped
            state[other] = held
            buffer[at] = state[(swapped + held) & 255]
        self._index = index
        self._other = other
