"""A link that loses, doubles, damages, delays and reorders: every command once, every run told as it was."""

from collections.abc import Callable
from typing import TypeVar

import pytest
from flushpump.errors import FlushPumpError, LinkLostError, NoReplyError, OutcomeUnknownError, RefusedError
from flushpump.link.pending import ResolvedCommand
from flushpump.wire.messages import Outcome

from flushhil.dut import DeviceUnderTest, Run, pulses
from flushhil.ground_truth import stands_still
from flushhil.raw_client import replies_lost, requests_lost

OpenBench = Callable[..., DeviceUnderTest]
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


def insist(bench: DeviceUnderTest, command: Callable[[], T]) -> T | None:
    """The command until it was executed, as a careful program does it; None when it was, but its reply is lost."""
    for _ in range(ATTEMPTS):
        try:
            return command()
        except OutcomeUnknownError:
            resolved = patiently(bench)
            if resolved.executed:
                return None
            if resolved.executed is None:
                reopen(bench)
        except RefusedError as refusal:
            if "executed after all" in refusal.message:
                return None
            if refusal.status_name not in ("WRONG_SESSION", "WRONG_SEQUENCE"):
                raise
            reopen(bench)
        except NoReplyError:
            continue
    raise AssertionError("the link is too bad even for a patient host")


def patiently(bench: DeviceUnderTest) -> ResolvedCommand:
    for _ in range(ATTEMPTS):
        try:
            resolved = bench.pump.resolve_pending()
        except NoReplyError:
            continue
        assert resolved is not None
        return resolved
    raise AssertionError("no status came through")


def reopen(bench: DeviceUnderTest) -> None:
    for _ in range(ATTEMPTS):
        try:
            bench.pump.reopen()
        except (FlushPumpError, OutcomeUnknownError):
            continue
        return
    raise AssertionError("no session could be opened")


def opened(open_bench: OpenBench, faults: list[str], seed: int) -> DeviceUnderTest:
    bench = open_bench(faults=faults, seed=seed, greet=False)
    for _ in range(ATTEMPTS):
        try:
            bench.greet()
        except FlushPumpError:
            continue
        return bench
    raise AssertionError("no session could be opened")


@pytest.mark.simulated("the bytes of the log")
@pytest.mark.requirement("REQ-DOSE-1", "REQ-DOSE-2")
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("line", BAD_LINES, ids=lambda line: line.replace(" ", "_"))
def test_each_command_is_executed_once_whatever_the_line_does(
    open_bench: OpenBench, line: str, seed: int, record_measurement: Callable[..., None]
) -> None:
    bench = opened(open_bench, BAD_LINES[line], seed)
    wanted = 40
    for number in range(wanted):
        insist(bench, lambda number=number: bench.pump.set_setting("telemetry_interval_ms", 100 + number))
    bench.turns(1.0)
    log = [bytes(entry) for _, entry in bench.rig.journal.entries]
    # LOG_SETTING is 6: argument the index, detail the value at byte 8.
    values = [int.from_bytes(entry[8:12], "little") for entry in log if entry[2] == 6 and entry[3] == 7]
    executed_twice = len(values) - len(set(values))
    lost_unnoticed = wanted - len(set(values))
    record_measurement(f"commands executed twice, line that {line}", executed_twice, "commands", 0)
    record_measurement(f"commands lost unnoticed, line that {line}", lost_unnoticed, "commands", 0)


@pytest.mark.requirement("REQ-DOSE-1")
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("line", BAD_LINES, ids=lambda line: line.replace(" ", "_"))
def test_a_run_over_a_bad_line_delivers_once_or_ends_by_its_lease(open_bench: OpenBench, line: str, seed: int) -> None:
    bench = opened(open_bench, BAD_LINES[line], seed)
    insist(bench, bench.set_path)
    insist(bench, lambda: bench.load(pulses(4)))
    if bench.pump.loaded is None:
        pytest.fail("the program was loaded, but the client does not know it")
    run = Run()
    try:
        insist(bench, lambda: bench.pump.start(2000))
        run = bench.follow()
    except (LinkLostError, OutcomeUnknownError):
        bench.turns(3.0)
    dose_ul = bench.plant.stepper.position * bench.plant.plunger.ml_per_step * 1000
    assert dose_ul <= 3_601, "never more than the program"
    if run.events:
        assert run.end.outcome is Outcome.COMPLETED
        assert [pulse.index for pulse in run.pulses] == [0, 1, 2, 3]
        assert abs(dose_ul - 3_600) < 1
    assert stands_still(bench, 3.0)


@pytest.mark.requirement("REQ-LINK-1", "REQ-DOSE-2")
def test_a_link_that_dies_in_a_pulse_is_told_as_lost_and_the_pump_stands(open_bench: OpenBench) -> None:
    bench = open_bench(faults=["link-loss@1s"])
    bench.start(pulses(9))
    with pytest.raises(LinkLostError):
        bench.follow()
    assert stands_still(bench, 5.0)
    assert bench.plant.stepper.position * bench.plant.plunger.ml_per_step < 9 * 0.9


@pytest.mark.requirement("REQ-DOSE-1", "REQ-DOSE-2")
def test_a_prime_whose_reply_is_lost_primes_once(bench: DeviceUnderTest) -> None:
    bench.set_path()
    with replies_lost(bench.port), pytest.raises(OutcomeUnknownError):
        bench.pump.prime(0.3, 1.0, lease_ms=2000)
    resolved = bench.pump.resolve_pending()
    assert resolved is not None
    assert resolved.executed is True
    bench.turns(2.0)
    driven_ml = bench.plant.stepper.position * bench.plant.plunger.ml_per_step
    assert driven_ml == pytest.approx(0.3, abs=0.001)


@pytest.mark.requirement("REQ-DOSE-1", "REQ-DOSE-2")
def test_a_start_that_never_arrived_is_not_taken_for_executed(bench: DeviceUnderTest) -> None:
    bench.set_path()
    bench.load(pulses(2))
    with requests_lost(bench.port), pytest.raises(OutcomeUnknownError):
        bench.pump.start()
    resolved = bench.pump.resolve_pending()
    assert resolved is not None
    assert resolved.executed is False
    assert stands_still(bench, 1.0)
    bench.pump.start()
    assert bench.follow().end.outcome is Outcome.COMPLETED
