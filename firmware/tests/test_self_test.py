"""Nothing moves before the self-test has passed, and each part that can fail is reported by its bit."""

import pytest
from flushlink import messages
from pump import codes

from firmware.tests.support.ports import Journal
from firmware.tests.support.server import PATH, STATUS, Device

PRIME = {"volume_nl": 500_000, "flow_nl_per_s": 500_000, "lease_ms": 1_000}
ALL = 0b111111


def after_test(device):
    device.tick(25)
    return device.pump.self_test


@pytest.mark.requirement("REQ-START-2")
def test_a_healthy_pump_passes_every_part_after_twenty_ticks():
    device = Device()
    device.tick(19)
    assert (device.pump.tested, device.pump.state()) == (False, 0)
    device.tick(1)
    assert device.pump.tested
    assert (device.pump.self_test.passed, device.pump.self_test.failed) == (ALL, 0)
    assert device.pump.state() == 1


@pytest.mark.requirement("REQ-START-1", "REQ-START-2")
@pytest.mark.parametrize(("raw", "why"), [(-1, "silent"), (-2, "bus"), (16_000_000, "range"), (8_400_000, "stuck"),
                                          (11_000_000, "pressure at rest")])  # fmt: skip
def test_a_sensor_that_cannot_be_right_fails_is_shown_and_logged_and_nothing_moves(raw, why):
    device = Device()
    device.raw = raw
    if why == "pressure at rest":
        device.raw, device.base = None, raw
    assert after_test(device).failed == messages.TEST_SENSOR
    assert device.pump.state() == 7
    assert device.pump.alarms.gravest() == codes.ALARM_SELF_TEST_FAILED
    assert device.indicators.shown[-1] == (1, 3)
    host = device.host
    host.hello()
    host.authenticate()
    host.ask("PATH_SET", PATH)
    assert host.ask("PRIME", PRIME).status == STATUS["SELF_TEST"]
    device.tick(20)
    assert device.drive.position() == 0
    assert not device.drive.enabled
    assert any(entry[2:4] == bytes((messages.LOG_SELF_TEST, 0)) for entry in device.journal.entries)


@pytest.mark.requirement("REQ-START-2")
def test_a_counter_that_counts_at_rest_fails():
    device = Device()
    device.tick(10)
    device.drive.made += 1
    assert after_test(device).failed == messages.TEST_COUNTER


@pytest.mark.requirement("REQ-START-2")
def test_a_step_queue_that_cannot_be_emptied_fails():
    device = Device()
    device.drive.queued_us = lambda: 5_000
    assert after_test(device).failed & messages.TEST_DRIVER


@pytest.mark.requirement("REQ-START-1", "REQ-START-2")
def test_a_driver_that_has_not_taken_its_settings_fails_and_nothing_moves():
    device = Device()
    device.drive.ready = lambda: False
    assert after_test(device).failed == messages.TEST_DRIVER
    assert device.pump.state() == 7
    host = device.host
    host.hello()
    host.authenticate()
    host.ask("PATH_SET", PATH)
    assert host.ask("PRIME", PRIME).status == STATUS["SELF_TEST"]
    device.tick(20)
    assert device.drive.position() == 0


@pytest.mark.requirement("REQ-START-2")
def test_indicators_that_do_not_answer_fail():
    device = Device()
    inputs = device.indicators.inputs
    device.indicators.inputs = lambda: -1
    device.tick(19)
    device.tick(1)
    device.indicators.inputs = inputs
    assert device.pump.self_test.failed == messages.TEST_INDICATORS


@pytest.mark.requirement("REQ-START-2", "REQ-START-4")
def test_bad_settings_fail_the_configuration_alone_and_are_no_fault():
    device = Device(Journal())
    assert after_test(device).failed == messages.TEST_CONFIGURATION
    assert device.pump.state() != 7
    assert device.pump.alarms.gravest() == codes.ALARM_SETTINGS_CORRUPT


@pytest.mark.requirement("REQ-START-2")
def test_memory_that_does_not_hold_fails():
    class Broken(bytearray):
        def __getitem__(self, index):
            return super().__getitem__(index) & 0xFE

    device = Device()
    device.pump.self_test._memory = Broken(256)
    assert after_test(device).failed == messages.TEST_MEMORY


@pytest.mark.requirement("REQ-START-1")
def test_before_the_self_test_has_passed_nothing_moves_and_it_cannot_be_cut_short():
    device = Device()
    device.tick(2)
    host = device.host
    host.hello()
    assert host.ask("SELF_TEST").status == STATUS["WRONG_STATE"]
    assert host.authenticate().status == 0
    assert host.ask("PATH_SET", PATH).status == 0
    assert host.ask("PRIME", PRIME).status == STATUS["SELF_TEST"]
    assert device.drive.position() == 0


def test_a_test_on_request_reports_what_is_wrong_now_and_clears_what_is_right_again():
    device = Device()
    host = device.ready()
    device.raw = -1
    device.tick(5)
    assert host.values(host.ask("SELF_TEST"))["failed"] == messages.TEST_SENSOR
    assert device.pump.state() == 7
    device.raw = None
    device.tick(5)
    assert host.values(host.ask("SELF_TEST"))["failed"] == 0
    assert device.pump.state() == 1


@pytest.mark.requirement("REQ-START-3")
@pytest.mark.parametrize("cause", [0, 1, 2, 3, 4])
def test_the_driver_is_off_after_any_reset_and_the_cause_is_reported(cause):
    device = Device(reset_cause=cause)
    device.drive.enabled = True
    device = Device(reset_cause=cause)
    device.tick(25)
    assert not device.drive.enabled
    frame = device.host.hello()
    assert device.host.values(frame)["reset_cause"] == cause
