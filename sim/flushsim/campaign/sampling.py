"""The scenario of an index: a pure function of the campaign's seed and the index, so that any can be run again."""

import random
from dataclasses import replace

from flushpump.wire.messages import PhaseKind, Question

from flushsim.campaign.config import CampaignConfig, FaultDrawn
from flushsim.faults.spec import Fault
from flushsim.plant.variation import drawn
from flushsim.scenario import Scenario

# From the end of a phase to the first step of the next, when a question between them is answered at once.
_ANSWER_S = 0.02


def scenario_of(config: CampaignConfig, index: int) -> Scenario:
    """The scenario of this index, from 0 on."""
    source = random.Random(f"case {index} of campaign {config.seed}")
    group = config.group_of(index)
    scenario = source.choice(group.scenarios)
    seed = source.randrange(2**31)
    path = scenario.true_path()
    if group.tolerances:
        path = drawn(path, source)
    faults = tuple(_fault(fault, scenario, source) for fault in group.faults)
    return replace(scenario, seed=seed, path=path, faults=faults)


# What stays from visit to visit: the catheter, and what is printed on the packages of needle and extension set.
_UNCHANGED = (
    "catheter_bore_mm", "catheter_length_mm", "line_compliance_ul_per_kpa", "needle_length_mm", "extension_bore_mm",
    "extension_compliance_ul_per_kpa",
)  # fmt: skip


def visit_before(config: CampaignConfig, index: int) -> Scenario:
    """The visit before the scenario of this index: another day, another needle and syringe of the same kinds."""
    now = scenario_of(config, index)
    source = random.Random(f"visit before case {index} of campaign {config.seed}")
    path = replace(now, path=None).true_path()
    if config.group_of(index).tolerances:
        then = now.true_path()
        path = replace(drawn(path, source), **{name: getattr(then, name) for name in _UNCHANGED})
    return replace(now, seed=source.randrange(2**31), path=path, faults=())


def _fault(fault: FaultDrawn, scenario: Scenario, source: random.Random) -> Fault:
    severity = float(f"{fault.severity.drawn(source):.6g}")
    onset = fault.onset.drawn(source)
    onset_s = _pulse_s(scenario, onset) if fault.in_pulses else onset
    duration_us = None
    if fault.duration_s is not None:
        duration_us = max(1, round(fault.duration_s.drawn(source) * 1000)) * 1000
    # Whole ms, so that the text of the fault is exact.
    return Fault(fault.name, severity, round(onset_s * 1000) * 1000, duration_us)


def _pulse_s(scenario: Scenario, pulse: float) -> float:
    """Planned time since the first step of a place in a pulse: 2.25 is a quarter through the second one's motion."""
    at_s = 0.0
    for phase in scenario.plan().phases:
        if phase.kind is PhaseKind.PULSES:
            one_s = phase.duration_s / phase.count
            whole, share = divmod(pulse - 1, 1)
            return at_s + whole * one_s + share * (one_s - phase.pause_s)
        at_s += phase.duration_s
        if phase.question is not Question.NONE:
            at_s += _ANSWER_S
    raise ValueError("a sequence without pulses")
