"""Why a pulse has its verdict, as a sentence: the statistic observed, its threshold, and what may be the cause."""

from flushpump.access.access_path import AccessPath
from flushpump.wire.messages import Evidence, PulseResult, Verdict

_EVIDENCE = {
    Evidence.RESISTANCE: "pressure {observed} of what this line needs at this flow (threshold {threshold})",
    Evidence.TREND: "resistance grows from pulse to pulse, CUSUM {observed} (threshold {threshold})",
    Evidence.PAUSE: "in the pause the pressure fell by less than {threshold} of what an open line shows",
    Evidence.COMPLIANCE: "compliance {observed} of baseline (threshold {threshold})",
    Evidence.SLOPE: "outflow blocked: {observed} of the flow was stored as pressure (threshold {threshold})",
    Evidence.PASSAGE: "outflow {observed} of what this pressure pushes through an open line (threshold {threshold})",
    Evidence.FLOW: "the working limit allowed only {observed} of the flow (threshold {threshold})",
    Evidence.PRESSURE: "pressure {observed} of expected (threshold {threshold})",
}


def evidence_words(pulse: PulseResult, path: AccessPath) -> str:
    """The statistic, its threshold and the possible cause; "" for a patent or an unclassified pulse."""
    if pulse.verdict in (Verdict.NOT_JUDGED, Verdict.PATENT) or pulse.evidence is Evidence.NONE:
        return ""
    observed, threshold = (f"{permille / 10:.0f} %" for permille in (pulse.seen_permille, pulse.limit_permille))
    statistic = _EVIDENCE[pulse.evidence].format(observed=observed, threshold=threshold)
    return f"{statistic}: {_possible_cause(pulse.verdict, path)}"


def _possible_cause(verdict: Verdict, path: AccessPath) -> str:
    if verdict in (Verdict.PARTIAL, Verdict.OCCLUDED):
        if path.needle.length_mm == 0:
            return "possible clamp, kink, or clot in the catheter or at its tip"
        # The sensor measures needle and catheter in series: only another needle separates them.
        return (
            "possible clamp or kink, needle (in the chamber's floor or beside the septum) or catheter; "
            "pressure alone does not separate needle and catheter, another needle does"
        )
    if verdict is Verdict.BUBBLE:
        return "possible air in syringe or extension set"
    return "possible leak at a connector, or line disconnected"
