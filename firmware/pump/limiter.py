"""Lowers the flow so that pressure stays under the working limit.

The flow allowed is what leaves the line now (plunger flow less what goes into the compliance) plus what
would bring the pressure to the working limit within the horizon. In a closed line that is an exponential
approach; in a narrow one it settles at the flow whose pressure is the working limit. The horizon, 24 ms, is
four times the delay of the loop (sample, turn and step), so the approach does not ring.
"""

_GAP_MAX_PA = 30_000
# Flow may rise again by 1/16 of the wanted flow per turn.
_RECOVERY_SHIFT = 4


class Limiter:
    def __init__(self, hydraulics):
        self._path = hydraulics
        self.working_pa = 0
        self.allowed = 0
        self.lowest = 0
        self._out = 0

    def begin(self, wanted):
        self.allowed = wanted
        self.lowest = wanted
        self._out = 0

    def turn(self, value_pa, slope_pa, rate, wanted):
        """The step rate allowed now."""
        out = rate - self._path.slope_rate(slope_pa)
        self._out += (out - self._out) >> 1
        gap = self.working_pa - value_pa
        if gap > _GAP_MAX_PA:
            gap = _GAP_MAX_PA
        elif gap < -_GAP_MAX_PA:
            gap = -_GAP_MAX_PA
        allowed = max(self._out, 0) + ((gap * self._path.rate_per_pa) >> 10)
        most = self.allowed + (wanted >> _RECOVERY_SHIFT) + 1
        if allowed > most:
            allowed = most
        if allowed > wanted:
            allowed = wanted
        if allowed < 1:
            allowed = 1
        self.allowed = allowed
        if allowed < self.lowest:
            self.lowest = allowed
        return allowed

    def derated_percent(self, wanted):
        """Largest lowering since `begin`, rounded up, 0..100."""
        return ((wanted - self.lowest) * 100 + wanted - 1) // wanted if self.lowest < wanted - (wanted >> 6) else 0
