"""What the pump can tell on a path, and what a verdict rests on, in words.

The limits here are those of the pump's judge, for a steady vein and once it has learnt the path; a test runs both
against each other. They say what a fault must change to be told. What changes less on a path is not told there.
"""

from dataclasses import dataclass
from math import sqrt

from flushlink import detection_limits as limits

from flushpump.access import hydraulics
from flushpump.access.access_path import VEIN_KPA, AccessPath
from flushpump.wire.messages import Evidence, PulseResult, Verdict

ATMOSPHERE_KPA = 101.325
# Means over a quarter of a pulse: what breathing and heartbeat change of them, and what a cough does.
VEIN_MOVES_KPA = limits.VEIN_PA / 1000
COUGH_KPA = limits.COUGH_PA / 1000
PARTIAL_FROM = limits.HIGH_BASELINE / 1000
_AIR_NOISE = limits.AIR_NOISE / 1000
_AIR_NOISE_KPA = limits.AIR_NOISE_PA / 1_000_000
_AIR_NOISE_TICKS = limits.AIR_NOISE_TICKS / 1000
_AIR_LIMIT = limits.AIR_LIMIT / 1000
# A limit is passed in nearly every pulse by a fault that goes this much beyond it.
SURELY = 1.3
_AIR_ML = 0.1
_LEAK_SHARE = 0.1


@dataclass(frozen=True)
class Detectable:
    """The least of each fault that the pump tells on a path at a flow, within two pulses; None: nothing of it."""

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
    """What the pump tells in pulses of this flow (which the path can take) from the third pulse on."""
    whole = path.predict_kpa(flow_ml_per_s) - VEIN_KPA
    beyond = whole - open_share(path, flow_ml_per_s) * whole
    least_drop = SURELY * (VEIN_MOVES_KPA + whole / (1 << limits.LOW_SHIFT))
    # The fall to a quarter in turns of 5 ms: of a quick one the pump sees little.
    fall_turns = max(1.4 * path.compliance_ul_per_kpa * whole / flow_ml_per_s / 5, 1.0)
    noise = _AIR_NOISE + _AIR_NOISE_KPA / whole + _AIR_NOISE_TICKS / fall_turns
    air_gives = ATMOSPHERE_KPA / (ATMOSPHERE_KPA + beyond) / (ATMOSPHERE_KPA + beyond / 2)
    air_ml = SURELY * (noise + _AIR_LIMIT) * path.compliance_ul_per_kpa / 1000 / air_gives
    return Detectable(
        partial_times=1 + SURELY * max(COUGH_KPA, (PARTIAL_FROM - 1) * whole) / beyond,
        leak_share=_least_leak(path, flow_ml_per_s, least_drop),
        air_ml=air_ml if air_ml <= 1.0 and damping(path, flow_ml_per_s) >= 1 else None,
        line_off=beyond > least_drop,
    )


def damping(path: AccessPath, flow_ml_per_s: float) -> float:
    """Damping ratio R / 2 sqrt(C / L) of the liquid's column against the syringe's stretch, R at this flow.

    Below 1 the liquid swings after a pulse, and how the pressure falls tells nothing of what gives way.
    """
    tubes = [tube for tube in (path.extension, path.needle, path.line) if tube.length_mm > 0]
    column = sum(hydraulics.inertia_kpa_s2_per_ml(tube.bore_mm, tube.length_mm) for tube in tubes)
    change = 0.05 * flow_ml_per_s
    above, below = path.predict_kpa(flow_ml_per_s + change), path.predict_kpa(flow_ml_per_s - change)
    return (above - below) / (2 * change) / 2 * sqrt(path.compliance_ul_per_kpa / 1000 / column)


def open_share(path: AccessPath, flow_ml_per_s: float) -> float:
    """Share of the pressure at this flow that the extension set alone needs: what is left when the line is off."""
    if path.extension.length_mm == 0:
        return 0.0
    alone = hydraulics.drop_kpa(flow_ml_per_s, path.extension.bore_mm, path.extension.length_mm)
    return alone / (path.predict_kpa(flow_ml_per_s) - VEIN_KPA)


