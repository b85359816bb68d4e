"""In the MicroPython VM: cuts the power at every operation of the flash, and looks at what the journal finds then.

Arguments: seed, calls, sectors, "small" or "real" sizes of the log. A long random row of saves and appends is made
once with all flash operations traced. Since LittleFS is deterministic, the image after the first n of them is what
a cut leaves there; a torn operation is half done, or left as noise. Prints one JSON line.
"""

import json
import os
import random
import sys

import vm_flash
from hardware import journal_log
from hardware.journal import Journal

SEED, CALLS, SECTORS, SIZES = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
KEPT = 1000
if SIZES == "small":
    journal_log.TAIL_ENTRIES = 3
    journal_log.SEGMENT_ENTRIES = 9
    journal_log.SEGMENTS = 3
    KEPT = 18
RECORD_SIZES = (56, 12, 4)
FOLDER = vm_flash.PLACE + "/journal"
APPEND = 3


class CheckError(Exception):
    pass


def demand(fact, *what):
    if not fact:
        raise CheckError(what)


def entry_of(number):
    return bytes((number * 7 + index * 13 + SEED) & 0xFF for index in range(16))


def start(reported):
    return Journal(FOLDER, reported.append)


def make_calls(journal, flash, count):
    """(operations so far, records so far, newest number) before the first call and after each."""
    states = [(0, [b"", b"", b""], journal.newest())]
    for _ in range(count):
        _, records, newest = states[-1]
        records = list(records)
        kind = random.choice((0, 1, 1, 2, APPEND, APPEND, APPEND, APPEND, APPEND, APPEND))
        if kind == APPEND:
            newest += 1
            demand(journal.append(entry_of(newest), 16), "append")
        else:
            records[kind] = bytes(random.getrandbits(8) for _ in range(RECORD_SIZES[kind]))
            demand(journal.save(kind, records[kind], len(records[kind])), "save")
        states.append((len(flash.trace), records, newest))
    return states


def read_record(journal, slot):
    buffer = bytearray(RECORD_SIZES[slot])
    count = journal.load(slot, buffer)
    demand(count in (0, len(buffer)), "load", slot, count)
    return bytes(buffer[:count])


def check_log(journal, newest, whole):
    """Every entry kept, or with `whole` False those at the oldest and newest ends and some between."""
    buffer = bytearray(16)
    oldest = journal.entry(1, buffer)
    if newest == 0:
        demand(oldest == -1, "an entry in an empty log")
        return
    demand(1 <= oldest <= max(1, newest - KEPT + 1), "oldest", oldest, newest)
    demand(journal.entry(newest + 1, buffer) == -1, "an entry after the newest")
    number = oldest
    while number <= newest:
        demand(journal.entry(number, buffer) == number, "hole", number)
        demand(bytes(buffer) == entry_of(number), "misread", number)
        number += 1 if whole or number < oldest + 2 or number > newest - 30 else 41


def check(image, before, after, whole):
    """What a start after the cut finds, and that all goes on from there; the operations that this made."""
    flash = vm_flash.Flash(image=image)
    vm_flash.mount(flash)
    try:
        reported = []
        journal = start(reported)
        newest = journal.newest()
        demand(before[2] <= newest <= after[2], "newest", newest)
        found = [read_record(journal, slot) for slot in range(3)]
        for slot in range(3):
            demand(found[slot] in (before[1][slot], after[1][slot]), "record", slot)
        check_log(journal, newest, whole)
        demand(journal.append(entry_of(newest + 1), 16), "append after")
        demand(journal.save(1, b"after a cut!", 12), "save after")
        journal = start(reported)
        demand(journal.newest() == newest + 1, "newest after", journal.newest())
        check_log(journal, newest + 1, whole)
        demand(read_record(journal, 1) == b"after a cut!", "record after")
        demand(read_record(journal, 0) == found[0], "settings after")
        demand(reported == [], "reported", reported)
    finally:
        vm_flash.unmount()
    return flash.trace, (0, [found[0], b"after a cut!", found[2]], newest + 1), (0, found, newest)


def cut_again(image, trace, end, begin):
    """Cuts within what the start after a cut does."""
    cuts = 0
    state = bytearray(image)
    for operation in trace:
        check(bytearray(state), begin, end, True)
        vm_flash.apply(state, operation)
        cuts += 1
    return cuts


def main():
    random.seed(SEED)
    flash = vm_flash.Flash(SECTORS)
    vm_flash.make(flash)
    vm_flash.mount(flash)
    os.mkdir(vm_flash.PLACE + "/pump")
    reported = []
    journal = start(reported)
    if SIZES == "real":
        for number in range(1, 1201):
            journal.append(entry_of(number), 16)
    first_image = bytearray(flash.image)
    flash.trace = []
    flash.erases = flash.programmed = 0
    states = make_calls(journal, flash, CALLS)
    vm_flash.unmount()
    demand(reported == [], "reported", reported)

    image = first_image
    cuts = torn_cuts = second_cuts = 0
    at = 0
    for done in range(len(flash.trace) + 1):
        while at + 1 < len(states) and states[at + 1][0] <= done:
            at += 1
        before = states[at]
        after = states[at + 1] if at + 1 < len(states) and before[0] < done else before
        whole = SIZES == "small"
        traced, end, begin = check(bytearray(image), before, after, whole)
        cuts += 1
        if done % 61 == 0 and whole:
            second_cuts += cut_again(image, traced, end, begin)
        if done == len(flash.trace):
            break
        after = states[at + 1]
        for torn in (1, 2):
            half = bytearray(image)
            vm_flash.apply(half, flash.trace[done], torn)
            check(half, before, after, whole)
            torn_cuts += 1
        vm_flash.apply(image, flash.trace[done])
    demand(image == flash.image, "replay")
    print(
        json.dumps(
            {
                "cuts": cuts,
                "torn_cuts": torn_cuts,
                "second_cuts": second_cuts,
                "newest": states[-1][2],
                "erases": flash.erases,
                "programmed": flash.programmed,
            }
        )
    )


main()
