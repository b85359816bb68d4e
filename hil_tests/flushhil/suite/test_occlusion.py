"""Occlusion: stop, alarm, no retry, relief within bounds, and only a small bolus when it clears."""

from collections.abc import Callable

import pytest
from flushlink import messages
from flushpump.wire.messages import Outcome, Phase, State, Verdict

from flushhil.dut import ASPIRATE, LOCK, DeviceUnderTest, pulses, refused_as, steady
from flushhil.ground_truth import stays_still

pytestmark = pytest.mark.simulated("an occlusion, and the plant's truth")
OpenDut = Callable[..., DeviceUnderTest]
BOLUS_UL = 100.0
OVERSHOOT_KPA = 15.0
FLOOR_KPA = -1.0
# Backlash, what 2.2 uL/kPa store at 12 kPa, and what they release while pressure falls to that of the tissue.
TISSUE_UL = 20 + 12 * 2.2 + 30 * 2.2
# The setting relief_volume_cap_nl.
RELIEF_CAP_UL = next(row[4] for row in messages.SETTINGS if row[1] == "relief_volume_cap_nl") / 1000
PATHS = [
    ("smartport-ct-8f", "huber-20g", "bd-10"), ("smartport-ct-8f", "huber-22g", "bd-10"), ("picc-4f", "none", "bd-10"),
    ("picc-3f", "none", "bd-10"), ("tunneled-9.6f", "none", "bd-10"), ("smartport-ct-8f", "huber-20g", "bd-20"),
    ("smartport-ct-8f", "huber-20g", "bd-60"), ("smartport-ct-8f", "huber-20g", "terumo-10"),
]  # fmt: skip
PHASES = {
    "pulse": pulses(3),
    "1 mL/s": steady(6_000_000, 1_000_000),
    "0.5 mL/s": steady(6_000_000, 500_000),
    "0.2 mL/s": steady(2_000_000, 200_000),
    "0.05 mL/s": steady(1_000_000, 50_000),
}
# Time to detection of a closed line, s: the time to fill 2.2 uL/kPa up to the working limit, and half a second.
DETECTED_S = {"pulse": 0.65, "1 mL/s": 0.8, "0.5 mL/s": 1.1, "0.2 mL/s": 2.0, "0.05 mL/s": 6.6}


class Extremes:
    """Keeps the lowest true pressure and the largest volume at the tip, of all ticks since the first step."""

    def __init__(self, dut: DeviceUnderTest) -> None:
        self.least_kpa = 1_000.0
        self.most_tip_ul = 0.0
        step = dut.rig.step
        plant = dut.plant

        def step_and_record() -> None:
            step()
            if plant.motion_started_us is not None:
                self.least_kpa = min(self.least_kpa, plant.pressure_pa / 1000)
                self.most_tip_ul = max(self.most_tip_ul, plant.delivered_ul)

        dut.rig.step = step_and_record


@pytest.fixture
def last_forward_us() -> Callable[[DeviceUnderTest], float]:
    def last(dut: DeviceUnderTest) -> float:
        bursts = [burst for burst in dut.plant.bursts if burst.direction > 0]
        return float(bursts[-1].last_ticks / dut.plant.ticks_per_us)

    return last


@pytest.mark.requirement("REQ-OCCL-1")
@pytest.mark.parametrize("name", PHASES)
def test_a_closed_line_is_detected_in_time_at_any_flow(
    open_dut: OpenDut,
    record_measurement: Callable[..., None],
    last_forward_us: Callable[[DeviceUnderTest], float],
    name: str,
) -> None:
    dut = open_dut(faults=["occlusion@0.3s"])
    run = dut.run(PHASES[name])
    assert run.end.outcome is Outcome.OCCLUDED
    assert run.end.verdict is Verdict.OCCLUDED
    alarms = dut.pump.alarms()
    assert alarms[0].name in ("OCCLUSION", "HARD_LIMIT")
    assert alarms[0].priority == 3
    lasted_s = (last_forward_us(dut) - dut.plant.motion_started_us) / 1e6 - 0.3
    record_measurement(f"line closed to last step, {name}", lasted_s, "s", DETECTED_S[name])
    above_kpa = dut.plant.peak_kpa - dut.path.working_limit_kpa
    record_measurement(f"true peak above the working limit, line closed at {name}", above_kpa, "kPa", OVERSHOOT_KPA)


