"""The result of a run: the object that `flushpump run --json` prints, its sentences, and its exit status."""

from dataclasses import dataclass, field
from typing import Any

from flushpump.access.access_path import AccessPath
from flushpump.planning.plan import Plan
from flushpump.planning.prior_visit import syringe_note
from flushpump.runs.verdict_text import evidence_words
from flushpump.wire.events import alarm_happened, alarm_name, alarm_remedy, verdict_words
from flushpump.wire.messages import Alarm, Outcome, ProgramEnd, PulseResult, Status, Telemetry

# After the last report: a renewal that may have been sent then, the lease, the ramp.
LEASE_OVER_S = 2.5

COMPLETED, STOPPED, OCCLUDED, ALARM, LINK_LOST, UNKNOWN = (
    "completed", "stopped", "occluded", "alarm", "link_lost", "unknown",
)  # fmt: skip
_OUTCOMES = {
    Outcome.COMPLETED: COMPLETED,
    Outcome.STOPPED: STOPPED,
    Outcome.OCCLUDED: OCCLUDED,
    Outcome.ALARM: ALARM,
    Outcome.LINK_LOST: LINK_LOST,
}
_EXIT_STATUSES = {COMPLETED: 0, STOPPED: 5, OCCLUDED: 5, ALARM: 5, LINK_LOST: 6, UNKNOWN: 7}
_PRIORITIES = {1: "low", 2: "medium", 3: "high"}


@dataclass
class Answer:
    """An answer to a question of the program, and who gave it."""

    question: str
    yes: bool
    by: str


@dataclass
class RunReport:
    """What is known of a run. It is updated during the run, so that it always holds the volume so far."""

    plan: Plan
    firmware: str = ""
    target: str = ""
    operator: str = ""
    label: str = ""
    settings_fingerprint: str = ""
    unit: str = ""
    started_at: str = ""
    confirmed_by: str = ""
    outcome: str = UNKNOWN
    interrupted: bool = False
    problem: str = ""
    end: ProgramEnd | None = None
    status: Status | None = None
    telemetry: Telemetry | None = None
    peak_pa: int = 0
    pulses: dict[int, PulseResult] = field(default_factory=dict)
    alarms: dict[int, Alarm] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)

    def ended(self, end: ProgramEnd) -> None:
        """Stores the pump's own result."""
        self.end = end
        self.outcome = _OUTCOMES.get(end.outcome, UNKNOWN)

    @property
    def exit_status(self) -> int:
        """As in the table of exit statuses."""
        if self.interrupted and self.outcome == STOPPED:
            return 130
        return _EXIT_STATUSES[self.outcome]

    @property
    def delivered_ml(self) -> float:
        """Best knowledge of what left the line's tip, mL."""
        reported = self.end or self.status or self.telemetry
        return reported.delivered_nl / 1e6 if reported is not None else 0.0

    @property
    def unconfirmed_ml(self) -> float:
        """What may have been delivered beyond that or may be missing from it, mL."""
        reported = self.end or self.status
        if reported is not None:
            return reported.uncertain_nl / 1e6
        # No report. A pump that lost its host stops with its lease; otherwise it may have driven all that was left.
        left = max(0.0, self.plan.dose_ml - self.delivered_ml)
        fastest = max((phase.flow_ml_per_s for phase in self.plan.phases), default=0.0)
        return min(left, fastest * LEASE_OVER_S) if self.outcome == LINK_LOST else left

    def to_json(self) -> dict[str, Any]:
        """The object of `run --json`, `record_id` not yet known."""
        end = self.end
        pulses = [self.pulses[index] for index in sorted(self.pulses)]
        verdict = end.verdict.name.lower() if end is not None else "not_judged"
        body: dict[str, Any] = {
            "outcome": self.outcome,
            "sequence": self.plan.sequence.name,
            "intended_ml": round(self.plan.dose_ml, 6),
            "delivered_ml": round(self.delivered_ml, 6),
            "uncertain_ml": round(self.unconfirmed_ml, 6),
            "unconfirmed_ml": round(self.unconfirmed_ml, 6),
            "duration_s": end.duration_ms / 1000 if end is not None else None,
            "peak_kpa": (end.peak_pa if end is not None else self.peak_pa) / 1000,
            "verdict": verdict,
            "pulses": [_pulse_json(pulse, self.plan.path) for pulse in pulses],
            "alarms": [alarm_json(self.alarms[number]) for number in sorted(self.alarms)],
            "record_id": None,
            "firmware": self.firmware,
            "target": self.target,
            "driven_ml": end.driven_nl / 1e6 if end is not None else None,
            "relieved_ml": end.relieved_nl / 1e6 if end is not None else None,
            "aspirated_ml": end.aspirated_nl / 1e6 if end is not None else None,
            "interrupted": self.interrupted,
            "problem": self.problem or None,
            "answers": [{"question": a.question, "yes": a.yes, "by": a.by} for a in self.answers],
            "operator": self.operator,
            "label": self.label or None,
            "confirmed_by": self.confirmed_by,
            "unit": self.unit,
            "settings_fingerprint": self.settings_fingerprint,
            "started_at": self.started_at,
            "plan": self.plan.to_json(),
        }
        body["syringe_note"] = syringe_note(self.plan.visit, body, self.plan.path) or None
        return body

    def sentence(self) -> str:
        """The end of the run for a person."""
        as_of = "" if self.end is not None or self.status is not None else " as last reported"
        volumes = f"{self.delivered_ml:.2f} of {self.plan.dose_ml:.2f} mL delivered{as_of}"
        if self.unconfirmed_ml >= 0.005:
            volumes += f", {self.unconfirmed_ml:.2f} mL unconfirmed"
        if self.outcome == COMPLETED:
            return f"completed: {volumes}{'; ' + self.problem if self.problem else ''}"
        if self.outcome == UNKNOWN:
            return f"outcome unknown: {self.problem or 'the pump restarted'}; {volumes}"
        if self.interrupted and self.outcome == STOPPED:
            return f"stopped by the user, nothing moves: {volumes}"
        if self.end is not None and self.end.alarm_code:
            code = self.end.alarm_code
            return f"{self.outcome.replace('_', ' ')}: {alarm_happened(code)}; {volumes}; {alarm_remedy(code)}"
        if self.outcome == STOPPED and not self.problem:
            return f"stopped at the pump or by another program, nothing moves: {volumes}"
        return f"{self.outcome.replace('_', ' ')}: {self.problem + '; ' if self.problem else ''}{volumes}"

    def summary(self, record_id: str | None) -> list[str]:
        """The result, one line for each fact."""
        end = self.end
        peak_kpa = (end.peak_pa if end is not None else self.peak_pa) / 1000
        limit_kpa = self.plan.path.working_limit_kpa
        alarms = [f"{alarm_happened(alarm.code)}" for _, alarm in sorted(self.alarms.items())]
        known = "" if end is not None else ", last reported"
        body = self.to_json()
        whys = [f"pulse {pulse['index'] + 1}: {pulse['why']}" for pulse in body["pulses"] if pulse["why"]]
        syringe = body["syringe_note"]
        return [
            f"outcome   {self.outcome.replace('_', ' ')}",
            f"volume    {self.delivered_ml:.2f} of {self.plan.dose_ml:.2f} mL delivered{known}, "
            f"{self.unconfirmed_ml:.2f} mL unconfirmed",
            f"verdict   {verdict_words(end.verdict.name if end is not None else 'NOT_JUDGED')}",
            *[f"reason    {why}" for why in whys[:1]],
            f"pressure  peak {peak_kpa:.0f} kPa, working limit {limit_kpa:.0f} kPa",
            f"alarms    {'; '.join(alarms) or ('none' if end is not None else 'unknown')}",
            *([f"syringe   {syringe}"] if syringe else []),
            f"record    {record_id or 'not written'}",
        ]


