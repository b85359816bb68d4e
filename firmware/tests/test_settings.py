"""Settings are taken whole or not at all, and bad ones are defaults that nobody takes for good."""

import pytest
from flushlink.messages import SETTINGS
from flushlink.settings_record import KEY_AT, OPEN_KEY, SIZE, default_record
from pump import codes
from pump.settings import Settings

from firmware.tests.support.ports import Journal
from firmware.tests.support.server import Device, good_journal

IDS = [row[1] for row in SETTINGS]


@pytest.mark.requirement("REQ-CONF-1")
@pytest.mark.parametrize("row", SETTINGS, ids=IDS)
def test_a_value_out_of_range_changes_nothing_and_one_in_range_outlives_a_restart(row):
    index, _, least, most, default, _ = row
    journal = good_journal()
    settings = Settings(journal)
    before = journal.records[0]
    for wrong in (least - 1, most + 1, -(2**30), 2**30 - 1):
        if not least <= wrong <= most:
            assert settings.set(index, wrong) == codes.STATUS_OUT_OF_RANGE
            assert (settings.get(index), journal.records[0]) == (default, before)
    for right in (least, most):
        assert settings.set(index, right) == codes.STATUS_OK
        assert Settings(journal).get(index) == right
        assert Settings(journal).good


@pytest.mark.requirement("REQ-START-4")
@pytest.mark.parametrize("damage", ["missing", "corrupt", "short", "out of range"])
def test_bad_settings_are_not_good_and_defaults_apply(damage):
    journal = good_journal()
    if damage == "missing":
        del journal.records[0]
    elif damage == "corrupt":
        journal.corrupt.add(0)
    elif damage == "short":
        journal.records[0] = journal.records[0][:-1]
    else:
        journal.records[0] = b"\xff\xff\xff\x3f" + journal.records[0][4:]
    settings = Settings(journal)
    assert not settings.good
    assert [settings.get(row[0]) for row in SETTINGS] == [row[4] for row in SETTINGS]


def test_an_index_beyond_the_table_is_unknown():
    settings = Settings(good_journal())
    assert [settings.known(index) for index in (-1, 0, len(SETTINGS) - 1, len(SETTINGS))] == [False, True, True, False]


def test_pairing_changes_the_key_alone_and_the_record_reports_nobody_the_key():
    journal = good_journal()
    settings = Settings(journal)
    assert settings.key() == OPEN_KEY
    settings.pair(bytearray(b"xxABCDEFGHIJKLMNOP"), 2)
    assert Settings(journal).key() == b"ABCDEFGHIJKLMNOP"
    assert bytes(settings.record()) == bytes(default_record()[:KEY_AT])
    assert len(journal.records[0]) == SIZE


@pytest.mark.requirement("REQ-START-4")
def test_pairing_a_pump_without_good_settings_is_refused():
    device = Device(Journal())
    host = device.ready()
    assert host.ask("PAIR", {"key": bytes(16)}).status == 16
    assert not device.pump.settings.good
    assert 0 not in device.journal.records


@pytest.mark.requirement("REQ-CONF-1", "REQ-DOSE-5")
@pytest.mark.parametrize("index", [2, 3, 4, 8, 9])
def test_a_changed_limit_asks_for_the_path_anew(index):
    from firmware.tests.support.server import PATH

    device = Device()
    host = device.ready()
    host.ask("PATH_SET", PATH)
    assert device.pump.path_set
    host.ask("SETTINGS_SET", {"index": 7, "value": 100})
    assert device.pump.path_set, "the rate of telemetry is no limit"
    host.ask("SETTINGS_SET", {"index": index, "value": SETTINGS[index][2]})
    assert not device.pump.path_set
    begin = {"program_id": 1, "phase_count": 1, "total_volume_nl": 1_000_000, "max_time_ms": 10_000}
    assert host.ask("PROGRAM_BEGIN", begin).status == 10


@pytest.mark.requirement("REQ-CONF-1")
def test_a_setting_or_key_that_cannot_be_stored_is_refused_and_the_old_one_stays_in_force():
    journal = good_journal()
    settings = Settings(journal)
    assert settings.set(codes.SETTING_TELEMETRY_INTERVAL_MS, 60) == codes.STATUS_OK
    key = settings.key()
    journal.worn = True
    assert settings.set(codes.SETTING_TELEMETRY_INTERVAL_MS, 70) == codes.STATUS_STORAGE
    assert settings.pair(bytes(range(16)), 0) == codes.STATUS_STORAGE
    assert (settings.get(codes.SETTING_TELEMETRY_INTERVAL_MS), settings.key()) == (60, key)
    journal.worn = False
    assert settings.set(codes.SETTING_PRESSURE_OFFSET_PA, 1) == codes.STATUS_OK
    stored = Settings(journal)
    assert (stored.get(codes.SETTING_TELEMETRY_INTERVAL_MS), stored.key(), stored.good) == (60, key, True)
