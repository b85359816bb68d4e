"""What the pump sends without a request: events by importance, then telemetry if there is room."""

from flushlink.viper_compat import const

from .. import codes
from ..message_layout import Payload
from ..ticks import MASK, since

_FIGURES = Payload(
    "TELEMETRY",
    "state phase_index pulse_index flags device_time_ms pressure_pa flow_nl_per_s driven_nl delivered_nl remaining_ms",
)
_PHASE = Payload("PHASE", "phase_index phase_kind state question device_time_ms")

_ALARM_INTERVAL_MS = const(1_000)
_IDLE_INTERVAL_MS = const(500)
_NOT_YET = const(-1)


class Telemetry:
    """Sends at most one event per tick; while the pump moves it is written in one tick and sent in the next."""

    def __init__(self, pump):
        self._pump = pump
        self.interval_ms = _IDLE_INTERVAL_MS
        self._sent_ms = 0
        self._alarm_sent_ms = 0
        self._written = 0
        self._refreshed = False

    def send_due(self, now_ms, rate):
        """Whether there was something to do."""
        pump = self._pump
        written = self._written
        if written == 0:
            due = (now_ms - self._sent_ms) & MASK >= self.interval_ms
            if not (due or pump.report.unsent or pump.alarms.pending):
                return False
            written = self._write(now_ms, rate)
            if written <= 0:
                return written != 0
            if pump.moving:
                self._written = written
                return True
        self._written = 0
        if not pump.server.send_event(written):
            self._requeue(written)
        return True

    def _write(self, now_ms, rate):
        """Writes the event that is due into the server's frame; its number, 0 when none is due, or _NOT_YET."""
        pump = self._pump
        alarms = pump.alarms
        if alarms.pending and (alarms.changed or since(now_ms, self._alarm_sent_ms) >= _ALARM_INTERVAL_MS):
            alarms.changed = False
            self._alarm_sent_ms = now_ms
            alarms.write_alarm(pump.server.event, alarms.gravest())
            return codes.EVENT_ALARM
        report = pump.report
        if report.unsent:
            frame = pump.server.event
            if report.phase_pending:
                report.phase_pending = False
                self._phase(frame, now_ms)
                return codes.EVENT_PHASE
            if report.pulses_sent < report.pulses:
                report.copy_pulse(report.pulses_sent, frame)
                report.pulses_sent += 1
                return codes.EVENT_PULSE_RESULT
            if report.result_pending:
                report.result_pending = False
                report.copy_result(frame)
                return codes.EVENT_PROGRAM_END
            report.unsent = False
        if (now_ms - self._sent_ms) & MASK >= (self.interval_ms if pump.runner.active() else _IDLE_INTERVAL_MS):
            if pump.moving and not self._refreshed:
                # A tick's work of its own.
                self._refreshed = True
                pump.runner.refresh_figures()
                return _NOT_YET
            self._refreshed = False
            self._sent_ms = now_ms
            self._figures(pump.server.event, now_ms, rate)
            return codes.EVENT_TELEMETRY
        return 0

    def _requeue(self, written):
        """An event for which there was no room waits again; telemetry does not, the newest wins."""
        report = self._pump.report
        if written == codes.EVENT_ALARM:
            self._pump.alarms.changed = True
        elif written == codes.EVENT_PHASE:
            report.phase_pending = report.unsent = True
        elif written == codes.EVENT_PULSE_RESULT:
            report.pulses_sent = max(report.pulses_sent - 1, 0)
            report.unsent = True
        elif written == codes.EVENT_PROGRAM_END:
            report.result_pending = report.unsent = True

    def _phase(self, frame, now_ms):
        runner = self._pump.runner
        values = _PHASE.values
        values[0] = runner.phase
        values[1] = self._pump.program.kind[runner.phase]
        values[2] = self._pump.state()
        values[3] = runner.question
        values[4] = now_ms
        _PHASE.put(frame)

    def _figures(self, frame, now_ms, rate):
        pump = self._pump
        runner = pump.runner
        ledger = pump.ledger
        if not pump.moving:
            runner.refresh_figures()
        values = _FIGURES.values
        values[0] = pump.state()
        values[1] = runner.phase
        values[2] = runner.pulse_index()
        values[3] = pump.flags()
        values[4] = now_ms
        values[5] = pump.pressure.value_pa
        values[6] = pump.line_model.volume_nl(rate)
        values[7] = ledger.driven_nl
        values[8] = ledger.delivered_nl
        left = pump.program.total_ms - runner.elapsed_us // 1000 if runner.active() else 0
        values[9] = max(left, 0)
        _FIGURES.put(frame)
