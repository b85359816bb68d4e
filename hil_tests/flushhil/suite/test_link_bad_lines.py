"""A link that loses, doubles, damages, delays and reorders: each command runs once, each run is reported as it was."""

from collections.abc import Callable
from typing import TypeVar

import pytest
from flushpump.device.drive import ProgramEvents
from flushpump.errors import FlushPumpError, LinkLostError, NoReplyError, OutcomeUnknownError, RefusedError
from flushpump.link.pending import ResolvedCommand
from flushpump.wire.messages import Outcome

from flushhil.dut import DeviceUnderTest, pulses
from flushhil.ground_truth import stays_still
from flushhil.raw_client import replies_lost, requests_lost

OpenDut = Callable[..., DeviceUnderTest]
pytestmark = pytest.mark.simulated("a link with faults")

BAD_LINES = {
    "loses": ["link-drop:0.2@0s"],
    "doubles": ["link-duplicate:0.5@0s"],
    "damages": ["link-corrupt:0.2@0s"],
    "delays": ["link-delay:60ms@0s"],
    "answers after the next try": ["link-delay:110ms@0s"],
    "reorders": ["link-reorder:0.3@0s"],
    "does all of it": ["link-drop:0.08@0s", "link-duplicate:0.1@0s", "link-corrupt:0.08@0s", "link-reorder:0.1@0s"],
}
ATTEMPTS = 60
T = TypeVar("T")


def retry(dut: DeviceUnderTest, command: Callable[[], T]) -> T | None:
    """Repeats the command until it is executed, as a careful program does; None when only its reply is lost."""
    for _ in range(ATTEMPTS):
        try:
            return command()
        except OutcomeUnknownError:
            resolved = resolve(dut)
            if resolved.executed:
                return None
            if resolved.executed is None:
                reopen(dut)
        except RefusedError as refusal:
            if "executed after all" in refusal.message:
                return None
            if refusal.status_name not in ("WRONG_SESSION", "WRONG_SEQUENCE"):
                raise
            reopen(dut)
        except NoReplyError:
            continue
    raise AssertionError("the command was not executed")


def resolve(dut: DeviceUnderTest) -> ResolvedCommand:
    for _ in range(ATTEMPTS):
        try:
            resolved = dut.pump.resolve_pending()
        except NoReplyError:
            continue
        assert resolved is not None
        return resolved
    raise AssertionError("no status came through")


def reopen(dut: DeviceUnderTest) -> None:
    for _ in range(ATTEMPTS):
        try:
            dut.pump.reopen()
        except (FlushPumpError, OutcomeUnknownError):
            continue
        return
    raise AssertionError("no session could be opened")


def opened(open_dut: OpenDut, faults: list[str], seed: int) -> DeviceUnderTest:
    dut = open_dut(faults=faults, seed=seed, greet=False)
    for _ in range(ATTEMPTS):
        try:
            dut.greet()
        except FlushPumpError:
            continue
        return dut
    raise AssertionError("no session could be opened")


@pytest.mark.simulated("the bytes of the log")
@pytest.mark.requirement("REQ-DOSE-1", "REQ-DOSE-2")
@pytest.mark.passes_without_faults(
    "a good line must give the same; sim/tests/rig/test_pipes.py shows that the faults act"
)
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("line", BAD_LINES, ids=lambda line: line.replace(" ", "_"))
def test_each_command_is_executed_once_whatever_the_line_does(
    open_dut: OpenDut, line: str, seed: int, record_measurement: Callable[..., None]
) -> None:
    dut = opened(open_dut, BAD_LINES[line], seed)
    wanted = 40
    for number in range(wanted):
        retry(dut, lambda number=number: dut.pump.set_setting("telemetry_interval_ms", 100 + number))
    dut.simulate(1.0)
    log = [bytes(entry) for _, entry in dut.rig.journal.entries]
    # LOG_SETTING is 6: argument the index, detail the value at byte 8.
    values = [int.from_bytes(entry[8:12], "little") for entry in log if entry[2] == 6 and entry[3] == 7]
    executed_twice = len(values) - len(set(values))
    lost_unnoticed = wanted - len(set(values))
    record_measurement(f"commands executed twice, line that {line}", executed_twice, "commands", 0)
    record_measurement(f"commands lost unnoticed, line that {line}", lost_unnoticed, "commands", 0)


@pytest.mark.requirement("REQ-DOSE-1")
@pytest.mark.passes_without_faults(
    "a good line must give the same; sim/tests/rig/test_pipes.py shows that the faults act"
)
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("line", BAD_LINES, ids=lambda line: line.replace(" ", "_"))
def test_a_run_over_a_bad_line_delivers_once_or_ends_by_its_lease(open_dut: OpenDut, line: str, seed: int) -> None:
    dut = opened(open_dut, BAD_LINES[line], seed)
    retry(dut, dut.set_path)
    retry(dut, lambda: dut.load(pulses(4)))
    if dut.pump.loaded is None:
        pytest.fail("the program was loaded, but the client does not know it")
    run = ProgramEvents()
    try:
        retry(dut, lambda: dut.pump.start(2000))
        run = dut.follow()
    except (LinkLostError, OutcomeUnknownError):
        dut.simulate(3.0)
    dose_ul = dut.plant.stepper.position * dut.plant.plunger.ml_per_step * 1000
    assert dose_ul <= 3_601, "never more than the program"
    if run.events:
        assert run.end.outcome is Outcome.COMPLETED
        assert [pulse.index for pulse in run.pulses] == [0, 1, 2, 3]
        assert abs(dose_ul - 3_600) < 1
    assert stays_still(dut, 3.0)


@pytest.mark.requirement("REQ-LINK-1", "REQ-DOSE-2")
def test_a_link_lost_in_a_pulse_ends_the_run_and_the_pump_stops(open_dut: OpenDut) -> None:
    dut = open_dut(faults=["link-loss@1s"])
    dut.start(pulses(9))
    with pytest.raises(LinkLostError):
        dut.follow()
    assert stays_still(dut, 5.0)
    assert dut.plant.stepper.position * dut.plant.plunger.ml_per_step < 9 * 0.9


@pytest.mark.requirement("REQ-DOSE-1", "REQ-DOSE-2")
def test_a_prime_whose_reply_is_lost_primes_once(dut: DeviceUnderTest) -> None:
    dut.set_path()
    with replies_lost(dut.port), pytest.raises(OutcomeUnknownError):
        dut.pump.prime(0.3, 1.0, lease_ms=2000)
    resolved = dut.pump.resolve_pending()
    assert resolved is not None
    assert resolved.executed is True
    dut.simulate(2.0)
    driven_ml = dut.plant.stepper.position * dut.plant.plunger.ml_per_step
    assert driven_ml == pytest.approx(0.3, abs=0.001)


@pytest.mark.requirement("REQ-DOSE-1", "REQ-DOSE-2")
def test_a_start_that_never_arrived_is_resolved_as_not_executed(dut: DeviceUnderTest) -> None:
    dut.set_path()
    dut.load(pulses(2))
    with requests_lost(dut.port), pytest.raises(OutcomeUnknownError):
        dut.pump.start()
    resolved = dut.pump.resolve_pending()
    assert resolved is not None
    assert resolved.executed is False
    assert stays_still(dut, 1.0)
    dut.pump.start()
    assert dut.follow().end.outcome is Outcome.COMPLETED
