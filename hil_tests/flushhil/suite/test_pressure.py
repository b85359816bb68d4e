"""Pressure: the hard limit stops at once, the working limit lowers the flow, a sensor fault stops with an alarm."""

from collections.abc import Callable

import pytest
from flushpump.access import catalog
from flushpump.wire.messages import Flag, Outcome, Phase, State, Verdict

from flushhil.dut import LOCK, DeviceUnderTest, pulses, refused_as, steady
from flushhil.ground_truth import (
    STOP_BUDGET_MS,
    VOLUME_AFTER_TRIP_UL,
    FineTrace,
    going_back,
    in_pause,
    in_pulse,
    stays_still,
    stop_by,
)

pytestmark = pytest.mark.simulated("the plant's truth")
OpenDut = Callable[..., DeviceUnderTest]
OVERSHOOT_KPA = 15.0
CATALOG = catalog.load()
TICK_US = 5_000
# Relief aims a little above zero gauge; the backlash changes the pressure by less than this.
RELIEF_FLOOR_KPA = -1.0


# The hard limit


@pytest.mark.requirement("REQ-PRES-1")
@pytest.mark.parametrize("hard_pa", [20_000, 25_000, 30_000])
@pytest.mark.parametrize("phase_ms", range(5))
def test_motion_stops_in_the_tick_that_reads_the_hard_limit(
    open_dut: OpenDut, record_measurement: Callable[..., None], hard_pa: int, phase_ms: int
) -> None:
    dut = open_dut(line="smartport-ct-6.6f", faults=[f"occlusion@{250 + phase_ms}ms"])
    fine = FineTrace(dut.plant)
    readings: list[tuple[int, int]] = []
    read = dut.plant.read_sensor

    def read_and_note() -> int:
        raw = read()
        readings.append((dut.rig.now_us + TICK_US, raw))
        return raw

    dut.plant.read_sensor = read_and_note
    run = dut.run(pulses(3), hard_limit_pa=hard_pa, working_limit_pa=hard_pa * 9 // 10)
    assert run.alarms[0] == "HARD_LIMIT"
    assert run.end.outcome is Outcome.OCCLUDED
    forwards = [burst for burst in dut.plant.bursts if burst.direction > 0]
    assert forwards[-1].steps * dut.plant.plunger.ml_per_step < 0.9, "the pulse is not completed"
    last_us = forwards[-1].last_ticks / dut.plant.ticks_per_us
    limit_counts = dut.plant.sensor.counts(hard_pa / 1000)
    observed_us = next(tick_us for tick_us, raw in readings if raw >= limit_counts)
    record_measurement("tick that reads the hard limit to last step", max(last_us - observed_us, 0) / 1000, "ms", 0.0)
    tripped = [row for row in fine.rows if row[1] >= hard_pa]
    if tripped:
        trip_us, _, position = tripped[0]
        last_position = max(row[2] for row in fine.rows)
        record_measurement(
            "pressure at the hard limit to last step", max(last_us - trip_us, 0) / 1000, "ms", STOP_BUDGET_MS
        )
        volume_ul = (last_position - position) * dut.plant.plunger.ml_per_step * 1000
        record_measurement("volume after the hard limit", volume_ul, "uL", VOLUME_AFTER_TRIP_UL)


@pytest.mark.requirement("REQ-PRES-1")
def test_a_hard_limit_in_a_pause_ends_the_program_before_its_next_pulse(dut: DeviceUnderTest) -> None:
    dut.start(pulses(4, pause_ms=1_000), lease_ms=2000)
    dut.simulate_until(in_pause(dut))
    made = len(dut.plant.bursts)
    read, sensor = dut.plant.read_sensor, dut.plant.sensor
    noise = iter(range(10**9))
    dut.plant.read_sensor = lambda: sensor.counts(175.0 + next(noise) % 9 / 10)
    dut.simulate(0.05)
    dut.plant.read_sensor = read
    dut.wait(3.0)
    assert [burst for burst in dut.plant.bursts[made:] if burst.direction > 0] == []
    assert "HARD_LIMIT" in dut.alarm_names()


# The working limit


@pytest.mark.requirement("REQ-PRES-2")
@pytest.mark.parametrize(
    ("line", "needle", "syringe"),
    [("smartport-ct-8f", "huber-20g", "bd-10"), ("smartport-ct-6.6f", "huber-20g", "bd-10"),
     ("picc-4f", "none", "bd-10"), ("picc-5f-dual", "none", "bd-10"), ("smartport-ct-6.6f", "huber-20g", "bd-20"),
     ("picc-4f", "none", "bd-20")],
)  # fmt: skip
def test_a_line_blocked_in_a_pulse_rises_little_above_the_working_limit(
    open_dut: OpenDut, record_measurement: Callable[..., None], line: str, needle: str, syringe: str
) -> None:
    worst_kpa = -1_000.0
    for at_ms in (30, 60, 100, 151, 202, 253, 304, 355, 400, 430):
        dut = open_dut(line=line, needle=needle, syringe=syringe, faults=[f"occlusion@{at_ms}ms"])
        run = dut.run(pulses(2))
        assert run.end.outcome is Outcome.OCCLUDED, at_ms
        worst_kpa = max(worst_kpa, dut.plant.peak_kpa - dut.path.working_limit_kpa)
    compliance = dut.path.compliance_ul_per_kpa
    name = f"true pressure above the working limit, {line} blocked in a pulse, {compliance:.1f} uL/kPa"
    record_measurement(name, worst_kpa, "kPa", OVERSHOOT_KPA)


@pytest.mark.requirement("REQ-PRES-2")
@pytest.mark.parametrize("times", [3, 4, 5])
def test_a_narrowed_line_is_flushed_more_slowly_and_each_pulse_reports_its_derating(
    open_dut: OpenDut, record_measurement: Callable[..., None], times: int
) -> None:
    dut = open_dut(faults=[f"partial:{times}@700ms"])
    run = dut.run(pulses(4))
    assert run.pulses[0].derated_percent == 0
    derated = run.pulses[1:] if run.end.outcome is Outcome.COMPLETED else run.pulses[1:-1]
    assert derated
    for pulse in derated:
        assert pulse.derated_percent > 10
        assert pulse.verdict is Verdict.PARTIAL
    assert any(event.flags & Flag.DERATED for event in run.telemetry)
    record_measurement(f"true pressure above the working limit, line {times} x as narrow",
           dut.plant.peak_kpa - dut.path.working_limit_kpa, "kPa", OVERSHOOT_KPA)  # fmt: skip


@pytest.mark.requirement("REQ-PRES-2")
@pytest.mark.parametrize(("line", "needle"), [
    (line.name, needle) for line in CATALOG.lines.values()
    for needle in ([name for name in CATALOG.needles if name != "none"] if line.needle_required else ["none"])
])  # fmt: skip
def test_on_every_path_pressure_settles_at_the_working_limit_without_ringing(
    open_dut: OpenDut, record_measurement: Callable[..., None], line: str, needle: str
) -> None:
    dut = open_dut(line=line, needle=needle)
    open_kpa = dut.path.predict_kpa(dut.path.flow_cap_ml_per_s)
    # So narrow that the limit allows about half the flow.
    times = 3 * dut.path.working_limit_kpa / open_kpa
    dut = open_dut(line=line, needle=needle, faults=[f"partial:{times:.2f}@0.5s"])
    rows: list[tuple[bool, float]] = []
    step = dut.rig.step

    def step_and_record() -> None:
        step()
        rows.append((dut.plant.stepper.rate > 0, dut.plant.pressure_pa / 1000))

    dut.rig.step = step_and_record
    run = dut.run(pulses(2, 4_000_000, round(dut.path.flow_cap_ml_per_s * 1e6)))
    limit_kpa = dut.path.working_limit_kpa
    above_kpa = dut.plant.peak_kpa - limit_kpa
    record_measurement(f"true pressure above the working limit, {line}, {needle}", above_kpa, "kPa", OVERSHOOT_KPA)
    driving = [kpa for moving, kpa in rows if moving]
    steady_kpa = driving[-60:-20]
    assert run.pulses[-1].derated_percent > 20, "the limiter is at work"
    record_measurement(
        f"oscillation of the limited pressure, {line}, {needle}", max(steady_kpa) - min(steady_kpa), "kPa", 8.0
    )


@pytest.mark.requirement("REQ-PRES-2")
def test_a_flow_below_the_working_limit_is_never_lowered(open_dut: OpenDut) -> None:
    for line, needle in (("smartport-ct-8f", "huber-19g"), ("picc-5f", "none"), ("tunneled-9.6f", "none")):
        dut = open_dut(line=line, needle=needle)
        run = dut.run(pulses(5))
        assert [pulse.derated_percent for pulse in run.pulses] == [0] * 5
        assert run.end.verdict is Verdict.PATENT
        assert run.alarms == []


@pytest.mark.requirement("REQ-PRES-2")
def test_a_derated_run_delivers_its_whole_volume(open_dut: OpenDut) -> None:
    dut = open_dut(faults=["partial:4@0.6s"])
    run = dut.run(pulses(4), LOCK)
    dut.wait(2.0)
    assert run.end.outcome is Outcome.COMPLETED
    assert [pulse.derated_percent > 10 for pulse in run.pulses] == [False, True, True, True]
    assert dut.plant.delivered_ul == pytest.approx(4_100, rel=0.01)
    assert run.end.delivered_nl / 1000 == pytest.approx(4_100, rel=0.01)


# The sensor

SILENT = ["sensor-silent", "sensor-fault"]


@pytest.mark.requirement("REQ-PRES-3")
@pytest.mark.parametrize("fault", SILENT)
@pytest.mark.parametrize("phase_ms", range(5))
def test_a_sensor_that_falls_silent_stops_within_the_budget_of_its_first_missing_conversion(
    open_dut: OpenDut, record_measurement: Callable[..., None], fault: str, phase_ms: int
) -> None:
    dut = open_dut(faults=[f"{fault}@{300 + phase_ms}ms"])
    missing: list[int] = []
    read = dut.plant.read_sensor

    def read_and_note() -> int:
        raw = read()
        if raw < 0:
            missing.append(dut.plant.now_us)
        return raw

    dut.plant.read_sensor = read_and_note
    run = dut.run(pulses(3))
    assert run.end.outcome is Outcome.ALARM
    assert run.alarms == ["SENSOR_SILENT"]
    last_us = dut.plant.bursts[-1].last_ticks / dut.plant.ticks_per_us
    since_fault_ms = (last_us - dut.plant.motion_started_us) / 1000 - 300 - phase_ms
    record_measurement(
        f"{fault}: first missing conversion to last step", (last_us - missing[0]) / 1000, "ms", STOP_BUDGET_MS
    )
    record_measurement(f"{fault}: fault to last step", since_fault_ms, "ms", STOP_BUDGET_MS + TICK_US / 1000)
    assert dut.pump.status().state is State.STOPPED


@pytest.mark.requirement("REQ-PRES-3")
@pytest.mark.parametrize("phase_ms", range(5))
def test_a_stuck_sensor_stops_within_the_budget_of_its_fourth_equal_reading(
    open_dut: OpenDut, record_measurement: Callable[..., None], phase_ms: int
) -> None:
    dut = open_dut(faults=[f"sensor-stuck@{300 + phase_ms}ms"])
    read = dut.plant.read_sensor
    readings: list[tuple[int, int]] = []

    def read_and_note() -> int:
        raw = read()
        readings.append((dut.plant.now_us, raw))
        return raw

    dut.plant.read_sensor = read_and_note
    run = dut.run(pulses(3))
    assert run.alarms == ["SENSOR_STUCK"]
    last_us = dut.plant.bursts[-1].last_ticks / dut.plant.ticks_per_us
    # Noise makes four equal readings of 24 bits impossible: the fourth one proves that the sensor is stuck.
    fourth_us = next(
        readings[index][0]
        for index in range(3, len(readings))
        if len({raw for _, raw in readings[index - 3 : index + 1]}) == 1
    )
    record_measurement(
        "stuck sensor: fourth equal reading to last step", (last_us - fourth_us) / 1000, "ms", STOP_BUDGET_MS
    )
    record_measurement(
        "stuck sensor: fault to last step", (last_us - dut.plant.motion_started_us) / 1000 - 300 - phase_ms, "ms"
    )


@pytest.mark.requirement("REQ-PRES-3")
@pytest.mark.parametrize("raw", [0, 2**24 - 1])
def test_a_saturated_reading_stops_the_pump(
    dut: DeviceUnderTest, record_measurement: Callable[..., None], raw: int
) -> None:
    dut.start(steady(5_000_000, 2_000_000), lease_ms=2000)
    dut.simulate_until(in_pulse(dut))

    def saturate() -> None:
        dut.plant.read_sensor = lambda: raw

    stop = stop_by(dut, saturate)
    record_measurement("saturated reading to last step", stop.last_step_ms, "ms", STOP_BUDGET_MS)
    record_measurement("volume after a saturated reading", stop.driven_ul, "uL", VOLUME_AFTER_TRIP_UL)
    assert dut.alarm_names() == ["SENSOR_RANGE"]


@pytest.mark.requirement("REQ-PRES-3")
@pytest.mark.parametrize("drift", [300, -300])
def test_a_sensor_that_drifts_out_of_range_stops_with_an_alarm(open_dut: OpenDut, drift: int) -> None:
    dut = open_dut(faults=[f"sensor-drift:{drift}@400ms"])
    run = dut.run(steady(8_000_000, 1_000_000))
    assert run.end.outcome in (Outcome.ALARM, Outcome.OCCLUDED)
    assert run.alarms
    assert run.end.duration_ms < 2_500


@pytest.mark.requirement("REQ-PRES-3", "REQ-OCCL-2")
@pytest.mark.parametrize("failure", ["silent", "stuck", "faulty"])
@pytest.mark.parametrize("after_ms", [0, 40, 150])
def test_a_sensor_that_fails_in_relief_ends_the_relief(
    open_dut: OpenDut, record_measurement: Callable[..., None], failure: str, after_ms: int
) -> None:
    dut = open_dut(faults=["occlusion@300ms"])
    dut.start(pulses(3), lease_ms=2000)
    dut.simulate_until(going_back(dut))
    dut.simulate(after_ms / 1000)
    assert dut.plant.stepper.rate < 0

    def fail() -> None:
        setattr(dut.plant.sensor, failure, True)

    stop = stop_by(dut, fail)
    # A stuck sensor is detected after four equal readings, 20 ms.
    budget_ms = STOP_BUDGET_MS + TICK_US / 1000 + (20 if failure == "stuck" else 0)
    record_measurement(f"sensor {failure} in relief to last step", stop.last_step_ms, "ms", budget_ms)
    assert dut.plant.pressure_pa / 1000 > RELIEF_FLOOR_KPA
    assert {"OCCLUSION", "SENSOR_SILENT" if failure != "stuck" else "SENSOR_STUCK"} <= set(dut.alarm_names())
    assert stays_still(dut, 5.0)


@pytest.mark.requirement("REQ-PRES-3")
def test_while_the_sensor_is_silent_nothing_starts(dut: DeviceUnderTest) -> None:
    dut.plant.sensor.silent = True
    dut.wait(0.1)
    dut.set_path()
    dut.load(pulses(1))
    for move in dut.moves:
        assert refused_as(move) == "ALARM_ACTIVE"
    assert dut.plant.bursts == []


@pytest.mark.parametrize("phase", [pulses(4), steady(3_000_000, 300_000)], ids=["pulses", "slow"])
@pytest.mark.requirement("REQ-PRES-3")
def test_a_working_sensor_raises_no_alarm(open_dut: OpenDut, phase: Phase) -> None:
    for seed in range(5):
        dut = open_dut(seed=seed)
        assert dut.run(phase).alarms == []