def _least_leak(path: AccessPath, flow_ml_per_s: float, drop_kpa: float) -> float | None:
    """The least share of the flow that leaves at the connector and takes so much pressure away."""
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
    """What the pump will tell of this path in pulses of this flow, and what it cannot, a sentence each."""
    found = detectable(path, flow_ml_per_s)
    lines = [
        f"flow is lowered to stay under {path.working_limit_kpa:.0f} kPa; at {path.hard_limit_kpa:.0f} kPa, or when "
        "nothing goes through, the pump stops and draws the pressure back",
        f"told: a line that resists {found.partial_times:.1f} times as much as in the first pulses"
        + _from(", a leak of {:.0%} of the flow", found.leak_share)
        + _from(", {:.2g} mL of air", found.air_ml),
    ]
    missing = []
    if found.leak_share is None or found.leak_share > _LEAK_SHARE:
        missing.append("a leak of a tenth of the flow: it takes less pressure away than a vein does by itself")
    if damping(path, flow_ml_per_s) < 1:
        missing.append("air: liquid that swings in a wide line hides what gives way")
    elif found.air_ml is None or found.air_ml > _AIR_ML:
        missing.append("0.1 mL of air: the syringe gives way far more than it does")
    if not found.line_off:
        missing.append("the line coming off: the extension set needs nearly all of the pressure")
    lines += [f"not told on this path: {what}" for what in missing]
    lines.append("never told: a syringe of another brand, up to a quarter more or less volume; read it off the barrel")
    lines.append("never told: fluid that runs into tissue; look at the site")
    return lines


def _from(words: str, least: float | None) -> str:
    return "" if least is None else words.format(least)


_SEEN = {
    Evidence.RESISTANCE: "it needed {seen} of the pressure that this line should need (limit {limit})",
    Evidence.TREND: "resistance has grown from pulse to pulse, {seen} when added up (limit {limit})",
    Evidence.PAUSE: "in the pause pressure fell by less than {limit} of what an open line shows",
    Evidence.COMPLIANCE: "it gave way {seen} as much as in the pulses before (limit {limit})",
    Evidence.SLOPE: "{seen} of the flow only raised the pressure (limit {limit})",
    Evidence.PASSAGE: "{seen} of the flow went through that this pressure pushes through an open line (limit {limit})",
    Evidence.FLOW: "the working limit allowed only {seen} of the flow (limit {limit})",
    Evidence.PRESSURE: "it needed {seen} of the pressure that this flow should need (limit {limit})",
}


def evidence_words(pulse: PulseResult, path: AccessPath) -> str:
    """Why a pulse was not called patent: what was seen, against which limit, and what it may mean; "" if it was."""
    if pulse.verdict in (Verdict.NOT_JUDGED, Verdict.PATENT) or pulse.evidence is Evidence.NONE:
        return ""
    seen, limit = (f"{permille / 10:.0f} %" for permille in (pulse.seen_permille, pulse.limit_permille))
    return f"{_SEEN[pulse.evidence].format(seen=seen, limit=limit)}; {_may_be(pulse.verdict, path)}"


def _may_be(verdict: Verdict, path: AccessPath) -> str:
    if verdict in (Verdict.PARTIAL, Verdict.OCCLUDED):
        if path.needle.length_mm == 0:
            return "it may be a clamp, a kink, or a clot at the tip or on its way there"
        # The sensor sees both in series: only another needle tells them apart.
        return (
            "it may be a clamp or kink, the needle (in the chamber's floor or beside the septum) or the catheter; "
            "pressure alone does not tell needle and catheter apart, another needle does"
        )
    if verdict is Verdict.BUBBLE:
        return "it may be air in syringe or extension set"
    return "fluid may be leaving at a connector, or the line has come off"
