"""The flash of the simulated board: settings, ledger, counters and the event log, which survive every reset."""

from collections import deque

from flushlink.settings_record import default_record

from flushsim.firmware.exchange import (
    CALL_APPEND,
    CALL_COUNT,
    CALL_DATA,
    CALL_ENTRY,
    CALL_LOAD,
    CALL_NEWEST,
    CALL_NUMBER,
    CALL_OPERATION,
    CALL_SAVE,
    REPLY_COUNT,
    REPLY_DATA,
    REPLY_RESULT,
    get_i32,
    get_u16,
    put_u16,
    put_u32,
)

SETTINGS_SLOT = 0
LOG_CAPACITY = 1024
"""Entries kept; the oldest is dropped first. 16 kB of flash, four sectors."""


class Journal:
    """`records` by slot (0 settings, 1 ledger, 2 counters); `entries` as (number, bytes), oldest first.

    A new one holds the default settings, as flashing leaves them; `blank` holds nothing. A `worn` one stores no
    further record, and keeps what it has.
    """

    def __init__(self, blank: bool = False) -> None:
        self.records: dict[int, bytes] = {}
        if not blank:
            self.records[SETTINGS_SLOT] = bytes(default_record())
        self.corrupt: set[int] = set()
        self.entries: deque[tuple[int, bytes]] = deque(maxlen=LOG_CAPACITY)
        self.newest = 0
        self.worn = False

    def serve(self, request: bytearray, reply: bytearray) -> None:
        """Answers one call of `simboard.Journal`."""
        operation = request[CALL_OPERATION]
        count = get_u16(request, CALL_COUNT)
        number = get_i32(request, CALL_NUMBER)
        data = b""
        result = 0
        if operation == CALL_LOAD:
            data = self.records.get(number, b"")[:count]
            result = len(data)
            if number in self.corrupt:
                data, result = b"", -1
        elif self.worn and operation in (CALL_SAVE, CALL_APPEND):
            result = 0
        elif operation == CALL_SAVE:
            result = 1
            self.records[number] = bytes(request[CALL_DATA : CALL_DATA + count])
            self.corrupt.discard(number)
        elif operation == CALL_APPEND:
            result = 1
            self.newest += 1
            self.entries.append((self.newest, bytes(request[CALL_DATA : CALL_DATA + count])))
        elif operation == CALL_ENTRY:
            result, data = self._entry(number)
            data = data[:count]
        elif operation == CALL_NEWEST:
            result = self.newest
        put_u32(reply, REPLY_RESULT, result)
        put_u16(reply, REPLY_COUNT, len(data))
        reply[REPLY_DATA : REPLY_DATA + len(data)] = data

    def _entry(self, number: int) -> tuple[int, bytes]:
        if not self.entries or number > self.newest:
            return -1, b""
        oldest = self.entries[0][0]
        return self.entries[max(0, number - oldest)]
