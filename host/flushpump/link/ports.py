"""Serial ports: opening one by pyserial URL, and finding the one pump that is plugged in.

`/dev/ttyACM0`, `COM3`, `socket://`, `rfc2217://` and `flushsim://` all give the same kind of object. A
simulated port has `monotonic()`: its clock advances during a `read`.
"""

from __future__ import annotations

import errno
import re
from dataclasses import dataclass
from typing import Protocol, cast

import serial  # type: ignore[import-untyped]
from serial.tools import list_ports as serial_list_ports  # type: ignore[import-untyped]

from flushpump.errors import NoDeviceError, UsageError
from flushpump.link.url_handlers import handler_of

# Timeout of one read. It is set once, because some ports negotiate every change with the far end.
READ_WAIT_S = 0.01
WRITE_WAIT_S = 1.0

# Raspberry Pi's USB vendor number, and the product number that MicroPython's serial port has on its boards.
_PICO_VID = 0x2E8A
_PICO_PID = 0x0005


class Port(Protocol):
    """What the client needs of a pyserial object."""

    @property
    def in_waiting(self) -> int: ...

    def read(self, size: int = 1, /) -> bytes: ...

    def write(self, data: bytes, /) -> int | None: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class PortEntry:
    """A serial port of this computer. `candidate`: its USB numbers are those of a pump's board."""

    url: str
    description: str
    serial_number: str
    candidate: bool


def open_port(url: str, *, shared: bool = False) -> Port:
    """Opens the port, with `shared` even if another program uses it.

    Raises NoDeviceError, or UsageError for a flushsim:// URL that is not valid.
    """
    handler = handler_of(url)
    if handler is not None and handler.__name__ not in serial.protocol_handler_packages:
        serial.protocol_handler_packages.append(handler.__name__)
    options: dict[str, object] = {"baudrate": 115200, "timeout": READ_WAIT_S, "write_timeout": WRITE_WAIT_S}
    if is_local(url) and not shared:
        options["exclusive"] = True
    try:
        return cast(Port, serial.serial_for_url(url, **options))
    except (OSError, ValueError) as problem:
        if handler is not None:
            raise _no_simulator(problem) from problem
        remedy = _remedy(problem, stopping=shared)
        raise NoDeviceError(f"the port {url} cannot be opened: {_reason(problem)}", remedy) from problem


def is_local(url: str) -> bool:
    """Whether it is a serial port of this computer, which several programs can have open."""
    return "://" not in url


def _no_simulator(problem: Exception) -> UsageError | NoDeviceError:
    """The URL is not valid, or the simulator cannot run on this computer."""
    reason = " ".join(str(problem).split())
    if isinstance(problem.__cause__, (ValueError, OSError, UsageError)):
        return UsageError(f"there is no such simulated pump: {reason}")
    if _number(problem) == errno.ENOENT:
        return UsageError("this is not a simulator URL", "write flushsim:// or flushsim://?fault=occlusion@3s")
    return NoDeviceError(f"the simulated pump cannot be started: {reason}")


def _number(problem: Exception) -> int:
    """The system's error number, which pyserial often keeps in the text alone; 0 without one."""
    number = getattr(problem, "errno", None)
    found = re.search(r"Errno (\d+)|\((\d+), ", str(problem))
    return number if isinstance(number, int) else int(found[1] or found[2]) if found else 0


def _is_taken(problem: Exception) -> bool:
    return _number(problem) in (errno.EBUSY, errno.EAGAIN) or "exclusively lock" in str(problem)


def _remedy(problem: Exception, *, stopping: bool) -> str:
    if _is_taken(problem):
        if stopping:
            # On Windows a port has one owner.
            return "stop the pump there, or by its stop button"
        return "wait until it has ended; `flushpump stop` works beside it"
    return "see `flushpump ports`"


def _reason(problem: Exception) -> str:
    text = " ".join(str(problem).split())
    if _is_taken(problem):
        return "another program is using it"
    if "debug|info" in text:
        # pyserial's own text for any ValueError in a socket:// URL.
        return "host or number is wrong, as in socket://localhost:7000"
    if "NoneType" in text:
        return "host or number is missing, as in socket://localhost:7000"
    if "Name or service" in text or "getaddrinfo" in text:
        return "there is no such host"
    return {
        errno.ENOENT: "there is no such port",
        errno.ENXIO: "there is no such port",
        errno.ENODEV: "there is no such port",
        errno.EACCES: "this user may not use it (on Linux: join the group dialout)",
        errno.EPERM: "this user may not use it (on Linux: join the group dialout)",
        errno.ENOTTY: "it is no serial port",
        errno.EISDIR: "it is no serial port",
        errno.EINVAL: "it is no serial port",
        errno.EIO: "it is no working serial port",
        errno.ECONNREFUSED: "no program listens there",
        errno.ETIMEDOUT: "nothing answers there",
        errno.EHOSTUNREACH: "that host cannot be reached",
    }.get(_number(problem), text)


def list_ports() -> list[PortEntry]:
    """Every serial port of this computer, those that may be a pump first."""
    entries = [
        PortEntry(port.device, port.description or "", port.serial_number or "", _is_candidate(port.vid, port.pid))
        for port in serial_list_ports.comports()
    ]
    return sorted(entries, key=lambda entry: (not entry.candidate, entry.url))


def _is_candidate(vid: int | None, pid: int | None) -> bool:
    return vid == _PICO_VID and pid == _PICO_PID


def find_pump() -> str:
    """The URL of the one port that may be a pump; NoDeviceError when there is none or more than one."""
    candidates = [entry.url for entry in list_ports() if entry.candidate]
    if not candidates:
        raise NoDeviceError("no pump is plugged in", "plug one in, or name its port (flushsim:// is a simulated one)")
    if len(candidates) > 1:
        raise NoDeviceError(f"several ports may be the pump: {', '.join(candidates)}", "name one with --port")
    return candidates[0]
