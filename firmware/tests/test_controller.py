"""The control loop as a whole, on ports in memory: what ends a run, what may begin one, and what is kept of it."""

from itertools import pairwise

import pytest
from flushlink import messages
from flushpump.wire import codec
from pump import codes

from firmware.tests.support.server import PATH, STATUS, Device, Host

STEADY, WAIT, ASPIRATE, PULSES = 3, 5, 1, 2
LEASE = {"lease_ms": 2_000}


def phase(index: int, kind: int, volume_nl: int, flow_nl_per_s: int = 1_000_000, **changes: int) -> dict[str, int]:
    values = {
        "index": index, "phase_kind": kind, "count": 1, "question": 0, "volume_nl": volume_nl,
        "flow_nl_per_s": flow_nl_per_s, "pause_ms": 0,
    }  # fmt: skip
    return {**values, **changes}


def load(host: Host, *phases: dict[str, int]) -> int:
    """Sends a program; returns its CRC."""
    dose = sum(one["volume_nl"] * one["count"] for one in phases if one["phase_kind"] not in (ASPIRATE, WAIT))
    begin = {"program_id": 1, "phase_count": len(phases), "total_volume_nl": dose, "max_time_ms": 60_000}
    sent = codec.REQUESTS["PROGRAM_BEGIN"].pack(begin)
    assert host.ask("PROGRAM_BEGIN", begin).status == 0
    for one in phases:
        assert host.ask("PROGRAM_PHASE", one).status == 0
        sent += codec.REQUESTS["PROGRAM_PHASE"].pack(one)
    crc = codec.crc16(sent)
    assert host.ask("PROGRAM_COMMIT", {"program_crc": crc}).status == 0
    return crc


def started(*phases: dict[str, int], ticks: int = 20, **path: int) -> tuple[Device, Host]:
    device = Device()
    host = device.ready()
    assert host.ask("PATH_SET", {**PATH, **path}).status == 0
    assert host.ask("START", {"program_crc": load(host, *phases), **LEASE}).status == 0
    device.tick(ticks)
    return device, host


def ended(device: Device, ticks: int = 400) -> Device:
    for _ in range(ticks):
        device.tick()
        if not device.pump.runner.active():
            device.tick(5)
            return device
    raise AssertionError("the run does not end")


def result(host: Host) -> dict[str, int]:
    return host.values(host.ask("RESULT_READ"))


def test_a_run_drives_its_volume_and_reports_so():
    device, host = started(phase(0, STEADY, 500_000))
    ended(device)
    reported = result(host)
    assert reported["outcome"] == 1
    assert reported["driven_nl"] == device.pump.line_model.volume_nl(device.drive.position())
    assert abs(reported["driven_nl"] - 500_000) < 110
    assert not device.drive.enabled


@pytest.mark.requirement("REQ-STOP-2", "REQ-STOP-3")
def test_the_stop_button_stops_at_once_is_one_alarm_and_nothing_starts_while_it_is_pressed():
    device, host = started(phase(0, STEADY, 3_000_000))
    device.indicators.switches |= 1
    device.tick()
    position = device.drive.position()
    device.tick(20)
    assert device.drive.position() == position
    assert device.pump.alarms.occurrence(codes.ALARM_STOP_BUTTON) == 1
    host.ask("ALARM_ACK", {"occurrence": 1})
    crc = load(host, phase(0, STEADY, 500_000))
    assert host.ask("START", {"program_crc": crc, **LEASE}).status == STATUS["ALARM_ACTIVE"]
    device.indicators.switches &= ~1
    device.tick()
    assert device.drive.position() == position, "releasing it starts nothing"
    assert host.ask("START", {"program_crc": crc, **LEASE}).status == 0


@pytest.mark.requirement("REQ-STOP-2")
def test_a_button_held_through_the_end_of_a_run_is_one_alarm():
    device, _ = started(phase(0, STEADY, 100_000), ticks=1)
    device.base += 4_000
    while device.pump.runner.state != 4:
        device.tick()
    device.indicators.switches |= 1
    device.tick(50)
    assert device.pump.alarms.occurrence(codes.ALARM_STOP_BUTTON) == 1
    assert not device.pump.runner.active()


@pytest.mark.requirement("REQ-LINK-1")
def test_a_silent_host_ends_the_run_down_the_ramp_and_nothing_resumes_when_it_speaks_again():
    device, host = started(phase(0, STEADY, 5_000_000), ticks=380)
    assert device.pump.runner.state == 2
    ended(device, 60)
    position = device.drive.position()
    assert device.pump.alarms.gravest() == codes.ALARM_LEASE_LOST
    host.ask("KEEPALIVE", {"lease_ms": 2_000})
    device.tick(50)
    assert device.drive.position() == position
    assert result(host)["outcome"] == 5


@pytest.mark.requirement("REQ-PRES-3")
@pytest.mark.parametrize("raw", [-1, 16_000_000, 8_400_000])
def test_a_sensor_fault_ends_a_ramp_down_too(raw):
    device, _ = started(phase(0, STEADY, 8_000_000, 2_000_000), ticks=395)
    while device.pump.runner.state != 4:
        device.tick()
    device.raw = raw
    device.tick(4)
    assert not device.pump.moving
    assert device.pump.alarms.pending == 2


