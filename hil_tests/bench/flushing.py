"""What a flush does inside the line: fluids replaced, the lock at the tip, the deposit taken off; all from the model.

Every line of the catalogue with a 20G needle or none. What the model leaves out stands in docs/simulator.md.
"""

import tempfile
import time
from pathlib import Path

from figures import figure, heading
from flushpump.access import catalog
from flushpump.access.access_path import AccessPath as AccessPath
from flushsim.fluids.deposit import GUIFFANT, removal
from flushsim.fluids.summary import FluidSummary
from flushsim.plant.flow_record import FlowRecord
from flushsim.plant.parameters import PlantPath
from flushsim.scenario import Scenario, ScenarioResult, run

_FLUSHES = {"port": "port-maintenance", "picc": "picc-flush", "tunneled": "tunneled-flush"}
# As port-maintenance, but for how its 9 mL go in.
_WAYS = {
    "ten pulses": 'kind = "pulses"\ncount = 10\nvolume_ml = 0.9\nflow_ml_per_s = 2\npause_s = 0.4',
    "one bolus": 'kind = "steady"\nvolume_ml = 9\nflow_ml_per_s = 2',
    "slowly": 'kind = "steady"\nvolume_ml = 9\nflow_ml_per_s = 0.02',
}
_ASPIRATE = 'kind = "aspirate"\nvolume_ml = 0.5\nflow_ml_per_s = 0.5\nquestion = "blood_return"'
_ERROR_ML = 1e-9


def main() -> None:
    _study()
    with tempfile.TemporaryDirectory() as folder:
        _ways(Path(folder))
    worst = max(_flushes(), _locks())
    figure("fluid lost or made by following, worst of all runs", worst * 1e9, "pL", _ERROR_ML * 1e9)
    _speed()


def _study() -> None:
    heading("Deposit on the wall: three ways of Guiffant 2012, in an 8F catheter")
    print(f"{'':<42}{'removed %':>10}{'study %':>9}  ")
    removed = []
    for (way, (flows, study)), kind in zip(GUIFFANT.items(), ("predicted", "fitted", "fitted"), strict=True):
        removed.append(removal(FlowRecord.of_flows(flows), PlantPath()).removed)
        print(f"{way:<42}{100 * removed[-1]:>10.1f}{100 * study:>9.1f}  {kind}")
    pulses, bolus, slow = removed
    figure("pulses over one bolus", 100 * (pulses - bolus), "% points", 0, at_least=True)
    figure("one bolus over slow infusion", 100 * (bolus - slow), "% points", 0, at_least=True)
    figure("pulses, model against study (+- 3)", 100 * abs(pulses - GUIFFANT[next(iter(GUIFFANT))][1]), "% points", 3)


def _ways(folder: Path) -> None:
    heading("The same 9 mL by the pump in three ways (native, smartport-ct-8f, after a blood return)")
    print(f"{'':<20}{'starts':>8}{'shear Pa s':>12}{'removed %':>11}")
    for way, phase in _WAYS.items():
        file = folder / f"{way.replace(' ', '-')}.toml"
        file.write_text(f'title = "{way}"\n[[phase]]\n{_ASPIRATE}\n[[phase]]\n{phase}\n', encoding="utf-8")
        result = run(Scenario(sequence=str(file)), flows=True)
        taken = removal(_flows(result), result.scenario.true_path())
        print(f"{way:<20}{taken.starts:>8.1f}{taken.impulse_pa_s:>12.1f}{100 * taken.removed:>11.1f}")


def _flushes() -> float:
    heading("Maintenance flush of every line: share of old content, blood and drug replaced at the end, in %")
    columns = f"{'chamber %':>10}{'catheter %':>11}{'drawn back mL':>15}{'starts':>8}{'deposit %':>11}"
    print(f"{'line':<18}{'chamber':<10}{columns}")
    worst = 0.0
    for line in catalog.load().lines.values():
        result = run(_case(line, _FLUSHES[line.kind]), flows=True)
        said = FluidSummary.of(result.fluid_history())
        taken = removal(_flows(result), result.scenario.true_path())
        chamber = f"{100 * said.chamber_replaced:.2f}" if said.chamber_replaced is not None else "-"
        print(
            f"{line.name:<18}{line.chamber_shape or 'none':<10}{chamber:>10}{100 * said.catheter_replaced:>11.2f}"
            f"{said.drawn_back_ml:>15.2f}{taken.starts:>8.1f}{100 * taken.removed:>11.1f}"
        )
        worst = max(worst, said.error_ml)
    return worst


def _locks() -> float:
    heading("sash on every line: the drug that is left, and the heparin lock (path volume and 20 %)")
    columns = f"{'path mL':>8}{'drug left %':>12}{'reached':>9}{'chamber %':>11}{'catheter %':>11}{'at tip %':>9}"
    print(f"{'line':<18}{columns}{'past tip mL':>12}")
    worst = 0.0
    reached = []
    for line in catalog.load().lines.values():
        case = _case(line, "sash")
        said = FluidSummary.of(run(case, flows=True).fluid_history())
        lock = said.lock
        if lock is None:
            raise RuntimeError(f"sash on {line.name} ended before its lock")
        reached.append(lock.reached_tip)
        chamber = f"{100 * lock.in_chamber:.1f}" if lock.in_chamber is not None else "-"
        volume_ml = AccessPath.of(case.line, case.needle).volume_ml
        print(
            f"{line.name:<18}{volume_ml:>8.2f}{100 * said.catheter.get('drug', 0.0):>12.3f}"
            f"{'yes' if lock.reached_tip else 'no':>9}{chamber:>11}{100 * lock.in_catheter:>11.1f}"
            f"{100 * lock.at_tip:>9.1f}{lock.passed_ml:>12.3f}"
        )
        worst = max(worst, said.error_ml)
    figure("lines on which the lock reaches the tip", sum(reached), f"of {len(reached)}", len(reached), at_least=True)
    return worst


def _speed() -> None:
    result = run(Scenario(), flows=True)
    begun_s = time.perf_counter()
    result.fluid_history()
    figure("following port-maintenance, wall clock", time.perf_counter() - begun_s, "s")


def _case(line: catalog.Line, sequence: str) -> Scenario:
    return Scenario(sequence=sequence, line=line.name, needle="huber-20g" if line.needle_required else "none")


def _flows(result: ScenarioResult) -> FlowRecord:
    assert result.flows is not None
    return result.flows
