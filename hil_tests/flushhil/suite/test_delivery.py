"""What leaves the tip and when, compared with what the pump reports; a primed volume is not dose."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from flushpump.planning.plan import Plan
from flushpump.planning.sequence import load_sequence
from flushpump.wire.messages import Outcome, Phase, PhaseKind, Question, State, Verdict

from flushhil.dut import ASPIRATE, LOCK, DeviceUnderTest, pulses, refused_as, steady
from flushhil.ground_truth import in_pulse

pytestmark = pytest.mark.simulated("the plant's truth")
OpenDut = Callable[..., DeviceUnderTest]
PERCENT = 1.0
MS = 1.0
LINES = [
    ("smartport-ct-8f", "huber-20g"), ("smartport-plus-5f", "huber-20g"), ("standard-port-6f", "huber-19g"),
    ("picc-5f", "none"), ("tunneled-9.6f", "none"),
]  # fmt: skip


def plan_on(dut: DeviceUnderTest, sequence: str) -> Plan:
    plan = Plan.of(load_sequence(sequence), dut.path)
    dut.plant.change_syringe(plan.loaded_ml)
    dut.pump.set_path(plan.settings())
    dut.pump.load(plan.program())
    return plan


@pytest.mark.requirement("REQ-PRES-4")
@pytest.mark.parametrize(("line", "needle"), LINES)
def test_every_pulse_of_port_maintenance_has_its_volume_start_and_length(
    open_dut: OpenDut, record_measurement: Callable[..., None], line: str, needle: str
) -> None:
    dut = open_dut(line=line, needle=needle)
    plan = plan_on(dut, "port-maintenance")
    flow = plan.phases[1].flow_ml_per_s
    dut.pump.start()
    run = dut.follow()
    assert run.end.outcome is Outcome.COMPLETED
    assert len(run.pulses) == 10
    plant, ticks = dut.plant, dut.plant.ticks_per_us
    bursts = [burst for burst in plant.bursts if burst.direction > 0][:10]
    ml_per_step = plant.plunger.ml_per_step
    # Rest to rest on a trapezoid with the drive's acceleration, 600 mm/s2.
    acceleration_ml_per_s2 = 600 * 1600 * ml_per_step
    length_ms = (0.9 / flow + flow / acceleration_ml_per_s2) * 1000
    first_ms = bursts[0].first_ticks / ticks / 1000
    reported_first_ms = run.pulses[0].start_us / 1000
    for index, (burst, reported) in enumerate(zip(bursts, run.pulses, strict=True)):
        start_ms = burst.first_ticks / ticks / 1000 - first_ms
        lasted_ms = (burst.last_ticks - burst.first_ticks) / ticks / 1000
        record_measurement(
            f"volume of a pulse, {line}", (burst.steps * ml_per_step / 0.9 - 1) * 100, "% off", (-PERCENT, PERCENT)
        )
        record_measurement(f"start of a pulse, {line}", start_ms - index * (length_ms + 400), "ms off", (-MS, MS))
        record_measurement(f"length of a pulse, {line}", lasted_ms - length_ms, "ms off", (-MS, MS))
        record_measurement(
            f"reported start of a pulse, {line}",
            reported.start_us / 1000 - reported_first_ms - start_ms,
            "ms off",
            (-MS, MS),
        )
        record_measurement(
            f"reported length of a pulse, {line}", reported.duration_us / 1000 - lasted_ms, "ms off", (-MS, MS)
        )
        assert abs(reported.driven_nl / 1e6 - burst.steps * ml_per_step) < 1e-4


@pytest.mark.requirement("REQ-DOSE-3", "REQ-MOVE-3")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_reported_delivered_volume_is_what_left_the_tip(
    open_dut: OpenDut, record_measurement: Callable[..., None], seed: int
) -> None:
    dut = open_dut(seed=seed)
    plan_on(dut, "port-maintenance")
    dut.pump.start()
    run = dut.follow()
    dut.wait(2.0)
    out_ul = dut.plant.delivered_ul + run.end.aspirated_nl / 1000
    assert run.end.intended_nl == 9_500_000
    record_measurement(
        "delivered of 9.5 mL against the plant's tip", abs(run.end.delivered_nl / 1000 - out_ul) / 95, "%", PERCENT
    )
    assert run.end.verdict is Verdict.PATENT
    backwards = [burst for burst in dut.plant.bursts if burst.direction < 0]
    assert len(backwards) == 1, "backwards once, to aspirate"
    assert backwards[0].steps * dut.plant.plunger.ml_per_step == pytest.approx(0.5, abs=0.001)


@pytest.mark.requirement("REQ-DOSE-3")
def test_prime_is_not_dose(dut: DeviceUnderTest) -> None:
    dut.set_path()
    dut.plant.connect(False)
    dut.pump.prime(0.5, 0.5)
    dut.pump.wait_until_still()
    status = dut.pump.status()
    assert (status.intended_nl, status.driven_nl, status.delivered_nl) == (0, 0, 0)
    assert status.syringe_remaining_nl == pytest.approx(9_500_000, abs=1_000)
    dut.plant.connect(True)
    dut.load(pulses(2))
    dut.pump.start()
    end = dut.follow().end
    assert end.driven_nl == pytest.approx(1_800_000, abs=1_000)
    assert dut.pump.status().syringe_remaining_nl == pytest.approx(7_700_000, abs=2_000)


@pytest.mark.requirement("REQ-DOSE-3")
def test_an_interrupted_volume_is_counted_once(dut: DeviceUnderTest, record_measurement: Callable[..., None]) -> None:
    start_ml = dut.plant.stepper.position
    driven_nl = 0
    dut.set_path()
    for _ in range(3):
        dut.load(pulses(2))
        dut.pump.start()
        dut.simulate_until(in_pulse(dut))
        dut.pump.stop()
        driven_nl += dut.follow().end.driven_nl
        dut.wait(0.5)
    true_ul = (dut.plant.stepper.position - start_ml) * dut.plant.plunger.ml_per_step * 1000
    record_measurement("driven volume of three interrupted runs, error", abs(driven_nl / 1000 - true_ul), "uL", 0.5)
    status = dut.pump.status()
    assert status.syringe_remaining_nl / 1000 == pytest.approx(10_000 - true_ul, abs=1)


@pytest.mark.requirement("REQ-DOSE-3")
def test_a_program_continues_with_the_volume_of_a_changed_syringe(dut: DeviceUnderTest) -> None:
    change = replace(pulses(8), question=Question.SYRINGE_CHANGED)
    dut.start(change, pulses(8), max_time_ms=120_000)
    run = dut.follow()
    assert run.questions == [Question.SYRINGE_CHANGED]
    assert run.end.outcome is Outcome.COMPLETED
    assert run.end.driven_nl == pytest.approx(14_400_000, abs=2_000)
    assert dut.pump.status().syringe_remaining_nl == pytest.approx(2_800_000, abs=2_000)


def test_a_program_runs_every_kind_of_phase(dut: DeviceUnderTest) -> None:
    wait = Phase(PhaseKind.WAIT, count=0, question=Question.CLAMPED)
    finish = Phase(PhaseKind.FINISH, 200_000, 500_000)
    dut.start(ASPIRATE, pulses(2), steady(500_000, 500_000), wait, LOCK, finish)
    run = dut.follow()
    assert run.questions == [Question.BLOOD_RETURN, Question.CLAMPED]
    assert run.end.outcome is Outcome.COMPLETED
    assert run.end.aspirated_nl == pytest.approx(500_000, abs=500)
    assert run.end.driven_nl == pytest.approx(3_000_000, abs=500)
    assert dut.pump.status().state is State.IDLE


@pytest.mark.requirement("REQ-MOVE-2")
def test_a_low_and_an_empty_syringe_raise_alarms_and_the_empty_one_stops(
    dut: DeviceUnderTest, record_measurement: Callable[..., None]
) -> None:
    # A syringe change is announced, so the device cannot know beforehand that this syringe is too small.
    run = dut.run(replace(steady(3_000_000, 500_000), question=Question.SYRINGE_CHANGED), loaded_ml=2.0)
    assert run.alarms == ["SYRINGE_LOW", "SYRINGE_EMPTY"]
    assert run.end.outcome is Outcome.ALARM
    left_ml = dut.plant.syringe_ul / 1000
    record_measurement("left in the syringe when it is called empty", left_ml, "mL", (0.48, 0.51))
    low = next(event for event in run.events if getattr(event, "name", "") == "SYRINGE_LOW")
    record_measurement("left in the syringe when it is called low", low.detail / 1e6, "mL", (0.98, 1.0))  # type: ignore[union-attr]


@pytest.mark.requirement("REQ-MOVE-2")
def test_a_program_that_would_empty_the_syringe_is_refused_before_it_moves(dut: DeviceUnderTest) -> None:
    dut.set_path(loaded_ml=2.0)
    dut.load(steady(1_600_000, 500_000))
    assert refused_as(dut.pump.start) == "SYRINGE"
    assert refused_as(lambda: dut.pump.prime(1.6, 0.5)) == "SYRINGE"
    assert dut.plant.bursts == []
