"""Time that wraps: microseconds and milliseconds are counted modulo 2**30, as MicroPython's ticks are."""

MASK = 0x3FFFFFFF


def since(now, then):
    """Time from `then` to `now`, for a `then` at most 2**30 - 1 units back."""
    return (now - then) & MASK


def reached(now, due):
    """Whether `now` is at or after `due`, for instants less than 2**29 units apart."""
    return (now - due) & MASK < 0x20000000
