"""The journal's records and log hold what they were given, and report whatever is damaged instead of misreading it."""

import shutil
import struct
from binascii import crc32
from pathlib import Path

import pytest
from flushlink.settings_record import SIZE as SETTINGS_SIZE
from flushlink.settings_record import default_record
from flushsim.firmware.journal import Journal as SimulatedJournal
from pump.settings import Settings

from firmware.tests.hardware.support.modules import SCRATCH

SIZES = (SETTINGS_SIZE, 12, 4)


def entry_of(number):
    return bytes((number * 7 + index * 13) & 0xFF for index in range(16))


@pytest.fixture
def start(board, tmp_path):
    """Starts a journal in the test's folder; its `reported` lists what it has reported."""
    module = board[1]("journal")

    def start_journal(folder=tmp_path / "journal"):
        reported = []
        journal = module.Journal(str(folder), reported.append)
        journal.reported = reported
        return journal

    return start_journal


def loaded(journal, slot, size=None):
    buffer = bytearray(SIZES[slot] if size is None else size)
    count = journal.load(slot, buffer)
    return bytes(buffer[:count]) if count > 0 else count


def filled(journal, entries=45):
    for slot, size in enumerate(SIZES):
        journal.save(slot, bytes([slot + 1]) * size, size)
    for number in range(1, entries + 1):
        journal.append(bytearray(entry_of(number)), 16)
    return journal


def read_log(journal):
    """{number: entry} of all that can be read."""
    found, buffer, number = {}, bytearray(16), journal.entry(1, bytearray(16))
    while number > 0:
        assert journal.entry(number, buffer) == number
        found[number] = bytes(buffer)
        number = journal.entry(number + 1, buffer)
    return found


def test_an_empty_journal_has_no_record_and_no_entry_and_reports_nothing(start):
    journal = start()
    assert [loaded(journal, slot) for slot in range(3)] == [0, 0, 0]
    assert journal.newest() == 0
    assert journal.entry(1, bytearray(16)) == -1
    assert journal.reported == []


def test_records_outlive_a_restart_and_the_last_save_wins(start):
    journal = start()
    for tick in range(5):
        for slot, size in enumerate(SIZES):
            assert journal.save(slot, bytearray([tick, slot] * size), size)
    again = start()
    for slot, size in enumerate(SIZES):
        assert loaded(again, slot) == bytes([4, slot] * size)[:size]
    assert again.reported == []


def test_a_save_before_any_load_is_newer_than_what_an_earlier_start_saved(start):
    for value in (1, 2, 3):
        start().save(1, bytes([value]) * 12, 12)
        assert loaded(start(), 1) == bytes([value]) * 12


def test_the_newer_whole_copy_wins_and_the_other_is_written_anew(start, tmp_path):
    folder = tmp_path / "journal"
    start().save(1, b"old" * 4, 12)
    old = (folder / "ledger.b").read_bytes()
    start().save(1, b"new" * 4, 12)
    for older in ("ledger.a", "ledger.b"):
        new = (folder / older).read_bytes()
        (folder / older).write_bytes(old)
        assert loaded(start(), 1) == b"new" * 4
        assert (folder / older).read_bytes() == new


def test_an_empty_file_is_no_record_and_no_damage(start, tmp_path):
    start()
    (tmp_path / "journal" / "settings.a").write_bytes(b"")
    journal = start()
    assert loaded(journal, 0) == 0
    assert journal.reported == []


@pytest.mark.parametrize("pattern", [0xFF, 0x01, 0x20])
def test_any_flipped_byte_in_one_copy_is_reported_and_the_other_copy_is_read_and_repairs_it(start, tmp_path, pattern):
    filled(start(), 0)
    for file in sorted((tmp_path / "journal").iterdir()):
        whole = file.read_bytes()
        slot = ("settings", "ledger", "counters").index(file.stem)
        for at in range(len(whole)):
            file.write_bytes(whole[:at] + bytes([whole[at] ^ pattern]) + whole[at + 1 :])
            journal = start()
            assert loaded(journal, slot) == bytes([slot + 1]) * SIZES[slot]
            assert [file.name in sentence for sentence in journal.reported] == [True]
            assert file.read_bytes() == whole