@pytest.mark.requirement("REQ-OCCL-1", "REQ-STOP-3")
def test_the_pump_does_not_retry_after_an_occlusion(open_dut: OpenDut) -> None:
    dut = open_dut(faults=["occlusion@0.3s~3s"])
    run = dut.run(pulses(3))
    assert run.end.outcome is Outcome.OCCLUDED
    assert stays_still(dut, 60.0), "the pump stays stopped when the occlusion has cleared"
    assert dut.pump.status().state is State.STOPPED
    dut.set_path()
    dut.load(pulses(1))
    assert refused_as(dut.pump.start) == "ALARM_ACTIVE"
    dut.acknowledge_all()
    assert stays_still(dut, 30.0)
    dut.pump.start()
    assert dut.follow().end.outcome is Outcome.COMPLETED


@pytest.mark.requirement("REQ-OCCL-1")
def test_a_line_closed_from_the_start_is_detected_in_the_first_pulse(open_dut: OpenDut) -> None:
    dut = open_dut(faults=["occlusion@0.001s"])
    run = dut.run(pulses(5))
    assert run.end.outcome is Outcome.OCCLUDED
    assert run.end.pulse_count == 1
    assert dut.plant.delivered_ul < 20


@pytest.mark.requirement("REQ-OCCL-1")
def test_a_line_that_closes_in_a_pause_is_detected_in_the_next_pulse(open_dut: OpenDut) -> None:
    dut = open_dut(faults=["occlusion@0.7s"])
    run = dut.run(pulses(5))
    assert run.end.outcome is Outcome.OCCLUDED
    assert run.end.pulse_count == 2


@pytest.mark.requirement("REQ-OCCL-1")
@pytest.mark.parametrize("fault", ["growing:10@0.5s", "growing:3@0.5s", "growing:100@0.5s", "partial:30@0.5s"])
def test_a_growing_or_nearly_total_occlusion_ends_the_run_before_its_volume_is_forced_through(
    open_dut: OpenDut, fault: str
) -> None:
    dut = open_dut(faults=[fault])
    run = dut.run(pulses(10))
    assert run.end.outcome is Outcome.OCCLUDED
    assert run.end.pulse_count < 10
    assert dut.plant.peak_kpa - dut.path.working_limit_kpa < OVERSHOOT_KPA


@pytest.mark.requirement("REQ-OCCL-1")
def test_a_partial_occlusion_is_reported_and_the_run_completes(open_dut: OpenDut) -> None:
    dut = open_dut(faults=["partial:2.5@0.5s"])
    run = dut.run(pulses(6))
    assert run.end.outcome is Outcome.COMPLETED
    assert run.alarms == ["PARTIAL_OCCLUSION"]
    assert [pulse.verdict for pulse in run.pulses[1:]] == [Verdict.PARTIAL] * 5
    assert run.end.verdict is Verdict.PARTIAL


@pytest.mark.requirement("REQ-OCCL-1")
def test_a_line_closed_while_priming_stops_with_an_alarm(open_dut: OpenDut) -> None:
    dut = open_dut(faults=["occlusion@0.2s"])
    dut.set_path()
    dut.pump.prime(2.0, 1.0)
    dut.wait(2.0)
    assert not dut.pump.status().moving
    assert dut.alarm_names()[:1] in (["OCCLUSION"], ["HARD_LIMIT"])


