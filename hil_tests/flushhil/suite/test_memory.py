"""What the pump keeps over resets and power cuts, and what it does when its memory is damaged or full."""

from collections.abc import Callable

import pytest
from flushlink import messages
from flushpump.wire import codec
from flushpump.wire.messages import Flag, Outcome, ResetCause

from flushhil.dut import DeviceUnderTest, pulses, refused_as
from flushhil.ground_truth import in_pulse, stays_still
from flushhil.raw_client import RawClient

OpenDut = Callable[..., DeviceUnderTest]


@pytest.mark.simulated("a loop that dies, and the plunger's true position")
@pytest.mark.requirement("REQ-DOSE-4", "REQ-STOP-4")
def test_the_ledger_survives_a_watchdog_reset(dut: DeviceUnderTest, record_measurement: Callable[..., None]) -> None:
    dut.start(pulses(8))
    dut.simulate_until(lambda: len(dut.plant.bursts) == 2)
    dut.simulate(0.2)
    dut.restart(dut.rig.kill_loop)
    dut.greet()
    true_ul = dut.plant.stepper.position * dut.plant.plunger.ml_per_step * 1000
    status = dut.pump.status()
    assert status.intended_nl == 8 * 900_000
    record_measurement("driven volume after a watchdog reset, error", abs(status.driven_nl / 1000 - true_ul), "uL", 250)
    assert abs(status.driven_nl / 1000 - true_ul) <= status.uncertain_nl / 1000, (
        "the error is within what is unconfirmed"
    )


@pytest.mark.simulated("power cuts")
@pytest.mark.requirement("REQ-DOSE-4")
def test_after_a_power_cut_the_volume_of_the_whole_program_is_unconfirmed(dut: DeviceUnderTest) -> None:
    dut.start(pulses(8))
    dut.simulate_until(in_pulse(dut))
    dut.restart(dut.rig.power_cut)
    dut.greet()
    status = dut.pump.status()
    assert dut.alarm_names() == ["POWER_LOST"]
    assert status.intended_nl == status.uncertain_nl == 8 * 900_000
    assert status.delivered_nl == 0, "no delivered volume is assumed"
    dut.acknowledge_all()
    dut.restart(dut.rig.power_cut)
    dut.greet()
    assert dut.alarm_names() == [], "it is reported once"


@pytest.mark.simulated("power cuts")
@pytest.mark.requirement("REQ-DOSE-4")
def test_a_power_cut_after_a_run_leaves_nothing_unconfirmed(dut: DeviceUnderTest) -> None:
    dut.run(pulses(2))
    dut.wait(0.5)
    dut.restart(dut.rig.power_cut)
    dut.greet()
    assert dut.alarm_names() == []
    assert dut.pump.status().uncertain_nl == 0


@pytest.mark.simulated("a corrupt flash")
@pytest.mark.requirement("REQ-START-4", "REQ-START-2")
@pytest.mark.parametrize("damage", ["corrupt", "missing", "out of range", "too short"])
def test_without_good_settings_therapy_is_refused_and_service_works(open_dut: OpenDut, damage: str) -> None:
    dut = open_dut()
    journal = dut.rig.journal
    if damage == "corrupt":
        journal.corrupt.add(0)
    elif damage == "missing":
        del journal.records[0]
    elif damage == "too short":
        journal.records[0] = journal.records[0][:20]
    else:
        journal.records[0] = b"\xff\xff\xff\x7f" + journal.records[0][4:]
    dut.restart(dut.rig.power_cut)
    dut.greet()
    status = dut.pump.status()
    assert not status.flags & Flag.SETTINGS_GOOD
    assert dut.alarm_names() == ["SETTINGS_CORRUPT"]
    dut.acknowledge_all()
    dut.set_path()
    dut.load(pulses(1))
    for move in dut.moves:
        assert refused_as(move) == "SETTINGS"
    assert stays_still(dut, 1.0)
    assert dut.pump.self_test().failed == messages.TEST_CONFIGURATION
    assert dut.pump.log()
    assert dut.pump.get_setting("pressure_ceiling_pa") == 172_000
    defaults = {name: default for _, name, _, _, default, _ in messages.SETTINGS}
    for name, value in list(defaults.items())[1:]:
        dut.pump.set_setting(name, value)
    assert dut.pump.self_test().failed == messages.TEST_CONFIGURATION, "one is a default that nobody has confirmed"
    dut.restart(dut.rig.power_cut)
    dut.greet()
    dut.acknowledge_all()
    for name, value in defaults.items():
        assert dut.pump.self_test().failed == messages.TEST_CONFIGURATION, "some are defaults that nobody looked at"
        dut.pump.set_setting(name, value)
    assert dut.pump.self_test().failed == 0, "setting each again is what the alarm asks for"