@pytest.mark.parametrize("slot", [0, 1, 2])
def test_a_flipped_byte_in_both_copies_is_corrupt_and_the_buffer_is_left_alone(start, tmp_path, slot):
    filled(start(), 0)
    name = ("settings", "ledger", "counters")[slot]
    files = [tmp_path / "journal" / f"{name}.{copy}" for copy in "ab"]
    whole = files[0].read_bytes()
    for at in range(len(whole)):
        for file in files:
            file.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        journal = start()
        buffer = bytearray(SIZES[slot])
        assert journal.load(slot, buffer) == -1
        assert not any(buffer)
        assert len(journal.reported) == 2


def test_a_file_cut_short_or_lengthened_is_corrupt(start, tmp_path):
    filled(start(), 0)
    files = [tmp_path / "journal" / f"settings.{copy}" for copy in "ab"]
    whole = files[0].read_bytes()
    for broken in [*(whole[:size] for size in range(1, len(whole))), whole + b"\0", whole * 2]:
        for file in files:
            file.write_bytes(broken)
        assert loaded(start(), 0) == -1


def test_the_record_of_another_slot_is_corrupt(start, tmp_path):
    filled(start(), 0)
    for copy in "ab":
        shutil.copy(tmp_path / "journal" / f"ledger.{copy}", tmp_path / "journal" / f"counters.{copy}")
    assert loaded(start(), 2, 12) == -1


def test_settings_of_an_older_layout_of_the_same_size_are_corrupt_with_the_reason_reported(start, tmp_path):
    start().save(0, default_record(), SETTINGS_SIZE)
    for copy in "ab":
        file = tmp_path / "journal" / f"settings.{copy}"
        record = bytearray(file.read_bytes()[:-4])
        record[8:12] = struct.pack("<I", 12345)
        file.write_bytes(record + struct.pack("<I", crc32(record)))
    journal = start()
    settings = Settings(journal)
    assert not settings.good
    assert settings.get(2) == 172_000
    assert "settings.a is not used: it has the layout of another release (00003039" in journal.reported[0]


@pytest.mark.parametrize("other", [-4, 4])
def test_settings_of_another_size_are_corrupt_not_read_in_part(start, other):
    start().save(0, bytes(SETTINGS_SIZE + other), SETTINGS_SIZE + other)
    journal = start()
    assert loaded(journal, 0) == -1
    assert "layout of another release" in journal.reported[0]


def test_the_layout_of_settings_is_the_names_of_the_message_table(board, monkeypatch):
    from flushlink import messages

    ours = board[1]("journal_record").LAYOUTS[0]
    rows = list(messages.SETTINGS)
    rows[0], rows[1] = (0, *rows[1][1:]), (1, *rows[0][1:])
    monkeypatch.setattr(messages, "SETTINGS", tuple(rows))
    import sys

    del sys.modules["hardware.journal_record"]
    assert board[1]("journal_record").LAYOUTS[0] != ours


@pytest.mark.requirement("REQ-LOG-1")
def test_the_log_keeps_at_least_the_newest_1000_entries_the_oldest_goes_first_and_no_number_repeats(start):
    journal = start()
    for number in range(1, 2901):
        assert journal.append(bytearray(entry_of(number)), 16)
        assert journal.newest() == number
        if number % 97 == 0:
            journal = start()
            assert journal.newest() == number
        if number % 333 == 0:
            log = read_log(journal)
            assert list(log) == list(range(min(log), number + 1))
            assert min(log) <= max(1, number - 999)
            assert all(log[known] == entry_of(known) for known in log)
    assert len(read_log(journal)) <= 1300


def test_entries_are_found_as_by_the_simulated_journal(start):
    journal, simulated = start(), SimulatedJournal()
    buffer = bytearray(16)
    for number in range(1, 60):
        journal.append(bytearray(entry_of(number)), 16)
        simulated.entries.append((number, entry_of(number)))
        simulated.newest = number
    for number in range(0, 65):
        found, data = simulated._entry(number)
        assert journal.entry(number, buffer) == found
        assert found < 0 or bytes(buffer) == data