@pytest.mark.requirement("REQ-OCCL-1", "REQ-MOVE-3")
def test_a_blocked_aspiration_ends_the_run(open_dut: OpenDut, record_measurement: Callable[..., None]) -> None:
    dut = open_dut(faults=["occlusion@0.1s"])
    extremes = Extremes(dut)
    dut.start(ASPIRATE, pulses(3))
    run = dut.follow()
    assert run.end.outcome is Outcome.OCCLUDED
    assert run.questions == []
    record_measurement("deepest true vacuum of a blocked aspiration", extremes.least_kpa, "kPa", (-60.0, 0.0))
    assert run.end.aspirated_nl < 500_000


@pytest.mark.requirement("REQ-OCCL-2", "REQ-OCCL-4", "REQ-MOVE-3")
@pytest.mark.parametrize("name", PHASES)
@pytest.mark.parametrize(("line", "needle", "syringe"), PATHS)
def test_relief_leaves_no_bolus_no_vacuum_and_draws_no_blood(
    open_dut: OpenDut, record_measurement: Callable[..., None], line: str, needle: str, syringe: str, name: str
) -> None:
    dut = open_dut(line=line, needle=needle, syringe=syringe, faults=["occlusion@0.4s~30s"])
    extremes = Extremes(dut)
    phase = PHASES[name]
    loaded_ml = dut.path.syringe.size_ml
    dut.set_path(loaded_ml)
    dut.load(phase)
    dut.pump.start()
    run = dut.follow()
    assert run.end.outcome in (Outcome.OCCLUDED, Outcome.ALARM), "a drive too weak for a large syringe may stall first"
    stopped_us = dut.plant.now_us
    clears_us = dut.plant.motion_started_us + 30_400_000
    assert stopped_us < clears_us - 1_000_000
    record_measurement("relieved after an occlusion", run.end.relieved_nl / 1000, "uL", RELIEF_CAP_UL)
    dut.simulate((clears_us - dut.plant.now_us) / 1e6 + 10)
    bolus_ul = dut.plant.delivered_ul - dut.plant.delivered_at_us(clears_us)
    record_measurement(
        f"bolus when the occlusion clears, {line} {needle} {syringe}, {name}", bolus_ul, "uL", (-10.0, BOLUS_UL)
    )
    record_measurement("least true pressure after an occlusion", extremes.least_kpa, "kPa", (FLOOR_KPA, 1_000.0))
    record_measurement("blood drawn in through the tip", extremes.most_tip_ul - dut.plant.delivered_ul, "uL", 10.0)


@pytest.mark.requirement("REQ-OCCL-2")
@pytest.mark.parametrize("times", [20, 40, 100])
def test_relief_through_a_line_that_is_only_nearly_closed_draws_no_blood(
    open_dut: OpenDut, record_measurement: Callable[..., None], times: int
) -> None:
    dut = open_dut(faults=[f"partial:{times}@0.4s"])
    extremes = Extremes(dut)
    run = dut.run(pulses(8))
    assert run.end.outcome is Outcome.OCCLUDED
    dut.simulate(10)
    record_measurement(
        "blood drawn in through a nearly closed line", extremes.most_tip_ul - dut.plant.delivered_ul, "uL", 10.0
    )
    assert extremes.least_kpa > FLOOR_KPA


@pytest.mark.requirement("REQ-OCCL-2")
@pytest.mark.parametrize("open_after", ["0.05s", "0.1s", "0.2s", "0.4s"])
def test_a_line_that_clears_during_relief_is_not_emptied_by_it(
    open_dut: OpenDut, record_measurement: Callable[..., None], open_after: str
) -> None:
    dut = open_dut(faults=[f"occlusion@0.4s~{open_after}"])
    extremes = Extremes(dut)
    run = dut.run(pulses(3))
    assert run.end.outcome is Outcome.OCCLUDED
    dut.simulate(10)
    drawn_ul = extremes.most_tip_ul - dut.plant.delivered_ul
    record_measurement("blood drawn in when the line clears during relief", drawn_ul, "uL", 10.0)
    assert extremes.least_kpa > FLOOR_KPA


