"""A test host of a link server or a whole controller: frames built and read with the host's own codec."""

import hmac
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from flushlink import messages
from flushlink.settings_record import OPEN_KEY, default_record
from flushpump.wire import codec

from firmware.tests.support.ports import Drive, Identity, Indicators, Journal, Link, Sensor, board_data

STATUS = {name: number for number, name, _ in messages.STATUSES}
STATUS_NAME = {number: name for number, name, _ in messages.STATUSES}
NUMBER = {row[1]: row[0] for row in messages.MESSAGES}


class Host:
    """Sends requests and reads what the device sent; `tick` is what lets the device work."""

    def __init__(self, link: Link, tick: Any) -> None:
        self.link = link
        self.tick = tick
        self.session = 0
        self.sequence = 0
        self.host_nonce = self.device_nonce = b""
        self._read = 0

    def frame(self, name: str, values: Mapping[str, Any] | bytes = b"", **header: int) -> bytes:
        payload = values if isinstance(values, bytes) else codec.REQUESTS[name].pack(values)
        sequence = header.get("sequence", self.sequence % 65_535 + 1)
        return codec.encode_frame(
            codec.Frame(
                header.get("version", messages.VERSION), header.get("kind", messages.KIND_REQUEST),
                header.get("message", NUMBER.get(name, 0)), header.get("session", self.session), sequence, 0, payload,
            )
        )  # fmt: skip

    def send(self, data: bytes, ticks: int = 3) -> list[codec.Frame]:
        """Bytes as they are; returns the responses that come in these ticks."""
        self.link.incoming += data
        for _ in range(ticks):
            self.tick()
        return self.responses()

    def responses(self) -> list[codec.Frame]:
        """Responses sent since the last look."""
        new = [codec.decode_frame(data[:-1]) for data in self.link.sent[self._read :]]
        self._read = len(self.link.sent)
        return [frame for frame in new if frame is not None and frame.kind == messages.KIND_RESPONSE]

    def ask(self, name: str, values: Mapping[str, Any] | bytes = b"", **header: int) -> codec.Frame:
        """One request and its response; an executed command moves `sequence` on."""
        (frame,) = self.send(self.frame(name, values, **header))
        if not header and codec.ADMISSION[name] != messages.OPEN:
            self.sequence = self.sequence % 65_535 + 1
        return frame

    def values(self, frame: codec.Frame) -> dict[str, Any]:
        assert frame.status == 0, STATUS_NAME[frame.status]
        name = next(row[1] for row in messages.MESSAGES if row[0] == frame.message)
        return dict(codec.RESPONSES[name].unpack(frame.payload))

    def hello(self, nonce: bytes = b"nonce-01") -> codec.Frame:
        frame = self.ask("HELLO", {"host_nonce": nonce, "table_hash": codec.TABLE_HASH})
        if frame.status == 0:
            self.session, self.sequence = frame.session, 0
            self.host_nonce, self.device_nonce = nonce, bytes(self.values(frame)["device_nonce"])
        return frame

    def authenticate(self, key: bytes = OPEN_KEY) -> codec.Frame:
        text = self.host_nonce + self.device_nonce + self.session.to_bytes(2, "little")
        return self.ask("AUTHENTICATE", {"proof": hmac.digest(key, text, "sha256")[:16]})


class Device:
    """A whole controller on ports in memory; the sensor reads rest pressure with a little noise."""

    def __init__(self, journal: Journal | None = None, reset_cause: int = 1, counts: Any = None, **board: int) -> None:
        from pump.board import Board
        from pump.controller import Controller

        self.drive = Drive()
        self.link = Link()
        self.indicators = Indicators()
        self.journal = journal or good_journal()
        self.noise = 0
        self.raw: int | None = None
        self.base = 8_388_608
        self.sensor = SimpleNamespace(read=self._read)
        self.now_us = 0
        self.pump = Controller(
            Board(board_data(**board)), self.link, self.drive, self.drive, self.sensor, self.indicators, self.journal,
            Identity(reset_cause),
        )  # fmt: skip
        self.host = Host(self.link, self.tick)

    def _read(self) -> int:
        self.noise = (self.noise * 5 + 17) % 64
        return self.base + self.noise if self.raw is None else self.raw

    def tick(self, count: int = 1) -> None:
        for _ in range(count):
            self.pump.tick(self.now_us)
            self.now_us = (self.now_us + 5_000) % 2**30
            self.drive.advance(5_000)

    def ready(self) -> Host:
        """Tested, with an authenticated session."""
        self.tick(25)
        self.host.hello()
        assert self.host.authenticate().status == 0
        return self.host


def good_journal() -> Journal:
    """A journal as flashing leaves it."""
    journal = Journal()
    journal.records[0] = bytes(default_record())
    return journal


PATH = {
    "barrel_diameter_um": 14_430, "line_flags": 0, "fluid": 1, "syringe_capacity_nl": 12_000_000,
    "syringe_loaded_nl": 10_000_000, "hard_limit_pa": 172_000, "working_limit_pa": 137_600,
    "flow_cap_nl_per_s": 2_000_000, "resistance_pa_s_per_ml": 0, "turbulence_pa_s2_per_ml2": 0,
    "compliance_nl_per_kpa": 2_000, "path_tag": 1,
    "known_permille": 0, "known_compliance_nl_per_kpa": 0, "open_permille": 0,
}  # fmt: skip

__all__ = ["NUMBER", "PATH", "STATUS", "STATUS_NAME", "Device", "Host", "Sensor", "good_journal"]
