"""Starts the pump on a board: the ports of `hardware` under the control loop of `pump`, a step every 5 ms.

Every way out of the loop ends the steps and switches the driver off first. Asked for the prompt (a SERVICE command, or
the service strap at the start), the loop ends for good; after a fault the watchdog restarts the board.
"""

import gc
import sys
import time

import machine
import micropython

TURN_US = 5_000
SERVICE = 1


def main():
    try:
        import hardware
        from hardware.fault_log import FaultLog
        from hardware.watchdog import Watchdog
    except ImportError:
        print("flushpump: no hardware layer is installed on this board, so the pump does not start; flash it again")
        return
    watchdog = Watchdog()
    faults = FaultLog(feed=watchdog.feed)
    try:
        parts = hardware.ports(faults.note, watchdog.feed)
    except ValueError as error:
        print("flushpump: the pump does not start:", error)
        return
    run(parts, watchdog, faults)


def run(parts, watchdog, faults):
    """Runs the pump until it is asked to leave; what it raises is kept in the fault log and goes on to the prompt."""
    link = parts[1]
    steps = parts[2]
    request = 0
    try:
        if start_allowed(parts[5], parts[7]):
            request = turns(parts, watchdog)
    except BaseException as error:
        switch_off(steps)
        faults.keep(error)
        raise
    finally:
        switch_off(steps)
        parts[5].show(0, 0)
        link.close()
    if request == SERVICE:
        watchdog.stop()
    elif request:
        from hardware.identity import mark_command

        mark_command()
        machine.reset()


def start_allowed(indicators, identity):
    """Whether the loop may begin; tells at the prompt why it does not."""
    if identity.complaint:
        print("flushpump: the pump does not start:", identity.complaint)
        return False
    # The strap's bit of firmware/README.md.
    if indicators.inputs() & 32:
        print("flushpump: the service strap is set, so the pump does not start")
        return False
    return True


def switch_off(steps):
    steps.stop()
    steps.enable(False)


def turns(parts, watchdog):
    """The control loop; returns the controller's request. While the pump moves the heap is locked, as in its tests."""
    from pump.controller import Controller

    controller = Controller(*parts)
    forget_the_table()
    parts[1].open()
    gc.collect()
    watchdog.start()
    step = controller.step
    due_us = time.ticks_us()
    while not controller.request:
        if controller.moving:
            micropython.heap_lock()
            try:
                step(time.ticks_us())
            finally:
                micropython.heap_unlock()
        else:
            step(time.ticks_us())
        watchdog.feed()
        due_us = time.ticks_add(due_us, TURN_US)
        wait_us = time.ticks_diff(due_us, time.ticks_us())
        if wait_us > 0:
            time.sleep_us(wait_us)
        else:
            # Writing to the flash takes longer than a turn: turns that are lost are not caught up with.
            due_us = time.ticks_us()
    return controller.request


def forget_the_table():
    """Frees the message table, a sixth of the heap: all that is needed of it has been taken out by now."""
    if sys.modules.pop("flushlink.messages", None):
        del sys.modules["flushlink"].messages


if __name__ == "__main__":
    main()
