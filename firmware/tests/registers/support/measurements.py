"""Figures of the step generator on the emulated chip.

`python -m firmware.tests.registers.support.measurements` prints them.

Time here is the chip's own: 125 MHz, one PIO instruction a cycle. What Python needs to append a slice is no part of it.
"""

from itertools import pairwise

from pump.board import Board
from pump.motion import Motion

from firmware.tests.registers.support.chip import CYCLES_PER_US, Chip
from firmware.tests.registers.support.drive import Drive
from firmware.tests.support.ports import board_data

# Every access of the machine code takes a random time up to this, as on a bus that is shared with DMA.
ACCESS_CYCLES = 400
RATES = (64_000, 100_000, 200_000, 300_000, 400_000)
# Up to the highest rate within 0.2 s, as the reference drive does it.
RAMP_S = 0.2


def ramped(rate_per_s: int) -> bool:
    """Whether a burst up to that rate and down again makes its steps exactly, fed every 5 ms and never starved."""
    steps_per_mm = 1_600
    acceleration = round(rate_per_s / RAMP_S / steps_per_mm)
    data = board_data(
        steps_per_mm=steps_per_mm,
        step_rate_max_per_s=rate_per_s,
        acceleration_mm_per_s2=min(max(acceleration, rate_per_s // steps_per_mm + 1), 10_000),
    )
    drive = Drive(chip=Chip(ACCESS_CYCLES, rate_per_s))
    motion = Motion(Board(data), drive.steps, drive.counter)
    count = round(rate_per_s * RAMP_S * 1.2)
    motion.start_burst(count, rate_per_s, 1)
    for _ in range(2_000):
        motion.fill(drive.chip.cycle // CYCLES_PER_US)
        if motion.starved or motion.mismatch(motion.position()):
            return False
        if motion.idle():
            break
        drive.chip.run(5_000 * CYCLES_PER_US - drive.chip.cycle % (5_000 * CYCLES_PER_US))
    rising = drive.rising()
    fastest = min(after - before for before, after in pairwise(rising))
    reached = 125_000_000 / fastest
    return motion.idle() and drive.counter.position() == len(rising) == count and reached >= 0.98 * rate_per_s


def jitter_cycles(rate_per_s: int) -> int:
    """Largest deviation of a period in a train of even steps, queued as the control loop does it."""
    drive = Drive(chip=Chip(ACCESS_CYCLES, 1))
    half = 62_500_000 // rate_per_s
    for _ in range(2):
        drive.steps.queue(half, rate_per_s // 200, 1)
    for _ in range(4):
        drive.run_us(4_900)
        drive.steps.queue(half, rate_per_s // 200, 1)
    drive.run_dry()
    return max(abs(after - before - 2 * half) for before, after in pairwise(drive.rising()))


def slices_per_s() -> int:
    """Slices of one step each that the chip takes from the queue without a gap; rp2040py's DMA takes no time itself."""
    best = 0
    for half in range(40, 7, -1):
        drive = Drive(step_high_ns=1, step_low_ns=1, dir_setup_ns=1)
        # A slice that lasts while the others are appended.
        drive.steps.queue(5_000, 1, 1)
        queued = 0
        while drive.steps.queue(half, 1, 1):
            queued += 1
        drive.run_dry()
        rising = drive.rising()[1:]
        if len(rising) != queued or any(after - before != 2 * half for before, after in pairwise(rising)):
            break
        best = 125_000_000 // (2 * half)
    return best


def main() -> None:
    held = [rate for rate in RATES if ramped(rate)]
    highest = max(held, default=0)
    print("Step generator on the emulated chip's registers, 125 MHz, fed every 5 ms")
    print(f"  highest step rate with ramps: {highest} steps/s of {RATES[-1]} tried (budget 200000, goal 400000)")
    for rate in (64_000, 200_000, 400_000, 1_000_000):
        print(f"  jitter of an even train at {rate} steps/s: {jitter_cycles(rate)} cycles (budget 0)")
    print(f"  slices of one step each that follow without a gap: {slices_per_s()} a second (DMA itself not timed)")
    print(f"  slices a second from the control loop, 16 places every 5 ms: {16 * 200}")


if __name__ == "__main__":
    main()
