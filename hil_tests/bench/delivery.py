"""Volume and timing of every pulse of `port-maintenance`, on each line of the catalog with a 20G needle or none.

Volume is counted at the plunger and at the tip (from a pulse's first step to the next one's); start and length are
those of the step pulses themselves, against the ideal trapezoid n / v + v / a and its pauses.
"""

from flushpump.access import catalog
from flushpump.flash.image import load_board
from flushpump.wire.messages import PhaseKind
from measurements import Outcome, heading, report, run


def main() -> None:
    heading("Pulses of port-maintenance, worst of each line (native)")
    names = f"{'line':<18}{'needle':<12}{'flow':>7}{'volume':>9}{'at tip':>9}{'start':>9}{'length':>9}"
    print(f"{names}{'peak':>8}{'derated':>9}")
    print(f"{'':<30}{'mL/s':>7}{'%':>9}{'%':>9}{'ms':>9}{'ms':>9}{'kPa':>8}{'pulses':>9}")
    worst = [0.0, 0.0, 0.0]
    tips: dict[str, float] = {}
    for line in catalog.load().lines.values():
        needle = "huber-20g" if line.kind == "port" else "none"
        outcome = run(line.name, needle)
        errors = pulse_errors(outcome)
        volume, tip, start, length = (max((abs(row[i]) for row in errors), default=0.0) for i in range(4))
        derated = sum(1 for pulse in outcome.pulses if pulse.derated_percent)
        pulses = next(phase for phase in outcome.plan.phases if phase.kind is PhaseKind.PULSES)
        peak = max(pulse.peak_pa for pulse in outcome.pulses) / 1000
        print(
            f"{line.name:<18}{needle:<12}{pulses.flow_ml_per_s:>7.2f}{volume:>9.3f}{tip:>9.3f}{start:>9.3f}{length:>9.3f}"
            f"{peak:>8.1f}{derated:>6}/{len(outcome.pulses)}"
        )
        tips[line.name] = tip
        if not derated:
            worst = [max(a, b) for a, b in zip(worst, (volume, start, length), strict=True)]
    report("volume of a pulse, worst of the lines without derating", worst[0], "%", 1)
    report("start of a pulse, likewise", worst[1], "ms", 1)
    report("length of a pulse, likewise", worst[2], "ms", 1)
    # What the compliance still stores leaves with the next pulse; a 3F PICC does not relax within the pause.
    last, other = sorted(tips, key=lambda name: -tips[name])[:2]
    report(f"pulse at the tip until the next one begins, {last}", tips[last], "%")
    report(f"pulse at the tip until the next one begins, {other} and better", tips[other], "%")


def pulse_errors(outcome: Outcome) -> list[tuple[float, float, float, float]]:
    """Of each pulse: volume at the plunger and at the tip in %, start and length in ms; signed, measured less ideal."""
    drive = load_board("rpi_pico")["drive"]
    plant = outcome.rig.plant
    per_step_ml = plant.plunger.ml_per_step
    phase = next(phase for phase in outcome.plan.phases if phase.kind is PhaseKind.PULSES)
    rate = phase.flow_ml_per_s / per_step_ml
    acceleration = drive["acceleration_mm_per_s2"] * drive["steps_per_mm"]
    length_us = 1e6 * (phase.volume_ml / per_step_ml / rate + rate / acceleration)
    period_us = length_us + phase.pause_s * 1e6
    forwards = [burst for burst in plant.bursts if burst.direction > 0][: phase.count + 1]
    first_us = [burst.first_ticks / plant.ticks_per_us for burst in forwards]
    rows = []
    for index, burst in enumerate(forwards[: phase.count]):
        until_us = first_us[index + 1] if index + 1 < len(first_us) else plant.now_us
        tip_ml = (plant.delivered_at_us(until_us) - plant.delivered_at_us(first_us[index])) / 1000
        rows.append((
            100 * (burst.steps * per_step_ml / phase.volume_ml - 1),
            100 * (tip_ml / phase.volume_ml - 1),
            (first_us[index] - first_us[0] - index * period_us) / 1000,
            ((burst.last_ticks - burst.first_ticks) / plant.ticks_per_us - length_us) / 1000,
        ))  # fmt: skip
    return rows
