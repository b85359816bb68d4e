"""What leaves the tip, when, and what is said about it: pulses against the plant's truth, prime apart from dose."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from flushpump.planning.plan import Plan
from flushpump.planning.sequence import load_sequence
from flushpump.wire.messages import Outcome, Phase, PhaseKind, Question, State, Verdict

from flushhil.dut import ASPIRATE, LOCK, DeviceUnderTest, pulses, refused_as, steady
from flushhil.ground_truth import in_pulse

pytestmark = pytest.mark.simulated("the plant's truth")
OpenBench = Callable[..., DeviceUnderTest]
PERCENT = 1.0
MS = 1.0
LINES = [
    ("smartport-ct-8f", "huber-20g"), ("smartport-plus-5f", "huber-20g"), ("standard-port-6f", "huber-19g"),
    ("picc-5f", "none"), ("tunneled-9.6f", "none"),
]  # fmt: skip


def plan_on(bench: DeviceUnderTest, sequence: str) -> Plan:
    plan = Plan.of(load_sequence(sequence), bench.path)
    bench.plant.change_syringe(plan.loaded_ml)
    bench.pump.set_path(plan.settings())
    bench.pump.load(plan.program())
    return plan


@pytest.mark.requirement("REQ-PRES-4")
@pytest.mark.parametrize(("line", "needle"), LINES)
def test_every_pulse_of_port_maintenance_has_its_volume_start_and_length(
    open_bench: OpenBench, record_measurement: Callable[..., None], line: str, needle: str
) -> None:
    bench = open_bench(line=line, needle=needle)
    plan = plan_on(bench, "port-maintenance")
    flow = plan.phases[1].flow_ml_per_s
    bench.pump.start()
    run = bench.follow()
    assert run.end.outcome is Outcome.COMPLETED
    assert len(run.pulses) == 10
    plant, ticks = bench.plant, bench.plant.ticks_per_us
    bursts = [burst for burst in plant.bursts if burst.direction > 0][:10]
    ml_per_step = plant.plunger.ml_per_step
    # Rest to rest on a trapezoid with the drive's acceleration, 600 mm/s2.
    acceleration_ml_per_s2 = 600 * 1600 * ml_per_step
    length_ms = (0.9 / flow + flow / acceleration_ml_per_s2) * 1000
    first_ms = bursts[0].first_ticks / ticks / 1000
    told_first_ms = run.pulses[0].start_us / 1000
    for index, (burst, told) in enumerate(zip(bursts, run.pulses, strict=True)):
        start_ms = burst.first_ticks / ticks / 1000 - first_ms
        took_ms = (burst.last_ticks - burst.first_ticks) / ticks / 1000
        record_measurement(
            f"volume of a pulse, {line}", (burst.steps * ml_per_step / 0.9 - 1) * 100, "% off", (-PERCENT, PERCENT)
        )
        record_measurement(f"start of a pulse, {line}", start_ms - index * (length_ms + 400), "ms off", (-MS, MS))
        record_measurement(f"length of a pulse, {line}", took_ms - length_ms, "ms off", (-MS, MS))
        record_measurement(
            f"told start of a pulse, {line}", told.start_us / 1000 - told_first_ms - start_ms, "ms off", (-MS, MS)
        )
        record_measurement(f"told length of a pulse, {line}", told.duration_us / 1000 - took_ms, "ms off", (-MS, MS))
        assert abs(told.driven_nl / 1e6 - burst.steps * ml_per_step) < 1e-4


@pytest.mark.requirement("REQ-DOSE-3", "REQ-MOVE-3")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_port_maintenance_delivers_out_of_the_tip_what_it_says(
    open_bench: OpenBench, record_measurement: Callable[..., None], seed: int
) -> None:
    bench = open_bench(seed=seed)
    plan_on(bench, "port-maintenance")
    bench.pump.start()
    run = bench.follow()
    bench.wait(2.0)
    out_ul = bench.plant.delivered_ul + run.end.aspirated_nl / 1000
    assert run.end.intended_nl == 9_500_000
    record_measurement(
        "delivered of 9.5 mL against the plant's tip", abs(run.end.delivered_nl / 1000 - out_ul) / 95, "%", PERCENT
    )
    assert run.end.verdict is Verdict.PATENT
    backwards = [burst for burst in bench.plant.bursts if burst.direction < 0]
    assert len(backwards) == 1, "backwards once, to aspirate"
    assert backwards[0].steps * bench.plant.plunger.ml_per_step == pytest.approx(0.5, abs=0.001)


@pytest.mark.requirement("REQ-DOSE-3")
def test_prime_is_not_dose(bench: DeviceUnderTest) -> None:
    bench.set_path()
    bench.plant.connect(False)
    bench.pump.prime(0.5, 0.5)
    bench.pump.wait_until_still()
    status = bench.pump.status()
    assert (status.intended_nl, status.driven_nl, status.delivered_nl) == (0, 0, 0)
    assert status.syringe_remaining_nl == pytest.approx(9_500_000, abs=1_000)
    bench.plant.connect(True)
    bench.load(pulses(2))
    bench.pump.start()
    end = bench.follow().end
    assert end.driven_nl == pytest.approx(1_800_000, abs=1_000)
    assert bench.pump.status().syringe_remaining_nl == pytest.approx(7_700_000, abs=2_000)


@pytest.mark.requirement("REQ-DOSE-3")
def test_an_interrupted_volume_is_counted_once(bench: DeviceUnderTest, record_measurement: Callable[..., None]) -> None:
    start_ml = bench.plant.stepper.position
    driven_nl = 0
    bench.set_path()
    for _ in range(3):
        bench.load(pulses(2))
        bench.pump.start()
        bench.turns_until(in_pulse(bench))
        bench.pump.stop()
        driven_nl += bench.follow().end.driven_nl
    true_ul = (bench.plant.stepper.position - start_ml) * bench.plant.plunger.ml_per_step * 1000
    record_measurement("driven volume of three interrupted runs, error", abs(driven_nl / 1000 - true_ul), "uL", 0.5)
    status = bench.pump.status()
    assert status.syringe_remaining_nl / 1000 == pytest.approx(10_000 - true_ul, abs=1)


@pytest.mark.requirement("REQ-DOSE-3")
def test_a_syringe_change_in_a_program_goes_on_with_the_new_volume(bench: DeviceUnderTest) -> None:
    change = replace(pulses(8), question=Question.SYRINGE_CHANGED)
    bench.start(change, pulses(8), max_time_ms=120_000)
    run = bench.follow()
    assert run.questions == [Question.SYRINGE_CHANGED]
    assert run.end.outcome is Outcome.COMPLETED
    assert run.end.driven_nl == pytest.approx(14_400_000, abs=2_000)
    assert bench.pump.status().syringe_remaining_nl == pytest.approx(2_800_000, abs=2_000)


def test_every_kind_of_phase_does_what_its_name_says(bench: DeviceUnderTest) -> None:
    wait = Phase(PhaseKind.WAIT, count=0, question=Question.CLAMPED)
    finish = Phase(PhaseKind.FINISH, 200_000, 500_000)
    bench.start(ASPIRATE, pulses(2), steady(500_000, 500_000), wait, LOCK, finish)
    run = bench.follow()
    assert run.questions == [Question.BLOOD_RETURN, Question.CLAMPED]
    assert run.end.outcome is Outcome.COMPLETED
    assert run.end.aspirated_nl == pytest.approx(500_000, abs=500)
    assert run.end.driven_nl == pytest.approx(3_000_000, abs=500)
    assert bench.pump.status().state is State.IDLE


@pytest.mark.requirement("REQ-MOVE-2")
def test_a_low_and_an_empty_syringe_are_announced_and_the_empty_one_stops(
    bench: DeviceUnderTest, record_measurement: Callable[..., None]
) -> None:
    # With a change of syringe announced, the device cannot know beforehand that this one will not do.
    run = bench.run(replace(steady(3_000_000, 500_000), question=Question.SYRINGE_CHANGED), loaded_ml=2.0)
    assert run.alarms == ["SYRINGE_LOW", "SYRINGE_EMPTY"]
    assert run.end.outcome is Outcome.ALARM
    left_ml = bench.plant.syringe_ul / 1000
    record_measurement("left in the syringe when it is called empty", left_ml, "mL", (0.48, 0.51))
    low = next(event for event in run.events if getattr(event, "name", "") == "SYRINGE_LOW")
    record_measurement("left in the syringe when it is called low", low.detail / 1e6, "mL", (0.98, 1.0))  # type: ignore[union-attr]


@pytest.mark.requirement("REQ-MOVE-2")
def test_a_program_that_would_empty_the_syringe_is_refused_before_it_moves(bench: DeviceUnderTest) -> None:
    bench.set_path(loaded_ml=2.0)
    bench.load(steady(1_600_000, 500_000))
    assert refused_as(bench.pump.start) == "SYRINGE"
    assert refused_as(lambda: bench.pump.prime(1.6, 0.5)) == "SYRINGE"
    assert bench.plant.bursts == []
