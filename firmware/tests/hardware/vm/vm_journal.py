"""In the MicroPython VM: the journal on a LittleFS of the Pico's size, on a full one, and on flash that fails.

Arguments: the case, and what it takes. Prints one JSON line with what was found; the test classifies it.
"""

import json
import os
import sys
import time

import vm_flash
from flushlink.messages import SETTINGS_COUNT
from flushlink.settings_record import SIZE, default_record
from hardware import journal_record
from hardware.fault_log import FaultLog
from hardware.journal import Journal
from pump import codes
from pump.settings import Settings

FOLDER = vm_flash.PLACE + "/journal"
PICO_SECTORS = 352


def entry_of(number):
    return bytes((number * 7 + index * 13) & 0xFF for index in range(16))


def fill(name, size):
    """A file of up to `size` bytes; True when the file system was full before that."""
    try:
        with open(vm_flash.PLACE + "/" + name, "wb") as file:
            for _ in range(size // 256):
                file.write(b"\xa5" * 256)
    except OSError:
        return True
    return False


def log_of(journal):
    """(oldest, newest, holes, entries misread)"""
    buffer = bytearray(16)
    oldest = journal.entry(1, buffer)
    holes = misread = 0
    for number in range(oldest, journal.newest() + 1):
        if journal.entry(number, buffer) != number:
            holes += 1
        elif bytes(buffer) != entry_of(number):
            misread += 1
    return oldest, journal.newest(), holes, misread


def records_of(journal):
    found = []
    for slot, size in enumerate((56, 12, 4)):
        buffer = bytearray(size)
        found.append((journal.load(slot, buffer), buffer[0]))
    return found


class Meter:
    """Erases and programmed bytes of each access, between two feedings of the watchdog."""

    def __init__(self, flash):
        self.flash = flash
        self.last = 0
        self.most_erases = 0

    def feed(self):
        self.most_erases = max(self.most_erases, self.flash.erases - self.last)
        self.last = self.flash.erases


def measure(flash, call, times):
    erases, programmed = flash.erases, flash.programmed
    before = time.ticks_us()
    for tick in range(times):
        call(tick)
        flash.trace.clear()
    return {
        "erases": (flash.erases - erases) / times,
        "bytes": (flash.programmed - programmed) / times,
        "us": time.ticks_diff(time.ticks_us(), before) / times,
    }


def figures():
    flash = vm_flash.Flash(PICO_SECTORS)
    vm_flash.make(flash)
    vm_flash.mount(flash)
    os.mkdir(vm_flash.PLACE + "/pump")
    for number in range(45):
        fill("pump/file" + str(number), 2560)
    meter = Meter(flash)
    meter.feed()
    meter.most_erases = 0
    reported = []
    journal = Journal(FOLDER, reported.append, meter.feed)
    append = measure(flash, lambda tick: journal.append(entry_of(tick + 1), 16), 5000)
    save = measure(flash, lambda tick: journal.save(1, bytes(12), 12), 1000)
    settings = measure(flash, lambda tick: journal.save(0, bytes(56), 56), 1000)
    for number in range(5001, 7001):
        journal.append(entry_of(number), 16)
        if number % 3 == 0:
            journal.save(number % 9 // 3, bytes((56, 12, 4)[number % 9 // 3]), (56, 12, 4)[number % 9 // 3])
        flash.trace.clear()
    meter.feed()
    before = time.ticks_us()
    journal = Journal(FOLDER, reported.append, meter.feed)
    start_us = time.ticks_diff(time.ticks_us(), before)
    space = os.statvfs(vm_flash.PLACE)
    return {
        "append": append,
        "save_ledger": save,
        "save_settings": settings,
        "start_us": start_us,
        "most_erases_per_access": meter.most_erases,
        "log": log_of(journal),
        "sectors_used": space[2] - space[3],
        "reported": reported,
    }


def full(case):
    """Files of somebody else take all the room, "late" when the log is long, or "early"."""
    flash = vm_flash.Flash(64)
    vm_flash.make(flash)
    vm_flash.mount(flash)
    reported = []
    journal = Journal(FOLDER, reported.append)
    number = 0
    while number < (1300 if case == "late" else 0):
        number += 1
        journal.append(entry_of(number), 16)
    journal.save(0, bytes([1]) * 56, 56)
    fills = 0
    while not fill("other" + str(fills), 2048):
        fills += 1
    for tick in range(500):
        if journal.append(entry_of(number + 1), 16):
            number += 1
        journal.save(1, bytes([tick & 0xFF]) * 12, 12)
        journal.save(0, bytes([2]) * 56, 56)
    flash.trace.clear()
    vm_flash.unmount()
    vm_flash.mount(flash)
    again = Journal(FOLDER, reported.append)
    result = {"appended": number, "log": log_of(again), "records": records_of(again), "first": reported[:1]}
    # Room again: the log goes on and grows to its size.
    for other in range(fills):
        os.remove(vm_flash.PLACE + "/other" + str(other))
    while number < 3200:
        number += 1
        again.append(entry_of(number), 16)
        flash.trace.clear()
    result["later"] = log_of(again)
    return result


def failing():
    """The chip takes no erase and no program any more, then does again."""
    flash = vm_flash.Flash(48)
    vm_flash.make(flash)
    vm_flash.mount(flash)
    reported = []
    journal = Journal(FOLDER, reported.append)
    for number in range(1, 51):
        journal.append(entry_of(number), 16)
    journal.save(0, bytes([1]) * 56, 56)
    flash.fails = True
    taken = [journal.append(entry_of(99), 16), journal.save(0, bytes([2]) * 56, 56)]
    FaultLog(FOLDER).keep(ValueError("while the flash fails"))
    flash.fails = False
    vm_flash.unmount()
    vm_flash.mount(flash)
    after = Journal(FOLDER, reported.append)
    goes_on = after.append(entry_of(after.newest() + 1), 16)
    log, records = log_of(after), records_of(after)
    return {"taken": taken, "log": log, "records": records, "reported": reported, "goes_on": goes_on}


def older():
    """Settings that a release with another table has left, and a start with this one; then they are stored anew."""
    flash = vm_flash.Flash(48)
    vm_flash.make(flash)
    vm_flash.mount(flash)
    reported = []
    own = journal_record.LAYOUTS
    journal_record.LAYOUTS = (0x12345678, own[1], own[2])
    journal = Journal(FOLDER, reported.append)
    journal.save(0, default_record(), SIZE)
    journal.save(1, bytes(range(12)), 12)
    journal.append(entry_of(1), 16)
    journal_record.LAYOUTS = own
    found = []
    for _ in range(2):
        journal = Journal(FOLDER, reported.append)
        settings = Settings(journal)
        found.append([settings.good, settings.get(codes.SETTING_PROGRAM_VOLUME_CAP_NL)])
    sentences = list(reported)
    taken = settings.set(codes.SETTING_PROGRAM_VOLUME_CAP_NL, 5_000_000) == 0
    for index in range(SETTINGS_COUNT):
        taken = taken and settings.set(index, settings.get(index)) == 0
    reported.clear()
    journal = Journal(FOLDER, reported.append)
    settings = Settings(journal)
    found.append([settings.good, settings.get(codes.SETTING_PROGRAM_VOLUME_CAP_NL)])
    ledger = bytearray(12)
    kept = [journal.load(1, ledger), ledger[11]]
    log = log_of(journal)
    return {"found": found, "reported": sentences, "after": reported, "taken": taken, "ledger": kept, "log": log}


def deep(depth):
    if depth == 0:
        raise ValueError("innermost")
    deep(depth - 1)


def faults():
    """The fault log under a power cut at each of its operations."""
    flash = vm_flash.Flash(16)
    vm_flash.make(flash)
    vm_flash.mount(flash)
    log = FaultLog(FOLDER)
    image = bytearray(flash.image)
    flash.trace.clear()
    for depth in (2, 100, 5):
        try:
            deep(depth)
        except ValueError as error:
            log.keep(error, "depth " + str(depth))
    for number in range(60):
        log.note("sentence number " + str(number))
        log.note("sentence number " + str(number))
    text, notes = log.fault(), log.notes()
    operations = len(flash.trace)
    vm_flash.unmount()
    texts, damaged = [], 0
    for operation in flash.trace:
        for torn in (0, 1, 2):
            cut = bytearray(image)
            vm_flash.apply(cut, operation, torn)
            vm_flash.mount(vm_flash.Flash(image=cut))
            found = FaultLog(FOLDER)
            first = found.fault().split("\n")[0]
            if first not in texts:
                texts.append(first)
            if "damaged" in first or any(not note.startswith("sentence number") for note in found.notes()):
                damaged += 1
            vm_flash.unmount()
        vm_flash.apply(image, operation)
    return {"text": text, "notes": notes, "operations": operations, "texts": texts, "damaged": damaged}


CASES = {"figures": figures, "full": full, "failing": failing, "faults": faults, "older": older}
print(json.dumps(CASES[sys.argv[1]](*sys.argv[2:])))
