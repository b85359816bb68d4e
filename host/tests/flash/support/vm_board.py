"""For the unix MicroPython VM: becomes a Pico at its prompt, with a LittleFS of the Pico's geometry in the file named.

Arguments: the file, the release, sys.implementation._mpy, the machine's name. Started with -i, so that the VM's own
raw prompt answers afterwards. machine.reset() ends the VM with 42. The computer's files are at /host.
"""

import os
import sys

import vfs

SECTOR = 4096
PAGE = 256
path, release, mpy, machine_name = sys.argv[1:5]
image = open(path, "r+b")  # noqa: SIM115


class Flash:
    def readblocks(self, block, buffer, offset=0):
        image.seek(block * SECTOR + offset)
        image.readinto(buffer)

    def writeblocks(self, block, buffer, offset=0):
        image.seek(block * SECTOR + offset)
        image.write(buffer)
        image.flush()

    def ioctl(self, operation, argument):
        if operation == 4:
            return SIZE // SECTOR
        if operation == 5:
            return SECTOR
        if operation == 6:
            image.seek(argument * SECTOR)
            image.write(b"\xff" * SECTOR)
            image.flush()
        return 0


class Memory(dict):
    def __getitem__(self, address):
        return 0


class Implementation:
    name = "circuitpython" if machine_name.startswith("Adafruit") else "micropython"
    version = tuple([int(part) for part in release.split(".")])
    _mpy = int(mpy)
    _machine = machine_name


class Sys:
    implementation = Implementation
    path = sys.path
    maxsize = sys.maxsize


class Machine:
    mem32 = Memory()

    @staticmethod
    def unique_id():
        return b"12345678"

    @staticmethod
    def reset():
        raise SystemExit(42)


SIZE = image.seek(0, 2)
flash = Flash()
try:
    found = vfs.VfsLfs2(flash, progsize=PAGE)
except OSError:
    vfs.VfsLfs2.mkfs(flash, progsize=PAGE)
    found = vfs.VfsLfs2(flash, progsize=PAGE)
vfs.umount("/")
vfs.mount(found, "/")
vfs.mount(vfs.VfsPosix(), "/host")
os.chdir("/")
sys.modules["sys"] = Sys
sys.modules["machine"] = Machine
print("board", end="\r\n")
