"""What each message does: fields out of range are refused here, the rest is done by the message's group."""

from flushlink import kernels
from flushlink.messages import LOG_COMMAND
from flushlink.viper_compat import const

from .. import codes
from ..message_layout import ranges
from ..ticks import since
from .maintenance_commands import MaintenanceCommands
from .session_commands import SessionCommands, stop_motion
from .therapy_commands import TherapyCommands

# Asking changes nothing, and a lease is renewed twice a second: neither is worth a place in the log.
_UNLOGGED = frozenset(
    (
        codes.REQUEST_HELLO,
        codes.REQUEST_STATUS,
        codes.REQUEST_KEEPALIVE,
        codes.REQUEST_INFO,
        codes.REQUEST_PULSE_READ,
        codes.REQUEST_RESULT_READ,
        codes.REQUEST_SETTINGS_GET,
        codes.REQUEST_ALARM_READ,
        codes.REQUEST_LOG_READ,
    )
)
_RANGES = ranges()
# With 24 an hour the log of 1,024 entries keeps what happened in the last 40 hours.
_UNPROVED_PER_HOUR = const(24)
_HOUR_MS = const(3_600_000)


class Commands:
    """`execute` is called by the link server with a request that it has admitted."""

    def __init__(self, pump):
        self._pump = pump
        self._hour_ms = 0
        self._unproved = 0
        self._handlers = {}
        for group in (SessionCommands(pump), TherapyCommands(pump), MaintenanceCommands(pump)):
            self._handlers.update(group.handlers())

    def execute(self, message, frame, reply):
        """Runs one request; returns its status and leaves the response's payload in `reply`."""
        in_range = kernels.in_range(frame, _RANGES[message])
        status = self._handlers[message](frame, reply) if in_range else codes.STATUS_OUT_OF_RANGE
        pump = self._pump
        if message == codes.REQUEST_PATH_SET and status != codes.STATUS_OK and not pump.runner.active():
            # The host describes another line: what was checked against the old one may not be started on it.
            pump.forget_path()
        if message not in _UNLOGGED and self._worth_an_entry(message):
            pump.log.add(LOG_COMMAND, message, pump.now_ms, status)
        return status

    def _worth_an_entry(self, message):
        """Whether a command may take a place in the log, which holds alarms too.

        What a host without a proof sends takes a few places an hour, and so does a STOP that stops nothing, which
        everybody may send.
        """
        pump = self._pump
        if pump.runner.active() or (pump.server.authenticated and message != codes.REQUEST_STOP):
            return True
        if since(pump.now_ms, self._hour_ms) > _HOUR_MS:
            self._hour_ms = pump.now_ms
            self._unproved = 0
        self._unproved += 1
        return self._unproved <= _UNPROVED_PER_HOUR

    def refresh_figures(self):
        """Updates what replies report and takes a tick's time: a request comes in the next one."""
        self._pump.runner.refresh_figures()

    def stop_motion(self):
        """What STOP does; the link server calls it as soon as one has come."""
        stop_motion(self._pump)
