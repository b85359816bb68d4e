"""Finds the board to flash and brings it to its REPL, MicroPython's prompt, with or without firmware on it.

The REPL answers Ctrl-C at once. Running firmware ignores Ctrl-C and ends with the command SERVICE.
"""

import contextlib
import time
from pathlib import Path

from flushpump.device.pump import DEFAULT_KEY, Pump
from flushpump.device.retry import execute_once
from flushpump.errors import (
    FlushPumpError,
    LinkLostError,
    NoDeviceError,
    NoReplyError,
    OutcomeUnknownError,
    RefusedError,
    UsageError,
)
from flushpump.link.ports import find_pump, list_ports, open_port
from flushpump.link.url_handlers import handler_of

OLDEST = (1, 28)
"""MicroPython below 1.27 continues DMA over a soft reset; below 1.28 the interrupt of DMA can crash there."""
OLDEST_AT_ALL = (1, 24)
GET_MICROPYTHON = "copy the .uf2 of MicroPython 1.28.0 or newer to it (micropython.org/download)"

# USB vendor and product ids of the bootloaders of RP2040 and RP2350.
_BOOTLOADERS = {("2e8a", "0003"): "RP2040", ("2e8a", "000f"): "RP2350"}
USB_DEVICES = Path("/sys/bus/usb/devices")
"""Where Linux lists what is on USB."""
REPL_PROMPT = b">>> "
# A carriage return, Ctrl-C twice to interrupt, Ctrl-B to leave the raw REPL.
_TO_REPL = b"\r\x03\x03\x02"
_REPL_S = 1.5
_ROUNDS = 3
_ROUNDS_RESTARTING = 10
_ROUND_S = 0.5
# After SERVICE the control loop ends, and the REPL starts.
_LEAVING_S = 10.0
_SIMULATED = b"SIM"
_STOP_FIRST = "wait until it has ended, or call flushpump stop first"
_STRAP = "set the board's service strap and restart it, so that it stays at its REPL, and run the command again"
# Statuses of the message table: other protocol version, not authenticated, wrong state.
_REMEDIES: dict[int | None, str] = {5: _STRAP, 6: _STRAP, 7: _STOP_FIRST}


def find_board(port: str | None) -> str:
    """The port of the one board that is plugged in, or the port given. NoDeviceError, UsageError."""
    if port:
        if "://" in port:
            what = "a simulated pump has no board" if handler_of(port) is not None else "that is no serial port"
            raise UsageError(f"{port} cannot be flashed: {what}", "name the board's own port, as in /dev/ttyACM0")
        return port
    try:
        return find_pump()
    except NoDeviceError as problem:
        if "several" in problem.message:
            raise
        refuse_bootloader()
        raise NoDeviceError("no board is plugged in", "plug one in, or name its port with --port") from problem


def refuse_bootloader() -> None:
    """NoDeviceError when a board waits in its bootloader."""
    for vendor in USB_DEVICES.glob("*/idVendor"):
        with contextlib.suppress(OSError):
            numbers = (vendor.read_text().strip(), vendor.with_name("idProduct").read_text().strip())
            if numbers in _BOOTLOADERS:
                raise NoDeviceError(f"a board is in its bootloader ({_BOOTLOADERS[numbers]}, BOOTSEL)", GET_MICROPYTHON)


def serial_number(port: str) -> str:
    """The serial number, which finds the board after a reset under another port name; "" without one."""
    return next((entry.serial_number for entry in list_ports() if entry.url == port), "")


def port_again(port: str, number: str) -> str:
    """The present port of the board with that serial number."""
    return next((entry.url for entry in list_ports() if number and entry.serial_number == number), port)


def bring_to_repl(port: str) -> None:
    """Brings the board to its REPL.

    Raises NoDeviceError; RefusedError while the pump moves, or if it does not accept the key.
    """
    absent: FlushPumpError | None = None
    received = b""
    for attempt in range(_ROUNDS_RESTARTING):
        # Firmware that fails at each start is at the REPL for a second before its watchdog restarts the board.
        if attempt >= _ROUNDS and absent is None and b"MicroPython" not in received and b"Traceback" not in received:
            break
        time.sleep(_ROUND_S if attempt else 0)
        try:
            received += read_until_prompt(port, _REPL_S, _TO_REPL)
            if received.endswith(REPL_PROMPT):
                return
            if _leave_loop(port):
                received += read_until_prompt(port, _LEAVING_S, _TO_REPL)
                if received.endswith(REPL_PROMPT):
                    return
        except NoDeviceError as problem:
            # A board that restarts is absent for a moment; one that was never there is not awaited.
            if attempt == 0:
                refuse_bootloader()
                raise
            absent = problem
        except LinkLostError as problem:
            absent = problem
    if absent is not None:
        raise NoDeviceError(f"the board at {port} does not come back", "plug it in again") from absent
    if received:
        raise NoDeviceError(f"the device at {port} is neither flushpump nor a MicroPython REPL", GET_MICROPYTHON)
    raise NoDeviceError(f"nothing answers at {port}", f"check the cable; without MicroPython on it {GET_MICROPYTHON}")


def read_until_prompt(port: str, timeout_s: float, call: bytes = b"") -> bytes:
    """The board's answer to `call`, up to its prompt if there is one. NoDeviceError, LinkLostError."""
    received = b""
    device = open_port(port)
    try:
        device.write(call)
        until_s = time.monotonic() + timeout_s
        while time.monotonic() < until_s and not received.endswith(REPL_PROMPT):
            received += device.read(max(1, device.in_waiting))
    except OSError as problem:
        raise LinkLostError(f"{port} has vanished ({problem})") from problem
    finally:
        with contextlib.suppress(OSError):
            device.close()
    return received


def _leave_loop(port: str) -> bool:
    """Ends running firmware by SERVICE; False if none answers. RefusedError."""
    pump = Pump(open_port(port), port, DEFAULT_KEY)
    # The firmware to be replaced can be of any release.
    pump.link.any_table = True
    try:
        pump.reopen()
        if pump.link.table_matches:
            if pump.info().unit.startswith(_SIMULATED):
                raise NoDeviceError(f"the pump at {port} is a simulated one", "there is no board to flash")
            if pump.status().moving:
                raise RefusedError("the pump moves", _STOP_FIRST)
        execute_once(pump, pump.service)
    except NoReplyError:
        return False
    except OutcomeUnknownError:
        # The next read shows whether the REPL is there.
        return True
    except RefusedError as refusal:
        if refusal.status in _REMEDIES:
            raise RefusedError(refusal.message, _REMEDIES[refusal.status]) from refusal
        raise
    finally:
        pump.close()
    return True
