"""What went wrong, kept over a restart: the exception that ended the loop, and damage that the journal reported.

Two small texts with their CRC-32 in the journal's folder. LittleFS commits a file when it is closed, so each is
the old one or the new one whole. Writing needs a pump at rest: stop the steps and switch the driver off first.
"""

import gc
import io
import sys
from binascii import crc32

from micropython import const

from .journal_files import Files, nothing

_FAULT = const("fault.txt")
_NOTES = const("notes.txt")
# There until somebody has taken note of the fault.
_NEW = const("fault.new")
# The end of a traceback names what happened where.
_FAULT_SIZE = const(1500)
_NOTES_SIZE = const(1000)


class FaultLog:
    def __init__(self, folder="/journal", feed=nothing):
        self._files = Files(folder, nothing, feed)

    def keep(self, error, heading=""):
        """Replaces the kept exception by this one and its traceback; `heading` is one line with the time."""
        gc.collect()
        try:
            text = io.StringIO()
            sys.print_exception(error, text)
            traceback = text.getvalue()
        except MemoryError:
            traceback = type(error).__name__
        self._keep(_FAULT, heading + "\n" + traceback[-_FAULT_SIZE:])
        self._files.write(_NEW, "wb", b"")

    def take_new(self):
        """Whether an exception has been kept since this was last asked."""
        new = self._files.size(_NEW) >= 0
        if new:
            self._files.remove(_NEW)
        return new

    def fault(self):
        """The kept exception as text, "" when there is none."""
        return self._text(_FAULT)

    def note(self, sentence):
        """Adds a sentence, unless it is kept already; the oldest go first."""
        lines = self._text(_NOTES).split("\n")
        if sentence in lines:
            return
        lines.append(sentence)
        while len(lines) > 1 and len("\n".join(lines)) > _NOTES_SIZE:
            lines.pop(0)
        self._keep(_NOTES, "\n".join(lines)[:_NOTES_SIZE])

    def notes(self):
        """The kept sentences, oldest first; one for a damaged file."""
        return [line for line in self._text(_NOTES).split("\n") if line]

    def clear(self):
        for name in (_FAULT, _NOTES, _NEW):
            if self._files.size(name) >= 0:
                self._files.remove(name)

    def _keep(self, name, text):
        data = text.encode()
        self._files.write(name, "wb", data + crc32(data).to_bytes(4, "little"))

    def _text(self, name):
        data = self._files.read(name)
        if data == b"":
            return ""
        if data is None or len(data) < 4 or crc32(data[:-4]).to_bytes(4, "little") != data[-4:]:
            return f"({name} is damaged)"
        return data[:-4].decode()
