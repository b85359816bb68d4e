"""The client's side of the link: sessions, sequences, three tries, and the rule for an unknown outcome.

A command whose reply never came is `pending`: its outcome is unknown, and until STATUS or HELLO has shown whether it
was executed only STATUS and STOP are sent. If it was not executed, a copy may still be on its way. So the same command
may be sent again under its own sequence number (the pump executes a sequence number once), and before any other command
a new session is opened, in which the copy is refused.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable

from flushlink import messages

from flushpump.errors import ExecutedLateError, NoReplyError, OutcomeUnknownError, RefusedError, UsageError, refusal_of
from flushpump.link.framing import FrameStream
from flushpump.link.pending import PendingCommand, ResolvedCommand
from flushpump.link.port_lock import PortLock
from flushpump.wire import codec
from flushpump.wire.events import Event, event_from_wire
from flushpump.wire.messages import Hello, Status

TRY_S = 0.15
TRIES = 3
HELLO_TRIES = 8

_WRONG_SESSION = 3
_WRONG_SEQUENCE = 4
_VERSION = 5
# Telemetry that is this many events older than the newest was delayed; an older one is of a restarted pump.
_LATE_EVENTS = 64
_NUMBERS = {name: layout.number for name, layout in codec.REQUESTS.items()}

Values = dict[str, int | bytes]


class Session:
    """One pump over one stream. `lock`: whether this program may read it. `prove`: proves the key in a new session."""

    def __init__(
        self, stream: FrameStream, lock: PortLock, name: str, nonce: Callable[[int], bytes] = secrets.token_bytes
    ) -> None:
        self._stream = stream
        self.lock = lock
        self._name = name
        self._nonce = nonce
        # A random start, so that a late reply to an earlier client does not match a query of this one.
        self._query_counter = self._before_queries = int.from_bytes(nonce(2), "little")
        # Whether the pump has answered a STOP that this program did not send.
        self.stopped_by_another = False
        self._events: deque[Event] = deque()
        self._newest_telemetry = -1
        self._executed = (0, 0)
        self._unsent: PendingCommand | None = None
        # Proves the pairing key; False when the pump cannot take the proof while it moves.
        self.prove: Callable[[bytes], bool] | None = None
        self._to_prove: bytes | None = None
        self.session = 0
        self.sequence = 0
        self.superseded = False
        self.table_matches = True
        # Only for leaving a firmware that is to be replaced.
        self.any_table = False
        self.pending: PendingCommand | None = None
        self.resolved: ResolvedCommand | None = None

    @property
    def now_s(self) -> float:
        """Seconds of the port's clock."""
        return self._stream.now_s

    def hello(self) -> Hello:
        """Opens a new session; the answer resolves a pending command. NoReplyError, RefusedError."""
        host_nonce = self._nonce(8)
        # A 00 ends the part of a frame that the pump may have received before.
        self._stream.send(b"\0")
        reply = self._query("HELLO", {"host_nonce": host_nonce, "table_hash": codec.TABLE_HASH}, HELLO_TRIES)
        self._check_version(reply)
        if reply.status:
            raise refusal_of("HELLO", reply.status)
        hello = Hello.from_wire(self._unpack("HELLO", reply))
        self.table_matches = hello.table_hash == codec.TABLE_HASH
        if reply.version == messages.VERSION and not self.table_matches and not self.any_table:
            raise RefusedError(
                "the pump's firmware was built with another message table than this program",
                "flash the firmware of this version",
                _VERSION,
            )
        self._resolve(reply.session, (hello.last_session, hello.last_executed_sequence), None)
        self.session = reply.session
        self.sequence = 0
        self.superseded = False
        self.pending = None
        self._unsent = None
        self._executed = (hello.last_session, hello.last_executed_sequence)
        self._newest_telemetry = -1
        self._to_prove = host_nonce + hello.device_nonce + self.session.to_bytes(2, "little")
        self._prove()
        return hello

    def status(self) -> Status:
        """Reads STATUS; resolves a pending command, see `resolved`. NoReplyError when nothing answers."""
        reply = self._query("STATUS", {}, TRIES)
        status = Status.from_wire(self._unpack("STATUS", reply))
        if self.session:
            last = status.last_session, status.last_executed_sequence
            self._resolve(reply.session, last, status.last_executed_status)
            self.superseded = self.superseded or reply.session != self.session
        return status

    def send_stop(self) -> int:
        """Sends STOP without waiting; returns its number, for stop_reply."""
        self._stream.send(self._next_query("STOP", {}))
        return self._query_counter

    def stop_reply(self, first: int, until_s: float) -> Values | None:
        """The answer to the STOP with number `first` or to a later one; None when none has come. RefusedError."""
        reply = self._reply_to(_NUMBERS["STOP"], first, self._query_counter, until_s)
        return None if reply is None else self._unpack("STOP", reply)

    def command(self, name: str, values: Values | None = None) -> Values:
        """Sends the session's next command and returns the reply's values.

        UsageError for a value outside its range, RefusedError with the pump's reason, OutcomeUnknownError after three
        tries without an answer or while an earlier outcome is unknown.
        """
        try:
            payload = codec.REQUESTS[name].pack(values or {})
        except codec.FieldError as problem:
            raise UsageError(str(problem)) from problem
        pending = self._admit(name, payload)
        if codec.ADMISSION[name] == messages.THERAPY and self._to_prove is not None and self._prove():
            pending = self._admit(name, payload)
        self.pending = pending
        return self._transact(pending)

    def _prove(self) -> bool:
        """Proves the pairing key if that is still to be done; returns whether anything was sent."""
        if self.prove is None or self._to_prove is None:
            return False
        if self.prove(self._to_prove):
            self._to_prove = None
        return True

    def events(self, until_s: float) -> list[Event]:
        """The events that have come; waits for the first one until `until_s`."""
        while not self._events:
            frame = self._stream.receive(until_s)
            if frame is None:
                break
            self._sort(frame)
        found = list(self._events)
        self._events.clear()
        return found

    def listen(self, until_s: float) -> None:
        """Waits; events that come meanwhile are kept."""
        while (frame := self._stream.receive(until_s)) is not None:
            self._sort(frame)

    def close(self) -> None:
        """Closes the port."""
        self._stream.close()

    def _admit(self, name: str, payload: bytes) -> PendingCommand:
        if self.pending is not None:
            raise _unknown(self.pending)
        if self.superseded:
            raise refusal_of(name, _WRONG_SESSION)
        unsent = self._unsent
        if unsent is not None:
            if (unsent.name, unsent.payload) == (name, payload):
                self._unsent = None
                return unsent
            self.hello()
            if self.resolved is not None and self.resolved.executed:
                raise ExecutedLateError(
                    f"{unsent.name} was executed after all, late", "read the status before the next command"
                )
        sequence = self.sequence % 65535 + 1
        encoded = self._encode(name, sequence, payload)
        return PendingCommand(name, self.session, sequence, payload, encoded, self._executed)

    def _transact(self, pending: PendingCommand) -> Values:
        for _ in range(TRIES):
            pending.sends += 1
            self._stream.send(pending.encoded)
            until_s = self.now_s + TRY_S
            number, sequence = _NUMBERS[pending.name], pending.sequence
            while (reply := self._reply_to(number, sequence, sequence, until_s)) is not None:
                if reply.session == pending.session:
                    return self._conclude(pending, reply)
                if reply.status == _WRONG_SESSION:
                    self._lost_session(pending)
        raise _unknown(pending)

    def _conclude(self, pending: PendingCommand, reply: codec.Frame) -> Values:
        self.pending = None
        if reply.status == _WRONG_SEQUENCE:
            # Only this client sends in its session, so a wrong number means that the session cannot be used any more.
            self.superseded = True
            raise refusal_of(pending.name, reply.status)
        self.sequence = pending.sequence
        self._executed = (pending.session, pending.sequence)
        self._check_version(reply)
        if reply.status:
            raise refusal_of(pending.name, reply.status)
        return self._unpack(pending.name, reply)

    def _lost_session(self, pending: PendingCommand) -> None:
        """Returns when that WRONG_SESSION was a late one of an earlier session, which only STATUS shows."""
        try:
            self.status()
        except NoReplyError as problem:
            raise _unknown(pending) from problem
        if not self.superseded:
            self.pending, self._unsent = pending, None
            return
        executed = self.resolved.executed if self.resolved is not None else None
        if executed or (executed is None and pending.sends > 1):
            raise OutcomeUnknownError(
                f"{self.resolved}, and the session has ended", "open the pump again and read its status"
            )
        raise refusal_of(pending.name, _WRONG_SESSION)

    def _resolve(self, session: int, last: tuple[int, int], status: int | None) -> None:
        pending = self.pending or self._unsent
        if pending is None:
            return
        if last == (pending.session, pending.sequence):
            self.resolved = ResolvedCommand(pending.name, True, status)
            self.sequence = pending.sequence
            self._executed = last
            self._unsent = None
        elif last == pending.before:
            self.resolved = ResolvedCommand(pending.name, False, None)
            self._unsent = pending if session == pending.session else None
        else:
            self.resolved = ResolvedCommand(pending.name, None, None)
            self._unsent = None
            self.superseded = True
        self.pending = None

    def _next_query(self, name: str, values: Values) -> bytes:
        self._query_counter = (self._query_counter + 1) & 0xFFFF
        return self._encode(name, self._query_counter, codec.REQUESTS[name].pack(values))

    def _query(self, name: str, values: Values, tries: int) -> codec.Frame:
        encoded, number = self._next_query(name, values), self._query_counter
        for _ in range(tries):
            self._stream.send(encoded)
            reply = self._reply_to(_NUMBERS[name], number, number, self.now_s + TRY_S)
            if reply is not None:
                return reply
        raise NoReplyError(f"{self._name} does not answer", "check cable and power")

    def _encode(self, name: str, sequence: int, payload: bytes) -> bytes:
        kind = messages.KIND_REQUEST
        return codec.encode_frame(
            codec.Frame(messages.VERSION, kind, _NUMBERS[name], self.session, sequence, 0, payload)
        )

    def _reply_to(self, message: int, first: int, last: int, until_s: float) -> codec.Frame | None:
        """The response to one of these requests; events are kept, late and doubled replies are ignored."""
        while (frame := self._stream.receive(until_s)) is not None:
            self._sort(frame)
            is_response = frame.kind == messages.KIND_RESPONSE and frame.message == message
            if is_response and _is_between(frame.sequence, first, last):
                return frame
        return None

    def _sort(self, frame: codec.Frame) -> None:
        if frame.kind == messages.KIND_RESPONSE and frame.message == _NUMBERS["STOP"]:
            if not _is_between(frame.sequence, self._before_queries, self._query_counter):
                self.stopped_by_another = True
                self.lock.lend()
            return
        if frame.kind != messages.KIND_EVENT or (self.session and frame.session != self.session):
            return
        layout = codec.EVENTS.get(frame.message)
        if layout is None:
            return
        if layout.name == "TELEMETRY":
            if self._newest_telemetry >= 0 and (self._newest_telemetry - frame.sequence) & 0xFFFF < _LATE_EVENTS:
                return
            self._newest_telemetry = frame.sequence
        try:
            self._events.append(event_from_wire(layout.name, layout.unpack(frame.payload, longer=True)))
        except ValueError:
            # Any event may be lost; PULSE_READ, RESULT_READ and STATUS read the same again.
            return

    def _unpack(self, name: str, reply: codec.Frame) -> Values:
        try:
            return codec.RESPONSES[name].unpack(reply.payload, longer=reply.version != messages.VERSION)
        except ValueError as problem:
            sentence = f"the pump's answer is not valid: {problem}"
            raise RefusedError(sentence, "flash firmware of this version") from problem

    def _check_version(self, reply: codec.Frame) -> None:
        major = reply.version >> 4
        if major != messages.VERSION_MAJOR:
            raise RefusedError(
                f"the pump speaks protocol version {major}, this program version {messages.VERSION_MAJOR}",
                "update the older of the two; status and stop still work",
                _VERSION,
            )


def _is_between(number: int, first: int, last: int) -> bool:
    """Whether a 16-bit counter that went from `first` to `last` has had this number."""
    return (number - first) & 0xFFFF <= (last - first) & 0xFFFF


def _unknown(pending: PendingCommand) -> OutcomeUnknownError:
    return OutcomeUnknownError(
        f"{pending.name} was not answered, so it is not known whether it was executed",
        "read the status, or stop the pump",
    )
