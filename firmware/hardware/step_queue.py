"""The queue of slices in memory that the DMA reads, in machine code: what the step generator does in every tick.

One DMA channel, the feeder, copies a slice (two words) into the PIO machine's FIFO and then lets another, the chooser,
fetch the next pointer from a ring and start the feeder with it. The pointer behind the last slice is 0, which starts
nothing: so motion goes on to the end of the queue and ends there without any Python.

Viper has no bounds checks, at most four arguments, and integers of 32 bits. `block` is the address of the memory:
16 pointers, 16 slices and the words named below.
"""

# `ptr32` is viper's own.
# ruff: noqa: F821

import micropython
from micropython import const

BLOCK_WORDS = const(64)
SLOTS = const(16)
_QUEUE_MAX_US = const(20_000)
# What `step_pulses` does at least in a half period, and in a dwell.
OVERHEAD_TICKS = const(8)

# Words of the block.
_SLICES = const(16)
_HEAD = const(48)
RUNNING = const(49)
_END_US = const(50)
_END_TICKS = const(51)
CHOOSER = const(52)
FEEDER = const(53)
START = const(54)
TICKS_PER_US = const(55)
HALF_MIN = const(56)
HIGH_US = const(57)
LEVEL = const(58)
FORWARDS = const(59)

# RP2040 datasheet: state machine 0 of PIO 0 (3.7), DMA (2.5.7), timer (4.6.5). Small numbers count words.
_PIO = const(0x5020_0000)
_PIO_SET = const(0x5020_2000)
_PIO_CLEAR = const(0x5020_3000)
_CTRL = const(0)
_FSTAT = const(1)
_SM_ADDR = const(53)
_SM_INSTR = const(54)
_ENABLE = const(1)
_RESTART = const(1 << 4)
_EMPTY = const(1 << 24)
_PULL_NOBLOCK = const(0x8080)
_READ_ADDR = const(0)
_CTRL_QUIET = const(4)
_READ_ADDR_START = const(15)
_BUSY = const(1 << 24)
_TIMER = const(0x4005_4028)
_TIME_MASK = const(0x3FFF_FFFF)
_TIME_HALF = const(0x2000_0000)

_SLOT_MASK = const(15)
# One slice is with the feeder, two are in the FIFO, one is being made: with these, 16.
_WAITING_MAX = const(12)
# The chooser is past the 0 behind the last slice: the chain has ended.
_ENDED = const(15)


@micropython.viper
def take(block: int, half: int, count: int, way: int) -> int:
    """Appends a slice; 1, or 0 when it does not fit. See `StepGenerator.queue`."""
    words = ptr32(block)
    ticks_per_us = int(words[TICKS_PER_US])
    most = _QUEUE_MAX_US * ticks_per_us
    if way != 0 and half < int(words[HALF_MIN]):
        half = int(words[HALF_MIN])
    if count > most or half > most // (2 * count):
        return 0
    chooser = ptr32(words[CHOOSER])
    head = int(words[_HEAD])
    waiting = (head - ((int(chooser[_READ_ADDR]) - block) >> 2)) & _SLOT_MASK
    if waiting >= _WAITING_MAX and waiting != _ENDED:
        return 0

    # When it will be done.
    timer = ptr32(_TIMER)
    now = int(timer[0]) & _TIME_MASK
    end = int(words[_END_US])
    ticks = 2 * half * count
    left = ((end - now + _TIME_HALF) & _TIME_MASK) - _TIME_HALF
    if int(words[RUNNING]) == 0 or left <= 0 or left > _QUEUE_MAX_US:
        end = now
        left = 0
        end_ticks = ticks
    else:
        end_ticks = int(words[_END_TICKS]) + ticks
    length = end_ticks // ticks_per_us
    if left + length > _QUEUE_MAX_US:
        return 0
    words[_END_US] = (end + length) & _TIME_MASK
    words[_END_TICKS] = end_ticks - length * ticks_per_us
    words[RUNNING] = 1

    place = _SLICES + 2 * head
    behind = (head + 1) & _SLOT_MASK
    if way == 0:
        if ticks < OVERHEAD_TICKS:
            ticks = OVERHEAD_TICKS
        words[place] = ticks - OVERHEAD_TICKS
        words[place + 1] = int(words[LEVEL])
    else:
        level = int(words[FORWARDS])
        if way < 0:
            level = 1 - level
        words[LEVEL] = level
        words[place] = half - OVERHEAD_TICKS
        words[place + 1] = count << 1 | level
    words[behind] = 0
    # From here on a chain that is alive finds the slice by itself.
    words[head] = block + 4 * place
    words[_HEAD] = behind

    # One that has read the 0 is started again. One that has just read the slice's pointer looks the same at first; but
    # then it copies the slice, and then it goes on. So it has ended if, some ticks apart, it is behind the slice,
    # copies nothing, and is still there.
    feeder = ptr32(words[FEEDER])
    after = block + 4 * behind
    if int(chooser[_READ_ADDR]) == after:
        ticks = 20
        while ticks > 0:
            ticks -= 1
        if int(feeder[_CTRL_QUIET]) & _BUSY == 0:
            ticks = 20
            while ticks > 0:
                ticks -= 1
            if int(chooser[_READ_ADDR]) == after:
                chooser[_READ_ADDR_START] = block + 4 * head
                if left == 0:
                    # It begins now.
                    words[_END_US] = (int(timer[0]) + length) & _TIME_MASK
    return 1


