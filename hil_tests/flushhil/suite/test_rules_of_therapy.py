"""What the device refuses by itself: barrels, fluids, pressures of a path, and a dose before blood has returned."""

from dataclasses import replace

import pytest
from flushlink import messages
from flushpump.access.access_path import AccessPath
from flushpump.planning.plan import Plan
from flushpump.planning.sequence import load_sequence
from flushpump.wire import codec
from flushpump.wire.messages import Fluid, LineFlag, Outcome, Phase, PhaseKind, Question, State

from flushhil.dut import ASPIRATE, LOCK, DeviceUnderTest, pulses, refused_as, steady
from flushhil.raw_client import RawClient, status_name

BOTH = LineFlag.CENTRAL | LineFlag.HEPARIN_INTOLERANT


# AccessPath and fluid


@pytest.mark.requirement("REQ-PATH-1")
@pytest.mark.parametrize("barrel_um", [4_699, 8_950, 11_990, 13_000, 13_999])
def test_a_barrel_narrower_than_10_ml_is_refused_on_a_central_line(bench: DeviceUnderTest, barrel_um: int) -> None:
    assert refused_as(lambda: bench.set_path(barrel_diameter_um=barrel_um, line_flags=LineFlag.CENTRAL)) == "PATH_LIMIT"
    bench_path_is_not_set(bench)


@pytest.mark.requirement("REQ-PATH-1")
def test_the_same_barrel_is_taken_on_a_line_that_is_not_central_and_10_ml_on_any(bench: DeviceUnderTest) -> None:
    bench.set_path(barrel_diameter_um=13_000, line_flags=LineFlag.NONE)
    bench.set_path(barrel_diameter_um=14_430, line_flags=LineFlag.CENTRAL)


@pytest.mark.requirement("REQ-PATH-1")
@pytest.mark.parametrize(
    ("refused", "status"),
    [
        ({"barrel_diameter_um": 8_585, "line_flags": LineFlag.CENTRAL}, "PATH_LIMIT"),
        ({"fluid": Fluid.ANTIMICROBIAL_LOCK}, "FLUID"),
        ({"syringe_loaded_nl": 11_000_000, "syringe_capacity_nl": 10_000_000}, "SYRINGE"),
    ],
)
def test_a_refused_path_leaves_no_older_path_and_program_to_flush_with(
    bench: DeviceUnderTest, refused: dict[str, int], status: str
) -> None:
    bench.set_path()
    bench.load(pulses(1))
    assert bench.pump.loaded is not None
    program_crc = bench.pump.loaded.program_crc
    assert refused_as(lambda: bench.set_path(**refused)) == status
    start = {"program_crc": program_crc, "lease_ms": 500}
    assert refused_as(lambda: bench.pump.link.command("START", start)) == "NO_PATH"
    bench_path_is_not_set(bench)


@pytest.mark.requirement("REQ-PATH-1")
def test_a_path_out_of_range_leaves_no_older_path_and_program_to_flush_with(bench: DeviceUnderTest) -> None:
    bench.set_path()
    bench.load(pulses(1))
    assert bench.pump.loaded is not None
    program_crc = bench.pump.loaded.program_crc
    payload = bytearray(hand_payload(bench))
    payload[3] = 77
    raw = RawClient(bench.port)
    raw.hello()
    raw.authenticate()
    assert status_name(raw.ask("PATH_SET", bytes(payload))) == "OUT_OF_RANGE"
    start = codec.REQUESTS["START"].pack({"program_crc": program_crc, "lease_ms": 500})
    assert status_name(raw.ask("START", start)) == "NO_PATH"


@pytest.mark.requirement("REQ-PATH-4")
@pytest.mark.parametrize("fluid", [Fluid.HEPARIN_10, Fluid.HEPARIN_100])
def test_heparin_is_refused_on_an_intolerant_line_and_taken_on_others(bench: DeviceUnderTest, fluid: Fluid) -> None:
    assert refused_as(lambda: bench.set_path(fluid=fluid, line_flags=BOTH)) == "FLUID"
    bench_path_is_not_set(bench)
    bench.set_path(fluid=fluid)
    bench.set_path(line_flags=BOTH)


