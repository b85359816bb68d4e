"""Finding the board to flash, and bringing it to MicroPython's prompt from flushpump, from half of it or from nothing.

MicroPython's prompt answers to Ctrl-C at once. flushpump takes that for noise and is asked to leave by SERVICE.
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
"""FACTS of MicroPython: before 1.27 DMA went on over a soft reset, before 1.28 its interrupt could crash there."""
OLDEST_AT_ALL = (1, 24)
GET_MICROPYTHON = "copy the .uf2 of MicroPython 1.28.0 or newer to it (micropython.org/download)"

# Raspberry Pi's number, and those that the bootloaders of RP2040 and RP2350 have.
_BOOTLOADERS = {("2e8a", "0003"): "RP2040", ("2e8a", "000f"): "RP2350"}
USB_DEVICES = Path("/sys/bus/usb/devices")
"""Where Linux lists what is on USB."""
PROMPT = b">>> "
# A carriage return, Ctrl-C twice to interrupt, Ctrl-B to leave the raw prompt.
_TO_PROMPT = b"\r\x03\x03\x02"
_PROMPT_S = 1.5
_ROUNDS = 3
_ROUNDS_RESTARTING = 10
_ROUND_S = 0.5
# After SERVICE the loop ends, and a whole prompt comes up.
_LEAVING_S = 10.0
_SIMULATED = b"SIM"
_STOP_FIRST = "wait until it has ended, or call flushpump stop first"
_STRAP = "set the board's service strap and restart it, so that it stays at its prompt, and run the command again"
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
    """By which the board is found again after a reset, when its port may have another name; "" without one."""
    return next((entry.serial_number for entry in list_ports() if entry.url == port), "")


def port_again(port: str, number: str) -> str:
    """Where the board of that serial number is now."""
    return next((entry.url for entry in list_ports() if number and entry.serial_number == number), port)


def bring_to_prompt(port: str) -> None:
    """Leaves the board at its prompt.

    Raises NoDeviceError; RefusedError while the pump moves, or when it does not take the key.
    """
    away: FlushPumpError | None = None
    heard = b""
    for turn in range(_ROUNDS_RESTARTING):
        # A firmware that fails again and again is at the prompt for a second before its watchdog restarts the board.
        if turn >= _ROUNDS and away is None and b"MicroPython" not in heard and b"Traceback" not in heard:
            break
        time.sleep(_ROUND_S if turn else 0)
        try:
            heard += hear(port, _PROMPT_S, _TO_PROMPT)
            if heard.endswith(PROMPT):
                return
            if _leave_loop(port):
                heard += hear(port, _LEAVING_S, _TO_PROMPT)
                if heard.endswith(PROMPT):
                    return
        except NoDeviceError as problem:
            # One that restarts is away for a moment; one that was never there is not waited for.
            if turn == 0:
                refuse_bootloader()
                raise
            away = problem
        except LinkLostError as problem:
            away = problem
    if away is not None:
        raise NoDeviceError(f"the board at {port} does not come back", "plug it in again") from away
    if heard:
        raise NoDeviceError(f"what answers at {port} is neither flushpump nor MicroPython's prompt", GET_MICROPYTHON)
    raise NoDeviceError(f"nothing answers at {port}", f"check the cable; without MicroPython on it {GET_MICROPYTHON}")


def hear(port: str, patience_s: float, call: bytes = b"") -> bytes:
    """What the board says to `call`, up to its prompt if there is one. NoDeviceError, LinkLostError."""
    heard = b""
    device = open_port(port)
    try:
        device.write(call)
        until_s = time.monotonic() + patience_s
        while time.monotonic() < until_s and not heard.endswith(PROMPT):
            heard += device.read(max(1, device.in_waiting))
    except OSError as problem:
        raise LinkLostError(f"{port} has vanished ({problem})") from problem
    finally:
        with contextlib.suppress(OSError):
            device.close()
    return heard


def _leave_loop(port: str) -> bool:
    """Asks a running flushpump for the prompt; False when none answers. RefusedError."""
    pump = Pump(open_port(port), port, DEFAULT_KEY)
    # Its firmware may be of any release: that is why it is flashed.
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
        # The prompt will tell.
        return True
    except RefusedError as refusal:
        if refusal.status in _REMEDIES:
            raise RefusedError(refusal.message, _REMEDIES[refusal.status]) from refusal
        raise
    finally:
        pump.close()
    return True
