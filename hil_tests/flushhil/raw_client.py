"""Single frames that the client would never send: wrong sessions, repeated or damaged commands, other versions."""

import hmac
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from flushlink import messages
from flushpump.device.pump import DEFAULT_KEY
from flushpump.link.framing import FrameStream
from flushpump.wire import codec

REPLY_S = 0.1


class RawClient:
    """A second client on the port; `session` and `sequence` are those of its own HELLO."""

    def __init__(self, port: Any) -> None:
        self._stream = FrameStream(port, "the pump")
        self.session = 0
        self.sequence = 0
        self.host_nonce = b""
        self.device_nonce = b""

    @property
    def now_s(self) -> float:
        return self._stream.now_s

    def send(self, data: bytes) -> None:
        """Sends bytes unchanged."""
        self._stream.send(data)

    def frame(
        self,
        name: str,
        values: Mapping[str, int | bytes] | bytes = b"",
        *,
        session: int | None = None,
        sequence: int | None = None,
        version: int = messages.VERSION,
        kind: int = messages.KIND_REQUEST,
    ) -> bytes:
        """An encoded request; `values` may be the payload itself. By default it continues this client's session."""
        layout = codec.REQUESTS[name]
        payload = values if isinstance(values, bytes) else layout.pack(values)
        return codec.encode_frame(
            codec.Frame(
                version,
                kind,
                layout.number,
                self.session if session is None else session,
                self.sequence % 65_535 + 1 if sequence is None else sequence,
                0,
                payload,
            )
        )

    def reply(self, wait_s: float = REPLY_S) -> codec.Frame | None:
        """The next response; events are dropped."""
        until_s = self.now_s + wait_s
        while (frame := self._stream.receive(until_s)) is not None:
            if frame.kind == messages.KIND_RESPONSE:
                return frame
        return None

    def replies(self, wait_s: float = REPLY_S) -> list[codec.Frame]:
        """All responses that come within the time."""
        until_s = self.now_s + wait_s
        found = []
        while (frame := self.reply(max(until_s - self.now_s, 0.0))) is not None:
            found.append(frame)
        return found

    def ask(self, name: str, values: Mapping[str, int | bytes] | bytes = b"", **header: int) -> codec.Frame:
        """Sends a request and returns its response; a command of the session increments `sequence`."""
        sent = self.frame(name, values, **header)
        self.send(sent)
        request = codec.decode_frame(sent[:-1])
        while (frame := self.reply()) is not None:
            if (frame.message, frame.sequence) == (request.message, request.sequence):
                break
        assert frame is not None, f"{name} was not answered"
        if not header and codec.ADMISSION[name] != messages.OPEN:
            self.sequence = self.sequence % 65_535 + 1
        return frame

    def hello(self, nonce: bytes | None = None) -> codec.Frame:
        """Opens a session without authentication, with a random nonce or the given one."""
        nonce = nonce or secrets.token_bytes(8)
        frame = self.ask("HELLO", {"host_nonce": nonce, "table_hash": codec.TABLE_HASH})
        if frame.status == 0:
            self.session, self.sequence = frame.session, 0
            self.host_nonce, self.device_nonce = nonce, bytes(self.values(frame)["device_nonce"])
        return frame

    def proof(self, key: bytes = DEFAULT_KEY) -> bytes:
        """The proof of the key in this session."""
        proven = self.host_nonce + self.device_nonce + self.session.to_bytes(2, "little")
        return hmac.digest(key, proven, "sha256")[:16]

    def authenticate(self) -> codec.Frame:
        return self.ask("AUTHENTICATE", {"proof": self.proof()})

    def status(self) -> dict[str, Any]:
        """STATUS, which is always answered."""
        return self.values(self.ask("STATUS"))

    def values(self, frame: codec.Frame) -> dict[str, Any]:
        """The response's fields."""
        name = next(name for name, layout in codec.REQUESTS.items() if layout.number == frame.message)
        return dict(codec.RESPONSES[name].unpack(frame.payload))


@contextmanager
def replies_lost(port: Any) -> Iterator[None]:
    """The device receives everything; its bytes are lost."""
    read = port.read
    port.read = lambda size=1: read(size) and b""
    try:
        yield
    finally:
        port.read = read


@contextmanager
def requests_lost(port: Any) -> Iterator[None]:
    """The host receives everything; its bytes are lost."""
    write = port.write
    port.write = len
    try:
        yield
    finally:
        port.write = write


def status_name(frame: codec.Frame) -> str:
    """Name of a response's status."""
    return next(name for number, name, _ in messages.STATUSES if number == frame.status)