@pytest.mark.requirement("REQ-OCCL-2")
@pytest.mark.parametrize("open_after", ["0.1s", "0.2s", "0.4s"])
@pytest.mark.parametrize(("line", "needle"), [
    ("smartport-ct-8f", "huber-20g"), ("smartport-ct-8f", "huber-19g"), ("picc-5f", "none"), ("picc-4f", "none"),
])  # fmt: skip
def test_relief_adds_nothing_to_the_oscillation_of_a_line_that_clears_during_it(
    open_dut: OpenDut, record_measurement: Callable[..., None], line: str, needle: str, open_after: str
) -> None:
    least_kpa = {}
    # With the smallest cap relief is over before the line clears; the oscillation that follows is the liquid's own.
    for relief, cap_nl in (("hardly any", 10_000), ("all", 3_000_000)):
        dut = open_dut(line=line, needle=needle, faults=[f"occlusion@0.4s~{open_after}"])
        dut.pump.set_setting("relief_volume_cap_nl", cap_nl)
        extremes = Extremes(dut)
        assert dut.run(pulses(3)).end.outcome is Outcome.OCCLUDED
        dut.simulate(10)
        least_kpa[relief] = extremes.least_kpa
    deeper_kpa = least_kpa["hardly any"] - least_kpa["all"]
    record_measurement(
        "lower pressure by relief than by the oscillation of a line that clears", deeper_kpa, "kPa", (-30.0, 0.1)
    )


@pytest.mark.requirement("REQ-OCCL-2")
@pytest.mark.parametrize(("line", "needle"), [
    ("smartport-ct-8f", "huber-20g"), ("smartport-ct-8f", "huber-19g"), ("picc-4f", "none"), ("tunneled-9.6f", "none"),
])  # fmt: skip
def test_relief_does_not_draw_back_what_ran_into_tissue(
    open_dut: OpenDut, record_measurement: Callable[..., None], line: str, needle: str
) -> None:
    dut = open_dut(line=line, needle=needle, faults=["extravasation:25@0.001s"])
    extremes = Extremes(dut)
    run = dut.run(pulses(10))
    assert run.end.outcome is Outcome.OCCLUDED
    assert "RELIEF_INCOMPLETE" in dut.alarm_names()
    drawn_ul = extremes.most_tip_ul - dut.plant.delivered_ul
    assert dut.plant.in_tissue_ul > 5 * drawn_ul
    record_measurement("drawn back out of tissue", drawn_ul, "uL", TISSUE_UL)


@pytest.mark.requirement("REQ-OCCL-2")
@pytest.mark.parametrize("drift", [0.5, 2, -2])
def test_a_drifting_zero_does_not_make_relief_draw_blood(
    open_dut: OpenDut, record_measurement: Callable[..., None], drift: float
) -> None:
    dut = open_dut(faults=[f"sensor-drift:{drift}@0.3s", "occlusion@4.2s"])
    extremes = Extremes(dut)
    run = dut.run(pulses(8))
    dut.simulate(2.0)
    assert run.end.outcome is not Outcome.COMPLETED
    if run.end.outcome is Outcome.OCCLUDED:
        assert run.end.relieved_nl > 0
        record_measurement(
            f"least true pressure, zero drifting {drift:g} kPa/s", extremes.least_kpa, "kPa", (-4.0, 1_000.0)
        )
    record_measurement(
        "blood drawn in while the zero drifts", extremes.most_tip_ul - dut.plant.delivered_ul, "uL", 10.0
    )


@pytest.mark.requirement("REQ-OCCL-2", "REQ-MOVE-1")
def test_residual_pressure_is_relieved_after_lost_steps(open_dut: OpenDut) -> None:
    dut = open_dut(faults=["occlusion@0.3s", "stall@0.32s~0.1s"])
    extremes = Extremes(dut)
    run = dut.run(pulses(3))
    assert run.alarms[0] == "STEP_MISMATCH"
    assert run.end.outcome is Outcome.ALARM
    assert run.end.relieved_nl > 0
    assert dut.plant.pressure_pa < 6_000
    assert extremes.least_kpa > FLOOR_KPA


