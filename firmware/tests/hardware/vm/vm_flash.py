"""For the MicroPython VM: the Pico's flash as a block device in RAM that keeps a trace, and LittleFS mounted on it.

Same geometry as the board's file system: erase 4096 bytes, program 256.
"""

import vfs

SECTOR = 4096
PAGE = 256
PLACE = "/flash"
_ERASED = b"\xff" * SECTOR


class Flash:
    """`image` is changed in place; `trace` gets (address, bytes), and None instead of bytes for an erased sector.

    `fails` makes every erase and program fail, as a worn-out chip does.
    """

    def __init__(self, sectors=0, image=None):
        self.image = image if image is not None else bytearray(_ERASED * sectors)
        self.sectors = len(self.image) // SECTOR
        self.trace = []
        self.fails = False
        self.erases = 0
        self.programmed = 0

    def readblocks(self, block, buffer, offset=0):
        at = block * SECTOR + offset
        buffer[:] = memoryview(self.image)[at : at + len(buffer)]

    def writeblocks(self, block, buffer, offset=0):
        if self.fails:
            return -5
        at = block * SECTOR + offset
        self.trace.append((at, bytes(buffer)))
        self.image[at : at + len(buffer)] = buffer
        self.programmed += len(buffer)
        return 0

    def ioctl(self, operation, argument):
        if operation == 4:
            return self.sectors
        if operation == 5:
            return SECTOR
        if operation == 6:
            if self.fails:
                return -5
            at = argument * SECTOR
            self.trace.append((at, None))
            self.image[at : at + SECTOR] = _ERASED
            self.erases += 1
        return 0


def apply(image, operation, torn=0):
    """One traced operation on an image; torn 1: only its first half, 2: its place is left as noise."""
    at, data = operation
    size = SECTOR if data is None else len(data)
    new = _ERASED if data is None else data
    if torn == 1:
        size //= 2
        new = new[:size]
    elif torn == 2:
        old = image[at : at + size]
        new = bytes(old[index] & (new[index] | (index * 37 & 0xFF)) for index in range(size))
    image[at : at + size] = new


def make(flash):
    vfs.VfsLfs2.mkfs(flash, progsize=PAGE)


def mount(flash):
    vfs.mount(vfs.VfsLfs2(flash, progsize=PAGE), PLACE)


def unmount():
    vfs.umount(PLACE)