@pytest.mark.requirement("REQ-PRES-3", "REQ-STOP-3")
def test_a_sensor_fault_while_the_user_is_asked_ends_the_run():
    device, host = started(phase(0, ASPIRATE, 50_000, question=1), phase(1, STEADY, 500_000), ticks=60)
    assert device.pump.runner.state == 3
    device.raw = -1
    device.tick(5)
    position = device.drive.position()
    answer = {"question": 1, "answer": 1, "syringe_loaded_nl": 0}
    assert host.ask("CONTINUE", answer).status == STATUS["NOT_ANSWERED"]
    device.tick(20)
    assert device.drive.position() == position
    assert device.pump.alarms.gravest() == codes.ALARM_SENSOR_SILENT


@pytest.mark.requirement("REQ-DOSE-4")
def test_a_run_that_ends_before_its_first_step_is_no_power_loss_at_the_next_start():
    device, host = started(phase(0, WAIT, 0, 0, count=0, question=4), phase(1, STEADY, 500_000))
    assert host.ask("CONTINUE", {"question": 4, "answer": 0, "syringe_loaded_nl": 0}).status == 0
    device.tick(10)
    device.journal.power_cut()
    again = Device(device.journal)
    again.tick(25)
    assert again.pump.alarms.pending == 0


@pytest.mark.requirement("REQ-DOSE-4")
def test_a_power_cut_in_a_run_is_reported_with_the_whole_intent_as_uncertain():
    device, _ = started(phase(0, STEADY, 500_000))
    device.journal.power_cut()
    again = Device(device.journal)
    again.tick(25)
    assert again.pump.alarms.gravest() == codes.ALARM_POWER_LOST
    assert again.pump.ledger.uncertain_nl == 500_000


@pytest.mark.requirement("REQ-STOP-3")
@pytest.mark.parametrize("name", ["SERVICE", "RESET"])
def test_nothing_starts_once_the_loop_is_being_left(name):
    device = Device()
    host = device.ready()
    host.ask("PATH_SET", PATH)
    crc = load(host, phase(0, STEADY, 500_000))
    assert host.ask(name).status == 0
    assert host.ask("START", {"program_crc": crc, **LEASE}).status == STATUS["WRONG_STATE"]
    device.tick(20)
    assert device.pump.request == {"SERVICE": 1, "RESET": 2}[name]


def test_the_journal_is_not_written_in_a_tick_whose_heap_is_locked():
    device, _ = started(phase(0, STEADY, 200_000))
    writes = []
    for name in ("save", "append"):
        original = getattr(device.journal, name)
        setattr(device.journal, name, lambda *args, kept=original: (writes.append(locked), kept(*args)))
    for _ in range(300):
        locked = device.pump.moving
        device.tick()
    assert writes
    assert not any(writes)


@pytest.mark.parametrize("volume_nl", range(100_000, 110_000, 1_000))
def test_bursts_without_a_pause_follow_each_other_and_the_phase_ends_with_its_last_step(volume_nl):
    device, _ = started(phase(0, PULSES, volume_nl, 2_000_000, count=4, question=4), ticks=1)
    left_us = []
    advance = device.drive.advance
    device.drive.advance = lambda us: (left_us.append(device.drive.queued_us()), advance(us))
    while device.pump.runner.state != 3:
        device.tick()
    assert left_us[-1] == 0, "nothing is left to be made when the user is asked"
    made = device.drive.position()
    assert made == device.pump.line_model.steps_of(4 * volume_nl)
    assert device.pump.ledger.driven_nl == device.pump.line_model.volume_nl(made)
    gaps = [after - before for before, after in pairwise(device.drive.edges)]
    assert max(gaps) < 10_000 * 125


@pytest.mark.requirement("REQ-DOSE-5")
def test_prime_keeps_the_cap_on_volume():
    device = Device()
    host = device.ready()
    host.ask("SETTINGS_SET", {"index": 3, "value": 1_000_000})
    host.ask("PATH_SET", PATH)
    prime = {"volume_nl": 1_000_001, "flow_nl_per_s": 500_000, **LEASE}
    assert host.ask("PRIME", prime).status == STATUS["DOSE_CAP"]


@pytest.mark.requirement("REQ-PATH-2")
def test_a_syringe_longer_than_the_drive_travels_is_refused():
    device = Device()
    host = device.ready()
    wrong = {**PATH, "line_flags": 0, "barrel_diameter_um": 3_000, "syringe_capacity_nl": 12_000_000}
    assert host.ask("PATH_SET", wrong).status == STATUS["SYRINGE"]


