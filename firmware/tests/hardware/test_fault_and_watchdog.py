"""What ended the loop can be read after the restart; the watchdog runs with the loop and no longer."""

import pytest


@pytest.fixture
def faults(board, tmp_path):
    return board[1]("fault_log").FaultLog(str(tmp_path / "journal"))


def fail(depth):
    if depth == 0:
        raise ValueError("the innermost \u00b5")
    fail(depth - 1)


def kept(faults, depth):
    try:
        fail(depth)
    except ValueError as error:
        faults.keep(error, "boot 7, 1234 ms after the start")


def test_the_last_exception_is_kept_with_its_traceback_over_a_restart(board, faults, tmp_path):
    kept(faults, 1)
    faults.keep(OSError(19, "no sensor"), "boot 8")
    kept(faults, 2)
    text = board[1]("fault_log").FaultLog(str(tmp_path / "journal")).fault()
    assert text.startswith("boot 7, 1234 ms after the start\nTraceback")
    assert text.endswith("ValueError: the innermost \u00b5\n")
    assert "no sensor" not in text


def test_of_a_long_traceback_the_end_is_kept(faults):
    kept(faults, 80)
    assert len(faults.fault()) < 1600
    assert faults.fault().endswith("ValueError: the innermost \u00b5\n")


def test_a_fault_is_new_once(board, faults, tmp_path):
    assert not faults.take_new()
    kept(faults, 1)
    again = board[1]("fault_log").FaultLog(str(tmp_path / "journal"))
    assert [again.take_new(), again.take_new()] == [True, False]
    assert again.fault() != ""


def test_nothing_kept_is_no_text(faults):
    assert faults.fault() == ""
    assert faults.notes() == []


def test_a_sentence_is_noted_once_and_the_oldest_go_first(faults):
    for number in range(100):
        for _ in range(2):
            faults.note(f"settings.a is not used: reason {number}")
    notes = faults.notes()
    assert notes == [f"settings.a is not used: reason {number}" for number in range(100 - len(notes), 100)]
    assert 15 < len(notes) < 40
    faults.note("x" * 5000)
    assert faults.notes() == ["x" * 1000]


def test_clear_takes_both_away(faults):
    kept(faults, 1)
    faults.note("a sentence")
    faults.clear()
    faults.clear()
    assert (faults.fault(), faults.notes()) == ("", [])


@pytest.mark.parametrize("name", ["fault.txt", "notes.txt"])
def test_any_flipped_byte_of_a_kept_text_is_reported(faults, tmp_path, name):
    kept(faults, 1)
    faults.note("a sentence")
    file = tmp_path / "journal" / name
    whole = file.read_bytes()
    for at in range(len(whole)):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 0x81]) + whole[at + 1 :])
        assert f"({name} is damaged)" in [faults.fault(), *faults.notes()]


def test_what_the_journal_reports_of_damage_is_noted_and_can_be_read_after_the_restart(board, faults, tmp_path):
    folder = tmp_path / "journal"
    journal = board[1]("journal").Journal(str(folder), faults.note)
    journal.save(0, bytes(56), 56)
    for copy in "ab":
        (folder / f"settings.{copy}").write_bytes(b"of another time")
    for _ in range(3):
        assert board[1]("journal").Journal(str(folder), faults.note).load(0, bytearray(56)) == -1
    assert faults.notes() == [f"settings.{copy} is not used: it is too short for a record" for copy in "ab"]


@pytest.mark.requirement("REQ-STOP-4")
def test_the_watchdog_starts_with_the_loop_waits_one_second_and_is_fed_by_each_tick(board):
    machine, load = board
    watchdog = load("watchdog").Watchdog()
    watchdog.feed()
    assert machine.timers == []
    watchdog.start()
    watchdog.feed()
    watchdog.feed()
    assert [(timer.timeout, timer.fed) for timer in machine.timers] == [(1000, 2)]


def test_on_the_way_to_the_prompt_the_watchdog_is_switched_off_by_its_enable_bit(board):
    machine, load = board
    watchdog = load("watchdog").Watchdog()
    watchdog.start()
    watchdog.stop()
    watchdog.feed()
    assert machine.timers[0].fed == 0
    # The alias of CTRL that clears the bits that are written.
    assert machine.mem32 == {0x40058000 + 0x3000: 1 << 30}
