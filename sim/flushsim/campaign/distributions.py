"""Distributions as a campaign file writes them: `3`, `{ uniform = [1, 9] }`, `{ choice = [2, 3, 5] }` and the like."""

import difflib
import math
import random
from dataclasses import dataclass
from typing import Any

KINDS = ("uniform", "log_uniform", "normal", "choice")
# A normal distribution is cut off here, so that its range is known.
NORMAL_CUT = 3.0


@dataclass(frozen=True)
class Distribution:
    """`values` are low and high, mean and standard deviation, or the values to choose from."""

    kind: str
    values: tuple[float, ...]

    @property
    def low(self) -> float:
        """The smallest possible value."""
        return self.values[0] - NORMAL_CUT * self.values[1] if self.kind == "normal" else min(self.values)

    @property
    def high(self) -> float:
        """The largest possible value."""
        return self.values[0] + NORMAL_CUT * self.values[1] if self.kind == "normal" else max(self.values)

    def drawn(self, source: random.Random) -> float:
        """One value."""
        if self.kind == "choice":
            return source.choice(self.values)
        first, second = self.values
        if self.kind == "uniform":
            return source.uniform(first, second)
        if self.kind == "log_uniform":
            return math.exp(source.uniform(math.log(first), math.log(second)))
        while True:
            value = source.gauss(first, second)
            if self.low <= value <= self.high:
                return value


def parsed(value: Any) -> Distribution:
    """The distribution of a value in a TOML file. ValueError with a text that continues the key's name."""
    if _is_number(value):
        return Distribution("choice", (float(value),))
    if not isinstance(value, dict) or len(value) != 1:
        raise ValueError("is no distribution, as in 3, { uniform = [1, 9] } or { choice = [2, 3, 5] }")
    ((kind, values),) = value.items()
    if kind not in KINDS:
        near = difflib.get_close_matches(kind, KINDS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(KINDS)}"
        raise ValueError(f"is of the kind {kind!r}, which is not known: {hint}")
    if not isinstance(values, list) or not values or not all(map(_is_number, values)):
        raise ValueError(f"has for {kind} no list of numbers, as in {{ {kind} = [1, 9] }}")
    if kind != "choice" and len(values) != 2:
        what = "mean and standard deviation" if kind == "normal" else "the lowest and the highest"
        raise ValueError(f"needs two numbers for {kind}, {what}")
    if kind in ("uniform", "log_uniform") and values[0] > values[1]:
        raise ValueError(f"goes from {values[0]:g} down to {values[1]:g}: write the lower one first")
    if kind == "log_uniform" and values[0] <= 0:
        raise ValueError(f"begins at {values[0]:g}, and a logarithm needs more than 0")
    if kind == "normal" and values[1] < 0:
        raise ValueError(f"has a standard deviation of {values[1]:g}, below 0")
    return Distribution(kind, tuple(float(value) for value in values))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
