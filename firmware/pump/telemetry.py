"""What the pump tells without being asked: events in the order of their weight, then telemetry if there is room."""

from flushlink.frames import put_u32

from .layout import event, number
from .report import put_alarm
from .ticks import since

_TELEMETRY = event("TELEMETRY")
_PHASE = event("PHASE")
_ALARM = event("ALARM")
_TELEMETRY_NUMBER = number("TELEMETRY")
_PULSE_NUMBER = number("PULSE_RESULT")
_PHASE_NUMBER = number("PHASE")
_ALARM_NUMBER = number("ALARM")
_END_NUMBER = number("PROGRAM_END")

_ALARM_INTERVAL_MS = 1_000
_IDLE_INTERVAL_MS = 500


class Telemetry:
    """Sends at most one event per turn."""

    def __init__(self, pump):
        self._pump = pump
        self._sent_ms = 0
        self._alarm_sent_ms = 0

    def turn(self, now_ms, interval_ms, rate):
        pump = self._pump
        report = pump.report
        server = pump.server
        frame = server.event
        alarms = pump.alarms
        if alarms.pending and (alarms.changed or since(now_ms, self._alarm_sent_ms) >= _ALARM_INTERVAL_MS):
            put_alarm(frame, _ALARM, alarms, alarms.gravest())
            if server.send_event(_ALARM_NUMBER):
                alarms.changed = False
                self._alarm_sent_ms = now_ms
            return
        if report.phase_pending:
            self._phase(frame, now_ms)
            if server.send_event(_PHASE_NUMBER):
                report.phase_pending = False
            return
        if report.pulses_sent < report.pulses:
            report.copy_pulse(report.pulses_sent, frame)
            if server.send_event(_PULSE_NUMBER):
                report.pulses_sent += 1
            return
        if report.result_pending:
            report.copy_result(frame)
            if server.send_event(_END_NUMBER):
                report.result_pending = False
            return
        if since(now_ms, self._sent_ms) >= (interval_ms if pump.runner.active() else _IDLE_INTERVAL_MS):
            self._sent_ms = now_ms
            self._figures(frame, now_ms, rate)
            server.send_event(_TELEMETRY_NUMBER)

    def _phase(self, frame, now_ms):
        runner = self._pump.runner
        frame[_PHASE["phase_index"]] = runner.phase
        frame[_PHASE["phase_kind"]] = self._pump.program.kind[runner.phase]
        frame[_PHASE["state"]] = self._pump.state()
        frame[_PHASE["question"]] = runner.question
        put_u32(frame, _PHASE["device_time_ms"], now_ms)

    def _figures(self, frame, now_ms, rate):
        pump = self._pump
        runner = pump.runner
        runner.refresh_ledger()
        frame[_TELEMETRY["state"]] = pump.state()
        frame[_TELEMETRY["phase_index"]] = runner.phase
        frame[_TELEMETRY["pulse_index"]] = runner.pulse_index()
        frame[_TELEMETRY["flags"]] = pump.flags()
        put_u32(frame, _TELEMETRY["device_time_ms"], now_ms)
        put_u32(frame, _TELEMETRY["pressure_pa"], pump.pressure.value_pa)
        put_u32(frame, _TELEMETRY["flow_nl_per_s"], pump.hydraulics.volume_nl(rate))
        put_u32(frame, _TELEMETRY["driven_nl"], pump.ledger.driven_nl)
        put_u32(frame, _TELEMETRY["delivered_nl"], pump.ledger.delivered_nl)
        left = pump.program.total_ms - runner.elapsed_us // 1000 if runner.active() else 0
        put_u32(frame, _TELEMETRY["remaining_ms"], max(left, 0))