@pytest.mark.requirement("REQ-PATH-4")
def test_an_antimicrobial_lock_is_never_flushed_in(bench: DeviceUnderTest) -> None:
    bench.set_path(fluid=Fluid.SALINE)
    assert refused_as(lambda: bench.set_path(fluid=Fluid.ANTIMICROBIAL_LOCK)) == "FLUID"


@pytest.mark.requirement("REQ-PATH-5")
@pytest.mark.parametrize("fluid", [0, 5, 77, 255])
def test_an_unknown_fluid_is_refused(bench: DeviceUnderTest, fluid: int) -> None:
    hand = RawClient(bench.port)
    hand.hello()
    hand.authenticate()
    payload = bytearray(hand_payload(bench))
    payload[3] = fluid
    assert status_name(hand.ask("PATH_SET", bytes(payload))) == "OUT_OF_RANGE"
    assert not hand.status()["flags"] & messages.FLAG_PATH_SET
    payload[3] = Fluid.SALINE
    assert status_name(hand.ask("PATH_SET", bytes(payload))) == "OK"


def hand_payload(bench: DeviceUnderTest) -> bytes:
    return codec.REQUESTS["PATH_SET"].pack(bench.path_settings().to_wire())


def bench_path_is_not_set(bench: DeviceUnderTest) -> None:
    assert refused_as(lambda: bench.load(pulses(1))) == "NO_PATH"


@pytest.mark.requirement("REQ-PRES-4")
def test_limits_sent_to_the_device_are_those_of_the_weakest_part_and_come_back_applied(bench: DeviceUnderTest) -> None:
    for line, needle, syringe in (
        ("smartport-ct-8f", "huber-22g", "bd-10"), ("picc-3f", "none", "bd-20"), ("arm-port-5f", "huber-20g", "bd-60"),
    ):  # fmt: skip
        bench.path = AccessPath.of(line, needle, syringe)
        parts = (bench.path.line, bench.path.needle, bench.path.syringe, bench.path.extension)
        applied = bench.set_path()
        weakest_pa = min(part.pressure_limit_kpa for part in parts) * 1000
        assert applied.hard_limit_pa <= min(weakest_pa, 172_000)
        assert applied.working_limit_pa <= 0.8 * weakest_pa


@pytest.mark.requirement("REQ-PRES-4")
def test_the_device_lowers_limits_to_its_own_ceiling_and_flow_to_its_cap(bench: DeviceUnderTest) -> None:
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
def test_the_device_allows_no_pressure_that_its_drive_could_not_push_against(bench: DeviceUnderTest) -> None:
    bench.path = AccessPath.of("smartport-ct-8f", "huber-20g", "bd-60")
    applied = bench.set_path(loaded_ml=50.0)
    area_m2 = 3.1416 * 0.02659**2 / 4
    assert applied.hard_limit_pa * area_m2 < 90 - 14, "force limit of the board, less the friction of the plunger"
    assert applied.working_limit_pa <= 0.9 * applied.hard_limit_pa


# Blood return


@pytest.mark.requirement("REQ-PATH-3")
def test_without_blood_return_the_sequence_stops_before_anything_is_flushed(bench: DeviceUnderTest) -> None:
    bench.start(ASPIRATE, pulses(10))
    run = bench.follow(answers={Question.BLOOD_RETURN: False})
    assert run.end.outcome is Outcome.STOPPED
    assert run.end.driven_nl == 0
    assert run.alarms == ["NO_BLOOD_RETURN"]
    assert bench.pump.status().state is State.STOPPED


@pytest.mark.requirement("REQ-PATH-3")
def test_a_question_waits_and_nothing_is_flushed_until_it_is_answered(bench: DeviceUnderTest) -> None:
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
    bench: DeviceUnderTest, dose: Phase
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
        plan = Plan.of(load_sequence(sequence), AccessPath.of(line, needle))
        dose = next(index for index, phase in enumerate(plan.phases) if phase.dose_ml)
        assert Question.BLOOD_RETURN in [phase.question for phase in plan.phases[:dose]]
