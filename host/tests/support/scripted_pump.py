"""A small scripted pump behind an in-memory port: the device's link rules, written apart from the firmware.

The port has a simulated clock that advances only while somebody waits in `read`. `port.script` lists what the
line does to frames: lose, double, delay or damage the next ones of a message, in one direction.
"""

from __future__ import annotations

import hmac
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

import serial
from flushlink import messages
from flushpump.device.pump import DEFAULT_KEY
from flushpump.wire import codec
from flushpump.wire.messages import State, WireRecord

OK, WRONG_SESSION, WRONG_SEQUENCE, VERSION, NOT_AUTHENTICATED, WRONG_STATE = 0, 3, 4, 5, 6, 7
TO_PUMP, FROM_PUMP = "to pump", "from pump"
NAMES = {layout.number: name for name, layout in codec.REQUESTS.items()}
EVENTS = {layout.name: layout for layout in codec.EVENTS.values()}

Values = dict[str, int | bytes]


def zeros(layout: codec.Layout) -> Values:
    """The smallest allowed value of every field, 0 where that is allowed."""
    return {
        name: bytes(int(kind[1:])) if kind[0] == "b" else max(minimum, min(0, maximum))
        for name, kind, minimum, maximum, _ in layout.fields
    }


class ScriptedPump:
    """Answers by the link's rules; `executed` lists what ran, `answers` what a message is answered with."""

    def __init__(self) -> None:
        self.version = messages.VERSION
        self.table_hash = codec.TABLE_HASH
        self.key = DEFAULT_KEY
        self.executed: list[tuple[str, Values]] = []
        self.answers: dict[str, Callable[[Values], tuple[int, Values]]] = {}
        self.fields: dict[str, Values] = {}
        self.moving = False
        self.state = State.IDLE
        self.stops = 0
        self.stops_to_stand = 0
        self.boots = 0
        self._sessions = itertools.count(500, 7)
        self.restart()

    def restart(self) -> None:
        """Power off and on: all sessions are forgotten, nothing moves."""
        self.boots += 1
        self.session = self.sequence = 0
        self.last = (0, 0, 0)
        self.nonces: list[bytes] = []
        self.device_nonce = b""
        self.authenticated = False
        self.moving = False
        self.kept = (b"", b"")
        self.event_counter = 0

    def names(self) -> list[str]:
        """The commands that ran, in their order."""
        return [name for name, _ in self.executed]

    def receive(self, encoded: bytes) -> bytes:
        """The answer to one frame, b"" when it was damaged."""
        try:
            frame = codec.decode_frame(encoded)
        except codec.FrameError:
            return b""
        name = NAMES[frame.message]
        if codec.ADMISSION[name] == messages.OPEN:
            return self._open(name, frame)
        if frame.version >> 4 != self.version >> 4:
            return self._reply(frame, VERSION)
        if frame.session != self.session or not self.session:
            return self._reply(frame, WRONG_SESSION)
        if frame.sequence == self.sequence and self.kept[0] == encoded:
            return self.kept[1]
        if frame.sequence != self.sequence % 65535 + 1:
            return self._reply(frame, WRONG_SEQUENCE, self.sequence.to_bytes(2, "little"))
        self.sequence = frame.sequence
        status, values = self._execute(name, frame)
        self.last = (self.session, self.sequence, status)
        reply = self._reply(frame, status, codec.RESPONSES[name].pack(values) if status == OK else b"")
        self.kept = (encoded, reply)
        return reply

    def event(self, name: str, **values: int | WireRecord) -> bytes:
        """An event as it goes over the wire."""
        self.event_counter += 1
        layout = EVENTS[name]
        payload = layout.pack({**zeros(layout), **self.fields.get(name, {}), **values})
        frame = codec.Frame(
            self.version, messages.KIND_EVENT, layout.number, self.session, self.event_counter & 0xFFFF, 0, payload
        )
        return codec.encode_frame(frame)

    def _open(self, name: str, frame: codec.Frame) -> bytes:
        values = zeros(codec.RESPONSES[name])
        last_command: Values = {"last_session": self.last[0], "last_executed_sequence": self.last[1]}
        if name == "HELLO":
            nonce = frame.payload[:8]
            if nonce in self.nonces[:-1]:
                return self._reply(frame, WRONG_SESSION)
            if nonce not in self.nonces:
                self.nonces.append(nonce)
                self.session = next(self._sessions)
                self.sequence = 0
                self.authenticated = False
                self.device_nonce = len(self.nonces).to_bytes(8, "little")
            values |= {**last_command, "device_nonce": self.device_nonce, "table_hash": self.table_hash}
        elif name == "STATUS":
            values |= {
                **last_command,
                "last_executed_status": self.last[2],
                "flags": int(self.moving),
                "state": self.state,
            }
        else:
            self.stops += 1
            self.moving = self.moving and self.stops < self.stops_to_stand
            values["moving"] = int(self.moving)
        values |= self.fields.get(name, {})
        return self._reply(frame, OK, codec.RESPONSES[name].pack(values))

    def _execute(self, name: str, frame: codec.Frame) -> tuple[int, Values]:
        request = codec.REQUESTS[name].unpack(frame.payload)
        if name == "AUTHENTICATE" and self.moving:
            return WRONG_STATE, {}
        if name == "AUTHENTICATE":
            proved = self.nonces[-1] + self.device_nonce + self.session.to_bytes(2, "little")
            self.authenticated = hmac.digest(self.key, proved, "sha256")[:16] == request["proof"]
            return (OK, {"authenticated": 1}) if self.authenticated else (NOT_AUTHENTICATED, {})
        if codec.ADMISSION[name] == messages.THERAPY and not self.authenticated:
            return NOT_AUTHENTICATED, {}
        self.executed.append((name, request))
        status, values = self.answers.get(name, lambda _: (OK, {}))(request)
        layout = codec.RESPONSES[name]
        same = {field[0]: request[field[0]] for field in layout.fields if field[0] in request}
        return status, {**zeros(layout), **same, **self.fields.get(name, {}), **values}

    def _reply(self, frame: codec.Frame, status: int, payload: bytes = b"") -> bytes:
        response = codec.Frame(
            self.version, messages.KIND_RESPONSE, frame.message, self.session, frame.sequence, status, payload
        )
        return codec.encode_frame(response)


