"""What the device refuses of programs: beyond its caps, without sense, or damaged on their way."""

import pytest
from flushpump.wire import codec
from flushpump.wire.messages import Outcome, Phase, PhaseKind, Program

from flushhil.dut import DeviceUnderTest, pulses, refused_as, steady

# Caps


@pytest.mark.requirement("REQ-DOSE-5")
def test_a_program_beyond_the_volume_cap_is_refused(bench: DeviceUnderTest) -> None:
    bench.pump.set_setting("program_volume_cap_nl", 3_000_000)
    bench.set_path()
    bench.load(pulses(3))
    assert refused_as(lambda: bench.load(pulses(4))) == "DOSE_CAP"


@pytest.mark.requirement("REQ-DOSE-5")
def test_a_program_that_announces_less_than_its_phases_give_is_refused(bench: DeviceUnderTest) -> None:
    bench.set_path()
    honest = Program((pulses(5),), 60_000)
    values = {**honest.begin_values(), "total_volume_nl": 900_000}
    link = bench.pump.link
    link.command("PROGRAM_BEGIN", values)
    link.command("PROGRAM_PHASE", honest.phase_values(0))
    crc = codec.crc16(
        codec.REQUESTS["PROGRAM_BEGIN"].pack(values) + codec.REQUESTS["PROGRAM_PHASE"].pack(honest.phase_values(0))
    )
    assert refused_as(lambda: link.command("PROGRAM_COMMIT", {"program_crc": crc})) == "PROGRAM_CRC"


@pytest.mark.requirement("REQ-DOSE-5")
def test_many_phases_that_together_exceed_the_cap_are_refused(bench: DeviceUnderTest) -> None:
    bench.pump.set_setting("program_volume_cap_nl", 3_000_000)
    bench.set_path()
    phases = tuple(steady(2_000_000, 1_000_000) for _ in range(3))
    assert refused_as(lambda: bench.load(*phases)) == "DOSE_CAP"


@pytest.mark.requirement("REQ-DOSE-5")
def test_a_program_beyond_the_time_cap_is_refused_and_one_that_takes_too_long_is_stopped(
    bench: DeviceUnderTest,
) -> None:
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
def test_the_rolling_window_refuses_a_start_until_old_volume_has_left_it(bench: DeviceUnderTest) -> None:
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
def test_the_window_counts_what_was_driven_by_stopped_runs_too(bench: DeviceUnderTest) -> None:
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


@pytest.mark.simulated("a rolling window that no earlier test has filled")
@pytest.mark.requirement("REQ-DOSE-5")
def test_a_shorter_window_and_back_does_not_empty_the_rolling_window(bench: DeviceUnderTest) -> None:
    bench.pump.set_setting("window_volume_cap_nl", 2_000_000)
    bench.run(pulses(2))
    bench.wait(61.0)
    bench.pump.set_setting("window_s", 60)
    bench.set_path()
    bench.load(steady(200_000, 500_000))
    bench.pump.start()
    bench.follow()
    bench.pump.set_setting("window_s", 3_600)
    bench.set_path()
    bench.load(pulses(1))
    assert refused_as(bench.pump.start) == "DOSE_CAP"


@pytest.mark.simulated("a rolling window that no earlier test has filled")
@pytest.mark.requirement("REQ-DOSE-5")
def test_what_prime_drives_counts_in_the_rolling_window(bench: DeviceUnderTest) -> None:
    bench.pump.set_setting("window_volume_cap_nl", 2_000_000)
    bench.set_path()
    for _ in range(2):
        bench.pump.prime(0.9, 1.0)
        bench.pump.wait_until_still()
        bench.wait(0.1)
    assert refused_as(lambda: bench.pump.prime(0.9, 1.0)) == "DOSE_CAP"
    bench.load(steady(300_000, 1_000_000))
    assert refused_as(bench.pump.start) == "DOSE_CAP"
    bench.pump.aspirate(0.2, 0.5)
    bench.pump.wait_until_still()


@pytest.mark.simulated("power cuts")
@pytest.mark.requirement("REQ-DOSE-5")
@pytest.mark.parametrize("restart", ["command", "watchdog", "power cut"])
def test_a_restart_does_not_empty_the_rolling_window(bench: DeviceUnderTest, restart: str) -> None:
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
def test_a_phase_that_makes_no_sense_is_refused(bench: DeviceUnderTest, phase: Phase) -> None:
    bench.set_path()
    assert refused_as(lambda: bench.load(phase)) == "OUT_OF_RANGE"


@pytest.mark.requirement("REQ-DOSE-5")
def test_a_program_that_was_damaged_on_its_way_is_refused_and_cannot_be_started(bench: DeviceUnderTest) -> None:
    bench.set_path()
    program = Program((pulses(2), pulses(3)), 60_000)
    link = bench.pump.link
    link.command("PROGRAM_BEGIN", program.begin_values())
    link.command("PROGRAM_PHASE", program.phase_values(0))
    assert refused_as(lambda: link.command("PROGRAM_COMMIT", {"program_crc": program.crc})) == "PROGRAM_CRC"
    start = {"program_crc": program.crc, "lease_ms": 500}
    assert refused_as(lambda: link.command("START", start)) == "PROGRAM_CRC"
