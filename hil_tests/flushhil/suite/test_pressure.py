"""Pressure: the hard limit stops at once, the working limit lowers the flow, a sensor that fails is not believed."""

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
    stands_still,
    stop_by,
)

pytestmark = pytest.mark.simulated("the plant's truth")
OpenBench = Callable[..., DeviceUnderTest]
OVERSHOOT_KPA = 15.0
KNOWN = catalog.load()
TURN_US = 5_000
# Near zero gauge: relief aims a little above it, and the screw's play is worth less than this.
RELIEF_FLOOR_KPA = -1.0


# The hard limit


@pytest.mark.requirement("REQ-PRES-1")
@pytest.mark.parametrize("hard_pa", [20_000, 25_000, 30_000])
@pytest.mark.parametrize("phase_ms", range(5))
def test_at_the_hard_limit_motion_stops_in_the_same_step(
    open_bench: OpenBench, record_measurement: Callable[..., None], hard_pa: int, phase_ms: int
) -> None:
    bench = open_bench(line="smartport-ct-6.6f", faults=[f"occlusion@{250 + phase_ms}ms"])
    fine = FineTrace(bench.plant)
    readings: list[tuple[int, int]] = []
    read = bench.plant.read_sensor

    def read_and_note() -> int:
        raw = read()
        readings.append((bench.rig.now_us + TURN_US, raw))
        return raw

    bench.plant.read_sensor = read_and_note
    run = bench.run(pulses(3), hard_limit_pa=hard_pa, working_limit_pa=hard_pa * 9 // 10)
    assert run.alarms[0] == "HARD_LIMIT"
    assert run.end.outcome is Outcome.OCCLUDED
    forwards = [burst for burst in bench.plant.bursts if burst.direction > 0]
    assert forwards[-1].steps * bench.plant.plunger.ml_per_step < 0.9, "the pulse is not completed"
    last_us = forwards[-1].last_ticks / bench.plant.ticks_per_us
    limit_counts = bench.plant.sensor.counts(hard_pa / 1000)
    seen_us = next(turn_us for turn_us, raw in readings if raw >= limit_counts)
    record_measurement("step that reads the hard limit to last step", max(last_us - seen_us, 0) / 1000, "ms", 0.0)
    tripped = [row for row in fine.rows if row[1] >= hard_pa]
    if tripped:
        trip_us, _, position = tripped[0]
        last_position = max(row[2] for row in fine.rows)
        record_measurement(
            "pressure at the hard limit to last step", max(last_us - trip_us, 0) / 1000, "ms", STOP_BUDGET_MS
        )
        volume_ul = (last_position - position) * bench.plant.plunger.ml_per_step * 1000
        record_measurement("volume after the hard limit", volume_ul, "uL", VOLUME_AFTER_TRIP_UL)


@pytest.mark.requirement("REQ-PRES-1")
def test_a_hard_limit_in_a_pause_ends_the_program_before_its_next_pulse(bench: DeviceUnderTest) -> None:
    bench.start(pulses(4, pause_ms=1_000), lease_ms=2000)
    bench.turns_until(in_pause(bench))
    made = len(bench.plant.bursts)
    read, sensor = bench.plant.read_sensor, bench.plant.sensor
    noise = iter(range(10**9))
    bench.plant.read_sensor = lambda: sensor.counts(175.0 + next(noise) % 9 / 10)
    bench.turns(0.05)
    bench.plant.read_sensor = read
    bench.wait(3.0)
    assert [burst for burst in bench.plant.bursts[made:] if burst.direction > 0] == []
    assert "HARD_LIMIT" in bench.alarm_names()


# The working limit


@pytest.mark.requirement("REQ-PRES-2")
@pytest.mark.parametrize(
    ("line", "needle", "syringe"),
    [("smartport-ct-8f", "huber-20g", "bd-10"), ("smartport-ct-6.6f", "huber-20g", "bd-10"),
     ("picc-4f", "none", "bd-10"), ("picc-5f-dual", "none", "bd-10"), ("smartport-ct-6.6f", "huber-20g", "bd-20"),
     ("picc-4f", "none", "bd-20")],
)  # fmt: skip
def test_a_line_blocked_in_a_pulse_rises_little_above_the_working_limit(
    open_bench: OpenBench, record_measurement: Callable[..., None], line: str, needle: str, syringe: str
) -> None:
    worst_kpa = -1_000.0
    for at_ms in (30, 60, 100, 151, 202, 253, 304, 355, 400, 430):
        bench = open_bench(line=line, needle=needle, syringe=syringe, faults=[f"occlusion@{at_ms}ms"])
        bench.run(pulses(2))
        worst_kpa = max(worst_kpa, bench.plant.peak_kpa - bench.path.working_limit_kpa)
    compliance = bench.path.compliance_ul_per_kpa
    name = f"true pressure above the working limit, {line} blocked in a pulse, {compliance:.1f} uL/kPa"
    record_measurement(name, worst_kpa, "kPa", OVERSHOOT_KPA)


@pytest.mark.requirement("REQ-PRES-2")
@pytest.mark.parametrize("times", [3, 4, 5])
def test_a_line_that_resists_more_is_flushed_more_slowly_and_every_pulse_says_so(
    open_bench: OpenBench, record_measurement: Callable[..., None], times: int
) -> None:
    bench = open_bench(faults=[f"partial:{times}@700ms"])
    run = bench.run(pulses(4))
    assert run.pulses[0].derated_percent == 0
    hindered = run.pulses[1:] if run.end.outcome is Outcome.COMPLETED else run.pulses[1:-1]
    assert hindered
    for pulse in hindered:
        assert pulse.derated_percent > 10
        assert pulse.verdict is Verdict.PARTIAL
    assert any(event.flags & Flag.DERATED for event in run.telemetry)
    record_measurement(f"true pressure above the working limit, line {times} x as narrow",
           bench.plant.peak_kpa - bench.path.working_limit_kpa, "kPa", OVERSHOOT_KPA)  # fmt: skip


@pytest.mark.requirement("REQ-PRES-2")
@pytest.mark.parametrize(("line", "needle"), [
    (line.name, needle) for line in KNOWN.lines.values()
    for needle in ([name for name in KNOWN.needles if name != "none"] if line.needle_required else ["none"])
])  # fmt: skip
def test_on_every_path_pressure_comes_to_the_working_limit_and_stays_there_without_ringing(
    open_bench: OpenBench, record_measurement: Callable[..., None], line: str, needle: str
) -> None:
    bench = open_bench(line=line, needle=needle)
    whole_kpa = bench.path.predict_kpa(bench.path.flow_cap_ml_per_s)
    # As narrow as it takes for the limit to allow half the flow or so.
    times = 3 * bench.path.working_limit_kpa / whole_kpa
    bench = open_bench(line=line, needle=needle, faults=[f"partial:{times:.2f}@0.5s"])
    rows: list[tuple[bool, float]] = []
    step = bench.rig.step

    def step_and_look() -> None:
        step()
        rows.append((bench.plant.stepper.rate > 0, bench.plant.pressure_pa / 1000))

    bench.rig.step = step_and_look
    bench.run(pulses(2, 4_000_000, round(bench.path.flow_cap_ml_per_s * 1e6)))
    limit_kpa = bench.path.working_limit_kpa
    above_kpa = bench.plant.peak_kpa - limit_kpa
    record_measurement(f"true pressure above the working limit, {line}, {needle}", above_kpa, "kPa", OVERSHOOT_KPA)
    driving = [kpa for moving, kpa in rows if moving]
    settled = driving[-60:-20]
    record_measurement(
        f"pressure that still swings when limited, {line}, {needle}", max(settled) - min(settled), "kPa", 8.0
    )


@pytest.mark.requirement("REQ-PRES-2")
def test_a_flow_that_the_path_stands_is_never_lowered(open_bench: OpenBench) -> None:
    for line, needle in (("smartport-ct-8f", "huber-19g"), ("picc-5f", "none"), ("tunneled-9.6f", "none")):
        bench = open_bench(line=line, needle=needle)
        run = bench.run(pulses(5))
        assert [pulse.derated_percent for pulse in run.pulses] == [0] * 5
        assert run.end.verdict is Verdict.PATENT
        assert run.alarms == []


@pytest.mark.requirement("REQ-PRES-2")
def test_a_derated_run_still_gives_its_whole_volume(open_bench: OpenBench) -> None:
    bench = open_bench(faults=["partial:4@0.6s"])
    run = bench.run(pulses(4), LOCK)
    bench.wait(2.0)
    assert run.end.outcome is Outcome.COMPLETED
    assert bench.plant.delivered_ul == pytest.approx(4_100, rel=0.01)
    assert run.end.delivered_nl / 1000 == pytest.approx(4_100, rel=0.01)


# The sensor

SILENT = ["sensor-silent", "sensor-fault"]


@pytest.mark.requirement("REQ-PRES-3")
@pytest.mark.parametrize("fault", SILENT)
@pytest.mark.parametrize("phase_ms", range(5))
def test_a_sensor_that_falls_silent_stops_within_the_budget_of_its_first_missing_conversion(
    open_bench: OpenBench, record_measurement: Callable[..., None], fault: str, phase_ms: int
) -> None:
    bench = open_bench(faults=[f"{fault}@{300 + phase_ms}ms"])
    missing: list[int] = []
    read = bench.plant.read_sensor

    def read_and_note() -> int:
        raw = read()
        if raw < 0:
            missing.append(bench.plant.now_us)
        return raw

    bench.plant.read_sensor = read_and_note
    run = bench.run(pulses(3))
    assert run.end.outcome is Outcome.ALARM
    assert run.alarms == ["SENSOR_SILENT"]
    last_us = bench.plant.bursts[-1].last_ticks / bench.plant.ticks_per_us
    since_fault_ms = (last_us - bench.plant.motion_started_us) / 1000 - 300 - phase_ms
    record_measurement(
        f"{fault}: first missing conversion to last step", (last_us - missing[0]) / 1000, "ms", STOP_BUDGET_MS
    )
    record_measurement(f"{fault}: fault to last step", since_fault_ms, "ms", STOP_BUDGET_MS + TURN_US / 1000)
    assert bench.pump.status().state is State.STOPPED


@pytest.mark.requirement("REQ-PRES-3")
@pytest.mark.parametrize("phase_ms", range(5))
def test_a_stuck_sensor_stops_within_the_budget_of_the_reading_that_betrays_it(
    open_bench: OpenBench, record_measurement: Callable[..., None], phase_ms: int
) -> None:
    bench = open_bench(faults=[f"sensor-stuck@{300 + phase_ms}ms"])
    read = bench.plant.read_sensor
    told: list[tuple[int, int]] = []

    def read_and_note() -> int:
        raw = read()
        told.append((bench.plant.now_us, raw))
        return raw

    bench.plant.read_sensor = read_and_note
    run = bench.run(pulses(3))
    assert run.alarms == ["SENSOR_STUCK"]
    last_us = bench.plant.bursts[-1].last_ticks / bench.plant.ticks_per_us
    # Noise makes four equal readings of 24 bits impossible: the fourth one betrays the sensor.
    fourth_us = next(
        told[index][0] for index in range(3, len(told)) if len({raw for _, raw in told[index - 3 : index + 1]}) == 1
    )
    record_measurement(
        "stuck sensor: fourth equal reading to last step", (last_us - fourth_us) / 1000, "ms", STOP_BUDGET_MS
    )
    record_measurement(
        "stuck sensor: fault to last step", (last_us - bench.plant.motion_started_us) / 1000 - 300 - phase_ms, "ms"
    )


@pytest.mark.requirement("REQ-PRES-3")
@pytest.mark.parametrize("raw", [0, 2**24 - 1])
def test_a_reading_at_the_sensors_rail_stops(
    bench: DeviceUnderTest, record_measurement: Callable[..., None], raw: int
) -> None:
    bench.start(steady(5_000_000, 2_000_000), lease_ms=2000)
    bench.turns_until(in_pulse(bench))

    def to_the_rail() -> None:
        bench.plant.read_sensor = lambda: raw

    stop = stop_by(bench, to_the_rail)
    record_measurement("reading at the rail to last step", stop.last_step_ms, "ms", STOP_BUDGET_MS)
    record_measurement("volume after a reading at the rail", stop.driven_ul, "uL", VOLUME_AFTER_TRIP_UL)
    assert bench.alarm_names() == ["SENSOR_RANGE"]


@pytest.mark.requirement("REQ-PRES-3")
@pytest.mark.parametrize("drift", [300, -300])
def test_a_sensor_that_drifts_to_the_implausible_stops_with_an_alarm(open_bench: OpenBench, drift: int) -> None:
    bench = open_bench(faults=[f"sensor-drift:{drift}@400ms"])
    run = bench.run(steady(8_000_000, 1_000_000))
    assert run.end.outcome in (Outcome.ALARM, Outcome.OCCLUDED)
    assert run.alarms
    assert run.end.duration_ms < 2_500


@pytest.mark.requirement("REQ-PRES-3", "REQ-OCCL-2")
@pytest.mark.parametrize("way", ["silent", "stuck", "faulty"])
@pytest.mark.parametrize("after_ms", [0, 40, 150])
def test_a_sensor_that_fails_in_relief_ends_the_relief(
    open_bench: OpenBench, record_measurement: Callable[..., None], way: str, after_ms: int
) -> None:
    bench = open_bench(faults=["occlusion@300ms"])
    bench.start(pulses(3), lease_ms=2000)
    bench.turns_until(going_back(bench))
    bench.turns(after_ms / 1000)
    assert bench.plant.stepper.rate < 0

    def fail() -> None:
        setattr(bench.plant.sensor, way, True)

    stop = stop_by(bench, fail)
    # A stuck sensor is known after four equal readings, 20 ms.
    budget_ms = STOP_BUDGET_MS + TURN_US / 1000 + (20 if way == "stuck" else 0)
    record_measurement(f"sensor {way} in relief to last step", stop.last_step_ms, "ms", budget_ms)
    assert bench.plant.pressure_pa / 1000 > RELIEF_FLOOR_KPA
    assert {"OCCLUSION", "SENSOR_SILENT" if way != "stuck" else "SENSOR_STUCK"} <= set(bench.alarm_names())
    assert stands_still(bench, 5.0)


@pytest.mark.requirement("REQ-PRES-3")
def test_while_the_sensor_is_silent_nothing_starts(bench: DeviceUnderTest) -> None:
    bench.plant.sensor.silent = True
    bench.wait(0.1)
    bench.set_path()
    bench.load(pulses(1))
    for move in bench.moves:
        assert refused_as(move) == "ALARM_ACTIVE"
    assert bench.plant.bursts == []


@pytest.mark.parametrize("phase", [pulses(4), steady(3_000_000, 300_000)], ids=["pulses", "slow"])
@pytest.mark.requirement("REQ-PRES-3")
def test_a_sound_sensor_is_never_suspected(open_bench: OpenBench, phase: Phase) -> None:
    for seed in range(5):
        bench = open_bench(seed=seed)
        assert bench.run(phase).alarms == []
