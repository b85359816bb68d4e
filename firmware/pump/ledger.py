"""The volume ledger of a run, in steps and nanolitres: intended, driven, relieved, delivered, uncertain, aspirated.

Prime is never dose. What is still in the line's compliance is driven but not delivered. The running
figures are mirrored in scratch registers, which a watchdog reset leaves alone; a record in the journal marks
a run as open, so that a power cut is found at the next start and its volume named uncertain.
"""

from flushlink.frames import get_u32, put_u32
from flushlink.viper_compat import const

_MARK_IDLE = const(0)
_MARK_RUN = const(0x2A5A5A5)
_SCRATCH_MARK = const(0)
_SCRATCH_INTENDED = const(1)
_SCRATCH_DRIVEN = const(2)
_SCRATCH_HELD_BACK = const(3)
_SLOT = const(1)
# The longest rolling window that the setting allows, 24 h.
_WINDOW_MAX_MS = const(86_400_000)


class Ledger:
    def __init__(self, line_model, journal):
        self._model = line_model
        self._journal = journal
        self._record = bytearray(12)
        self.intended_nl = 0
        self.driven_nl = 0
        self.relieved_nl = 0
        self.delivered_nl = 0
        self.uncertain_nl = 0
        self.aspirated_nl = 0
        # All that was driven forwards, prime included: what the rolling window counts.
        self.forward_nl = 0
        # The rolling window as it was written last: a restart must not empty it.
        self.window_nl = 0
        self._dose_steps = 0
        self._elsewhere_nl = 0
        self._open = False

    def start_run(self, intended_nl, forward_nl):
        """Opens a run of `intended_nl` of dose, `forward_nl` with what primes; writes the journal, so only at rest.

        False, and no run is open, when the journal takes no mark: a power cut in it would go unnoticed.
        """
        self.intended_nl = intended_nl
        self.driven_nl = 0
        self.relieved_nl = 0
        self.delivered_nl = 0
        self.uncertain_nl = 0
        self.aspirated_nl = 0
        self._dose_steps = 0
        self._elsewhere_nl = 0
        self.forward_nl = 0
        # Should power fail, all that was to be driven forwards counts in the window.
        self._open = self._mark(_MARK_RUN, self.window_nl + forward_nl - intended_nl)
        if self._open:
            self.mirror()
        return self._open

    def add_dose(self, steps):
        """A dose burst has ended after `steps`."""
        self._dose_steps += steps
        self.refresh(0, 0)

    def refresh(self, running_steps, stored_nl):
        """Updates the figures with a dose burst of `running_steps` and the volume in the compliance."""
        self.driven_nl = self._model.volume_nl(self._dose_steps + running_steps)
        delivered = self.driven_nl - self.relieved_nl - self._elsewhere_nl - min(stored_nl, self.driven_nl)
        self.delivered_nl = max(delivered, 0)

    def add_uncertain(self, volume_nl):
        """Volume driven while a leak or an open line was detected: it may have gone elsewhere."""
        self._elsewhere_nl += volume_nl
        self.uncertain_nl += volume_nl

    def close(self, stored_nl):
        """Closes a run: what is still stored is uncertain. The journal follows by `flush`."""
        self.refresh(0, stored_nl)
        rest = self.driven_nl - self.relieved_nl - self.delivered_nl
        self.uncertain_nl = max(rest, 0)
        self._journal.scratch_write(_SCRATCH_MARK, _MARK_IDLE)

    def flush(self, window_nl):
        """Writes the end of a run, and what the rolling window holds, to the journal; only while nothing moves.

        False when the journal takes neither: the next start then names the whole run uncertain.
        """
        self.window_nl = window_nl
        if not self._open:
            return True
        self._open = False
        return self._mark(_MARK_IDLE, window_nl)

    def mirror(self):
        """Running figures into the scratch registers; call `refresh` first."""
        journal = self._journal
        journal.scratch_write(_SCRATCH_INTENDED, self.intended_nl)
        journal.scratch_write(_SCRATCH_DRIVEN, self.driven_nl)
        journal.scratch_write(_SCRATCH_HELD_BACK, self.driven_nl - self.delivered_nl)
        journal.scratch_write(_SCRATCH_MARK, _MARK_RUN)

    def recover(self, margin_nl):
        """At the start: 0 nothing was open, 1 restored from scratch (+- `margin_nl`), 2 only the intent is known."""
        record = self._record
        journal = self._journal
        size = journal.load(_SLOT, record)
        known = size == 12
        open_run = known and get_u32(record, 0) == _MARK_RUN
        intended_nl = get_u32(record, 4)
        self.window_nl = get_u32(record, 8) if known else 0
        result = 0
        if journal.scratch_read(_SCRATCH_MARK) == _MARK_RUN:
            self.intended_nl = journal.scratch_read(_SCRATCH_INTENDED)
            self.driven_nl = journal.scratch_read(_SCRATCH_DRIVEN)
            held_back_nl = journal.scratch_read(_SCRATCH_HELD_BACK)
            self.uncertain_nl = held_back_nl + margin_nl
            self.delivered_nl = max(self.driven_nl - held_back_nl, 0)
            self.window_nl += self.driven_nl + margin_nl
            result = 1
        elif open_run:
            self.intended_nl = intended_nl
            self.uncertain_nl = intended_nl
            self.window_nl += intended_nl
            result = 2
        elif size < 0:
            # Power went while the record was written: a run had just begun or ended, which of both is unknown.
            result = 2
        journal.scratch_write(_SCRATCH_MARK, _MARK_IDLE)
        if open_run or size < 0:
            self._mark(_MARK_IDLE, self.window_nl)
        return result

    def _mark(self, mark, window_nl):
        put_u32(self._record, 0, mark)
        put_u32(self._record, 4, self.intended_nl)
        put_u32(self._record, 8, window_nl)
        return self._journal.save(_SLOT, self._record, 12)


class Window:
    """Volume driven in the last `window_s` seconds, by run; of more than 16 runs the oldest are forgotten late."""

    PARTS = 16

    def __init__(self):
        self._volumes = [0] * self.PARTS
        self._ends_ms = [0] * self.PARTS
        self._at = 0

    def add(self, now_ms, volume_nl):
        """Books a run's volume; the oldest entry is merged into the next when all are taken."""
        if volume_nl == 0:
            return
        self._at = (self._at + 1) % self.PARTS
        following = (self._at + 1) % self.PARTS
        self._volumes[following] += self._volumes[self._at]
        self._volumes[self._at] = volume_nl
        self._ends_ms[self._at] = now_ms

    def total_nl(self, now_ms, window_s):
        """Volume driven in the last `window_s` seconds, nl. A shorter window does not empty a longer one."""
        total = 0
        for index in range(self.PARTS):
            age_ms = (now_ms - self._ends_ms[index]) & 0x3FFFFFFF
            if age_ms > _WINDOW_MAX_MS:
                self._volumes[index] = 0
            if age_ms <= window_s * 1000:
                total += self._volumes[index]
        return total
