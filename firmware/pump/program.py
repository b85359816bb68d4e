"""A flush program as the host sent it: up to twelve phases, checked, summed and closed by a CRC."""

from flushlink.frames import crc16
from flushlink.messages import HEADER_SIZE
from flushlink.viper_compat import const

from . import codes
from .ticks import MASK

_PHASES_MAX = const(12)
_ASPIRATE_MAX_NL = const(5_000_000)
_PULSES_MAX = const(100)


def is_dose(kind):
    return codes.PHASE_PULSES <= kind <= codes.PHASE_LOCK or kind == codes.PHASE_FINISH


class Program:
    def __init__(self, motion, line_model):
        self._motion = motion
        self._model = line_model
        zeros = [0] * _PHASES_MAX
        self.kind = list(zeros)
        self.count = list(zeros)
        self.question = list(zeros)
        self.volume_nl = list(zeros)
        self.flow_nl_per_s = list(zeros)
        self.pause_ms = list(zeros)
        self.steps = list(zeros)
        self.rate = list(zeros)
        self.burst_us = list(zeros)
        self.duration_ms = list(zeros)
        self.crc = 0
        self.clear()

    def clear(self):
        self.phases = 0
        self._expected = 0
        self._promised_nl = 0
        self._running_crc = 0xFFFF
        self.max_time_ms = 0
        self.dose_nl = 0
        # Dose and what primes.
        self.forward_nl = 0
        self.net_nl = 0
        self.lowest_nl = 0
        self.highest_nl = 0
        self.total_ms = 0
        self.pulses = 0
        self.committed = False

    def start_loading(self, frame, phase_count, total_nl, max_time_ms, length):
        self.clear()
        self._expected = phase_count
        self._promised_nl = total_nl
        self.max_time_ms = max_time_ms
        self._running_crc = crc16(frame, HEADER_SIZE, HEADER_SIZE + length)

    def add_phase(self, index, kind, count, question, volume_nl, flow_nl_per_s, pause_ms):
        """Appends a phase with its flow already lowered to the caps; False when it makes no sense. May allocate."""
        if index != self.phases or index >= self._expected or self.committed:
            return False
        moves = kind != codes.PHASE_WAIT
        if moves != (count > 0) or moves != (volume_nl > 0) or (not moves and question == 0):
            return False
        if (kind != codes.PHASE_PULSES and count > 1) or count > _PULSES_MAX or (moves and flow_nl_per_s < 10_000):
            return False
        if kind == codes.PHASE_ASPIRATE and volume_nl > _ASPIRATE_MAX_NL:
            return False
        path = self._model
        steps = path.steps_of(volume_nl * count)
        rate = max((flow_nl_per_s * 1000 + path.volume_per_step_pl // 2) // path.volume_per_step_pl, 1)
        if moves and steps < count:
            return False
        self.kind[index] = kind
        self.count[index] = count
        self.question[index] = question
        self.volume_nl[index] = volume_nl
        self.flow_nl_per_s[index] = flow_nl_per_s
        self.pause_ms[index] = pause_ms
        self.steps[index] = steps
        self.rate[index] = rate
        self.burst_us[index] = min(self._motion.duration_us(steps // max(count, 1), rate), MASK)
        self.duration_ms[index] = count * (self.burst_us[index] // 1000 + pause_ms)
        self.phases += 1
        total_nl = volume_nl * count
        if kind == codes.PHASE_ASPIRATE:
            self.net_nl += total_nl
        else:
            self.net_nl -= total_nl
            self.forward_nl += total_nl
        if is_dose(kind):
            self.dose_nl += total_nl
        if kind == codes.PHASE_PULSES:
            self.pulses += count
        self.lowest_nl = min(self.lowest_nl, self.net_nl)
        self.highest_nl = max(self.highest_nl, self.net_nl)
        self.total_ms += self.duration_ms[index]
        return True

    def changes_syringe(self):
        """Whether a phase asks for another syringe, so that one need not hold it all."""
        for index in range(self.phases):
            if self.question[index] == codes.QUESTION_SYRINGE_CHANGED:
                return True
        return False

    def asks_for_blood(self):
        """Whether blood return is asked for before anything is driven into the line."""
        for index in range(self.phases):
            if is_dose(self.kind[index]):
                return False
            if self.question[index] == codes.QUESTION_BLOOD_RETURN:
                return True
        return True

    def add_to_crc(self, frame, length):
        """Continues the CRC with the payload of an accepted phase."""
        self._running_crc = crc16(frame, HEADER_SIZE, HEADER_SIZE + length, self._running_crc)

    def commit(self, crc):
        """Closes the program; False unless it is complete and is what was sent."""
        if self.phases == 0 or self.phases != self._expected or crc != self._running_crc:
            return False
        if self.dose_nl != self._promised_nl or self.pulses > _PULSES_MAX:
            return False
        self.crc = crc
        self.committed = True
        return True

    def set_single_phase(self, kind, volume_nl, flow_nl_per_s, max_time_ms):
        """A program of one phase, for PRIME and ASPIRATE. May allocate."""
        self.clear()
        self._expected = 1
        self.max_time_ms = max_time_ms
        self.crc = 0
        return self.add_phase(0, kind, 1, 0, volume_nl, flow_nl_per_s, 0)
