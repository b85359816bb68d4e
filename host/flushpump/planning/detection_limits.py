"""What the pump detects on a path, and what it cannot detect there.

The limits are those of the pump's detector with a steady vein and a known baseline; a test runs both against each
other. A fault that changes the pressure by less is not detected on that path.
"""

from dataclasses import dataclass
from math import sqrt

from flushlink import detection_limits as limits

from flushpump.access import hydraulics
from flushpump.access.access_path import VEIN_KPA, AccessPath

ATMOSPHERE_KPA = 101.325
# Change of the mean pressure over a quarter of a pulse: by breathing and heartbeat, and by a cough.
VEIN_VARIATION_KPA = limits.VEIN_PA / 1000
COUGH_KPA = limits.COUGH_PA / 1000
PARTIAL_FROM = limits.HIGH_BASELINE / 1000
_AIR_NOISE = limits.AIR_NOISE / 1000
_AIR_NOISE_KPA = limits.AIR_NOISE_PA / 1_000_000
_AIR_NOISE_TICKS = limits.AIR_NOISE_TICKS / 1000
_AIR_LIMIT = limits.AIR_LIMIT / 1000
# A fault beyond a threshold by this factor passes it in nearly every pulse.
RELIABLE_FACTOR = 1.3
_AIR_ML = 0.1
_LEAK_SHARE = 0.1


@dataclass(frozen=True)
class Detectable:
    """The smallest fault of each kind that the pump detects within two pulses; None: it cannot detect this kind."""

    partial_times: float
    leak_share: float | None
    air_ml: float | None
    line_off: bool

    def to_json(self) -> dict[str, float | bool | None]:
        """As plain values, units in the keys."""
        return {
            "partial_occlusion_times": round(self.partial_times, 2),
            "leak_share": None if self.leak_share is None else round(self.leak_share, 3),
            "air_ml": None if self.air_ml is None else round(self.air_ml, 2),
            "line_off": self.line_off,
        }


def detectable(path: AccessPath, flow_ml_per_s: float) -> Detectable:
    """What the pump detects from the third pulse on, in pulses of this flow; the flow is within the path's cap."""
    whole = path.predict_kpa(flow_ml_per_s) - VEIN_KPA
    beyond = whole - open_share(path, flow_ml_per_s) * whole
    least_drop = RELIABLE_FACTOR * (VEIN_VARIATION_KPA + whole / (1 << limits.LOW_SHIFT))
    # Ticks of 5 ms in which the pressure falls to a quarter: a quick fall gives few samples.
    fall_ticks = max(1.4 * path.compliance_ul_per_kpa * whole / flow_ml_per_s / 5, 1.0)
    noise = _AIR_NOISE + _AIR_NOISE_KPA / whole + _AIR_NOISE_TICKS / fall_ticks
    air_compression = ATMOSPHERE_KPA / (ATMOSPHERE_KPA + beyond) / (ATMOSPHERE_KPA + beyond / 2)
    air_ml = RELIABLE_FACTOR * (noise + _AIR_LIMIT) * path.compliance_ul_per_kpa / 1000 / air_compression
    return Detectable(
        partial_times=1 + RELIABLE_FACTOR * max(COUGH_KPA, (PARTIAL_FROM - 1) * whole) / beyond,
        leak_share=_least_leak(path, flow_ml_per_s, least_drop),
        air_ml=air_ml if air_ml <= 1.0 and damping(path, flow_ml_per_s) >= 1 else None,
        line_off=beyond > least_drop,
    )


def damping(path: AccessPath, flow_ml_per_s: float) -> float:
    """Damping ratio R / 2 sqrt(C / L): the liquid's inertia L with the path's compliance C, and R at this flow.

    Below 1 the liquid oscillates after a pulse, and the fall of the pressure is no measure of the compliance.
    """
    tubes = [tube for tube in (path.extension, path.needle, path.line) if tube.length_mm > 0]
    column = sum(hydraulics.inertia_kpa_s2_per_ml(tube.bore_mm, tube.length_mm) for tube in tubes)
    change = 0.05 * flow_ml_per_s
    above, below = path.predict_kpa(flow_ml_per_s + change), path.predict_kpa(flow_ml_per_s - change)
    return (above - below) / (2 * change) / 2 * sqrt(path.compliance_ul_per_kpa / 1000 / column)


def open_share(path: AccessPath, flow_ml_per_s: float) -> float:
    """Share of the pressure at this flow that the extension set alone needs: it remains when the line is off."""
    if path.extension.length_mm == 0:
        return 0.0
    alone = hydraulics.drop_kpa(flow_ml_per_s, path.extension.bore_mm, path.extension.length_mm)
    return alone / (path.predict_kpa(flow_ml_per_s) - VEIN_KPA)


def _least_leak(path: AccessPath, flow_ml_per_s: float, drop_kpa: float) -> float | None:
    """The smallest share of the flow whose loss at the connector lowers the pressure by `drop_kpa`."""
    tubes = [tube for tube in (path.needle, path.line) if tube.length_mm > 0]

    def beyond_kpa(flow: float) -> float:
        return sum(hydraulics.drop_kpa(flow, tube.bore_mm, tube.length_mm) for tube in tubes)

    whole = beyond_kpa(flow_ml_per_s)
    if whole <= drop_kpa:
        return None
    low, high = 0.0, 1.0
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if whole - beyond_kpa((1 - middle) * flow_ml_per_s) < drop_kpa else (low, middle)
    return high


def limit_lines(path: AccessPath, flow_ml_per_s: float) -> list[str]:
    """What the pump detects on this path in pulses of this flow, and what it cannot detect, a sentence each."""
    found = detectable(path, flow_ml_per_s)
    lines = [
        f"the flow is lowered to keep the pressure below {path.working_limit_kpa:.0f} kPa; at "
        f"{path.hard_limit_kpa:.0f} kPa, or when the outflow is blocked, the pump stops and relieves the pressure",
        f"Monitoring detects: flow resistance >= {found.partial_times:.1f} x baseline"
        + _at_least(", leak >= {:.0%} of the flow", found.leak_share)
        + _at_least(", air >= {:.2g} mL", found.air_ml),
    ]
    missing = []
    if found.leak_share is None or found.leak_share > _LEAK_SHARE:
        missing.append("a leak of 10 % of the flow, because the vein's own pressure varies by more")
    if damping(path, flow_ml_per_s) < 1:
        missing.append("air, because liquid that oscillates in a wide line hides the compliance")
    elif found.air_ml is None or found.air_ml > _AIR_ML:
        missing.append("0.1 mL of air, because the syringe's compliance hides this much air")
    if not found.line_off:
        missing.append("a disconnected line, because the extension set needs nearly all of the pressure")
    lines += [f"Monitoring cannot detect on this path: {fault}" for fault in missing]
    lines += [
        "Monitoring cannot detect: a syringe of another brand (up to 25 % more or less volume); read it off the barrel",
        "Monitoring cannot detect: fluid that runs into tissue; look at the site",
    ]
    return lines


def _at_least(words: str, least: float | None) -> str:
    return "" if least is None else words.format(least)
