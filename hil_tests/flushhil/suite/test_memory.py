"""What the pump remembers over resets and power cuts, and what it does when its memory is damaged or full."""

from collections.abc import Callable

import pytest
from flushlink import messages
from flushpump.wire import codec
from flushpump.wire.messages import Flag, Outcome, ResetCause

from flushhil.dut import DeviceUnderTest, pulses, refused_as
from flushhil.ground_truth import in_pulse, stands_still

OpenBench = Callable[..., DeviceUnderTest]


@pytest.mark.simulated("a loop that dies, and the plunger's true way")
@pytest.mark.requirement("REQ-DOSE-4", "REQ-STOP-4")
def test_the_ledger_survives_a_watchdog_reset(bench: DeviceUnderTest, record_measurement: Callable[..., None]) -> None:
    bench.start(pulses(8))
    bench.turns_until(lambda: len(bench.plant.bursts) == 2)
    bench.turns(0.2)
    bench.restart(bench.rig.kill_loop)
    bench.greet()
    true_ul = bench.plant.stepper.position * bench.plant.plunger.ml_per_step * 1000
    status = bench.pump.status()
    assert status.intended_nl == 8 * 900_000
    record_measurement("driven volume after a watchdog reset, error", abs(status.driven_nl / 1000 - true_ul), "uL", 250)
    assert abs(status.driven_nl / 1000 - true_ul) <= status.uncertain_nl / 1000, "the error is within what is uncertain"


@pytest.mark.simulated("power cuts")
@pytest.mark.requirement("REQ-DOSE-4")
def test_after_a_power_cut_the_whole_program_is_named_uncertain(bench: DeviceUnderTest) -> None:
    bench.start(pulses(8))
    bench.turns_until(in_pulse(bench))
    bench.restart(bench.rig.power_cut)
    bench.greet()
    status = bench.pump.status()
    assert bench.alarm_names() == ["POWER_LOST"]
    assert status.intended_nl == status.uncertain_nl == 8 * 900_000
    assert status.delivered_nl == 0, "nothing is guessed"
    bench.acknowledge_all()
    bench.restart(bench.rig.power_cut)
    bench.greet()
    assert bench.alarm_names() == [], "it is told once"


@pytest.mark.simulated("power cuts")
@pytest.mark.requirement("REQ-DOSE-4")
def test_a_power_cut_after_a_run_leaves_nothing_uncertain(bench: DeviceUnderTest) -> None:
    bench.run(pulses(2))
    bench.wait(0.5)
    bench.restart(bench.rig.power_cut)
    bench.greet()
    assert bench.alarm_names() == []
    assert bench.pump.status().uncertain_nl == 0


@pytest.mark.simulated("a corrupt flash")
@pytest.mark.requirement("REQ-START-4", "REQ-START-2")
@pytest.mark.parametrize("damage", ["corrupt", "missing", "out of range", "too short"])
def test_without_good_settings_therapy_is_refused_and_service_works(open_bench: OpenBench, damage: str) -> None:
    bench = open_bench()
    journal = bench.rig.journal
    if damage == "corrupt":
        journal.corrupt.add(0)
    elif damage == "missing":
        del journal.records[0]
    elif damage == "too short":
        journal.records[0] = journal.records[0][:20]
    else:
        journal.records[0] = b"\xff\xff\xff\x7f" + journal.records[0][4:]
    bench.restart(bench.rig.power_cut)
    bench.greet()
    status = bench.pump.status()
    assert not status.flags & Flag.SETTINGS_GOOD
    assert bench.alarm_names() == ["SETTINGS_CORRUPT"]
    bench.acknowledge_all()
    bench.set_path()
    bench.load(pulses(1))
    for move in bench.moves:
        assert refused_as(move) == "SETTINGS"
    assert stands_still(bench, 1.0)
    assert bench.pump.self_test().failed == messages.TEST_CONFIGURATION
    assert bench.pump.log()
    assert bench.pump.get_setting("pressure_ceiling_pa") == 172_000
    bench.pump.set_setting("pressure_ceiling_pa", 150_000)
    assert bench.pump.self_test().failed == 0, "setting them again is what the alarm asks for"


@pytest.mark.simulated("power cuts")
@pytest.mark.requirement("REQ-LOG-1")
def test_commands_alarms_and_resets_are_logged_and_the_log_survives_power_loss(open_bench: OpenBench) -> None:
    bench = open_bench(faults=["occlusion@200ms"])
    bench.start(pulses(2))
    bench.follow()
    bench.acknowledge_all()
    bench.wait(0.5)
    bench.restart(bench.rig.power_cut)
    bench.greet()
    entries = bench.pump.log()
    assert [entry.number for entry in entries] == list(range(1, len(entries) + 1))
    told = [(entry.boot_count, entry.code, entry.argument) for entry in entries]
    number = {name: layout.number for name, layout in codec.REQUESTS.items()}
    for row in (
        (1, messages.LOG_BOOT, ResetCause.POWER_ON),
        (1, messages.LOG_SELF_TEST, 1),
        (1, messages.LOG_COMMAND, number["PATH_SET"]),
        (1, messages.LOG_COMMAND, number["START"]),
        (1, messages.LOG_ALARM, 1),
        (1, messages.LOG_PROGRAM_END, 3),
        (1, messages.LOG_ACKNOWLEDGED, 1),
        (2, messages.LOG_BOOT, ResetCause.POWER_ON),
    ):
        assert row in told, row
    times = [entry.device_time_ms for entry in entries if entry.boot_count == 1]
    assert times == sorted(times)


@pytest.mark.simulated("a corrupt flash")
@pytest.mark.requirement("REQ-DOSE-4", "REQ-LOG-1")
def test_a_memory_that_takes_no_record_is_an_alarm_and_no_run_begins_until_it_does(open_bench: OpenBench) -> None:
    bench = open_bench()
    bench.set_path()
    bench.load(pulses(1))
    bench.rig.journal.worn = True
    # An entry for the log.
    bench.pump.audio_pause()
    bench.wait(0.5)
    assert bench.alarm_names() == ["STORAGE_FAILED"]
    bench.acknowledge_all()
    for move in bench.moves:
        bench.load(pulses(1))
        assert refused_as(move) == "STORAGE"
        assert stands_still(bench, 0.5)
        bench.acknowledge_all()
    assert refused_as(lambda: bench.pump.set_setting("telemetry_interval_ms", 100)) == "STORAGE"
    bench.acknowledge_all()
    bench.rig.journal.worn = False
    bench.wait(2.0)
    assert bench.run(pulses(1)).end.outcome == Outcome.COMPLETED
    known = [entry for entry in bench.pump.log() if entry.code == messages.LOG_ALARM]
    assert known, "what waited for the memory is written once it takes records again"


@pytest.mark.simulated("a full flash")
@pytest.mark.requirement("REQ-LOG-1")
def test_of_a_full_log_the_oldest_goes_first_and_numbers_go_on(bench: DeviceUnderTest) -> None:
    for number in range(1100):
        bench.pump.link.command("AUDIO_PAUSE")
        if number % 40 == 0:
            bench.wait(0.5)
    bench.wait(1.0)
    entries = bench.pump.log()
    numbers = [entry.number for entry in entries]
    assert len(numbers) == 1024
    assert numbers == list(range(numbers[0], numbers[0] + 1024))
    assert numbers[0] > 1