def test_a_run_in_which_the_user_takes_half_an_hour_reports_its_true_duration():
    device, host = started(phase(0, WAIT, 0, 0, count=0, question=4), phase(1, STEADY, 100_000))
    for _ in range(1_800):
        device.now_us = (device.now_us + 995_000) % 2**30
        device.tick()
        device.pump.lease.renew(host.session, 2_000, device.pump.now_ms)
    assert host.ask("CONTINUE", {"question": 4, "answer": 1, "syringe_loaded_nl": 0}).status == 0
    ended(device)
    assert abs(result(host)["duration_ms"] - 1_800_000) < 2_000


@pytest.mark.requirement("REQ-DOSE-5", "REQ-LOG-1")
@pytest.mark.parametrize("kind", ["PRIME", "ASPIRATE"])
@pytest.mark.parametrize("ticks_before_rest", range(-2, 4))
def test_a_motion_begun_right_after_a_run_does_not_lose_the_run(kind: str, ticks_before_rest: int):
    first, _ = started(phase(0, STEADY, 500_000))
    ticks = 0
    while first.pump.runner.active():
        first.tick()
        ticks += 1
    device, host = started(phase(0, STEADY, 500_000), ticks=20 + ticks - ticks_before_rest)
    move = host.frame(kind, {"volume_nl": 100_000, "flow_nl_per_s": 500_000, **LEASE})
    (reply,) = host.send(move, ticks=6)
    device.tick(200)
    ends = [data for data in device.journal.entries if data[2] == messages.LOG_PROGRAM_END]
    assert len(ends) == (2 if reply.status == 0 else 1)
    forward_nl = 599_900 if kind == "PRIME" and reply.status == 0 else 499_900
    assert device.pump.window.total_nl(device.pump.now_ms, 3_600) >= forward_nl


@pytest.mark.requirement("REQ-LINK-4", "REQ-PATH-1")
def test_a_path_is_not_left_to_the_next_session():
    device = Device()
    host = device.ready()
    assert host.ask("PATH_SET", PATH).status == 0
    crc = load(host, phase(0, STEADY, 500_000))
    host.hello(b"nonce-02")
    assert host.authenticate().status == 0
    assert host.ask("START", {"program_crc": crc, **LEASE}).status == STATUS["NO_PATH"]
    assert host.ask("PRIME", {"volume_nl": 100_000, "flow_nl_per_s": 500_000, **LEASE}).status == STATUS["NO_PATH"]


@pytest.mark.requirement("REQ-PATH-1")
def test_a_path_and_its_program_are_forgotten_after_ten_minutes_without_a_start():
    device = Device()
    host = device.ready()
    assert host.ask("PATH_SET", PATH).status == 0
    crc = load(host, phase(0, STEADY, 500_000))
    device.tick(118_000)
    assert device.pump.path_set
    device.tick(2_100)
    assert host.ask("START", {"program_crc": crc, **LEASE}).status == STATUS["NO_PATH"]


@pytest.mark.requirement("REQ-DOSE-4")
@pytest.mark.parametrize("flow_nl_per_s", [5_000_000, 10_000_000])
def test_after_a_watchdog_reset_the_error_of_the_volume_is_within_what_is_uncertain(flow_nl_per_s: int):
    for ticks in range(100, 125):
        device = Device(step_rate_max_per_s=400_000)
        host = device.ready()
        assert host.ask("SETTINGS_SET", {"index": codes.SETTING_FLOW_CAP_NL_PER_S, "value": flow_nl_per_s}).status == 0
        path = {**PATH, "flow_cap_nl_per_s": flow_nl_per_s, "compliance_nl_per_kpa": 2_000}
        assert host.ask("PATH_SET", path).status == 0
        crc = load(host, phase(0, STEADY, 9_000_000, flow_nl_per_s))
        assert host.ask("START", {"program_crc": crc, **LEASE}).status == 0
        device.tick(ticks)
        device.drive.advance(1_000_000)
        driven_nl = device.pump.line_model.volume_nl(device.drive.position())
        assert driven_nl > 1_000_000
        ledger = Device(journal=device.journal, reset_cause=2, step_rate_max_per_s=400_000).pump.ledger
        assert abs(ledger.driven_nl - driven_nl) <= ledger.uncertain_nl, ticks


@pytest.mark.requirement("REQ-OCCL-1", "REQ-PRES-3")
@pytest.mark.parametrize(("pressure_pa", "refused"), [(-16_000, "START ASPIRATE"), (-14_000, ""), (14_000, ""),
                                                      (16_000, "START PRIME"), (109_000, "START PRIME")])  # fmt: skip
def test_no_motion_begins_that_adds_to_pressure_or_suction_in_a_line_at_rest(pressure_pa: int, refused: str):
    for command in ("START", "PRIME", "ASPIRATE"):
        device = Device()
        host = device.ready()
        assert host.ask("PATH_SET", PATH).status == 0
        values = {"volume_nl": 100_000, "flow_nl_per_s": 500_000, **LEASE}
        if command == "START":
            values = {"program_crc": load(host, phase(0, STEADY, 500_000)), **LEASE}
        device.base += pressure_pa * 13_421_772 // 413_686
        device.tick(30)
        status = host.ask(command, values).status
        assert (status == STATUS["PRESSURE"]) == (command in refused.split()), command