def _pulse_json(pulse: PulseResult, path: AccessPath) -> dict[str, Any]:
    return {
        "index": pulse.index,
        "intended_ml": pulse.intended_nl / 1e6,
        "delivered_ml": pulse.delivered_nl / 1e6,
        "duration_s": pulse.duration_us / 1e6,
        "pause_s": pulse.pause_us / 1e6,
        "peak_kpa": pulse.peak_pa / 1000,
        "resistance_kpa_s_per_ml": pulse.resistance_pa_s_per_ml / 1000 if pulse.resistance_pa_s_per_ml else None,
        "compliance_ul_per_kpa": pulse.compliance_nl_per_kpa / 1000 if pulse.compliance_nl_per_kpa else None,
        "derated": pulse.derated_percent > 0,
        "derated_percent": pulse.derated_percent,
        "verdict": pulse.verdict.name.lower(),
        "driven_ml": pulse.driven_nl / 1e6,
        "start_s": pulse.start_us / 1e6,
        "residual_kpa": pulse.residual_pa / 1000,
        "evidence": pulse.evidence.name.lower() if pulse.evidence else None,
        "seen": pulse.seen_permille / 1000 if pulse.evidence else None,
        "limit": pulse.limit_permille / 1000 if pulse.evidence else None,
        "why": evidence_words(pulse, path) or None,
    }


def alarm_json(alarm: Alarm) -> dict[str, Any]:
    """An alarm as plain values."""
    return {
        "code": alarm.code,
        "name": alarm_name(alarm.code).lower(),
        "priority": _PRIORITIES.get(alarm.priority, "none"),
        "occurrence": alarm.occurrence,
        "device_time_s": alarm.device_time_ms / 1000,
        "detail": alarm.detail,
        "happened": alarm_happened(alarm.code),
        "remedy": alarm_remedy(alarm.code),
    }


def alarm_sentence(alarm: Alarm) -> str:
    """An alarm for a person, one line."""
    priority = _PRIORITIES.get(alarm.priority, "no")
    return f"alarm, {priority} priority: {alarm_happened(alarm.code)}; {alarm_remedy(alarm.code)}"