@pytest.mark.parametrize("pattern", [0xFF, 0x01])
def test_any_flipped_byte_in_the_log_costs_its_entry_alone_which_is_reported_and_no_number_is_used_again(
    start, tmp_path, pattern
):
    filled(start())
    folder = tmp_path / "journal"
    log = {number: entry_of(number) for number in range(1, 46)}
    for name, first in (("00000001", 1), ("tail", 41)):
        whole = (folder / name).read_bytes()
        for at in range(len(whole)):
            (folder / name).write_bytes(whole[:at] + bytes([whole[at] ^ pattern]) + whole[at + 1 :])
            journal = start()
            lost = first + at // 24
            assert read_log(journal) == {number: entry for number, entry in log.items() if number != lost}
            assert f"the log is damaged from entry {lost} to entry {lost}" in journal.reported
            assert journal.newest() == 45
        (folder / name).write_bytes(whole)


@pytest.mark.parametrize("name", ["00000001", "tail"])
def test_a_log_file_cut_anywhere_loses_its_end_alone_and_the_log_goes_on(start, tmp_path, name):
    filled(start())
    folder = tmp_path / "journal"
    kept = tmp_path / "kept"
    shutil.copytree(folder, kept)
    size = (folder / name).stat().st_size
    first = 1 if name != "tail" else 41
    for cut in range(1, size, 11):
        shutil.rmtree(folder)
        shutil.copytree(kept, folder)
        (folder / name).write_bytes((kept / name).read_bytes()[:cut])
        journal = start()
        newest = journal.newest()
        for number in range(newest + 1, newest + 51):
            journal.append(bytearray(entry_of(number)), 16)
        log = read_log(start())
        assert all(log[number] == entry_of(number) for number in log)
        whole = {*range(1, first), *range(first, first + cut // 24), *range(newest + 1, newest + 51)}
        assert whole <= set(log)


def test_a_log_whose_tail_is_noise_goes_on_after_the_numbers_it_took(start, tmp_path):
    filled(start())
    (tmp_path / "journal" / "tail").write_bytes(bytes(5 * 24))
    journal = start()
    journal.append(bytearray(entry_of(46)), 16)
    assert list(read_log(journal)) == [*range(1, 41), 46]
    assert journal.reported.count("the log is damaged from entry 41 to entry 45") == len(journal.reported) == 1


def test_files_of_somebody_else_in_the_folder_are_left_alone(start, tmp_path):
    folder = tmp_path / "journal"
    folder.mkdir()
    for name in ("notes.txt", "123", "0000000x"):
        (folder / name).write_text("mine")
    filled(start(), 1500)
    assert all((folder / name).read_text() == "mine" for name in ("notes.txt", "123", "0000000x"))


def test_a_short_entry_is_filled_up_with_zeros(start):
    journal = start()
    journal.append(b"abcdef", 3)
    assert read_log(journal) == {1: b"abc" + bytes(13)}


def test_a_journal_that_cannot_make_its_folder_reports_so_and_raises_nothing(start, tmp_path):
    (tmp_path / "file").write_text("no folder")
    journal = start(tmp_path / "file" / "journal")
    assert not journal.append(bytes(16), 16)
    assert not journal.save(0, bytes(SETTINGS_SIZE), SETTINGS_SIZE)
    assert journal.newest() == 0
    assert journal.reported


@pytest.mark.requirement("REQ-DOSE-4")
def test_scratch_values_lie_in_the_four_watchdog_registers_that_outlive_a_watchdog_reset(board, start):
    registers = board[0].mem32
    journal = start()
    for index, value in enumerate((2**30 - 1, 0x2A5A5A5, 0, 7)):
        journal.scratch_write(index, value)
        assert registers[SCRATCH[index]] == value
    registers[SCRATCH[3]] = 0xFFFFFFFF
    again = start()
    assert [again.scratch_read(index) for index in range(4)] == [2**30 - 1, 0x2A5A5A5, 0, 2**30 - 1]


def test_the_watchdog_is_fed_before_each_access_to_the_flash(board, tmp_path):
    fed = []
    journal = board[1]("journal").Journal(str(Path(tmp_path) / "journal"), feed=lambda: fed.append(1))
    fed.clear()
    journal.save(0, bytes(SETTINGS_SIZE), SETTINGS_SIZE)
    assert len(fed) == 4
