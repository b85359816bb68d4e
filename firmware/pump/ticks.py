"""Time that wraps: microseconds and milliseconds are counted modulo 2**30, as MicroPython's ticks are."""

MASK = 0x3FFFFFFF


def since(now, then):
    """Time from `then` to `now`, for a `then` at most 2**30 - 1 units back."""
    return (now - then) & MASK


def later(then, span):
    """`then` plus `span` of 0 to 2**30 - 1; the sum itself would leave 31 bits just before it wraps."""
    return (then - (MASK - span) - 1) & MASK
