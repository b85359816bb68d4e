"""Settings in the journal: values within the ranges of the message table, and the pairing key."""

from flushlink.frames import get_i32, put_u32
from flushlink.messages import SETTINGS_COUNT
from flushlink.settings_record import KEY_AT, KEY_SIZE, SIZE, default_record
from flushlink.viper_compat import const

from . import codes
from .message_layout import setting_limits

_SLOT = const(0)
_LEAST, _MOST = setting_limits()
_DEFAULTS = default_record()


class Settings:
    """`good` is False when the journal held none, a corrupt record, or a value out of range; defaults apply then.

    They stay unconfirmed, and nothing is stored, until each setting has been set once since the start.
    """

    def __init__(self, journal):
        self._journal = journal
        self._record = bytearray(SIZE)
        self.good = journal.load(_SLOT, self._record) == SIZE
        for index in range(SETTINGS_COUNT):
            if not self._allowed(index, get_i32(self._record, 4 * index)):
                self.good = False
        if not self.good:
            self._record[:] = _DEFAULTS
        # A bit for each setting that is a default which nobody has confirmed.
        self._unconfirmed = 0 if self.good else (1 << SETTINGS_COUNT) - 1
        self._values = [get_i32(self._record, 4 * index) for index in range(SETTINGS_COUNT)]

    def get(self, index):
        return self._values[index]

    def known(self, index):
        return 0 <= index < SETTINGS_COUNT

    def set(self, index, value):
        """Sets and stores one setting; OK, or OUT_OF_RANGE or STORAGE with nothing changed."""
        if not self._allowed(index, value):
            return codes.STATUS_OUT_OF_RANGE
        put_u32(self._record, 4 * index, value)
        unconfirmed = self._unconfirmed & ~(1 << index)
        if unconfirmed == 0 and self._store() == codes.STATUS_STORAGE:
            put_u32(self._record, 4 * index, self._values[index])
            return codes.STATUS_STORAGE
        self._unconfirmed = unconfirmed
        self._values[index] = value
        return codes.STATUS_OK

    def key(self):
        """The pairing key; allocates."""
        return bytes(self._record[KEY_AT:])

    def pair(self, buffer, at):
        """Takes a new pairing key from buffer[at:at + 16]; OK, or STORAGE with the old one kept. Allocates."""
        old = self.key()
        self._record[KEY_AT:] = buffer[at : at + KEY_SIZE]
        if self._store() == codes.STATUS_STORAGE:
            self._record[KEY_AT:] = old
            return codes.STATUS_STORAGE
        return codes.STATUS_OK

    def record(self):
        """The stored bytes without the key; allocates."""
        return bytes(self._record[:KEY_AT])

    def _allowed(self, index, value):
        return _LEAST[index] <= value <= _MOST[index]

    def _store(self):
        if not self._journal.save(_SLOT, self._record, SIZE):
            return codes.STATUS_STORAGE
        self.good = True
        return codes.STATUS_OK
