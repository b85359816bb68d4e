"""What a run has to tell: pulse results, the program's result and what has not been sent yet.

Results are kept as the payloads of their messages, with room for a header before them, so that a lost event can be
read again unchanged.
"""

from flushlink import fast
from flushlink.frames import put_u16, put_u32
from flushlink.messages import HEADER_SIZE

from .layout import event

PULSES_MAX = 100
_PULSE = event("PULSE_RESULT")
_PULSE_SIZE = _PULSE[""]
_RESULT = event("PROGRAM_END")
_RESULT_SIZE = _RESULT[""]


class Report:
    def __init__(self):
        self._rows = [bytearray(HEADER_SIZE + _PULSE_SIZE) for _ in range(PULSES_MAX)]
        self._result = bytearray(HEADER_SIZE + _RESULT_SIZE)
        self.clear()

    def clear(self):
        """A new run begins: nothing of the last one is sent any more."""
        self.pulses = 0
        self.pulses_sent = 0
        self.phase_pending = False
        self.result_pending = False
        self.peak_pa = -1_000_000

    def pulse(
        self, judge, phase_index, derated_percent, intended_nl, driven_nl, delivered_nl, start_us, duration_us, pause_us
    ):
        """Keeps the result of the pulse that has ended; a program has no more of them than there is room for."""
        if self.pulses == PULSES_MAX:
            return
        row = self._rows[self.pulses]
        row[_PULSE["index"]] = self.pulses
        row[_PULSE["verdict"]] = judge.verdict
        row[_PULSE["derated_percent"]] = derated_percent
        row[_PULSE["phase_index"]] = phase_index
        put_u32(row, _PULSE["intended_nl"], intended_nl)
        put_u32(row, _PULSE["driven_nl"], driven_nl)
        put_u32(row, _PULSE["delivered_nl"], delivered_nl)
        put_u32(row, _PULSE["start_us"], start_us)
        put_u32(row, _PULSE["duration_us"], duration_us)
        put_u32(row, _PULSE["pause_us"], pause_us)
        put_u32(row, _PULSE["peak_pa"], judge.peak_pa)
        put_u32(row, _PULSE["resistance_pa_s_per_ml"], judge.resistance)
        put_u16(row, _PULSE["compliance_nl_per_kpa"], judge.compliance)
        put_u32(row, _PULSE["residual_pa"], judge.residual_pa)
        self.pulses += 1

    def copy_pulse(self, index, frame):
        """Payload of a pulse's result into a frame; False when there is no such pulse."""
        if index >= self.pulses:
            return False
        fast.copy(self._rows[index], HEADER_SIZE + _PULSE_SIZE, frame)
        return True

    def note_peak(self, value_pa):
        if value_pa > self.peak_pa:
            self.peak_pa = value_pa

    def result(self, outcome, verdict, alarm_code, program_crc, duration_ms, ledger, device_time_ms):
        """Keeps the program's result."""
        row = self._result
        row[_RESULT["outcome"]] = outcome
        row[_RESULT["verdict"]] = verdict
        row[_RESULT["pulse_count"]] = self.pulses
        row[_RESULT["alarm_code"]] = alarm_code
        put_u16(row, _RESULT["program_crc"], program_crc)
        put_u32(row, _RESULT["duration_ms"], duration_ms)
        put_u32(row, _RESULT["peak_pa"], self.peak_pa if self.peak_pa > -1_000_000 else 0)
        put_ledger(row, _RESULT, ledger)
        put_u32(row, _RESULT["aspirated_nl"], ledger.aspirated_nl)
        put_u32(row, _RESULT["device_time_ms"], device_time_ms)
        self.result_pending = True

    def has_result(self):
        return self._result[_RESULT["outcome"]] != 0

    def copy_result(self, frame):
        fast.copy(self._result, HEADER_SIZE + _RESULT_SIZE, frame)


def put_ledger(frame, at, ledger):
    """The ledger's five fields into a frame; `at` are the message's offsets."""
    put_u32(frame, at["intended_nl"], ledger.intended_nl)
    put_u32(frame, at["driven_nl"], ledger.driven_nl)
    put_u32(frame, at["relieved_nl"], ledger.relieved_nl)
    put_u32(frame, at["delivered_nl"], ledger.delivered_nl)
    put_u32(frame, at["uncertain_nl"], ledger.uncertain_nl)


def put_alarm(frame, at, alarms, code):
    """One alarm's fields into a frame; `at` are the message's offsets."""
    frame[at["code"]] = code
    frame[at["priority"]] = alarms.priority(code)
    frame[at["condition"]] = alarms.lasts(code)
    frame[at["pending"]] = alarms.pending
    put_u16(frame, at["occurrence"], alarms.occurrence(code))
    put_u32(frame, at["device_time_ms"], alarms.raised_ms(code))
    put_u32(frame, at["detail"], alarms.detail(code))
