"""What the device itself refuses: barrels, fluids, pressures of a path, and a dose before blood return."""

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


# Access path and fluid


@pytest.mark.requirement("REQ-PATH-1")
@pytest.mark.parametrize("barrel_um", [4_699, 8_950, 11_990, 13_000, 13_999])
def test_a_barrel_narrower_than_10_ml_is_refused_on_a_central_line(dut: DeviceUnderTest, barrel_um: int) -> None:
    assert refused_as(lambda: dut.set_path(barrel_diameter_um=barrel_um, line_flags=LineFlag.CENTRAL)) == "PATH_LIMIT"
    assert_no_path(dut)


@pytest.mark.requirement("REQ-PATH-1")
def test_a_narrow_barrel_is_accepted_on_other_lines_and_10_ml_on_any(dut: DeviceUnderTest) -> None:
    dut.set_path(barrel_diameter_um=13_000, line_flags=LineFlag.NONE)
    dut.set_path(barrel_diameter_um=14_430, line_flags=LineFlag.CENTRAL)


@pytest.mark.requirement("REQ-PATH-1")
@pytest.mark.parametrize(
    ("refused", "status"),
    [
        ({"barrel_diameter_um": 8_585, "line_flags": LineFlag.CENTRAL}, "PATH_LIMIT"),
        ({"fluid": Fluid.ANTIMICROBIAL_LOCK}, "FLUID"),
        ({"syringe_loaded_nl": 11_000_000, "syringe_capacity_nl": 10_000_000}, "SYRINGE"),
    ],
)
def test_a_refused_path_discards_the_older_path_and_program(
    dut: DeviceUnderTest, refused: dict[str, int], status: str
) -> None:
    dut.set_path()
    dut.load(pulses(1))
    assert dut.pump.loaded is not None
    program_crc = dut.pump.loaded.program_crc
    assert refused_as(lambda: dut.set_path(**refused)) == status
    start = {"program_crc": program_crc, "lease_ms": 500}
    assert refused_as(lambda: dut.pump.link.command("START", start)) == "NO_PATH"
    assert_no_path(dut)


@pytest.mark.requirement("REQ-PATH-1")
def test_a_path_out_of_range_discards_the_older_path_and_program(dut: DeviceUnderTest) -> None:
    dut.set_path()
    dut.load(pulses(1))
    assert dut.pump.loaded is not None
    program_crc = dut.pump.loaded.program_crc
    payload = bytearray(path_payload(dut))
    payload[3] = 77
    raw = RawClient(dut.port)
    raw.hello()
    raw.authenticate()
    assert status_name(raw.ask("PATH_SET", bytes(payload))) == "OUT_OF_RANGE"
    start = codec.REQUESTS["START"].pack({"program_crc": program_crc, "lease_ms": 500})
    assert status_name(raw.ask("START", start)) == "NO_PATH"


@pytest.mark.requirement("REQ-PATH-4")
@pytest.mark.parametrize("fluid", [Fluid.HEPARIN_10, Fluid.HEPARIN_100])
def test_heparin_is_refused_on_an_intolerant_line_and_accepted_on_others(dut: DeviceUnderTest, fluid: Fluid) -> None:
    assert refused_as(lambda: dut.set_path(fluid=fluid, line_flags=BOTH)) == "FLUID"
    assert_no_path(dut)
    dut.set_path(fluid=fluid)
    dut.set_path(line_flags=BOTH)


@pytest.mark.requirement("REQ-PATH-4")
def test_an_antimicrobial_lock_is_refused(dut: DeviceUnderTest) -> None:
    dut.set_path(fluid=Fluid.SALINE)
    assert refused_as(lambda: dut.set_path(fluid=Fluid.ANTIMICROBIAL_LOCK)) == "FLUID"


@pytest.mark.requirement("REQ-PATH-5")
@pytest.mark.parametrize("fluid", [0, 5, 77, 255])
def test_an_unknown_fluid_is_refused(dut: DeviceUnderTest, fluid: int) -> None:
    raw = RawClient(dut.port)
    raw.hello()
    raw.authenticate()
    payload = bytearray(path_payload(dut))
    payload[3] = fluid
    assert status_name(raw.ask("PATH_SET", bytes(payload))) == "OUT_OF_RANGE"
    assert not raw.status()["flags"] & messages.FLAG_PATH_SET
    payload[3] = Fluid.SALINE
    assert status_name(raw.ask("PATH_SET", bytes(payload))) == "OK"


def path_payload(dut: DeviceUnderTest) -> bytes:
    return codec.REQUESTS["PATH_SET"].pack(dut.path_settings().to_wire())


def assert_no_path(dut: DeviceUnderTest) -> None:
    assert refused_as(lambda: dut.load(pulses(1))) == "NO_PATH"


