"""Relief after an occlusion: draws back what the compliance holds, bounded by volume, time and a valid sensor.

It aims a little above zero gauge, slows as it comes near and never goes on without a reading that follows, so
that it cannot draw blood in. Pressure that comes back from beyond a needle is relieved again, within the same
bounds.
"""

from flushlink.viper import const

RUNNING = 0
DONE = 1
INCOMPLETE = 2
STUCK = 3

TARGET_PA = 1_500
_AGAIN_PA = const(2_000)
_SETTLE_TURNS = const(12)
_TIME_MS = const(3_000)
_PROOF_PA = const(500)


class Relief:
    def __init__(self, motion, pressure, hydraulics):
        self._motion = motion
        self._pressure = pressure
        self._path = hydraulics
        self._start = 0
        self._cap = 0
        self._first_pa = 0
        self._proof = 0
        self._due_ms = 0
        self._settled = 0
        self._target_pa = 0
        self._fastest = 0

    def begin(self, cap_steps, rest_pa):
        """At most `cap_steps` backwards."""
        self._start = self._motion.position()
        self._cap = cap_steps
        self._due_ms = 0
        self._settled = 0
        # By 20 uL of backlash and what the compliance holds at 12 kPa a true reading has fallen.
        self._first_pa = self._pressure.value_pa
        self._proof = self._path.steps_per_ul() * (self._path.stored_nl(12_000) // 1000 + 20)
        self._target_pa = max(rest_pa, 0) + TARGET_PA
        # Pressure falls by 1.25 kPa per turn at the most: 0.5 mL/s in 2 uL/kPa.
        self._fastest = max(self._path.slope_rate(1_250), 20)

    def relieved_steps(self):
        """Steps drawn back since `begin`."""
        return max(self._start - self._motion.position(), 0)

    def turn(self):
        motion = self._motion
        self._due_ms += 5
        relieved = self.relieved_steps()
        if self._pressure.fault:
            motion.halt()
            return INCOMPLETE
        if relieved > self._proof and self._first_pa - self._pressure.value_pa < _PROOF_PA:
            motion.halt()
            return STUCK
        gap = self._pressure.value_pa - self._target_pa
        left = self._cap - relieved
        if gap <= 0:
            if not motion.idle():
                motion.halt()
            self._settled += 1
            return DONE if self._settled >= _SETTLE_TURNS else RUNNING
        if left <= 0 or self._due_ms > _TIME_MS:
            motion.halt()
            return DONE if gap < _AGAIN_PA else INCOMPLETE
        rate = min(max(self._path.slope_rate(min(gap, 8_000)) // 12, 20), self._fastest)
        if motion.idle():
            if gap < _AGAIN_PA and self._settled:
                self._settled += 1
                return DONE if self._settled >= _SETTLE_TURNS else RUNNING
            motion.begin(left, rate, -1)
            self._settled = 0
        else:
            motion.limit(rate)
        return RUNNING
