"""The journal on LittleFS in the real MicroPython VM: whole after a power cut at any operation of the flash."""

import json
import os
import subprocess
from pathlib import Path

import flushlink
import pytest
from flushlink import messages
from flushsim.firmware.vm import find_micropython

pytestmark = pytest.mark.slow

_HERE = Path(__file__).resolve().parent
_PATHS = (_HERE / "vm", _HERE.parents[1], Path(flushlink.__file__).parents[1])


def run_vm(script, *arguments):
    """The JSON line that the script prints; an exception in it fails the test with its traceback."""
    done = subprocess.run(
        [find_micropython(), "-X", "heapsize=64m", str(_HERE / "vm" / script), *map(str, arguments)],
        env={**os.environ, "MICROPYPATH": ":".join(map(str, _PATHS))},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.mark.requirement("REQ-LOG-1", "REQ-DOSE-4")
@pytest.mark.parametrize(
    ("seed", "calls", "sectors", "sizes"),
    [
        (1, 160, 24, "small"),
        pytest.param(2, 160, 24, "small", marks=pytest.mark.long),
        (3, 70, 40, "real"),
    ],
)
def test_after_a_power_cut_at_any_erase_or_program_each_record_is_old_or_new_and_the_log_has_no_hole(
    record_measurement, seed, calls, sectors, sizes
):
    found = run_vm("vm_power_cuts.py", seed, calls, sectors, sizes)
    assert found["erases"] > 10
    assert found["torn_cuts"] == 2 * (found["cuts"] - 1)
    cuts = found["cuts"] + found["torn_cuts"] + found["second_cuts"]
    record_measurement(f"journal, {sizes} log: power cuts", cuts, "cuts", (300, 9e9))


@pytest.mark.requirement("REQ-LOG-1")
def test_on_a_file_system_of_the_picos_size_an_append_seldom_erases_and_never_more_than_the_watchdog_allows(
    record_measurement,
):
    found = run_vm("vm_journal.py", "figures")
    assert found["reported"] == []
    oldest, newest, holes, misread = found["log"]
    assert (newest, holes, misread) == (7000, 0, 0)
    assert oldest <= 6001
    record_measurement("journal: sectors erased by one log entry", found["append"]["erases"], "sectors", 0.25)
    record_measurement("journal: bytes programmed by one log entry", found["append"]["bytes"], "bytes", 1000)
    record_measurement("journal: sectors erased by saving the ledger", found["save_ledger"]["erases"], "sectors", 0.3)
    record_measurement("journal: bytes programmed by saving the ledger", found["save_ledger"]["bytes"], "bytes", 1000)
    record_measurement(
        "journal: sectors erased by saving the settings", found["save_settings"]["erases"], "sectors", 0.3
    )
    # 400 ms each at worst, and the watchdog waits 1000 ms.
    record_measurement("journal: sectors erased between two feedings", found["most_erases_per_access"], "sectors", 2)


@pytest.mark.requirement("REQ-LOG-1")
@pytest.mark.parametrize("case", ["early", "late"])
def test_on_a_full_file_system_records_are_saved_and_the_oldest_entries_make_room_for_the_newest(case):
    found = run_vm("vm_journal.py", "full", case)
    oldest, newest, holes, misread = found["log"]
    assert (newest, holes, misread) == (found["appended"], 0, 0)
    assert newest - oldest >= (19 if case == "early" else 900)
    assert found["records"][:2] == [[56, 2], [12, 499 & 0xFF]]
    assert found["first"][0].endswith("the file system is full")
    oldest, newest, holes, misread = found["later"]
    assert (newest, holes, misread) == (3200, 0, 0)
    assert newest - oldest >= 999


def test_flash_that_takes_nothing_any_more_is_reported_and_raises_nothing_and_what_was_stored_stays():
    found = run_vm("vm_journal.py", "failing")
    assert found["taken"] == [False, False]
    assert [sentence.split(" ")[0] for sentence in found["reported"]] == ["tail", "settings.a", "settings.b"]
    assert found["records"][0] == [56, 1]
    assert found["log"] == [1, 51, 0, 0]
    assert found["goes_on"] is True


@pytest.mark.requirement("REQ-START-4")
def test_settings_of_an_older_layout_are_no_settings_until_they_are_stored_anew_and_nothing_else_is_lost():
    found = run_vm("vm_journal.py", "older")
    default = next(setting[4] for setting in messages.SETTINGS if setting[1] == "program_volume_cap_nl")
    assert found["found"] == [[False, default], [False, default], [True, 5_000_000]]
    assert found["taken"] is True
    reason = "it has the layout of another release (12345678, 56 bytes; this firmware has "
    assert [sentence.split(reason)[0] for sentence in found["reported"]] == [
        "settings.a is not used: ", "settings.b is not used: ",
    ] * 2  # fmt: skip
    assert found["after"] == []
    assert found["ledger"] == [12, 11]
    assert found["log"] == [1, 1, 0, 0]


def test_the_fault_log_is_the_old_or_the_new_one_after_a_power_cut_at_any_operation_and_stays_small():
    found = run_vm("vm_journal.py", "faults")
    assert found["operations"] > 60
    assert found["damaged"] == 0
    assert found["texts"] == ["", "depth 2", "depth 100", "depth 5"]
    assert found["text"].startswith("depth 5\nTraceback (most recent call last):\n")
    assert found["text"].endswith("in deep\nValueError: innermost\n")
    assert found["notes"][-1] == "sentence number 59"
    assert len(found["notes"]) == len(set(found["notes"]))
    assert len("\n".join(found["notes"])) <= 1000
