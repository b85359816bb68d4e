"""How fast and how smoothly motion ends: trips, STOP, and a line that closes in a 2 mL/s pulse.

Each value is the worst of onsets spread over a tick, measured on the plant: its last step pulse, its true pressure
and its true volume.
"""

from dataclasses import replace
from itertools import pairwise

from flushlink.messages import ALARMS
from flushpump.wire.messages import Question, State
from flushsim.plant.plant import PlantPath
from flushsim.rig.lockstep import LOOP_LATENCY_US, TICK_US, Rig
from flushsim.rig.trace import TraceRow
from measurements import heading, perform, plan_of, pump_on, report, run

ONSETS = 25
HARD_LIMIT = next(code for code, name, *_ in ALARMS if name == "HARD_LIMIT")


def onsets_ms(path: PlantPath | None = None) -> list[float]:
    """Times since the first step within the plateau of the third pulse, spread over the ticks."""
    plant = run(path=path).rig.plant
    third = [burst for burst in plant.bursts if burst.direction > 0][2]
    from_ms = (third.first_ticks / plant.ticks_per_us - (plant.motion_started_us or 0)) / 1000 + 60
    return [round(from_ms + 10.9 * k) for k in range(ONSETS)]


def last_forward_us(rig: Rig) -> float:
    """Time of the last step forwards; those of the relief come after."""
    return [burst for burst in rig.plant.bursts if burst.direction > 0][-1].last_ticks / rig.plant.ticks_per_us


def main() -> None:
    heading(f"Ends of motion (native, worst of {ONSETS} onsets in a 2 mL/s plateau)")
    report("STOP sent to last step", max(stop_ms(at) for at in range(3_200, 3_375, 7)), "ms", 10, 5)
    report("stop button to last step", trip_ms("stop-button"), "ms", 10, 5)
    report("sensor silent: first missing conversion to last step", trip_ms("sensor-silent", sampled=True), "ms", 10, 5)
    report("sensor silent: onset to last step", trip_ms("sensor-silent"), "ms")
    report("sensor stuck: onset to last step", trip_ms("sensor-stuck"), "ms")
    report("true pressure at the hard limit to last step", hard_limit_ms(), "ms", 10, 5)
    for compliance in (2, 5):
        closed_line(compliance)


def trip_ms(fault: str, sampled: bool = False) -> float:
    """From a fault's onset within a pulse, or from the first sample after it, to the last step, ms."""
    worst = 0.0
    for onset in onsets_ms():
        outcome = run(faults=[f"{fault}@{onset}ms"])
        plant = outcome.rig.plant
        onset_us = (plant.motion_started_us or 0) + onset * 1000
        if sampled:
            onset_us += -(onset_us + LOOP_LATENCY_US) % TICK_US
        worst = max(worst, (last_forward_us(outcome.rig) - onset_us) / 1000)
    return worst


def stop_ms(at_ms: int) -> float:
    """From writing STOP to the port to the last step, ms; the link takes 1 ms of it."""
    plan = plan_of()
    rig = Rig("native")
    with pump_on(rig) as pump:
        pump.set_path(plan.settings())
        pump.load(plan.program())
        pump.start()
        while pump.status().state is not State.WAITING:
            pump.poll(0.05)
        pump.answer(Question.BLOOD_RETURN, True)
        rig.run_until(rig.now_us + at_ms * 1000 - 3_000_000)
        asked_us = rig.now_us
        pump.stop()
        return (last_forward_us(rig) - asked_us) / 1000


def hard_limit_ms() -> float:
    """Pressure that jumps over both limits in a stiff line (0.3 uL/kPa): true hard limit to last step, ms."""
    path = replace(PlantPath(), syringe_compliance_ul_per_kpa=0.3, extension_compliance_ul_per_kpa=0.02)
    plan = plan_of()
    settings = replace(plan.settings(), hard_limit_pa=96_000, working_limit_pa=86_400)
    worst = 0.0
    for onset in onsets_ms(path):
        trace: list[TraceRow] = []
        rig = Rig("native", path=path, faults=[f"occlusion@{onset}ms"], trace=trace)
        outcome = perform(plan, rig, settings)
        assert outcome.end is not None
        if outcome.end.alarm_code != HARD_LIMIT:
            continue
        for before, after in pairwise(trace):
            if after.pressure_pa >= settings.hard_limit_pa:
                share = (settings.hard_limit_pa - before.pressure_pa) / (after.pressure_pa - before.pressure_pa)
                crossed_us = before.now_us + share * (after.now_us - before.now_us)
                worst = max(worst, (last_forward_us(rig) - crossed_us) / 1000)
                break
    return worst


def closed_line(compliance_ul_per_kpa: float) -> None:
    """A line that closes within a pulse of 2 mL/s and opens again 8 s later, long after the relief."""
    path = replace(PlantPath(), syringe_compliance_ul_per_kpa=compliance_ul_per_kpa)
    volume = bolus = detect = 0.0
    above = -1e9
    lowest = 1e9
    for onset in onsets_ms(path):
        trace: list[TraceRow] = []
        outcome = run(path=path, faults=[f"occlusion@{onset}ms~8s"], trace=trace)
        plant = outcome.rig.plant
        above = max(above, plant.peak_kpa - outcome.plan.settings().working_limit_pa / 1000)
        onset_us = (plant.motion_started_us or 0) + onset * 1000
        last_us = last_forward_us(outcome.rig)
        detect = max(detect, (last_us - onset_us) / 1000)
        before_ul = plant.delivered_ul
        volume = max(volume, (before_ul - plant.delivered_at_us(last_us)) / 1000)
        lowest = min(lowest, min(row.pressure_pa for row in trace if row.now_us > last_us) / 1000)
        plant.advance(plant.now_us + 10_000_000)
        bolus = max(bolus, (plant.delivered_ul - before_ul) / 1000)
    name = f"line closed, {compliance_ul_per_kpa:g} uL/kPa: "
    report(name + "true pressure above working limit", above, "kPa", 15 if compliance_ul_per_kpa == 2 else None, 10)
    report(name + "closing to last step", detect, "ms")
    report(name + "out of the tip after the last step", volume, "mL", 0.02)
    report(name + "lowest true pressure in relief", lowest, "kPa")
    report(name + "bolus when it opens again", bolus, "mL", 0.1)