@micropython.viper
def left_us(block: int) -> int:
    """Time until the queue is empty. See `StepGenerator.queued_us`."""
    words = ptr32(block)
    if int(words[RUNNING]) == 0:
        return 0
    timer = ptr32(_TIMER)
    left = ((int(words[_END_US]) - int(timer[0]) + _TIME_HALF) & _TIME_MASK) - _TIME_HALF
    if left > 0 and left <= _QUEUE_MAX_US:
        return left
    # Asked along the way that slices go, so that none slips through: the ring, the feeder, the FIFO, the machine.
    chooser = ptr32(words[CHOOSER])
    if (int(words[_HEAD]) - ((int(chooser[_READ_ADDR]) - block) >> 2)) & _SLOT_MASK != _ENDED:
        return 1
    feeder = ptr32(words[FEEDER])
    if int(feeder[_CTRL_QUIET]) & _BUSY != 0:
        return 1
    pio = ptr32(_PIO)
    if int(pio[_FSTAT]) & _EMPTY == 0 or int(pio[_SM_ADDR]) != int(words[START]):
        return 1
    words[RUNNING] = 0
    return 0


@micropython.viper
def cut(block: int):
    """Empties the queue at once, with STEP low. See `StepGenerator.stop`."""
    words = ptr32(block)
    pio = ptr32(_PIO)
    setting = ptr32(_PIO_SET)
    clearing = ptr32(_PIO_CLEAR)
    clearing[_CTRL] = _ENABLE
    # The machine has stopped. A pulse that is high lasts its minimum.
    timer = ptr32(_TIMER)
    began = int(timer[0])
    high_us = int(words[HIGH_US])
    while (int(timer[0]) - began) & _TIME_MASK <= high_us:
        pass
    # A restart forgets the delay or stall under way; a jump to the start is the start's own number, with STEP low.
    setting[_CTRL] = _RESTART
    pio[_SM_INSTR] = int(words[START])
    slot = 0
    while slot < SLOTS:
        words[slot] = 0
        slot += 1
    # What has been fetched already runs through the FIFO into nothing; then the chooser finds a 0.
    feeder = ptr32(words[FEEDER])
    tries = 100
    while tries > 0 and (int(feeder[_CTRL_QUIET]) & _BUSY != 0 or int(pio[_FSTAT]) & _EMPTY == 0):
        pio[_SM_INSTR] = _PULL_NOBLOCK
        tries -= 1
    chooser = ptr32(words[CHOOSER])
    words[_HEAD] = (((int(chooser[_READ_ADDR]) - block) >> 2) - 1) & _SLOT_MASK
    words[RUNNING] = 0
    setting[_CTRL] = _ENABLE
