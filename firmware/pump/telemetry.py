"""What the pump tells without being asked: events in the order of their weight, then telemetry if there is room."""

from .layout import NUMBERS, Payload
from .ticks import MASK, since

_FIGURES = Payload(
    "TELEMETRY",
    "state phase_index pulse_index flags device_time_ms pressure_pa flow_nl_per_s driven_nl delivered_nl remaining_ms",
)
_PHASE = Payload("PHASE", "phase_index phase_kind state question device_time_ms")
_TELEMETRY_NUMBER = NUMBERS["TELEMETRY"]
_PULSE_NUMBER = NUMBERS["PULSE_RESULT"]
_PHASE_NUMBER = NUMBERS["PHASE"]
_ALARM_NUMBER = NUMBERS["ALARM"]
_END_NUMBER = NUMBERS["PROGRAM_END"]

_ALARM_INTERVAL_MS = 1_000
_IDLE_INTERVAL_MS = 500


class Telemetry:
    """Sends at most one event per turn."""

    def __init__(self, pump):
        self._pump = pump
        self.interval_ms = _IDLE_INTERVAL_MS
        self._sent_ms = 0
        self._alarm_sent_ms = 0

    def turn(self, now_ms, rate):
        pump = self._pump
        report = pump.report
        server = pump.server
        frame = server.event
        alarms = pump.alarms
        if alarms.pending and (alarms.changed or since(now_ms, self._alarm_sent_ms) >= _ALARM_INTERVAL_MS):
            alarms.put(frame, alarms.gravest())
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
        if (now_ms - self._sent_ms) & MASK >= (self.interval_ms if pump.runner.active() else _IDLE_INTERVAL_MS):
            self._sent_ms = now_ms
            self._figures(frame, now_ms, rate)
            server.send_event(_TELEMETRY_NUMBER)

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
        runner.refresh_ledger()
        values = _FIGURES.values
        values[0] = pump.state()
        values[1] = runner.phase
        values[2] = runner.pulse_index()
        values[3] = pump.flags()
        values[4] = now_ms
        values[5] = pump.pressure.value_pa
        values[6] = pump.hydraulics.volume_nl(rate)
        values[7] = ledger.driven_nl
        values[8] = ledger.delivered_nl
        left = pump.program.total_ms - runner.elapsed_us // 1000 if runner.active() else 0
        values[9] = max(left, 0)
        _FIGURES.put(frame)
