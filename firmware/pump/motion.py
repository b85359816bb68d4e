"""Acceleration-limited bursts of steps, queued in short slices; at most 20 ms of motion is ever queued.

A burst is a dwell and then `count` steps along a trapezoid of speed. The profile is that of continuous
time: slices are 5 ms long but end early where the ramp ends or begins, so a burst lasts as long as its
trapezoid to within a step. Fractions of steps and of clock ticks are carried from slice to slice.

Speeds are steps/s; one ramp slice changes speed by `_ramp_per_slice`. Distances are in units of 1/400 step,
because (v0 + v1) / 2 x 5 ms is (v0 + v1) / 400 steps. The ramp down begins by the exact distance:
one step too many at its end, where the speed is near 0, would take sqrt(2 / a).
"""

from flushlink.viper_compat import const, micropython

from .ticks import later

SLICE_10US = 500
LOOKAHEAD_US = 9_000
# Of a rest more may be queued, so that what follows it can wait for a tick with time.
REST_AHEAD_US = 14_000
_SLICES_PER_TICK = const(4)
_UNITS_PER_STEP = const(400)
# Steps whose units fit 31 bits; the longest ramp of a valid board has 200,000.
_COUNTED_STEPS = const(2_000_000)
_LAST_10US = const(1_000)


def isqrt(value):
    """Integer square root of a value below 2**30."""
    root = 0
    bit = 1 << 28
    while bit > value:
        bit >>= 2
    while bit:
        if value >= root + bit:
            value -= root + bit
            root = (root >> 1) + bit
        else:
            root >>= 1
        bit >>= 2
    return root


