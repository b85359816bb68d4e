"""Relief after an occlusion: draws back the volume in the compliance, bounded by volume, time and a valid sensor.

It aims a little above zero gauge, slows down near it, allows for the fall of pressure by itself when the line has
opened (the liquid's swing goes on), and stops without a reading that follows, so that it cannot draw blood in. Pressure
that returns from beyond a needle is relieved again, within the same bounds. Pressure that does not fall with the drawn
volume is not stored in the line: it comes from tissue or a vein, and is left there.
"""

from flushlink.viper_compat import const

UNDER_WAY = 0
DONE = 1
INCOMPLETE = 2
STUCK = 3

TARGET_PA = 1_500
_AGAIN_PA = const(2_000)
_SETTLE_TICKS = const(12)
_TIME_MS = const(3_000)
_PROOF_PA = const(500)
# How far ahead the fall is followed, twice what its mean lags by: 30 ms, most of a quarter swing of a port's line.
_AHEAD = const(2)
# In a closed line the pressure above the target falls by 1 / (8 + 6) per tick, 70 ms.
_SHARE = const(8)
_FASTEST_GAP_PA = const(6_000)


class Relief:
    def __init__(self, motion, pressure, line_model):
        self._motion = motion
        self._pressure = pressure
        self._model = line_model
        self._start = 0
        self._cap = 0
        self._first_pa = 0
        self._mean_pa = 0
        self._proof = 0
        self._due_ms = 0
        self._settled = 0
        self._target_pa = 0
        self._fastest = 0

    def start(self, cap_steps, rest_pa):
        """At most `cap_steps` backwards."""
        self._start = self._motion.position()
        self._cap = cap_steps
        self._due_ms = 0
        self._settled = 0
        # After 20 uL of backlash and the volume in the compliance at 12 kPa a true reading has begun to fall.
        self._first_pa = self._mean_pa = self._pressure.value_pa
        self._proof = self._model.steps_per_ul() * (self._model.stored_nl(12_000) // 1000 + 20)
        self._target_pa = max(rest_pa, 0) + TARGET_PA
        # Pressure falls by 1.25 kPa per tick at the most: 0.5 mL/s in 2 uL/kPa.
        self._fastest = max(self._model.rate_into_compliance(1_250), 20)

    def relieved_steps(self):
        """Steps drawn back since `start`."""
        return max(self._start - self._motion.position(), 0)

    def tick(self):
        motion = self._motion
        self._due_ms += 5
        relieved = self.relieved_steps()
        if self._pressure.fault:
            motion.halt()
            return INCOMPLETE
        path = self._model
        value_pa = self._pressure.value_pa
        fallen_pa = self._first_pa - value_pa
        # Twice what has left the compliance by now: its value may be wrong by that.
        if relieved > self._proof + path.steps_per_ul() * (path.stored_nl(fallen_pa) // 500):
            motion.halt()
            return STUCK if fallen_pa < _PROOF_PA else INCOMPLETE
        self._mean_pa += value_pa - self._mean_pa >> 2
        above_pa = value_pa - self._target_pa
        gap = above_pa - max(self._mean_pa - value_pa, 0) * _AHEAD
        near = above_pa < _AGAIN_PA
        left = self._cap - relieved
        if left <= 0 or self._due_ms > _TIME_MS:
            motion.halt()
            return DONE if near else INCOMPLETE
        idle = motion.idle()
        if gap <= 0 or (idle and self._settled and near):
            if not idle:
                motion.halt()
            if near:
                self._settled += 1
            return DONE if self._settled >= _SETTLE_TICKS else UNDER_WAY
        rate = min(max(path.rate_into_compliance(min(gap, _FASTEST_GAP_PA)) // _SHARE, 20), self._fastest)
        if idle:
            motion.start_burst(left, rate, -1)
            self._settled = 0
        else:
            motion.limit(rate)
        return UNDER_WAY
