"""Drop over flow of tubes in series, for an implicit solver: with the slope, fast, and for both directions."""

from collections.abc import Callable, Iterable

from flushpump.access.hydraulics import Drop

# Resistance of no tube at all, kPa s/mL: too little to matter, enough to keep a solver's equations regular.
OPEN_KPA_S_PER_ML = 1e-3

Curve = Callable[[float], tuple[float, float]]


def drop_curve(drops: Iterable[Drop]) -> Curve:
    """Drop and its slope as a function of the flow for tubes in series, from their piecewise formulas."""
    tubes = tuple(drops)
    if not tubes:
        return lambda flow: (OPEN_KPA_S_PER_ML * flow, OPEN_KPA_S_PER_ML)
    edges = sorted({edge for tube in tubes for edge in (tube.laminar_ml_per_s, tube.turbulent_ml_per_s)})
    pieces = []
    for low, high in zip([0.0, *edges], [*edges, float("inf")], strict=True):
        a = b = c = t = 0.0
        for tube in tubes:
            b += tube.square
            if high <= tube.laminar_ml_per_s:
                a += tube.linear
            elif low >= tube.turbulent_ml_per_s:
                t += tube.blasius
            else:
                b += tube.blend_square
                c += tube.blend_cube
        pieces.append((high, a, b, c, t))
    table = tuple(pieces)

    low, high = 0.0, -1.0
    a = b = c = t = 0.0

    def curve(flow: float) -> tuple[float, float]:
        nonlocal low, high, a, b, c, t
        if flow < 0.0:
            drop, slope = curve(-flow)
            return -drop, slope
        if not low <= flow <= high:
            low = 0.0
            for high, a, b, c, t in table:  # noqa: B007 - the piece found is kept for the next call
                if flow <= high:
                    break
                low = high
        drop = flow * (a + flow * (b + flow * c))
        slope = a + flow * (2 * b + flow * 3 * c)
        if t:
            power = t * flow**0.75
            drop += flow * power
            slope += 1.75 * power
        return drop, slope

    return curve


def flow_through(curve: Curve, drop_kpa: float) -> float:
    """The flow that has this drop: the curve's inverse, by bisection and Newton steps."""
    sign = 1.0 if drop_kpa >= 0 else -1.0
    target = abs(drop_kpa)
    low, high = 0.0, 1.0
    while sign * curve(sign * high)[0] < target:
        low, high = high, high * 2
    flow = (low + high) / 2
    for _ in range(200):
        value, slope = curve(sign * flow)
        value *= sign
        if value < target:
            low = flow
        else:
            high = flow
        better = flow - (value - target) / slope if slope else low
        better = better if low <= better <= high else (low + high) / 2
        if abs(better - flow) <= 1e-15 + 1e-14 * flow:
            break
        flow = better
    return sign * flow
