"""Latched alarms: each raising is an occurrence, and stays until that very occurrence is acknowledged.

Light and sound follow the gravest one that waits (IEC 60601-1-8 priorities; flash and burst timing belong
to the indicators). Three alarms that each ended a run within ten minutes lock the pump until it is reset.
"""

from flushlink.messages import LOG_ALARM
from flushlink.viper_compat import const

from . import codes
from .message_layout import Payload, priorities
from .ticks import since

_LOW = const(1)
_MEDIUM = const(2)
_HIGH = const(3)

_AUDIO_PAUSE_MS = const(120_000)
_ROUNDS = const(3)
_ROUNDS_MS = const(600_000)
_PRIORITIES = priorities()
_COUNT = len(_PRIORITIES)
# Response and event hold the same.
_ALARM = Payload("ALARM", "code priority condition pending occurrence device_time_ms detail")


class Alarms:
    def __init__(self, log):
        self._log = log
        self._priorities = _PRIORITIES
        self._occurrences = [0] * _COUNT
        self._raised_ms = [0] * _COUNT
        self._details = [0] * _COUNT
        self._conditions = bytearray(_COUNT)
        self._last = 0
        self._rounds_ms = [0] * _ROUNDS
        self._rounds = 0
        self.locked = False
        self.changed = False
        self.pending = 0
        self._gravest = 0
        self._pause_from_ms = 0
        self._pause_priority = 0
        self.audio_paused = False

    def raise_alarm(self, code, now_ms, detail=0):
        """A new occurrence of `code`, though an older one may still wait."""
        self._last = self._last % 65_535 + 1
        if self._occurrences[code] == 0:
            self.pending += 1
        self._occurrences[code] = self._last
        self._raised_ms[code] = now_ms
        self._details[code] = detail
        self.changed = True
        self._gravest = self._find_gravest()
        self._log.add(LOG_ALARM, code, now_ms, detail)
        if self.audio_paused and self._priorities[code] >= self._pause_priority:
            self.audio_paused = False

    def raise_once(self, code, now_ms, detail=0):
        """Raises `code` unless it already waits."""
        if self._occurrences[code] == 0:
            self.raise_alarm(code, now_ms, detail)

    def set_condition(self, code, lasts):
        """Sets whether the cause of `code` lasts; a lasting cause forbids a start even when acknowledged."""
        self._conditions[code] = 1 if lasts else 0

    def count_run(self, now_ms):
        """Counts a run ended by an alarm; the third within ten minutes locks the pump."""
        self._rounds_ms[self._rounds % _ROUNDS] = now_ms
        self._rounds += 1
        oldest = self._rounds_ms[self._rounds % _ROUNDS]
        if self._rounds >= _ROUNDS and since(now_ms, oldest) <= _ROUNDS_MS and not self.locked:
            self.locked = True
            self.raise_alarm(codes.ALARM_LOCKED_OUT, now_ms, _ROUNDS)

    def acknowledge(self, occurrence):
        """Clears the alarm with this occurrence; returns its code, or 0 when there is none (any more)."""
        for code in range(1, _COUNT):
            if occurrence and self._occurrences[code] == occurrence:
                self._occurrences[code] = 0
                self.pending -= 1
                self._gravest = self._find_gravest()
                # A pause applies to the alarms that sounded: a later one sounds.
                if self.pending == 0:
                    self.audio_paused = False
                return code
        return 0

    def gravest(self):
        """Code of the alarm with the highest priority, the oldest of them, or 0."""
        return self._gravest

    def _find_gravest(self):
        best = 0
        for code in range(1, _COUNT):
            occurrence = self._occurrences[code]
            if occurrence and (
                best == 0
                or self._priorities[code] > self._priorities[best]
                or (
                    self._priorities[code] == self._priorities[best]
                    and (occurrence - self._occurrences[best]) & 0xFFFF >= 0x8000
                )
            ):
                best = code
        return best

    def code_at(self, index):
        """Code of the index-th waiting alarm, the gravest first, or 0."""
        for priority in range(_HIGH, 0, -1):
            for code in range(1, _COUNT):
                if self._occurrences[code] and self._priorities[code] == priority:
                    if index == 0:
                        return code
                    index -= 1
        return 0

    def blocks_start(self):
        """Whether a waiting alarm of medium or high priority, or a lasting cause, forbids a start."""
        for code in range(1, _COUNT):
            if self._priorities[code] >= _MEDIUM and (self._occurrences[code] or self._conditions[code]):
                return True
        return False

    def occurrence(self, code):
        return self._occurrences[code]

    def write_alarm(self, frame, code):
        """One alarm's figures into the payload of a frame."""
        values = _ALARM.values
        values[0] = code
        values[1] = self._priorities[code]
        values[2] = self._conditions[code]
        values[3] = self.pending
        values[4] = self._occurrences[code]
        values[5] = self._raised_ms[code]
        values[6] = self._details[code]
        _ALARM.put(frame)

    def pause_audio(self, now_ms):
        """Silences the sound; returns for how long (ms)."""
        self.audio_paused = True
        self._pause_from_ms = now_ms
        self._pause_priority = self._priorities[self.gravest()]
        return _AUDIO_PAUSE_MS

    def indicate(self, indicators, now_ms, running):
        """Shows light and sound of the gravest waiting alarm."""
        if self.audio_paused and since(now_ms, self._pause_from_ms) >= _AUDIO_PAUSE_MS:
            self.audio_paused = False
        if self.pending == 0:
            indicators.show(4 if running else 0, 0)
            return
        priority = self._priorities[self.gravest()]
        indicators.show(4 - priority, 0 if self.audio_paused else priority)
