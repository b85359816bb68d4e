"""Starts the pump on a board: the ports of `hardware` under the control loop of `pump`, a step every 5 ms.

Without a hardware layer (firmware/hardware) nothing moves, and the prompt stays.
"""

import time


def main():
    try:
        from hardware import ports  # type: ignore[attr-defined,unused-ignore]
    except ImportError:
        print("flushpump: no hardware layer is installed on this board, so the pump does not start; flash it again")
        return
    from pump.controller import Controller

    controller = Controller(*ports())
    due_us = time.ticks_us()
    while not controller.request:
        controller.step(time.ticks_us())
        due_us = time.ticks_add(due_us, 5000)
        wait_us = time.ticks_diff(due_us, time.ticks_us())
        if wait_us > 0:
            time.sleep_us(wait_us)


main()
