"""The log keeps what happens in motion until it may be written, and reports what it had to drop."""

import struct

import pytest
from flushlink.messages import LOG_FAULT
from pump.event_log import EventLog

from firmware.tests.support.ports import Journal


def rows(journal):
    return [struct.unpack("<HBBIi", entry[:12]) for entry in journal.entries]


@pytest.mark.requirement("REQ-LOG-1")
def test_entries_are_written_in_order_one_a_tick_with_boot_code_argument_time_and_detail():
    journal = Journal()
    log = EventLog(journal, 700)
    log.add(2, 0x14, 2**30 - 1, 0)
    log.add(3, 1, 5, -123_456)
    for _ in range(5):
        log.flush_one(9)
    assert rows(journal) == [(700, 2, 0x14, 2**30 - 1, 0), (700, 3, 1, 5, -123_456)]
    assert {len(entry) for entry in journal.entries} == {16}


@pytest.mark.requirement("REQ-LOG-1")
def test_more_than_the_ring_holds_is_dropped_at_the_new_end_and_the_drop_is_logged_once():
    journal = Journal()
    log = EventLog(journal, 1)
    for number in range(60):
        log.add(2, number, number)
    for _ in range(70):
        log.flush_one(99)
    reported = rows(journal)
    assert [row[2] for row in reported[:-1]] == list(range(48))
    assert reported[-1] == (1, LOG_FAULT, 255, 99, 12)


def test_the_ring_goes_round():
    journal = Journal()
    log = EventLog(journal, 1)
    for number in range(200):
        log.add(2, number, number)
        log.flush_one(number)
    assert [row[2] for row in rows(journal)] == list(range(200))


@pytest.mark.requirement("REQ-LOG-1")
def test_an_entry_that_the_journal_does_not_take_waits_and_is_written_when_it_does():
    journal = Journal()
    log = EventLog(journal, 1)
    log.add(2, 5, 7)
    journal.worn = True
    assert not log.flush_one(8)
    assert rows(journal) == []
    journal.worn = False
    assert log.flush_one(9)
    assert rows(journal) == [(1, 2, 5, 7, 0)]