@dataclass
class Mishap:
    """What happens to the next `times` frames of a message in one direction; `message` "" means any."""

    direction: str
    message: str
    what: str
    times: int = 1
    delay_s: float = 0.0


@dataclass
class ScriptedPort:
    """The port, as far as the client needs pyserial's."""

    pump: ScriptedPump
    script: list[Mishap] = field(default_factory=list)
    now_s: float = 100.0
    gone: bool = False
    closed: bool = False

    def __post_init__(self) -> None:
        self.requests: list[str] = []
        self.on_request: Callable[[str], None] = lambda name: None
        self.schedule: list[tuple[float, Callable[[], bytes]]] = []
        self._order = itertools.count()
        self._to_pump: list[tuple[float, int, bytes]] = []
        self._to_host: list[tuple[float, int, bytes]] = []
        self._ready = b""

    def monotonic(self) -> float:
        return self.now_s

    @property
    def in_waiting(self) -> int:
        self._check()
        return len(self._ready)

    def write(self, data: bytes) -> int:
        self._check()
        for encoded in data.split(b"\0"):
            if encoded:
                self._travel(TO_PUMP, encoded)
        self._deliver()
        return len(data)

    def read(self, size: int = 1) -> bytes:
        """As pyserial's with a time-out of 10 ms, in simulated time."""
        self._check()
        until_s = self.now_s + 0.01
        while not self._ready and self.now_s < until_s:
            self.now_s = round(self.now_s + 0.001, 6)
            self._deliver()
        taken, self._ready = self._ready[:size], self._ready[size:]
        return taken

    def close(self) -> None:
        self.closed = True

    def at(self, seconds_from_now: float, send: Callable[[], bytes]) -> None:
        """The pump sends those bytes then."""
        self.schedule.append((self.now_s + seconds_from_now, send))

    def deliver_to_host(self, data: bytes) -> None:
        """Bytes that reach the host at once."""
        self._ready += data

    def _check(self) -> None:
        if self.gone:
            raise serial.SerialException("device disconnected")

    def _travel(self, direction: str, encoded: bytes) -> None:
        queue = self._to_pump if direction == TO_PUMP else self._to_host
        frame = codec.decode_frame(encoded)
        name = NAMES.get(frame.message, "event")
        if direction == TO_PUMP:
            self.requests.append(name)
            self.on_request(name)
        copies, delay_s = 1, 0.001
        for mishap in self.script:
            if mishap.direction == direction and mishap.message in ("", name) and mishap.times:
                mishap.times -= 1
                if mishap.what == "lose":
                    copies = 0
                elif mishap.what == "double":
                    copies = 2
                elif mishap.what == "delay":
                    delay_s = mishap.delay_s
                elif mishap.what == "damage":
                    encoded = bytes([encoded[0], encoded[1] ^ 0x40 or 1]) + encoded[2:]
                else:
                    raise ValueError(mishap.what)
                break
        for _ in range(copies):
            queue.append((self.now_s + delay_s, next(self._order), encoded))

    def _deliver(self) -> None:
        due = [entry for entry in self.schedule if entry[0] <= self.now_s]
        self.schedule = [entry for entry in self.schedule if entry[0] > self.now_s]
        for _, send in due:
            self._travel(FROM_PUMP, send()[:-1])
        for entry in sorted(self._to_pump):
            if entry[0] <= self.now_s:
                self._to_pump.remove(entry)
                if reply := self.pump.receive(entry[2]):
                    self._travel(FROM_PUMP, reply[:-1])
        for entry in sorted(self._to_host):
            if entry[0] <= self.now_s:
                self._to_host.remove(entry)
                self._ready += entry[2] + b"\0"