@pytest.mark.requirement("REQ-OCCL-1")
@pytest.mark.parametrize("at_ms", range(380, 560, 20))
def test_a_line_that_closes_late_in_a_pulse_or_in_its_pause_is_classified_as_occluded(
    open_dut: OpenDut, at_ms: int
) -> None:
    dut = open_dut(faults=[f"occlusion@{870 + at_ms}ms"])
    run = dut.run(pulses(4))
    assert run.end.outcome is Outcome.OCCLUDED
    assert [pulse.verdict for pulse in run.pulses[:-1]] == [Verdict.PATENT] * (len(run.pulses) - 1)
    assert run.end.pulse_count <= 3
    assert run.pulses[-1].seen_permille != run.pulses[-1].limit_permille
    assert run.pulses[-1].evidence


@pytest.mark.requirement("REQ-OCCL-2", "REQ-MOVE-3")
def test_relief_respects_its_volume_cap_and_reports_when_it_is_incomplete(open_dut: OpenDut) -> None:
    dut = open_dut(faults=["occlusion@0.4s"])
    dut.pump.set_setting("relief_volume_cap_nl", 50_000)
    run = dut.run(pulses(3))
    back = [burst for burst in dut.plant.bursts if burst.direction < 0]
    assert sum(burst.steps for burst in back) * dut.plant.plunger.ml_per_step * 1000 <= 51
    assert run.end.relieved_nl <= 51_000
    assert "RELIEF_INCOMPLETE" in dut.alarm_names()


@pytest.mark.requirement("REQ-OCCL-2", "REQ-MOVE-3")
def test_relief_ends_in_time(open_dut: OpenDut, record_measurement: Callable[..., None]) -> None:
    dut = open_dut(syringe="bd-60", faults=["occlusion@0.4s"])
    dut.run(pulses(3), loaded_ml=50.0)
    back = [burst for burst in dut.plant.bursts if burst.direction < 0]
    lasted_ms = (back[-1].last_ticks - back[0].first_ticks) / dut.plant.ticks_per_us / 1000
    record_measurement("length of the relief of a 60 mL syringe", lasted_ms, "ms", 3_100.0)


@pytest.mark.requirement("REQ-OCCL-3", "REQ-DOSE-3")
@pytest.mark.parametrize("name", PHASES)
@pytest.mark.parametrize("syringe", ["bd-10", "bd-20"])
def test_what_was_delivered_before_an_occlusion_is_recorded(
    open_dut: OpenDut, record_measurement: Callable[..., None], syringe: str, name: str
) -> None:
    dut = open_dut(syringe=syringe, faults=["occlusion@0.9s"])
    phase: Phase = PHASES[name]
    dut.set_path(dut.path.syringe.size_ml)
    dut.load(phase)
    dut.pump.start()
    end = dut.follow().end
    assert end.outcome is Outcome.OCCLUDED
    true_ul = dut.plant.delivered_ul
    low, high = end.delivered_nl / 1000, (end.delivered_nl + end.uncertain_nl) / 1000
    record_measurement(
        f"delivered before an occlusion, {name}, {syringe}: estimate minus true volume",
        low - true_ul,
        "uL",
        (-20.0, 20.0),
    )
    assert end.driven_nl == end.delivered_nl + end.relieved_nl + end.uncertain_nl
    assert high >= true_ul - 20
    assert dut.pump.result() == end


@pytest.mark.requirement("REQ-OCCL-3")
def test_pulses_before_the_occlusion_keep_their_results_and_the_interrupted_one_has_its_own(open_dut: OpenDut) -> None:
    dut = open_dut(faults=["occlusion@2s"])
    run = dut.run(pulses(10), LOCK)
    assert [pulse.verdict for pulse in run.pulses] == [Verdict.PATENT, Verdict.PATENT, Verdict.OCCLUDED]
    assert run.pulses[2].driven_nl < 900_000
    assert run.end.intended_nl == 9_500_000
    assert sum(pulse.driven_nl for pulse in run.pulses) == pytest.approx(run.end.driven_nl, abs=300)
