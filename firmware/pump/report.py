"""What a run reports: pulse results, the program's result, and what has not been sent yet.

Results are kept as the payloads of their messages, so that a lost event can be read again unchanged.
"""

from flushlink import kernels
from flushlink.messages import HEADER_SIZE

from .message_layout import Payload

PULSES_MAX = 100
_PULSE = Payload(
    "PULSE_RESULT",
    "index verdict derated_percent phase_index intended_nl driven_nl delivered_nl start_us duration_us pause_us"
    " peak_pa resistance_pa_s_per_ml compliance_nl_per_kpa residual_pa evidence seen_permille limit_permille",
)
_ROW_SIZE = _PULSE.size
_END = Payload(
    "PROGRAM_END",
    "outcome verdict pulse_count alarm_code program_crc duration_ms peak_pa"
    " intended_nl driven_nl relieved_nl delivered_nl uncertain_nl aspirated_nl device_time_ms",
)


class Report:
    def __init__(self):
        # One block: a hundred small ones would leave the heap in pieces.
        self._rows = bytearray(PULSES_MAX * _ROW_SIZE)
        self._result = bytearray(_END.size)
        self._ended = False
        self.clear()

    def clear(self):
        """A new run begins: nothing of the last one is sent any more."""
        self.pulses = 0
        self.pulses_sent = 0
        self.phase_pending = False
        self.result_pending = False
        # Whether anything of the above may be unsent.
        self.unsent = False
        self.peak_pa = -1_000_000

    def add_pulse(
        self,
        detector,
        phase_index,
        derated_percent,
        intended_nl,
        driven_nl,
        delivered_nl,
        start_us,
        duration_us,
        pause_us,
    ):
        """Keeps the result of the pulse that has ended; a program has no more of them than there is room for."""
        if self.pulses == PULSES_MAX:
            return
        values = _PULSE.values
        values[0] = self.pulses
        values[1] = detector.verdict
        values[2] = derated_percent
        values[3] = phase_index
        values[4] = intended_nl
        values[5] = driven_nl
        values[6] = delivered_nl
        values[7] = start_us
        values[8] = duration_us
        values[9] = pause_us
        values[10] = detector.peak_pa
        values[11] = detector.resistance
        values[12] = detector.compliance
        values[13] = detector.residual_pa
        values[14] = detector.evidence
        values[15] = detector.observed
        values[16] = detector.threshold
        _PULSE.put(self._rows, self.pulses * _ROW_SIZE - HEADER_SIZE)
        self.pulses += 1
        self.unsent = True

    def copy_pulse(self, index, frame):
        """Payload of a pulse's result into a frame; False when there is no such pulse."""
        if index >= self.pulses:
            return False
        kernels.copy_payload(self._rows, index * _ROW_SIZE, _ROW_SIZE, frame)
        return True

    def add_phase(self):
        """A phase begins or asks."""
        self.phase_pending = True
        self.unsent = True

    def set_result(self, outcome, verdict, alarm_code, program_crc, duration_ms, ledger, device_time_ms):
        """Keeps the program's result."""
        values = _END.values
        values[0] = outcome
        values[1] = verdict
        values[2] = self.pulses
        values[3] = alarm_code
        values[4] = program_crc
        values[5] = duration_ms
        values[6] = self.peak_pa if self.peak_pa > -1_000_000 else 0
        values[7] = ledger.intended_nl
        values[8] = ledger.driven_nl
        values[9] = ledger.relieved_nl
        values[10] = ledger.delivered_nl
        values[11] = ledger.uncertain_nl
        values[12] = ledger.aspirated_nl
        values[13] = device_time_ms
        _END.put(self._result, -HEADER_SIZE)
        self.result_pending = True
        self.unsent = True
        self._ended = True

    def has_result(self):
        return self._ended

    def copy_result(self, frame):
        kernels.copy_payload(self._result, 0, _END.size, frame)
