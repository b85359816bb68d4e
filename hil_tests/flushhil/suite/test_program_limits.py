"""Programs that the device refuses: beyond its caps, invalid, or damaged on the link."""

import pytest
from flushpump.wire import codec
from flushpump.wire.messages import Outcome, Phase, PhaseKind, Program

from flushhil.dut import DeviceUnderTest, pulses, refused_as, steady

# Caps


@pytest.mark.requirement("REQ-DOSE-5")
def test_a_program_beyond_the_volume_cap_is_refused(dut: DeviceUnderTest) -> None:
    dut.pump.set_setting("program_volume_cap_nl", 3_000_000)
    dut.set_path()
    dut.load(pulses(3))
    assert refused_as(lambda: dut.load(pulses(4))) == "DOSE_CAP"


@pytest.mark.requirement("REQ-DOSE-5")
def test_a_program_that_announces_less_than_its_phases_deliver_is_refused(dut: DeviceUnderTest) -> None:
    dut.set_path()
    complete = Program((pulses(5),), 60_000)
    values = {**complete.begin_values(), "total_volume_nl": 900_000}
    link = dut.pump.link
    link.command("PROGRAM_BEGIN", values)
    link.command("PROGRAM_PHASE", complete.phase_values(0))
    crc = codec.crc16(
        codec.REQUESTS["PROGRAM_BEGIN"].pack(values) + codec.REQUESTS["PROGRAM_PHASE"].pack(complete.phase_values(0))
    )
    assert refused_as(lambda: link.command("PROGRAM_COMMIT", {"program_crc": crc})) == "PROGRAM_CRC"


@pytest.mark.requirement("REQ-DOSE-5")
def test_many_phases_that_together_exceed_the_cap_are_refused(dut: DeviceUnderTest) -> None:
    dut.pump.set_setting("program_volume_cap_nl", 3_000_000)
    dut.set_path()
    phases = tuple(steady(2_000_000, 1_000_000) for _ in range(3))
    assert refused_as(lambda: dut.load(*phases)) == "DOSE_CAP"


@pytest.mark.requirement("REQ-DOSE-5")
def test_a_program_beyond_the_time_cap_is_refused_and_one_that_takes_too_long_is_stopped(
    dut: DeviceUnderTest,
) -> None:
    dut.pump.set_setting("program_time_cap_s", 20)
    dut.set_path()
    assert refused_as(lambda: dut.load(pulses(1), max_time_ms=20_001)) == "DOSE_CAP"
    dut.load(steady(4_000_000, 1_000_000), max_time_ms=2_000)
    dut.pump.start()
    run = dut.follow()
    assert run.end.outcome is Outcome.ALARM
    assert run.alarms == ["PROGRAM_TIME"]
    assert run.end.driven_nl < 2_100_000


@pytest.mark.simulated("an hour in a minute")
@pytest.mark.requirement("REQ-DOSE-5")
def test_the_rolling_window_refuses_a_start_until_old_volume_has_left_it(dut: DeviceUnderTest) -> None:
    dut.pump.set_setting("window_volume_cap_nl", 4_000_000)
    dut.pump.set_setting("window_s", 60)
    dut.run(pulses(4))
    dut.set_path()
    dut.load(pulses(1))
    assert refused_as(dut.pump.start) == "DOSE_CAP"
    dut.wait(50.0)
    assert refused_as(dut.pump.start) == "DOSE_CAP"
    dut.wait(15.0)
    dut.pump.start()
    assert dut.follow().end.outcome is Outcome.COMPLETED


@pytest.mark.simulated("a rolling window that no earlier test has filled")
@pytest.mark.requirement("REQ-DOSE-5", "REQ-DOSE-3")
def test_the_rolling_window_counts_the_volume_of_stopped_runs(dut: DeviceUnderTest) -> None:
    dut.pump.set_setting("window_volume_cap_nl", 2_000_000)
    dut.start(steady(2_000_000, 1_000_000))
    dut.wait(1.2)
    dut.pump.stop()
    dut.wait(0.2)
    dut.set_path()
    dut.load(steady(1_000_000, 1_000_000))
    assert refused_as(dut.pump.start) == "DOSE_CAP"
    dut.load(steady(600_000, 1_000_000))
    dut.pump.start()
    assert dut.follow().end.outcome is Outcome.COMPLETED


