"""What a flush does inside the line, by the model: fluids replaced, the lock at the tip, the deposit removed.

Each line of the catalog with a 20G needle or none. docs/simulator.md has what the model leaves out.
"""

import tempfile
import time
from pathlib import Path

from flushpump.access import catalog
from flushpump.access.access_path import AccessPath
from flushpump.access.parts import Line
from flushsim.fluids.deposit import GUIFFANT, removal
from flushsim.fluids.summary import FluidSummary
from flushsim.plant.flow_record import FlowRecord
from flushsim.plant.parameters import PlantPath
from flushsim.scenario import Scenario, ScenarioResult, run
from measurements import heading, report

_FLUSHES = {"port": "port-maintenance", "picc": "picc-flush", "tunneled": "tunneled-flush"}
# As port-maintenance, with other infusions of its 9 mL.
_INFUSIONS = {
    "ten pulses": 'kind = "pulses"\ncount = 10\nvolume_ml = 0.9\nflow_ml_per_s = 2\npause_s = 0.4',
    "one bolus": 'kind = "steady"\nvolume_ml = 9\nflow_ml_per_s = 2',
    "slowly": 'kind = "steady"\nvolume_ml = 9\nflow_ml_per_s = 0.02',
}
_ASPIRATE = 'kind = "aspirate"\nvolume_ml = 0.5\nflow_ml_per_s = 0.5\nquestion = "blood_return"'
_ERROR_ML = 1e-9


def main() -> None:
    _study()
    with tempfile.TemporaryDirectory() as folder:
        _infusions(Path(folder))
    worst = max(_flushes(), _locks())
    report("error of the fluid balance, worst of all runs", worst * 1e9, "pL", _ERROR_ML * 1e9)
    _speed()


def _study() -> None:
    heading("Deposit on the wall: three infusions of Guiffant 2012, in an 8F catheter")
    print(f"{'':<42}{'removed %':>10}{'study %':>9}  ")
    removed = []
    for (infusion, (flows, study)), kind in zip(GUIFFANT.items(), ("predicted", "fitted", "fitted"), strict=True):
        removed.append(removal(FlowRecord.of_flows(flows), PlantPath()).removed)
        print(f"{infusion:<42}{100 * removed[-1]:>10.1f}{100 * study:>9.1f}  {kind}")
    pulses, bolus, slow = removed
    report("pulses over one bolus", 100 * (pulses - bolus), "% points", 0, at_least=True)
    report("one bolus over slow infusion", 100 * (bolus - slow), "% points", 0, at_least=True)
    report("pulses, model against study (+- 3)", 100 * abs(pulses - GUIFFANT[next(iter(GUIFFANT))][1]), "% points", 3)


def _infusions(folder: Path) -> None:
    heading("The same 9 mL by the pump in three infusions (native, smartport-ct-8f, after a blood return)")
    print(f"{'':<20}{'starts':>8}{'shear Pa s':>12}{'removed %':>11}")
    for infusion, phase in _INFUSIONS.items():
        file = folder / f"{infusion.replace(' ', '-')}.toml"
        file.write_text(f'title = "{infusion}"\n[[phase]]\n{_ASPIRATE}\n[[phase]]\n{phase}\n', encoding="utf-8")
        result = run(Scenario(sequence=str(file)), flows=True)
        deposit = removal(_flows(result), result.scenario.true_path())
        print(f"{infusion:<20}{deposit.starts:>8.1f}{deposit.impulse_pa_s:>12.1f}{100 * deposit.removed:>11.1f}")


def _flushes() -> float:
    heading("Maintenance flush of every line: share of old content, blood and drug replaced at the end, in %")
    columns = f"{'chamber %':>10}{'catheter %':>11}{'drawn back mL':>15}{'starts':>8}{'deposit %':>11}"
    print(f"{'line':<18}{'chamber':<10}{columns}")
    worst = 0.0
    for line in catalog.load().lines.values():
        result = run(_scenario(line, _FLUSHES[line.kind]), flows=True)
        summary = FluidSummary.of(result.fluid_history())
        deposit = removal(_flows(result), result.scenario.true_path())
        chamber = f"{100 * summary.chamber_replaced:.2f}" if summary.chamber_replaced is not None else "-"
        print(
            f"{line.name:<18}{line.chamber_shape or 'none':<10}{chamber:>10}{100 * summary.catheter_replaced:>11.2f}"
            f"{summary.drawn_back_ml:>15.2f}{deposit.starts:>8.1f}{100 * deposit.removed:>11.1f}"
        )
        worst = max(worst, summary.error_ml)
    return worst


def _locks() -> float:
    heading("sash on every line: the remaining drug, and the heparin lock (path volume and 20 %)")
    columns = f"{'path mL':>8}{'drug left %':>12}{'reached':>9}{'chamber %':>11}{'catheter %':>11}{'at tip %':>9}"
    print(f"{'line':<18}{columns}{'past tip mL':>12}")
    worst = 0.0
    reached = []
    for line in catalog.load().lines.values():
        case = _scenario(line, "sash")
        summary = FluidSummary.of(run(case, flows=True).fluid_history())
        lock = summary.lock
        if lock is None:
            raise RuntimeError(f"sash on {line.name} ended before its lock")
        reached.append(lock.reached_tip)
        chamber = f"{100 * lock.in_chamber:.1f}" if lock.in_chamber is not None else "-"
        volume_ml = AccessPath.of(case.line, case.needle).volume_ml
        print(
            f"{line.name:<18}{volume_ml:>8.2f}{100 * summary.catheter.get('drug', 0.0):>12.3f}"
            f"{'yes' if lock.reached_tip else 'no':>9}{chamber:>11}{100 * lock.in_catheter:>11.1f}"
            f"{100 * lock.at_tip:>9.1f}{lock.passed_ml:>12.3f}"
        )
        worst = max(worst, summary.error_ml)
    report("lines on which the lock reaches the tip", sum(reached), f"of {len(reached)}", len(reached), at_least=True)
    return worst


def _speed() -> None:
    result = run(Scenario(), flows=True)
    begun_s = time.perf_counter()
    result.fluid_history()
    report("fluids of port-maintenance, wall clock", time.perf_counter() - begun_s, "s")


def _scenario(line: Line, sequence: str) -> Scenario:
    return Scenario(sequence=sequence, line=line.name, needle="huber-20g" if line.needle_required else "none")


def _flows(result: ScenarioResult) -> FlowRecord:
    assert result.flows is not None
    return result.flows
