"""What the device refuses by itself: barrels, fluids, caps, and settings that make no sense."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from flushlink import messages
from flushpump.errors import Refused, UsageProblem
from flushpump.path import Path
from flushpump.plan import Plan
from flushpump.sequence import load_sequence
from flushpump.types import Fluid, LineFlag, Outcome, Phase, PhaseKind, Program, Question, State
from hil_bench import ASPIRATE, LOCK, Bench, pulses, steady
from hil_wire import Wire, status_name

BOTH = LineFlag.CENTRAL | LineFlag.HEPARIN_INTOLERANT


def refused_as(command: Callable[[], object]) -> str:
    with pytest.raises(Refused) as refused:
        command()
    return refused.value.status_name


# Path and fluid


@pytest.mark.requirement("REQ-PATH-1")
@pytest.mark.parametrize("barrel_um", [4_699, 8_950, 11_990, 13_000, 13_999])
def test_a_barrel_narrower_than_10_ml_is_refused_on_a_central_line(bench: Bench, barrel_um: int) -> None:
    assert refused_as(lambda: bench.set_path(barrel_diameter_um=barrel_um, line_flags=LineFlag.CENTRAL)) == "PATH_LIMIT"
    bench_path_is_not_set(bench)


@pytest.mark.requirement("REQ-PATH-1")
def test_the_same_barrel_is_taken_on_a_line_that_is_not_central_and_10_ml_on_any(bench: Bench) -> None:
    bench.set_path(barrel_diameter_um=13_000, line_flags=LineFlag.NONE)
    bench.set_path(barrel_diameter_um=14_430, line_flags=LineFlag.CENTRAL)


@pytest.mark.requirement("REQ-PATH-1")
def test_a_refused_path_leaves_no_older_path_to_flush_with(bench: Bench) -> None:
    bench.set_path()
    bench.load(pulses(1))
    assert refused_as(lambda: bench.set_path(barrel_diameter_um=8_585, line_flags=LineFlag.CENTRAL)) == "PATH_LIMIT"
    assert refused_as(lambda: bench.pump.link.command("START", {"program_crc": 0, "lease_ms": 500})) in (
        "NO_PATH", "PROGRAM_CRC",
    )  # fmt: skip


@pytest.mark.requirement("REQ-PATH-4")
@pytest.mark.parametrize("fluid", [Fluid.HEPARIN_10, Fluid.HEPARIN_100])
def test_heparin_is_refused_on_an_intolerant_line_and_taken_on_others(bench: Bench, fluid: Fluid) -> None:
    assert refused_as(lambda: bench.set_path(fluid=fluid, line_flags=BOTH)) == "FLUID"
    bench_path_is_not_set(bench)
    bench.set_path(fluid=fluid)
    bench.set_path(line_flags=BOTH)


@pytest.mark.requirement("REQ-PATH-4")
def test_an_antimicrobial_lock_is_never_flushed_in(bench: Bench) -> None:
    bench.set_path(fluid=Fluid.SALINE)
    assert refused_as(lambda: bench.set_path(fluid=Fluid.ANTIMICROBIAL_LOCK)) == "FLUID"


@pytest.mark.requirement("REQ-PATH-5")
@pytest.mark.parametrize("fluid", [0, 5, 77, 255])
def test_an_unknown_fluid_is_refused(bench: Bench, fluid: int) -> None:
    hand = Wire(bench.port)
    hand.hello()
    hand.authenticate()
    payload = bytearray(hand_payload(bench))
    payload[3] = fluid
    assert status_name(hand.ask("PATH_SET", bytes(payload))) == "OUT_OF_RANGE"
    assert not hand.status()["flags"] & messages.FLAG_PATH_SET
    payload[3] = Fluid.SALINE
    assert status_name(hand.ask("PATH_SET", bytes(payload))) == "OK"


def hand_payload(bench: Bench) -> bytes:
    from flushpump import wire

    return wire.REQUESTS["PATH_SET"].pack(bench.path_settings().to_wire())


def bench_path_is_not_set(bench: Bench) -> None:
    assert refused_as(lambda: bench.load(pulses(1))) == "NO_PATH"


@pytest.mark.requirement("REQ-PRES-4")
def test_limits_sent_to_the_device_are_those_of_the_weakest_part_and_come_back_applied(bench: Bench) -> None:
    for line, needle, syringe in (
        ("smartport-ct-8f", "huber-22g", "bd-10"), ("picc-3f", "none", "bd-20"), ("arm-port-5f", "huber-20g", "bd-60"),
    ):  # fmt: skip
        bench.path = Path.of(line, needle, syringe)
        parts = (bench.path.line, bench.path.needle, bench.path.syringe, bench.path.extension)
        applied = bench.set_path()
        weakest_pa = min(part.pressure_limit_kpa for part in parts) * 1000
        assert applied.hard_limit_pa <= min(weakest_pa, 172_000)
        assert applied.working_limit_pa <= 0.8 * weakest_pa


@pytest.mark.requirement("REQ-PRES-4")
def test_the_device_lowers_limits_to_its_own_ceiling_and_flow_to_its_cap(bench: Bench) -> None:
    bench.pump.set_setting("pressure_ceiling_pa", 90_000)
    bench.pump.set_setting("flow_cap_nl_per_s", 1_500_000)
    applied = bench.set_path(hard_limit_pa=300_000, working_limit_pa=200_000)
    assert applied.hard_limit_pa == 90_000
    assert applied.working_limit_pa <= 81_000
    assert applied.flow_cap_nl_per_s == 1_500_000
    bench.load(pulses(1, flow_nl_per_s=4_000_000))
    assert bench.pump.loaded is not None
    assert bench.pump.loaded.phases[0].flow_nl_per_s == 1_500_000


@pytest.mark.requirement("REQ-PRES-4")
def test_the_device_allows_no_pressure_that_its_drive_could_not_push_against(bench: Bench) -> None:
    bench.path = Path.of("smartport-ct-8f", "huber-20g", "bd-60")
    applied = bench.set_path(loaded_ml=50.0)
    area_m2 = 3.1416 * 0.02659**2 / 4
    assert applied.hard_limit_pa * area_m2 < 90 - 14, "force limit of the board, less the friction of the plunger"
    assert applied.working_limit_pa <= 0.9 * applied.hard_limit_pa


# Blood return


@pytest.mark.requirement("REQ-PATH-3")
def test_without_blood_return_the_sequence_stops_before_anything_is_flushed(bench: Bench) -> None:
    bench.start(ASPIRATE, pulses(10))
    run = bench.follow(answers={Question.BLOOD_RETURN: False})
    assert run.end.outcome is Outcome.STOPPED
    assert run.end.driven_nl == 0
    assert run.alarms == ["NO_BLOOD_RETURN"]
    assert bench.pump.status().state is State.STOPPED


@pytest.mark.requirement("REQ-PATH-3")
def test_a_question_waits_and_nothing_is_flushed_until_it_is_answered(bench: Bench) -> None:
    bench.start(ASPIRATE, pulses(10))
    events = bench.wait(5.0)
    assert events
    status = bench.pump.status()
    assert (status.state, status.question, status.driven_nl) == (State.WAITING, Question.BLOOD_RETURN, 0)
    assert refused_as(lambda: bench.pump.answer(Question.CONTINUE, True)) == "NOT_ANSWERED"
    bench.pump.answer(Question.BLOOD_RETURN, True)
    assert bench.follow().end.outcome is Outcome.COMPLETED


@pytest.mark.requirement("REQ-PATH-3")
@pytest.mark.parametrize("dose", [pulses(1), LOCK, steady(500_000, 500_000)], ids=["pulses", "lock", "steady"])
def test_the_pump_takes_no_program_that_flushes_a_central_line_before_it_asks_for_blood_return(
    bench: Bench, dose: Phase
) -> None:
    asked = replace(ASPIRATE, question=Question.CONTINUE)
    bench.set_path(line_flags=LineFlag.CENTRAL)
    for phases in ((dose,), (dose, ASPIRATE), (asked, dose)):
        assert refused_as(lambda phases=phases: bench.load(*phases)) == "BLOOD_RETURN"
    wait = Phase(PhaseKind.WAIT, 0, 0, count=0, question=Question.BLOOD_RETURN)
    for phases in ((ASPIRATE, dose), (wait, dose), (asked, ASPIRATE, dose), (ASPIRATE,)):
        bench.load(*phases)
    bench.set_path(line_flags=LineFlag.NONE)
    bench.load(dose)


@pytest.mark.requirement("REQ-PATH-3")
def test_every_built_in_sequence_for_a_central_line_asks_for_blood_return_first() -> None:
    for sequence, line, needle in (
        ("port-maintenance", "smartport-ct-8f", "huber-20g"), ("picc-flush", "picc-4f", "none"),
        ("tunneled-flush", "tunneled-6.6f", "none"), ("lock", "smartport-ct-8f", "huber-20g"),
    ):  # fmt: skip
        plan = Plan.of(load_sequence(sequence), Path.of(line, needle))
        dose = next(index for index, phase in enumerate(plan.phases) if phase.dose_ml)
        assert Question.BLOOD_RETURN in [phase.question for phase in plan.phases[:dose]]


# Caps


@pytest.mark.requirement("REQ-DOSE-5")
def test_a_program_beyond_the_volume_cap_is_refused(bench: Bench) -> None:
    bench.pump.set_setting("program_volume_cap_nl", 3_000_000)
    bench.set_path()
    bench.load(pulses(3))
    assert refused_as(lambda: bench.load(pulses(4))) == "DOSE_CAP"


@pytest.mark.requirement("REQ-DOSE-5")
def test_a_program_that_announces_less_than_its_phases_give_is_refused(bench: Bench) -> None:
    bench.set_path()
    honest = Program((pulses(5),), 60_000)
    values = {**honest.begin_values(), "total_volume_nl": 900_000}
    link = bench.pump.link
    link.command("PROGRAM_BEGIN", values)
    link.command("PROGRAM_PHASE", honest.phase_values(0))
    from flushpump import wire

    crc = wire.crc16(
        wire.REQUESTS["PROGRAM_BEGIN"].pack(values) + wire.REQUESTS["PROGRAM_PHASE"].pack(honest.phase_values(0))
    )
    assert refused_as(lambda: link.command("PROGRAM_COMMIT", {"program_crc": crc})) == "PROGRAM_CRC"


@pytest.mark.requirement("REQ-DOSE-5")
def test_many_phases_that_together_exceed_the_cap_are_refused(bench: Bench) -> None:
    bench.pump.set_setting("program_volume_cap_nl", 3_000_000)
    bench.set_path()
    phases = tuple(steady(2_000_000, 1_000_000) for _ in range(3))
    assert refused_as(lambda: bench.load(*phases)) == "DOSE_CAP"


@pytest.mark.requirement("REQ-DOSE-5")
def test_a_program_beyond_the_time_cap_is_refused_and_one_that_takes_too_long_is_stopped(bench: Bench) -> None:
    bench.pump.set_setting("program_time_cap_s", 20)
    bench.set_path()
    assert refused_as(lambda: bench.load(pulses(1), max_time_ms=20_001)) == "DOSE_CAP"
    bench.load(steady(4_000_000, 1_000_000), max_time_ms=2_000)
    bench.pump.start()
    run = bench.follow()
    assert run.end.outcome is Outcome.ALARM
    assert run.alarms == ["PROGRAM_TIME"]
    assert run.end.driven_nl < 2_100_000


@pytest.mark.simulated("an hour in a minute")
@pytest.mark.requirement("REQ-DOSE-5")
def test_the_rolling_window_refuses_a_start_until_old_volume_has_left_it(bench: Bench) -> None:
    bench.pump.set_setting("window_volume_cap_nl", 4_000_000)
    bench.pump.set_setting("window_s", 60)
    bench.run(pulses(4))
    bench.set_path()
    bench.load(pulses(1))
    assert refused_as(bench.pump.start) == "DOSE_CAP"
    bench.wait(50.0)
    assert refused_as(bench.pump.start) == "DOSE_CAP"
    bench.wait(15.0)
    bench.pump.start()
    assert bench.follow().end.outcome is Outcome.COMPLETED


@pytest.mark.simulated("a rolling window that no earlier test has filled")
@pytest.mark.requirement("REQ-DOSE-5", "REQ-DOSE-3")
def test_the_window_counts_what_was_driven_by_stopped_runs_too(bench: Bench) -> None:
    bench.pump.set_setting("window_volume_cap_nl", 2_000_000)
    bench.start(steady(2_000_000, 1_000_000))
    bench.wait(1.2)
    bench.pump.stop()
    bench.wait(0.2)
    bench.set_path()
    bench.load(steady(1_000_000, 1_000_000))
    assert refused_as(bench.pump.start) == "DOSE_CAP"
    bench.load(steady(600_000, 1_000_000))
    bench.pump.start()
    assert bench.follow().end.outcome is Outcome.COMPLETED


@pytest.mark.simulated("power cuts")
@pytest.mark.requirement("REQ-DOSE-5")
@pytest.mark.parametrize("restart", ["command", "watchdog", "power cut"])
def test_a_restart_does_not_empty_the_rolling_window(bench: Bench, restart: str) -> None:
    bench.pump.set_setting("window_volume_cap_nl", 2_000_000)
    bench.run(pulses(2))
    bench.wait(0.3)
    ways = {"command": bench.pump.reset, "watchdog": bench.rig.kill_loop, "power cut": bench.rig.power_cut}
    bench.restart(ways[restart])
    bench.greet()
    bench.acknowledge_all()
    bench.set_path()
    bench.load(pulses(1))
    assert refused_as(bench.pump.start) == "DOSE_CAP"


# Settings


@pytest.mark.requirement("REQ-CONF-1")
@pytest.mark.parametrize("row", messages.SETTINGS, ids=lambda row: row[1])
def test_a_setting_out_of_range_is_refused_whole_and_the_old_value_read_back(
    bench: Bench, row: tuple[int, str, int, int, int, str]
) -> None:
    index, name, least, most, default, _ = row
    with pytest.raises(UsageProblem):
        bench.pump.set_setting(name, most + 1)
    for wrong in (least - 1, most + 1, -(2**30) + 1, 2**30 - 1):
        values = {"index": index, "value": wrong}
        assert refused_as(lambda values=values: bench.pump.link.command("SETTINGS_SET", values)) == "OUT_OF_RANGE"
    assert bench.pump.get_setting(name) == default
    for right in (least, most, default):
        assert bench.pump.set_setting(name, right) == bench.pump.get_setting(name) == right


@pytest.mark.requirement("REQ-CONF-1")
def test_a_setting_that_does_not_exist_is_refused(bench: Bench) -> None:
    for index in (len(messages.SETTINGS), 255):
        values = {"index": index, "value": 1}
        assert refused_as(lambda values=values: bench.pump.link.command("SETTINGS_SET", values)) == "NO_ENTRY"


@pytest.mark.simulated("power cuts")
@pytest.mark.requirement("REQ-CONF-1")
def test_settings_survive_a_power_cut_and_change_the_fingerprint(bench: Bench) -> None:
    before = bench.pump.hello.settings_fingerprint if bench.pump.hello else b""
    bench.pump.set_setting("pressure_ceiling_pa", 150_000)
    bench.restart(bench.rig.power_cut)
    hello = bench.greet().hello
    assert bench.pump.get_setting("pressure_ceiling_pa") == 150_000
    assert hello is not None
    assert hello.settings_fingerprint != before


@pytest.mark.requirement("REQ-CONF-1")
def test_settings_cannot_be_changed_in_a_run(bench: Bench) -> None:
    bench.start(steady(1_000_000, 500_000))
    assert refused_as(lambda: bench.pump.set_setting("pressure_ceiling_pa", 150_000)) == "WRONG_STATE"
    bench.pump.stop()


@pytest.mark.requirement("REQ-CONF-2")
@pytest.mark.parametrize(
    ("name", "value"),
    [("pressure_offset_pa", 20_001), ("pressure_offset_pa", -20_001), ("pressure_gain_ppm", 1_100_001),
     ("pressure_gain_ppm", 899_999), ("pressure_gain_ppm", 0), ("pressure_gain_ppm", -1_000_000)],
)  # fmt: skip
def test_a_calibration_beyond_plausible_bounds_is_refused(bench: Bench, name: str, value: int) -> None:
    index = next(row[0] for row in messages.SETTINGS if row[1] == name)
    values = {"index": index, "value": value}
    assert refused_as(lambda: bench.pump.link.command("SETTINGS_SET", values)) == "OUT_OF_RANGE"
    assert bench.pump.get_setting(name) == (0 if "offset" in name else 1_000_000)


@pytest.mark.simulated("a pressure that is known")
@pytest.mark.requirement("REQ-CONF-2")
def test_a_calibration_within_bounds_is_applied_to_the_reading(bench: Bench) -> None:
    before_pa = bench.pump.status().pressure_pa
    bench.pump.set_setting("pressure_offset_pa", 15_000)
    bench.wait(0.1)
    assert bench.pump.status().pressure_pa - before_pa == pytest.approx(15_000, abs=1_000)


# Programs that make no sense


@pytest.mark.requirement("REQ-DOSE-5")
@pytest.mark.parametrize(
    "phase",
    [Phase(PhaseKind.PULSES, 0, 1_000_000), Phase(PhaseKind.PULSES, 900_000, 0),
     Phase(PhaseKind.STEADY, 1_000_000, 9_999), Phase(PhaseKind.STEADY, 1_000_000, 500_000, count=2),
     Phase(PhaseKind.WAIT, count=0), Phase(PhaseKind.ASPIRATE, 5_000_001, 500_000),
     Phase(PhaseKind.PULSES, 10, 1_000_000, count=100)],
    ids=["no volume", "no flow", "creeping", "two steady", "waits for nothing", "draws too much", "less than a step"],
)  # fmt: skip
def test_a_phase_that_makes_no_sense_is_refused(bench: Bench, phase: Phase) -> None:
    bench.set_path()
    assert refused_as(lambda: bench.load(phase)) == "OUT_OF_RANGE"


@pytest.mark.requirement("REQ-DOSE-5")
def test_a_program_that_was_damaged_on_its_way_is_refused_and_cannot_be_started(bench: Bench) -> None:
    bench.set_path()
    program = Program((pulses(2), pulses(3)), 60_000)
    link = bench.pump.link
    link.command("PROGRAM_BEGIN", program.begin_values())
    link.command("PROGRAM_PHASE", program.phase_values(0))
    assert refused_as(lambda: link.command("PROGRAM_COMMIT", {"program_crc": program.crc})) == "PROGRAM_CRC"
    start = {"program_crc": program.crc, "lease_ms": 500}
    assert refused_as(lambda: link.command("START", start)) == "PROGRAM_CRC"