@pytest.mark.simulated("a rolling window that no earlier test has filled")
@pytest.mark.requirement("REQ-DOSE-5")
def test_changing_the_length_of_the_window_does_not_empty_it(dut: DeviceUnderTest) -> None:
    dut.pump.set_setting("window_volume_cap_nl", 2_000_000)
    dut.run(pulses(2))
    dut.wait(61.0)
    dut.pump.set_setting("window_s", 60)
    dut.set_path()
    dut.load(steady(200_000, 500_000))
    dut.pump.start()
    dut.follow()
    dut.pump.set_setting("window_s", 3_600)
    dut.set_path()
    dut.load(pulses(1))
    assert refused_as(dut.pump.start) == "DOSE_CAP"


@pytest.mark.simulated("a rolling window that no earlier test has filled")
@pytest.mark.requirement("REQ-DOSE-5")
def test_the_rolling_window_counts_the_primed_volume(dut: DeviceUnderTest) -> None:
    dut.pump.set_setting("window_volume_cap_nl", 2_000_000)
    dut.set_path()
    for _ in range(2):
        dut.pump.prime(0.9, 1.0)
        dut.pump.wait_until_still()
        dut.wait(0.1)
    assert refused_as(lambda: dut.pump.prime(0.9, 1.0)) == "DOSE_CAP"
    dut.load(steady(300_000, 1_000_000))
    assert refused_as(dut.pump.start) == "DOSE_CAP"
    dut.pump.aspirate(0.2, 0.5)
    dut.pump.wait_until_still()


@pytest.mark.simulated("power cuts")
@pytest.mark.requirement("REQ-DOSE-5")
@pytest.mark.parametrize("restart", ["command", "watchdog", "power cut"])
def test_a_restart_does_not_empty_the_rolling_window(dut: DeviceUnderTest, restart: str) -> None:
    dut.pump.set_setting("window_volume_cap_nl", 2_000_000)
    dut.run(pulses(2))
    dut.wait(0.3)
    restarts = {"command": dut.pump.reset, "watchdog": dut.rig.kill_loop, "power cut": dut.rig.power_cut}
    dut.restart(restarts[restart])
    dut.greet()
    dut.acknowledge_all()
    dut.set_path()
    dut.load(pulses(1))
    assert refused_as(dut.pump.start) == "DOSE_CAP"


# Invalid programs


@pytest.mark.requirement("REQ-DOSE-5")
@pytest.mark.parametrize(
    "phase",
    [Phase(PhaseKind.PULSES, 0, 1_000_000), Phase(PhaseKind.PULSES, 900_000, 0),
     Phase(PhaseKind.STEADY, 1_000_000, 9_999), Phase(PhaseKind.STEADY, 1_000_000, 500_000, count=2),
     Phase(PhaseKind.WAIT, count=0), Phase(PhaseKind.ASPIRATE, 5_000_001, 500_000),
     Phase(PhaseKind.PULSES, 10, 1_000_000, count=100)],
    ids=["no volume", "no flow", "creeping", "two steady", "waits for nothing", "draws too much", "less than a step"],
)  # fmt: skip
def test_an_invalid_phase_is_refused(dut: DeviceUnderTest, phase: Phase) -> None:
    dut.set_path()
    assert refused_as(lambda: dut.load(phase)) == "OUT_OF_RANGE"


@pytest.mark.requirement("REQ-DOSE-5")
def test_a_program_damaged_on_the_link_is_refused_and_cannot_be_started(dut: DeviceUnderTest) -> None:
    dut.set_path()
    program = Program((pulses(2), pulses(3)), 60_000)
    link = dut.pump.link
    link.command("PROGRAM_BEGIN", program.begin_values())
    link.command("PROGRAM_PHASE", program.phase_values(0))
    assert refused_as(lambda: link.command("PROGRAM_COMMIT", {"program_crc": program.crc})) == "PROGRAM_CRC"
    start = {"program_crc": program.crc, "lease_ms": 500}
    assert refused_as(lambda: link.command("START", start)) == "PROGRAM_CRC"
