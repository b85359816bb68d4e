"""Detection over a shipped campaign, by default the small one: rate of false alarms, time to detection.

`python hil_tests/bench detection` takes the campaign that FLUSHPUMP_CAMPAIGN names (a shipped name, or a .toml file),
FLUSHPUMP_CAMPAIGN_RUNS of it, and keeps its results in FLUSHPUMP_CAMPAIGN_OUTPUT where that is set. A rate keeps or
misses its budget when the whole of its 95 % interval does; otherwise there were too few runs.
"""

import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flushsim.campaign.config import load
from flushsim.campaign.executor import Processes, cores
from flushsim.campaign.result_store import ResultStore
from flushsim.campaign.results import read
from flushsim.campaign.runner import Progress, run_campaign
from flushsim.campaign.statistics import statistics_of
from flushsim.campaign.text_report import lines_of
from measurements import add_row, heading, report

CAMPAIGN = "FLUSHPUMP_CAMPAIGN"
RUNS = "FLUSHPUMP_CAMPAIGN_RUNS"
OUTPUT = "FLUSHPUMP_CAMPAIGN_OUTPUT"


def name() -> str:
    """The campaign that is run."""
    return os.environ.get(CAMPAIGN, "small")


def main() -> None:
    config = load(name())
    runs = int(os.environ.get(RUNS, config.runs))
    with tempfile.TemporaryDirectory() as scratch:
        store = ResultStore(Path(os.environ.get(OUTPUT, scratch)))
        store.open_for(config)
        ended_s: list[float] = []
        progress = Progress(on_problem=print, on_run=lambda done: ended_s.append(time.monotonic()))
        run_campaign(config, runs, store, lambda: Processes(config, cores()), progress)
        statistics = statistics_of(read(store.files(), below=runs))
    heading(f"Detection ({config.name}, {runs} runs, native)")
    print("\n".join(lines_of(config.title, config.seed, statistics)), end="\n\n")
    _budgets(statistics)
    if len(ended_s) > 1:
        # Budget: 10,000 in 20 minutes on two cores, without the start of the workers.
        rate = 60 * (len(ended_s) - 1) / (ended_s[-1] - ended_s[0])
        report(f"runs on {cores()} cores, by this machine's clock", rate, "1/min", 250 * cores(), at_least=True)
    if progress.failed:
        raise SystemExit(f"bench: {len(progress.failed)} runs failed")


def _budgets(statistics: Mapping[str, Any]) -> None:
    healthy = statistics["healthy"]["false_alarms"]
    _rate("false alarms in 10,000 runs without a fault", healthy, 1.0, per=10_000)
    groups = {group["fault"]: group for group in statistics["faults"]}
    _detected(groups.get("occlusion"), "occlusion: detected in the pulse in which it happens, %", "in_the_pulse", 100)
    _detected(_of_severity(groups.get("partial"), "3"), "3 x R: detected within two pulses, %", "within_two_pulses", 99)
    _detected(groups.get("growing"), "growing: detected before the hard limit, %", "before_hard_limit", 99)
    for name, severities in (("bubble", ("0.1", "0.2", "0.5")), ("disconnect", ("",)), ("leak", ("0.1", "0.2", "0.5"))):
        for severity in severities:
            named = f"{name} {severity}".strip()
            part = _of_severity(groups.get(name), severity) if severity else groups.get(name)
            _detected(part, f"{named}: within two pulses where the path permits, %", "where_permitted", 95)
    _worst("bolus when the line opens again", statistics["bolus_ml"], "mL", 0.1)
    # Breathing alone moves some microlitres to and fro.
    _worst("blood drawn in through the tip in relief", statistics["drawn_in_relief_ml"], "mL", 0.005)
    _worst("true pressure above the working limit", statistics["pressure_kpa"]["above_working_limit"], "kPa", 15)
    _worst("reported minus delivered volume, without a fault", statistics["volume_error_ml"], "mL")
    lowest = statistics["pressure_kpa"]["lowest_in_relief"]
    if lowest is not None:
        report("lowest true pressure in relief", lowest, "kPa")


def _of_severity(group: Mapping[str, Any] | None, severity: str) -> Mapping[str, Any] | None:
    if group is None:
        return None
    return next((part for part in group["by_severity"] if part["severity"] == severity), None)


def _detected(part: Mapping[str, Any] | None, name: str, key: str, least: float) -> None:
    if part is not None:
        _rate(name, part[key], least, per=100, at_least=True)


def _rate(name: str, rate: Mapping[str, Any], budget: float, per: float, at_least: bool = False) -> None:
    if not rate["of"]:
        return
    value, low, high = (per * share for share in (rate["count"] / rate["of"], rate["low"], rate["high"]))
    # An interval never reaches 100 %: where the budget is 100 %, each run counts.
    kept = rate["count"] == rate["of"] if at_least and budget == per else low >= budget if at_least else high <= budget
    missed = high < budget if at_least else low > budget
    result = "kept" if kept else "MISSED" if missed or (at_least and budget == per) else "too few runs"
    interval = f"({low:.2f} to {high:.2f}; {rate['of']} runs)"
    print(
        f"{name:<62} {value:>10.3f} {interval:<34} {'least' if at_least else 'most'} {budget:g}  {result}", flush=True
    )
    allowed = f"at {'least' if at_least else 'most'} {budget:g}"
    add_row(name, f"{rate['count']} of {rate['of']} {interval.split(';')[0]})", allowed, result == "MISSED")


def _worst(name: str, spread: Mapping[str, Any], unit: str, budget: float | None = None) -> None:
    if spread["worst"] is not None:
        report(f"{name}, worst", spread["worst"], unit, budget)
