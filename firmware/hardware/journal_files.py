"""Small files in one folder, read and written whole; what the file system refuses is reported, never raised.

On LittleFS what a file holds is committed when it is closed: after a power cut it holds all of the old or all of
the new. A new file is committed twice, empty first: so an empty file counts as absent. Nothing here keeps one open.
"""

import os

from micropython import const

_ABSENT = const(2)
_NO_SPACE = const(28)


def nothing(*_arguments):
    """Replaces `report` and `feed`."""


class Files:
    """`report` takes one sentence about a failure; `feed` is called before each access, which may erase flash sectors.

    `full`: whether the last write failed because the file system has no room.
    """

    def __init__(self, folder, report=nothing, feed=nothing):
        self._folder = folder
        self.report = report
        self._feed = feed
        self.full = False
        try:
            os.stat(folder)
        except OSError:
            try:
                os.mkdir(folder)
            except OSError as error:
                report(f"{folder} cannot be made: {error}")

    def names(self):
        try:
            return os.listdir(self._folder)
        except OSError as error:
            self.report(f"{self._folder} cannot be listed: {error}")
            return []

    def size(self, name):
        """Bytes in the file, -1 when there is none."""
        try:
            return os.stat(self._path(name))[6]
        except OSError:
            return -1

    def read(self, name, at=0, count=-1):
        """`count` bytes from `at` on, or what there is of them: none of an absent file. None when it cannot be read."""
        self._feed()
        try:
            with open(self._path(name), "rb") as file:
                if at:
                    file.seek(at)
                return file.read(count)
        except OSError as error:
            if error.args[0] == _ABSENT:
                return b""
            self.report(f"{name} cannot be read: {error}")
            return None

    def write(self, name, mode, data):
        """Replaces ("wb") or lengthens ("ab") a file; False when it is left as it was."""
        self._feed()
        self.full = False
        try:
            with open(self._path(name), mode) as file:
                file.write(data)
            return True
        except OSError as error:
            self.full = error.args[0] == _NO_SPACE
            self.report(f"{name} cannot be written: {'the file system is full' if self.full else error}")
            return False

    def remove(self, name):
        self._feed()
        try:
            os.remove(self._path(name))
        except OSError as error:
            self.report(f"{name} cannot be removed: {error}")

    def _path(self, name):
        return self._folder + "/" + name
