"""What each message does: fields out of range are refused here, the rest is done by the message's group."""

from flushlink.frames import get_i32, get_u16, get_u32
from flushlink.messages import LOG_COMMAND, MESSAGES

from .care_commands import CareCommands
from .layout import number, request
from .link_commands import LinkCommands, stop_motion
from .program_commands import ProgramCommands
from .statuses import OUT_OF_RANGE

# Asking changes nothing, and a lease is renewed twice a second: neither is worth a place in the log.
_UNLOGGED = frozenset(
    number(name)
    for name in (
        "HELLO", "STATUS", "KEEPALIVE", "INFO", "PULSE_READ", "RESULT_READ", "SETTINGS_GET", "ALARM_READ", "LOG_READ",
    )
)


def _in_range(frame, name):
    """Whether every integer field of a request lies in the table's range; import-time table, no allocation in use."""
    for at, kind, minimum, maximum in _RANGES[name]:
        if kind == 1:
            value = frame[at]
        elif kind == 2:
            value = get_u16(frame, at)
        elif kind == 4:
            value = get_u32(frame, at)
        else:
            value = get_i32(frame, at)
        if value < minimum or value > maximum:
            return False
    return True


_KINDS = {"u8": 1, "u16": 2, "u32": 4, "i32": 5}
_RANGES = {
    row[0]: [
        (request(row[1])[field[0]], _KINDS[field[1]], field[2], field[3]) for field in row[3] if field[1] in _KINDS
    ]
    for row in MESSAGES
}


class Commands:
    """`execute` is called by the link server with a request that it has admitted."""

    def __init__(self, pump):
        self._pump = pump
        self._handlers = {}
        for group in (LinkCommands(pump), ProgramCommands(pump), CareCommands(pump)):
            self._handlers.update(group.handlers())

    def execute(self, message, frame, reply):
        """Runs one request; returns its status and leaves the response's payload in `reply`."""
        status = self._handlers[message](frame, reply) if _in_range(frame, message) else OUT_OF_RANGE
        if message not in _UNLOGGED:
            self._pump.log.add(LOG_COMMAND, message, self._pump.now_ms, status)
        return status

    def stop_motion(self):
        """What STOP does; the link server calls it as soon as it sees one coming."""
        stop_motion(self._pump)
