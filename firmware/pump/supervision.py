"""What a run needs besides pressure: volume in the syringe, and a host that is not silent."""

from flushlink.viper_compat import const

from .ticks import MASK

_LOW_NL = const(1_000_000)
_EMPTY_NL = const(499_000)


class Syringe:
    """Volume in the syringe, from the counted steps since it was put in.

    `low_at` and `empty_at` are the positions from which less than 1 mL and less than 0.5 mL remain.
    """

    def __init__(self, motion, line_model):
        self._motion = motion
        self._model = line_model
        self._loaded_nl = 0
        self._base = 0
        self.capacity_nl = 0
        self.low_at = 0
        self.empty_at = 0

    def load(self, loaded_nl, capacity_nl):
        """A syringe has been put in, or the path has been set anew. May allocate."""
        self._loaded_nl = loaded_nl
        self.capacity_nl = capacity_nl
        self._base = self._motion.position()
        self.low_at = self._base + self._steps_until(_LOW_NL)
        self.empty_at = self._base + self._steps_until(_EMPTY_NL)

    def _steps_until(self, volume_nl):
        """Steps after which less than `volume_nl` remains."""
        driven_pl = (self._loaded_nl - volume_nl + 1) * 1000
        return -(-driven_pl // self._model.volume_per_step_pl)

    def remaining_nl(self):
        return self._loaded_nl - self._model.volume_nl(self._motion.position() - self._base)


class Lease:
    """How long the session that owns the motion may be silent."""

    def __init__(self):
        self.session = 0
        self.length_ms = 0
        self.from_ms = 0

    def renew(self, session, length_ms, now_ms):
        self.session = session
        self.length_ms = length_ms
        self.from_ms = now_ms

    def over(self, now_ms):
        return (now_ms - self.from_ms) & MASK > self.length_ms