class Motion:
    """Bursts over the ports `steps` and `counter`; speeds in steps/s, positions in counted steps."""

    def __init__(self, board, steps, counter):
        self._steps = steps
        self._counter = counter
        self._ticks_per_10us = board.ticks_per_us * 10
        self._ramp_per_slice = max(board.acceleration_per_s2 // 200, 1)
        # Slow enough to begin and to end at without a ramp.
        self._slow = max(self._ramp_per_slice >> 3, 1)
        self.rate_max = board.step_rate_max_per_s
        self.commanded = counter.position()
        self.direction = 1
        self.remaining = 0
        self.rate = 0
        self._target = 0
        self._wanted = 0
        self._fastest = 0
        self._units = 0
        self._ticks = 0
        self._mean = 0
        self._dwell_10us = 0
        self._started = True
        self._until_us = 0
        self._was_queued = False
        self.start_us = 0
        self.end_us = 0
        self.starved = False
        # Whether `limit` holds the speed below the burst's own.
        self.slowed = False
        self._loose = 0

    # What is going on

    def queued(self):
        """Whether every step of the burst has been queued."""
        return self.remaining == 0 and self._dwell_10us == 0

    def last_dwell(self):
        """Whether of a rest no more than 35 ms are left to be queued."""
        return 0 < self._dwell_10us <= 7 * SLICE_10US

    def can_wait(self):
        """Whether what is queued outlasts this tick and the next one."""
        return self._steps.queued_us() >= LOOKAHEAD_US - 1_000

    def idle(self):
        """Whether nothing is queued nor left to queue."""
        return self.remaining == 0 and self._dwell_10us == 0 and self._steps.queued_us() == 0

    def position(self):
        return self._counter.position()

    # Bursts

    def start_burst(self, count, rate, direction, dwell_us=0):
        """Appends a burst to what is queued: `dwell_us` of rest, then `count` steps (0: the dwell alone)."""
        self.direction = direction
        self.remaining = count
        self.rate = 0
        self._mean = 0
        self._units = 0
        self._dwell_10us = dwell_us // 10
        self._started = False
        # Too short to reach the rate: the peak of the triangle is sqrt(a n).
        ramp = self._ramp_per_slice
        if rate > self.rate_max:
            rate = self.rate_max
        if 0 < count < self._ramp_steps(rate) * 2:
            rate = min(rate, max(isqrt((ramp * 25 // 32) * count) << 4, self._slow))
        self._wanted = self._target = max(rate, 1)
        self.slowed = False
        # The end of a faster burst may still be queued.
        self._fastest = max(self._wanted, self._fastest if self._steps.queued_us() else 0)

    def limit(self, rate):
        """Lowers the speed to `rate` at once, or lets it rise again up to it (never above the burst's own).

        A lowering throws away what is queued, so that it acts within one step; the stepper follows any
        slowing down that pressure could ask for, because the fluid brakes it.
        """
        if rate >= self._wanted:
            rate = self._wanted
        if rate < 1:
            rate = 1
        self._target = rate
        self.slowed = rate < self._wanted
        if self._started and self.remaining_with_queue() > 0 and rate < self.rate - (self.rate >> 4):
            self._steps.stop()
            goal = self.commanded + self.direction * self.remaining
            self._settle()
            self.remaining = (goal - self.commanded) * self.direction
            self.rate = rate

    def remaining_with_queue(self):
        """Steps of the burst that have not been made."""
        return self.remaining + (self.commanded - self._counter.position()) * self.direction

    def ramp_down(self):
        """Ends the burst as fast as the ramp allows; what is queued already is still made."""
        self._dwell_10us = 0
        if not self._started:
            self.remaining = 0
            return
        steps = self._ramp_steps(self.rate)
        if steps < self.remaining:
            self.remaining = steps

    def halt(self):
        """Ends all motion within one step."""
        self._steps.stop()
        self.remaining = 0
        self._dwell_10us = 0
        self.rate = 0
        self._settle()

    def _settle(self):
        self.commanded = self._counter.position()
        self._was_queued = False
        self._units = 0
        self._ticks = 0
        # A step whose pulse was under way when the queue was cut may still be counted.
        self._loose += 1

    # The slices

    @micropython.native
    def fill(self, now_us):
        """Keeps the queue at about 10 ms; whether anything is queued or left to queue.

        Sets `starved` when the queue ran dry in the middle of a burst.
        """
        queued_us = self._steps.queued_us()
        if queued_us == 0:
            if self._was_queued and self._started and self.remaining > 0:
                self.starved = True
                return True
            self._until_us = now_us
        for _ in range(_SLICES_PER_TICK):
            if self._dwell_10us > 0:
                if queued_us >= REST_AHEAD_US:
                    break
                queued_us += self._queue_dwell()
            elif queued_us >= LOOKAHEAD_US or self.remaining == 0:
                break
            else:
                queued_us += self._queue_steps()
        self._was_queued = queued_us > 0
        return queued_us > 0 or self.remaining > 0 or self._dwell_10us > 0

    def _queue_dwell(self):
        length = self._dwell_10us
        if length > SLICE_10US:
            length = SLICE_10US
        self._dwell_10us -= length
        return self._put(0, length)

    @micropython.native
    def _queue_steps(self):
        if not self._started:
            self._started = True
            self.start_us = self._until_us
        ramp = self._ramp_per_slice
        rate = self.rate
        if rate > self._target:
            rate = self._target
        ahead = self.remaining
        if ahead > _COUNTED_STEPS:
            ahead = _COUNTED_STEPS
        ahead = ahead * _UNITS_PER_STEP - self._units
        cruise = ahead - self._ramp_units(rate)
        if cruise <= _UNITS_PER_STEP:
            # Down the ramp. Its first slice takes what is left of the cruise, its last one all steps that are left.
            after = rate - ramp
            if after <= 0:
                return self._finish(rate, cruise)
            length = SLICE_10US
            self._units += cruise
        else:
            after = self._gain(rate, ahead) if rate < self._target else rate
            if after > rate:
                length = max((after - rate) * SLICE_10US // ramp, 1)
            elif rate < self._target and rate < self._slow:
                # Too near the end for a slice of the ramp; but a burst that was braked here must not creep to its end.
                after = min(self._target, self._slow)
                length = SLICE_10US
            else:
                length = SLICE_10US
                # Not much more than a slice of 5 ms, which has 2 v units: one slice takes all of it.
                if cruise < 3 * rate:
                    length = max(cruise * 250 // rate, 1)
        self._units += (rate + after) * length // SLICE_10US
        if self._units < 0:
            self._units = 0
        count = self._units // _UNITS_PER_STEP
        self._units -= count * _UNITS_PER_STEP
        self.rate = after
        # Rounding leaves at least one step to the last slice, which ends the burst on its time.
        if count >= self.remaining:
            count = self.remaining - 1
        self._mean = (rate + after) >> 1
        return self._put(count, length)

    def _gain(self, rate, ahead):
        """Speed at the end of the next slice up the ramp: what still leaves room to stop, or `rate` itself."""
        ramp = self._ramp_per_slice
        gain = min(self._target - rate, ramp)
        for _ in range(3):
            after = rate + gain
            travel = (rate + after) * (gain * SLICE_10US // ramp) // SLICE_10US
            if ahead - travel >= self._ramp_units(after):
                return after
            gain >>= 1
        return rate

    def _finish(self, rate, cruise):
        """The last slice: from `rate` to rest, with the steps that are left, no faster than the slice before."""
        speed = max(self._mean, rate, 1)
        length = rate * SLICE_10US // self._ramp_per_slice
        if cruise > 0:
            length += cruise * 250 // speed
        length = min(max(length, self.remaining * 100_000 // speed), _LAST_10US)
        self.rate = 0
        taken = self._put(self.remaining, max(length, 1))
        self.end_us = self._until_us
        return taken

    def _ramp_steps(self, rate):
        """Steps of a ramp between `rate` and rest, v^2 / 2a; a fast v is halved more often to stay in 31 bits."""
        if rate < 60_000:
            half = rate >> 1
            return (half * half // self._ramp_per_slice + 50) // 100
        coarse = rate >> 4
        return coarse * coarse // self._ramp_per_slice * 16 // 25

    def _ramp_units(self, rate):
        """Distance of a ramp between `rate` and rest in units; exact for slow speeds, where its end is."""
        if rate < 32_768:
            return rate * rate // self._ramp_per_slice
        if rate < 65_536:
            half = rate >> 1
            return half * half // self._ramp_per_slice * 4
        coarse = rate >> 4
        return coarse * coarse // self._ramp_per_slice * 256

    def _put(self, count, length_10us):
        """Queues one slice; returns its length in us. A full queue cannot be, so it counts as starved."""
        ticks = length_10us * self._ticks_per_10us + self._ticks
        if count > 0:
            half = ticks // (2 * count)
            self._ticks = ticks - 2 * half * count
            taken = self._steps.queue(half, count, self.direction)
            self.commanded += count * self.direction
            self.remaining -= count
        else:
            half = ticks >> 1
            self._ticks = ticks - 2 * half
            taken = self._steps.queue(half, 1, 0)
        if not taken:
            self.starved = True
        length_us = length_10us * 10
        self._until_us = later(self._until_us, length_us)
        return length_us

    def mismatch(self, position):
        """Steps by which the counter, just read, differs from what was ordered, 0 while it may be right."""
        lag = (self.commanded - position) * self.direction
        queued_us = self._steps.queued_us()
        loose = self._loose
        if queued_us == 0:
            if -loose <= lag <= loose:
                self.commanded = position
                self._loose = 0
                return 0
            return lag
        if lag < -loose - 1:
            return lag
        fastest = self._fastest
        return lag if lag > (fastest >> 3) * (queued_us >> 3) // 15_625 + (fastest >> 8) + 4 else 0

    def duration_us(self, count, rate):
        """Ideal length of a burst: n / v + v / a, or 2 sqrt(n / a) when it is too short for v. May allocate."""
        if count == 0:
            return 0
        acceleration = self._ramp_per_slice * 200
        rate = min(rate, self.rate_max)
        if self._ramp_steps(rate) * 2 > count:
            rate = max(isqrt((self._ramp_per_slice * 25 // 32) * count) << 4, 1)
            return 2_000_000 * rate // acceleration
        return (count * 1_000_000 + rate // 2) // rate + 1_000_000 * rate // acceleration
