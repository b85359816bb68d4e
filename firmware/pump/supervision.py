"""The small watchers of a run: what the syringe still holds, and whether the host is still there."""

from .ticks import since


class Syringe:
    """Volume in the syringe, from the counted steps since it was put in."""

    def __init__(self, motion, hydraulics):
        self._motion = motion
        self._path = hydraulics
        self._loaded_nl = 0
        self._base = 0
        self.capacity_nl = 0

    def load(self, loaded_nl, capacity_nl):
        self._loaded_nl = loaded_nl
        self.capacity_nl = capacity_nl
        self._base = self._motion.position()

    def remaining_nl(self):
        return self._loaded_nl - self._path.volume_nl(self._motion.position() - self._base)


class Lease:
    """How long the session that owns the motion may be silent."""

    def __init__(self):
        self.session = 0
        self._length_ms = 0
        self._from_ms = 0

    def renew(self, session, length_ms, now_ms):
        self.session = session
        self._length_ms = length_ms
        self._from_ms = now_ms

    def over(self, now_ms):
        return since(now_ms, self._from_ms) > self._length_ms
