"""The lease: motion ends soon after the host falls silent, and only KEEPALIVE renews the lease."""

from collections.abc import Callable

import pytest
from flushpump.wire.messages import Outcome, State

from flushhil.dut import ASPIRATE, DeviceUnderTest, pulses, refused_as, steady
from flushhil.ground_truth import in_pulse, stays_still
from flushhil.raw_client import RawClient, status_name

pytestmark = pytest.mark.requirement("REQ-LINK-1")
# From the end of the lease: one tick and the age of its inputs, 15 ms that are queued, 20 ms of ramp from 2 mL/s.
RAMP_BUDGET_MS = 50.0


@pytest.mark.simulated("the time of the last step")
@pytest.mark.parametrize("lease_ms", [100, 700, 2000])
def test_a_silent_host_ends_motion_down_the_ramp_soon_after_the_lease(
    dut: DeviceUnderTest, record_measurement: Callable[..., None], lease_ms: int
) -> None:
    dut.set_path()
    dut.load(steady(8_000_000, 2_000_000))
    dut.pump.start(lease_ms)
    plant = dut.plant
    started_us = dut.rig.now_us
    while dut.rig.now_us < started_us + lease_ms * 1000 - 10_000:
        dut.rig.step()
    assert plant.stepper.rate > 0, "the motor runs until the lease is over"
    full = plant.stepper.rate
    rates = []
    for _ in range(40):
        dut.rig.step()
        rates.append(plant.stepper.rate)
    late_ms = plant.stepper.last_step_us / 1000 - started_us / 1000 - lease_ms
    record_measurement("end of the lease to last step", late_ms, "ms", (0, RAMP_BUDGET_MS))
    assert any(0 < rate < 0.95 * full for rate in rates), "the speed goes down a ramp"


def test_an_expired_lease_raises_an_alarm_and_ends_the_run_as_link_lost(dut: DeviceUnderTest) -> None:
    dut.start(pulses(6), lease_ms=500)
    dut.silence(1.5)
    status = dut.pump.status()
    assert status.state is State.STOPPED
    assert not status.moving
    assert dut.alarm_names() == ["LEASE_LOST"]
    result = dut.pump.result()
    assert result is not None
    assert result.outcome is Outcome.LINK_LOST
    assert 0 < result.driven_nl < 6 * 900_000


@pytest.mark.requirement("REQ-STOP-3")
def test_motion_does_not_resume_when_the_host_returns(dut: DeviceUnderTest) -> None:
    dut.start(pulses(6), lease_ms=300)
    dut.silence(1.0)
    driven_nl = dut.pump.status().driven_nl
    dut.pump.keepalive(2000)
    assert refused_as(dut.pump.start) == "ALARM_ACTIVE"
    dut.acknowledge_all()
    dut.pump.keepalive(2000)
    dut.wait(3.0)
    assert dut.pump.status().driven_nl == driven_nl
    assert refused_as(dut.pump.start) == "PROGRAM_CRC", "an ended program cannot be started again"


def test_a_host_that_renews_its_lease_runs_a_slow_program_to_the_end(dut: DeviceUnderTest) -> None:
    dut.start(steady(2_000_000, 250_000), lease_ms=400)
    assert dut.follow().end.outcome is Outcome.COMPLETED


@pytest.mark.requirement("REQ-DOSE-1")
@pytest.mark.parametrize("repeated", ["KEEPALIVE", "START"])
def test_a_repeated_command_never_renews_the_lease(dut: DeviceUnderTest, repeated: str) -> None:
    dut.set_path()
    dut.load(steady(6_000_000, 1_000_000))
    assert dut.pump.loaded is not None
    raw = RawClient(dut.port)
    raw.session, raw.sequence = dut.pump.link.session, dut.pump.link.sequence
    start = {"program_crc": dut.pump.loaded.program_crc, "lease_ms": 1000}
    frame = raw.frame("START", start)
    raw.send(frame)
    if repeated == "KEEPALIVE":
        assert raw.reply() is not None
        raw.sequence += 1
        frame = raw.frame("KEEPALIVE", {"lease_ms": 1000})
        raw.send(frame)
    assert raw.reply() is not None
    began_s = raw.now_s
    while raw.now_s < began_s + 1.3:
        raw.send(frame)
        assert raw.replies(0.1), "the kept reply comes each time"
    status = raw.status()
    assert status["state"] == State.STOPPED
    assert not status["flags"] & 1


@pytest.mark.parametrize("name", ["STATUS", "HELLO"])
def test_neither_status_nor_hello_renews_the_lease(dut: DeviceUnderTest, name: str) -> None:
    dut.start(steady(6_000_000, 1_000_000), lease_ms=600)
    raw = RawClient(dut.port)
    began_s = raw.now_s
    while raw.now_s < began_s + 1.0:
        if name == "STATUS":
            raw.status()
        else:
            raw.hello()
    assert raw.status()["state"] == State.STOPPED


def test_a_program_that_waits_for_an_answer_ends_with_the_lease(dut: DeviceUnderTest) -> None:
    dut.start(ASPIRATE, pulses(2), lease_ms=1500)
    while dut.pump.status().state is not State.WAITING:
        dut.wait(0.1)
    dut.silence(2.0)
    assert dut.pump.status().state is State.STOPPED
    assert dut.alarm_names() == ["LEASE_LOST"]


@pytest.mark.parametrize("lease_ms", [0, 99, 2001, 65_535])
def test_a_lease_outside_100_to_2000_ms_is_refused(dut: DeviceUnderTest, lease_ms: int) -> None:
    dut.set_path()
    dut.load(pulses(1))
    assert dut.pump.loaded is not None
    raw = RawClient(dut.port)
    raw.session, raw.sequence = dut.pump.link.session, dut.pump.link.sequence
    payload = dut.pump.loaded.program_crc.to_bytes(2, "little") + lease_ms.to_bytes(2, "little")
    assert status_name(raw.ask("START", payload)) == "OUT_OF_RANGE"
    assert not raw.status()["flags"] & 1


@pytest.mark.simulated("the plant's steps")
def test_a_lease_that_ends_in_a_pause_starts_no_further_pulse(dut: DeviceUnderTest) -> None:
    dut.set_path()
    dut.load(pulses(4, pause_ms=3000))
    dut.pump.start(1000)
    dut.simulate_until(in_pulse(dut))
    dut.simulate(1.2)
    assert len(dut.plant.bursts) == 1
    assert stays_still(dut, 5.0)
