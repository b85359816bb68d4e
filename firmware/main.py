"""Starts the pump on a board: the ports of `hardware` under the control loop of `pump`, a tick every 5 ms.

Every way out of the loop ends the steps and switches the driver off first. Asked for the prompt (a SERVICE command, or
the service strap at the start), the loop ends for good; after a fault the watchdog restarts the board, and the log
gets an entry of it.
"""

import gc
import os
import sys
import time

import machine
import micropython
from micropython import const

_TICK_US = const(5_000)
# While modules are loaded: what loading leaves behind is collected before it scatters the heap.
_GARBAGE_MAX = const(8_192)
SERVICE = 1
# Flashing removes it first and writes it last.
MANIFEST = "/manifest.json"
# What only the start needs, in whatever module it is a name; a module that keeps one keeps all that it leads to.
START_ONLY = (
    "request", "response", "event", "ranges", "admissions", "event_sizes", "priorities", "setting_limits",
    "offsets", "size_of", "firmware_files", "ports", "board_data", "settling", "pressure_sensor",
)  # fmt: skip
# Likewise the methods of classes, whose objects are all made at the start: their code is 4 kB of the heap.
START_ONLY_METHODS = (
    "__init__", "handlers", "recover", "_count_boot", "_begin_log", "_find_tail", "_set_up_switches", "_channels",
    "_compare",
)  # fmt: skip
# Argument of a LOG_FAULT: the exception that ended the loop before the last start.
_EXCEPTION = const(1)


def main():
    # A 03 among what a host sends until the loop begins is no Ctrl-C; the prompt takes it as one again.
    micropython.kbd_intr(-1)
    gc.threshold(_GARBAGE_MAX)
    try:
        os.stat(MANIFEST)
    except OSError:
        # Files of two releases may fail in any way, so none is loaded.
        not_started("flashing was not completed; flash the board again")
        return
    try:
        import hardware
        from hardware.fault_log import FaultLog
        from hardware.watchdog import Watchdog
    except (ImportError, ValueError) as error:
        # ValueError: compiled for another MicroPython.
        not_started(f"the firmware cannot be loaded ({error}); flash the board again")
        return
    watchdog = Watchdog()
    faults = FaultLog(feed=watchdog.feed)
    try:
        parts = hardware.ports(faults.note, watchdog.feed)
    except ImportError as error:
        not_started(f"a file of the firmware is missing ({error}); flash the board again")
        return
    except ValueError as error:
        not_started(error)
        return
    except Exception as error:
        faults.keep(error)
        raise
    run(parts, watchdog, faults)


def run(parts, watchdog, faults):
    """Runs the pump until it is asked to leave; what it raises is kept in the fault log and goes on to the prompt."""
    # Held here, because an exception in machine code may leave the globals of another module in force.
    off = switch_off
    link = parts[1]
    steps = parts[2]
    request = 0
    try:
        if start_allowed(parts[5], parts[7]):
            request = control_loop(parts, watchdog, faults)
    except BaseException as error:
        off(steps)
        faults.keep(error)
        raise
    finally:
        off(steps)
        parts[5].show(0, 0)
        link.close()
    if request:
        from hardware.identity import mark_command

        # A restart at the prompt is one that was asked for, too.
        mark_command()
        if request == SERVICE:
            watchdog.stop()
        else:
            machine.reset()


def start_allowed(indicators, identity):
    """Whether the loop may begin; prints at the prompt why not."""
    if identity.complaint:
        not_started(identity.complaint)
        return False
    # The strap's bit of docs/firmware.md.
    if indicators.inputs() & 32:
        not_started("the service strap is set")
        return False
    return True


def not_started(why):
    print("flushpump: the pump does not start:", why)


def switch_off(steps):
    steps.stop()
    steps.enable(False)


def control_loop(parts, watchdog, faults):
    """The control loop; returns the controller's request. While the pump moves the heap is locked, as in its tests."""
    from pump.controller import Controller

    controller = Controller(*parts)
    if faults.take_new():
        note_fault(controller)
    forget_the_start()
    parts[1].open()
    gc.collect()
    gc.threshold(-1)
    watchdog.start()
    tick = controller.tick
    link = parts[1]
    due_us = time.ticks_us()
    while not controller.request:
        locked_while_moving(controller, tick)
        watchdog.feed()
        due_us = time.ticks_add(due_us, _TICK_US)
        if time.ticks_diff(due_us, time.ticks_us()) < 0:
            # Writing to the flash takes longer than a tick: missed ticks are not made up.
            due_us = time.ticks_us()
        link.check_bus()
        while link.listen(due_us):
            locked_while_moving(controller, controller.poll_for_stop)
    return controller.request


def locked_while_moving(controller, do):
    """Calls do(now_us)."""
    if controller.moving:
        micropython.heap_lock()
        try:
            do(time.ticks_us())
        finally:
            micropython.heap_unlock()
    else:
        do(time.ticks_us())


def note_fault(controller):
    """Logs that an exception ended the last loop; which one is in the fault log."""
    # Not in `control_loop`, whose stack would hold on to the table for as long as the loop runs.
    from flushlink.messages import LOG_FAULT

    controller.log.add(LOG_FAULT, _EXCEPTION, 0)


def forget_the_start():
    """Frees the message table, a sixth of the heap, and what was needed to read it and to make the ports."""
    for name in ("messages", "table_hash"):
        if sys.modules.pop("flushlink." + name, None):
            delattr(sys.modules["flushlink"], name)
    for key, module in sys.modules.items():
        for name in START_ONLY:
            if hasattr(module, name):
                delattr(module, name)
        if key.split(".")[0] in ("pump", "hardware"):
            for name in dir(module):
                part = getattr(module, name)
                if isinstance(part, type):
                    forget_methods(part)


def forget_methods(owner):
    """Frees the methods of a class that only the start needs."""
    for name in START_ONLY_METHODS:
        try:
            delattr(owner, name)
            # MicroPython leaves the method in the table's free place, where the collector finds it: None replaces it.
            setattr(owner, name, None)
        except (AttributeError, TypeError):
            # Not there, or a part of MicroPython.
            pass


if __name__ == "__main__":
    main()
