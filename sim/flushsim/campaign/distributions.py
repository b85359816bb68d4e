"""Distributions as a campaign file writes them: `3`, `{ uniform = [1, 9] }`, `{ choice = [2, 3, 5] }` and the like."""

import difflib
import math
import random
from dataclasses import dataclass
from typing import Any

KINDS = ("uniform", "log_uniform", "normal", "choice")
# A normal distribution is cut off here, so that what it can give is known beforehand.
NORMAL_CUT = 3.0


@dataclass(frozen=True)
class Distribution:
    """`figures` are low and high, mean and standard deviation, or the values to choose from."""

    kind: str
    figures: tuple[float, ...]

    @property
    def low(self) -> float:
        """The least that it can give."""
        return self.figures[0] - NORMAL_CUT * self.figures[1] if self.kind == "normal" else min(self.figures)

    @property
    def high(self) -> float:
        """The most that it can give."""
        return self.figures[0] + NORMAL_CUT * self.figures[1] if self.kind == "normal" else max(self.figures)

    def drawn(self, source: random.Random) -> float:
        """One value."""
        if self.kind == "choice":
            return source.choice(self.figures)
        first, second = self.figures
        if self.kind == "uniform":
            return source.uniform(first, second)
        if self.kind == "log_uniform":
            return math.exp(source.uniform(math.log(first), math.log(second)))
        while True:
            value = source.gauss(first, second)
            if self.low <= value <= self.high:
                return value


def parsed(value: Any) -> Distribution:
    """The distribution that a value of a TOML file means. ValueError with what it is, to stand after the key's name."""
    if _is_number(value):
        return Distribution("choice", (float(value),))
    if not isinstance(value, dict) or len(value) != 1:
        raise ValueError("is no distribution, as in 3, { uniform = [1, 9] } or { choice = [2, 3, 5] }")
    ((kind, figures),) = value.items()
    if kind not in KINDS:
        near = difflib.get_close_matches(kind, KINDS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(KINDS)}"
        raise ValueError(f"is of the kind {kind!r}, which is not known: {hint}")
    if not isinstance(figures, list) or not figures or not all(map(_is_number, figures)):
        raise ValueError(f"has for {kind} no list of numbers, as in {{ {kind} = [1, 9] }}")
    if kind != "choice" and len(figures) != 2:
        what = "mean and standard deviation" if kind == "normal" else "the lowest and the highest"
        raise ValueError(f"needs two numbers for {kind}, {what}")
    if kind in ("uniform", "log_uniform") and figures[0] > figures[1]:
        raise ValueError(f"goes from {figures[0]:g} down to {figures[1]:g}: write the lower one first")
    if kind == "log_uniform" and figures[0] <= 0:
        raise ValueError(f"begins at {figures[0]:g}, and a logarithm needs more than 0")
    if kind == "normal" and figures[1] < 0:
        raise ValueError(f"has a standard deviation of {figures[1]:g}, below 0")
    return Distribution(kind, tuple(float(figure) for figure in figures))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
