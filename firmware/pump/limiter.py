"""Lowers the flow so that pressure stays under the working limit.

The flow allowed is what leaves the line now (plunger flow less what goes into the compliance) plus what
would bring the pressure to the working limit within the horizon. In a closed line that is an exponential
approach; in a narrow one it settles at the flow whose pressure is the working limit. The horizon, 24 ms, is
four times the delay of the loop (sample, turn and step), so the approach does not ring.
"""

from array import array

from .detection.kernels import ALLOWED, LEAVING, LIMITER_SIZE, READING, WANTED, WORKING, throttle


class Limiter:
    def __init__(self, hydraulics):
        # The array stays the same one for good.
        self._line = hydraulics.line
        # Places in it: turn_math.
        self.state = array("i", [0] * LIMITER_SIZE)
        self.working_pa = 0
        self.lowest = 0

    def begin(self, wanted):
        state = self.state
        state[WORKING] = self.working_pa
        state[WANTED] = state[ALLOWED] = wanted
        state[LEAVING] = 0
        self.lowest = wanted

    def turn(self, value_pa, slope_pa, rate):
        """The step rate allowed now."""
        state = self.state
        state[READING] = value_pa
        allowed = throttle(state, self._line, rate, slope_pa)
        # What is allowed lowers nothing as long as the flow is still on its way up to it.
        if allowed < self.lowest and allowed - rate < rate >> 3:
            self.lowest = allowed
        return allowed

    def derated_percent(self, wanted):
        """Largest lowering since `begin`, rounded up, 0..100."""
        return ((wanted - self.lowest) * 100 + wanted - 1) // wanted if self.lowest < wanted - (wanted >> 6) else 0
