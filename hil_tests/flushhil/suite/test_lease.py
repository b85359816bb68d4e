"""The lease: a host that falls silent is not waited for, and nothing but a KEEPALIVE renews it."""

from collections.abc import Callable

import pytest
from flushpump.wire.messages import Outcome, State

from flushhil.dut import ASPIRATE, DeviceUnderTest, pulses, refused_as, steady
from flushhil.ground_truth import in_pulse, stands_still
from flushhil.raw_client import RawClient, status_name

pytestmark = pytest.mark.requirement("REQ-LINK-1")
# From the end of the lease: one turn and the age of its inputs, 15 ms that are queued, 20 ms of ramp from 2 mL/s.
RAMP_BUDGET_MS = 50.0


@pytest.mark.simulated("the time of the last step")
@pytest.mark.parametrize("lease_ms", [100, 700, 2000])
def test_a_silent_host_ends_motion_down_the_ramp_soon_after_the_lease(
    bench: DeviceUnderTest, record_measurement: Callable[..., None], lease_ms: int
) -> None:
    bench.set_path()
    bench.load(steady(8_000_000, 2_000_000))
    bench.pump.start(lease_ms)
    plant = bench.plant
    started_us = bench.rig.now_us
    while bench.rig.now_us < started_us + lease_ms * 1000 - 10_000:
        bench.rig.step()
    assert plant.stepper.rate > 0, "it still runs before the lease is over"
    full = plant.stepper.rate
    rates = []
    for _ in range(40):
        bench.rig.step()
        rates.append(plant.stepper.rate)
    late_ms = plant.stepper.last_step_us / 1000 - started_us / 1000 - lease_ms
    record_measurement("end of the lease to last step", late_ms, "ms", (0, RAMP_BUDGET_MS))
    assert any(0 < rate < 0.95 * full for rate in rates), "the speed goes down a ramp"


def test_the_end_of_a_lease_is_an_alarm_and_the_outcome_link_lost(bench: DeviceUnderTest) -> None:
    bench.start(pulses(6), lease_ms=500)
    bench.silence(1.5)
    status = bench.pump.status()
    assert status.state is State.STOPPED
    assert not status.moving
    assert bench.alarm_names() == ["LEASE_LOST"]
    result = bench.pump.result()
    assert result is not None
    assert result.outcome is Outcome.LINK_LOST
    assert 0 < result.driven_nl < 6 * 900_000


@pytest.mark.requirement("REQ-STOP-3")
def test_when_the_host_returns_nothing_goes_on(bench: DeviceUnderTest) -> None:
    bench.start(pulses(6), lease_ms=300)
    bench.silence(1.0)
    driven_nl = bench.pump.status().driven_nl
    bench.pump.keepalive(2000)
    assert refused_as(bench.pump.start) == "ALARM_ACTIVE"
    bench.acknowledge_all()
    bench.pump.keepalive(2000)
    bench.wait(3.0)
    assert bench.pump.status().driven_nl == driven_nl
    assert refused_as(bench.pump.start) == "PROGRAM_CRC", "the ended program is spent"


def test_a_host_that_keeps_its_lease_can_take_all_the_time(bench: DeviceUnderTest) -> None:
    bench.start(steady(2_000_000, 250_000), lease_ms=400)
    assert bench.follow().end.outcome is Outcome.COMPLETED


@pytest.mark.requirement("REQ-DOSE-1")
@pytest.mark.parametrize("repeated", ["KEEPALIVE", "START"])
def test_repetitions_never_renew_the_lease(bench: DeviceUnderTest, repeated: str) -> None:
    bench.set_path()
    bench.load(steady(6_000_000, 1_000_000))
    assert bench.pump.loaded is not None
    hand = RawClient(bench.port)
    hand.session, hand.sequence = bench.pump.link.session, bench.pump.link.sequence
    start = {"program_crc": bench.pump.loaded.program_crc, "lease_ms": 1000}
    frame = hand.frame("START", start)
    hand.send(frame)
    if repeated == "KEEPALIVE":
        assert hand.reply() is not None
        hand.sequence += 1
        frame = hand.frame("KEEPALIVE", {"lease_ms": 1000})
        hand.send(frame)
    assert hand.reply() is not None
    began_s = hand.now_s
    while hand.now_s < began_s + 1.3:
        hand.send(frame)
        assert hand.replies(0.1), "the kept reply comes each time"
    status = hand.status()
    assert status["state"] == State.STOPPED
    assert not status["flags"] & 1


@pytest.mark.parametrize("name", ["STATUS", "HELLO"])
def test_neither_status_nor_hello_renews_the_lease(bench: DeviceUnderTest, name: str) -> None:
    bench.start(steady(6_000_000, 1_000_000), lease_ms=600)
    hand = RawClient(bench.port)
    began_s = hand.now_s
    while hand.now_s < began_s + 1.0:
        if name == "STATUS":
            hand.status()
        else:
            hand.hello()
    assert hand.status()["state"] == State.STOPPED


def test_a_waiting_program_ends_with_the_lease_too(bench: DeviceUnderTest) -> None:
    bench.start(ASPIRATE, pulses(2), lease_ms=1500)
    while bench.pump.status().state is not State.WAITING:
        bench.wait(0.1)
    bench.silence(2.0)
    assert bench.pump.status().state is State.STOPPED
    assert bench.alarm_names() == ["LEASE_LOST"]


@pytest.mark.parametrize("lease_ms", [0, 99, 2001, 65_535])
def test_a_lease_outside_100_to_2000_ms_is_refused(bench: DeviceUnderTest, lease_ms: int) -> None:
    bench.set_path()
    bench.load(pulses(1))
    assert bench.pump.loaded is not None
    hand = RawClient(bench.port)
    hand.session, hand.sequence = bench.pump.link.session, bench.pump.link.sequence
    payload = bench.pump.loaded.program_crc.to_bytes(2, "little") + lease_ms.to_bytes(2, "little")
    assert status_name(hand.ask("START", payload)) == "OUT_OF_RANGE"
    assert not hand.status()["flags"] & 1


@pytest.mark.simulated("the plant's steps")
def test_a_lease_that_ends_in_a_pause_starts_no_further_pulse(bench: DeviceUnderTest) -> None:
    bench.set_path()
    bench.load(pulses(4, pause_ms=3000))
    bench.pump.start(1000)
    bench.turns_until(in_pulse(bench))
    bench.turns(1.2)
    assert len(bench.plant.bursts) == 1
    assert stands_still(bench, 5.0)