@pytest.mark.simulated("power cuts")
@pytest.mark.requirement("REQ-LOG-1")
def test_commands_alarms_and_resets_are_logged_and_the_log_survives_power_loss(open_dut: OpenDut) -> None:
    dut = open_dut(faults=["occlusion@200ms"])
    dut.start(pulses(2))
    dut.follow()
    dut.acknowledge_all()
    dut.wait(0.5)
    dut.restart(dut.rig.power_cut)
    dut.greet()
    entries = dut.pump.log()
    assert [entry.number for entry in entries] == list(range(1, len(entries) + 1))
    logged = [(entry.boot_count, entry.code, entry.argument) for entry in entries]
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
        assert row in logged, row
    times = [entry.device_time_ms for entry in entries if entry.boot_count == 1]
    assert times == sorted(times)


@pytest.mark.simulated("a corrupt flash")
@pytest.mark.requirement("REQ-DOSE-4", "REQ-LOG-1")
def test_no_run_starts_while_the_memory_cannot_be_written(open_dut: OpenDut) -> None:
    dut = open_dut()
    dut.set_path()
    dut.load(pulses(1))
    dut.rig.journal.worn = True
    # An entry for the log.
    dut.pump.audio_pause()
    dut.wait(0.5)
    assert dut.alarm_names() == ["STORAGE_FAILED"]
    dut.acknowledge_all()
    for move in dut.moves:
        dut.load(pulses(1))
        assert refused_as(move) == "STORAGE"
        assert stays_still(dut, 0.5)
        dut.acknowledge_all()
    assert refused_as(lambda: dut.pump.set_setting("telemetry_interval_ms", 100)) == "STORAGE"
    dut.acknowledge_all()
    dut.rig.journal.worn = False
    dut.wait(2.0)
    assert dut.run(pulses(1)).end.outcome == Outcome.COMPLETED
    alarms = [entry for entry in dut.pump.log() if entry.code == messages.LOG_ALARM]
    assert alarms, "pending entries are written as soon as the memory takes records again"


@pytest.mark.simulated("a full flash")
@pytest.mark.requirement("REQ-LOG-1")
def test_a_full_log_drops_its_oldest_entries_and_keeps_numbering(dut: DeviceUnderTest) -> None:
    for number in range(1100):
        dut.pump.link.command("AUDIO_PAUSE")
        if number % 40 == 0:
            dut.wait(0.5)
    dut.wait(1.0)
    entries = dut.pump.log()
    numbers = [entry.number for entry in entries]
    assert len(numbers) == 1024
    assert numbers == list(range(numbers[0], numbers[0] + 1024))
    assert numbers[0] > 1


@pytest.mark.simulated("a full flash")
@pytest.mark.requirement("REQ-LOG-1")
@pytest.mark.parametrize("name", ["STOP", "AUDIO_PAUSE", "AUTHENTICATE"])
def test_commands_without_a_proof_do_not_push_alarms_out_of_the_log(open_dut: OpenDut, name: str) -> None:
    dut = open_dut(faults=["occlusion@200ms"])
    dut.start(pulses(2))
    dut.follow()
    dut.wait(1.0)
    stranger = RawClient(dut.port)
    stranger.hello()
    for number in range(1_200):
        stranger.ask(name, bytes(codec.REQUESTS[name].size))
        if number % 40 == 0:
            dut.simulate(0.5)
    entries = dut.greet().log()
    assert [entry.argument for entry in entries if entry.code == messages.LOG_ALARM] == [1]
    commands = [entry for entry in entries if entry.code == messages.LOG_COMMAND]
    assert any(entry.argument == codec.REQUESTS[name].number for entry in commands), "the first ones are logged"
    assert len(entries) < 100