@pytest.mark.requirement("REQ-PRES-4")
def test_the_device_applies_the_pressure_limit_of_the_weakest_part(dut: DeviceUnderTest) -> None:
    for line, needle, syringe in (
        ("smartport-ct-8f", "huber-22g", "bd-10"), ("picc-3f", "none", "bd-20"), ("arm-port-5f", "huber-20g", "bd-60"),
    ):  # fmt: skip
        dut.path = AccessPath.of(line, needle, syringe)
        parts = (dut.path.line, dut.path.needle, dut.path.syringe, dut.path.extension)
        applied = dut.set_path()
        weakest_pa = min(part.pressure_limit_kpa for part in parts) * 1000
        assert applied.hard_limit_pa <= min(weakest_pa, 172_000)
        assert applied.working_limit_pa <= 0.8 * weakest_pa


@pytest.mark.requirement("REQ-PRES-4")
def test_the_device_lowers_limits_to_its_own_ceiling_and_flow_to_its_cap(dut: DeviceUnderTest) -> None:
    dut.pump.set_setting("pressure_ceiling_pa", 90_000)
    dut.pump.set_setting("flow_cap_nl_per_s", 1_500_000)
    applied = dut.set_path(hard_limit_pa=300_000, working_limit_pa=200_000)
    assert applied.hard_limit_pa == 90_000
    assert applied.working_limit_pa <= 81_000
    assert applied.flow_cap_nl_per_s == 1_500_000
    dut.load(pulses(1, flow_nl_per_s=4_000_000))
    assert dut.pump.loaded is not None
    assert dut.pump.loaded.phases[0].flow_nl_per_s == 1_500_000


@pytest.mark.requirement("REQ-PRES-4")
def test_the_device_lowers_the_pressure_limit_to_the_force_of_its_drive(dut: DeviceUnderTest) -> None:
    dut.path = AccessPath.of("smartport-ct-8f", "huber-20g", "bd-60")
    applied = dut.set_path(loaded_ml=50.0)
    area_m2 = 3.1416 * 0.02659**2 / 4
    assert applied.hard_limit_pa * area_m2 < 90 - 14, "force limit of the board minus the friction of the plunger"
    assert applied.working_limit_pa <= 0.9 * applied.hard_limit_pa


# Blood return


@pytest.mark.requirement("REQ-PATH-3")
def test_without_blood_return_the_sequence_stops_before_the_flush(dut: DeviceUnderTest) -> None:
    dut.start(ASPIRATE, pulses(10))
    run = dut.follow(answers={Question.BLOOD_RETURN: False})
    assert run.end.outcome is Outcome.STOPPED
    assert run.end.driven_nl == 0
    assert run.alarms == ["NO_BLOOD_RETURN"]
    assert dut.pump.status().state is State.STOPPED


@pytest.mark.requirement("REQ-PATH-3")
def test_nothing_is_flushed_until_the_question_is_answered(dut: DeviceUnderTest) -> None:
    dut.start(ASPIRATE, pulses(10))
    events = dut.wait(5.0)
    assert events
    status = dut.pump.status()
    assert (status.state, status.question, status.driven_nl) == (State.WAITING, Question.BLOOD_RETURN, 0)
    assert refused_as(lambda: dut.pump.answer(Question.CONTINUE, True)) == "NOT_ANSWERED"
    dut.pump.answer(Question.BLOOD_RETURN, True)
    assert dut.follow().end.outcome is Outcome.COMPLETED


@pytest.mark.requirement("REQ-PATH-3")
@pytest.mark.parametrize("dose", [pulses(1), LOCK, steady(500_000, 500_000)], ids=["pulses", "lock", "steady"])
def test_a_program_that_flushes_a_central_line_without_asking_for_blood_return_is_refused(
    dut: DeviceUnderTest, dose: Phase
) -> None:
    asked = replace(ASPIRATE, question=Question.CONTINUE)
    dut.set_path(line_flags=LineFlag.CENTRAL)
    for phases in ((dose,), (dose, ASPIRATE), (asked, dose)):
        assert refused_as(lambda phases=phases: dut.load(*phases)) == "BLOOD_RETURN"
    wait = Phase(PhaseKind.WAIT, 0, 0, count=0, question=Question.BLOOD_RETURN)
    for phases in ((ASPIRATE, dose), (wait, dose), (asked, ASPIRATE, dose), (ASPIRATE,)):
        dut.load(*phases)
    dut.set_path(line_flags=LineFlag.NONE)
    dut.load(dose)


@pytest.mark.requirement("REQ-PATH-3")
def test_every_built_in_sequence_for_a_central_line_asks_for_blood_return_first() -> None:
    for sequence, line, needle in (
        ("port-maintenance", "smartport-ct-8f", "huber-20g"), ("picc-flush", "picc-4f", "none"),
        ("tunneled-flush", "tunneled-6.6f", "none"), ("lock", "smartport-ct-8f", "huber-20g"),
    ):  # fmt: skip
        plan = Plan.of(load_sequence(sequence), AccessPath.of(line, needle))
        dose = next(index for index, phase in enumerate(plan.phases) if phase.dose_ml)
        assert Question.BLOOD_RETURN in [phase.question for phase in plan.phases[:dose]]
