"""The worked examples of SPECIFICATION.md, made with the host's codec so that their bytes are right."""

from __future__ import annotations

import hmac
from collections.abc import Iterator

from flushlink import messages
from flushpump.wire import codec
from flushpump.wire.messages import PhaseKind
from flushpump.wire.program import Phase, Program

_KEY = b"flushpump-bench!"
_HOST_NONCE = bytes.fromhex("0102030405060708")
_DEVICE_NONCE = bytes.fromhex("a0a1a2a3a4a5a6a7")
_SESSION = 0x1234
_PROGRAM = Program((Phase(PhaseKind.PULSES, 900_000, 2_000_000, count=2, pause_ms=400),), max_time_ms=30_000)

Values = dict[str, int | bytes]


def _hex(data: bytes) -> str:
    return data.hex(" ")


def cobs() -> str:
    """Single COBS encodings and one frame from header to wire."""
    plains = (b"", b"\0", b"\0\0", b"\x11\x22\0\x33", b"\x11\x22\x33\x44", b"\x11\0\0\0")
    lines = ["plain            encoded", "-----            -------"]
    lines += [f"{_hex(plain) or '(nothing)':<16} {_hex(codec.cobs_encode(plain))} 00" for plain in plains]
    frame = codec.Frame(messages.VERSION, messages.KIND_REQUEST, 0x02, 0x0102, 7, 0, b"")
    on_wire = codec.encode_frame(frame)
    plain = codec.cobs_decode(on_wire[:-1])
    lines += [
        "",
        "a STATUS request of session 0x0102 with sequence 7:",
        f"header           {_hex(plain[:9])}",
        f"CRC of these     0x{codec.crc16(plain[:9]):04x}, sent as {_hex(plain[9:])}",
        f"on the wire      {_hex(on_wire)}",
    ]
    return _block(lines)


def proof() -> bytes:
    """The proof of the example's keys and nonces."""
    return hmac.digest(_KEY, _HOST_NONCE + _DEVICE_NONCE + _SESSION.to_bytes(2, "little"), "sha256")[:16]


def authentication() -> str:
    """The worked proof."""
    return _block(
        [
            f"pairing key      {_hex(_KEY)}   ({_KEY.decode()})",
            f"host nonce       {_hex(_HOST_NONCE)}",
            f"device nonce     {_hex(_DEVICE_NONCE)}",
            f"session          0x{_SESSION:04x}, as {_hex(_SESSION.to_bytes(2, 'little'))}",
            f"proof            {_hex(proof())}",
        ]
    )


def exchange() -> str:
    """A whole flush of two pulses in hex."""
    lines: list[str] = []
    for arrow, title, frame in _frames():
        lines += [f"{arrow} {title}", f"  {_hex(codec.encode_frame(frame))}"]
    return _block(lines)


def _block(lines: list[str]) -> str:
    return "```\n" + "\n".join(lines) + "\n```\n"


def _frames() -> Iterator[tuple[str, str, codec.Frame]]:
    sequence = 0
    opened = 0x0900
    for name, request, response, comment in _STEPS:
        layout = codec.REQUESTS[name]
        is_open = codec.ADMISSION[name] == messages.OPEN
        opened, sequence = (opened + 1, sequence) if is_open else (opened, sequence + 1)
        number = opened if is_open else sequence
        session = 0 if name == "HELLO" else _SESSION
        payload = layout.pack(request)
        yield (
            "host:",
            f"{name}{comment}",
            codec.Frame(messages.VERSION, messages.KIND_REQUEST, layout.number, session, number, 0, payload),
        )
        yield "pump:", f"{name} done", codec.Frame(
            messages.VERSION, messages.KIND_RESPONSE, layout.number, _SESSION, number, 0,
            codec.RESPONSES[name].pack(response),
        )  # fmt: skip
        if name == "START":
            yield from _events(1)
        elif name == "KEEPALIVE":
            yield from _events(2)


def _events(part: int) -> Iterator[tuple[str, str, codec.Frame]]:
    for counter, (at, name, values, comment) in enumerate(_EVENTS):
        if at == part:
            layout = next(layout for layout in codec.EVENTS.values() if layout.name == name)
            yield (
                "pump:",
                f"event {name}{comment}",
                codec.Frame(
                    messages.VERSION, messages.KIND_EVENT, layout.number, _SESSION, 41 + counter, 0, layout.pack(values)
                ),
            )


_LEDGER: Values = {"driven_nl": 1_800_054, "relieved_nl": 0, "delivered_nl": 1_799_900, "uncertain_nl": 154}
_PULSE: Values = {
    "index": 0, "verdict": 1, "derated_percent": 0, "phase_index": 0, "intended_nl": 900_000, "driven_nl": 899_976,
    "delivered_nl": 899_736, "start_us": 0, "duration_us": 470_030, "pause_us": 400_000, "peak_pa": 83_004,
    "resistance_pa_s_per_ml": 44_346, "compliance_nl_per_kpa": 2_605, "residual_pa": 310, "evidence": 1,
    "seen_permille": 1_004, "limit_permille": 1_500,
}  # fmt: skip
_PATH: Values = {
    "barrel_diameter_um": 14_430, "line_flags": 0, "fluid": 1, "syringe_capacity_nl": 12_000_000,
    "syringe_loaded_nl": 10_000_000, "hard_limit_pa": 172_000, "working_limit_pa": 137_000,
    "flow_cap_nl_per_s": 2_000_000, "resistance_pa_s_per_ml": 7_000, "turbulence_pa_s2_per_ml2": 18_000,
    "compliance_nl_per_kpa": 2_500, "path_tag": 0x5EED, "known_permille": 0, "known_compliance_nl_per_kpa": 0,
    "open_permille": 84,
}  # fmt: skip
_STEPS: tuple[tuple[str, Values, Values, str], ...] = (
    ("HELLO", {"host_nonce": _HOST_NONCE, "table_hash": codec.TABLE_HASH}, {
        "device_nonce": _DEVICE_NONCE, "table_hash": codec.TABLE_HASH, "firmware_fingerprint": b"\x01\x02\x03\x04",
        "settings_fingerprint": b"\x05\x06\x07\x08", "firmware_version": b"\0\x01\0\0", "capabilities": 15,
        "boot_count": 3, "last_session": 0, "last_executed_sequence": 0, "lease_max_ms": 2000, "reset_cause": 1,
        "state": 1, "device_time_ms": 5_210,
    }, ": a new session, whose number is in the response's header"),
    ("AUTHENTICATE", {"proof": proof()}, {"authenticated": 1}, ": the session's first command, so sequence 1"),
    ("PATH_SET", _PATH, {
        "volume_per_step_pl": 102_212, "hard_limit_pa": 172_000, "working_limit_pa": 137_000,
        "flow_cap_nl_per_s": 2_000_000, "syringe_loaded_nl": 10_000_000, "device_time_ms": 5_240,
    }, ": a 10 mL syringe on a line that is not central"),
    ("PROGRAM_BEGIN", _PROGRAM.begin_values(), {"program_id": 1, "max_time_ms": 30_000}, ": one phase, 1.8 mL"),
    ("PROGRAM_PHASE", _PROGRAM.phase_values(0), {"index": 0, "flow_nl_per_s": 2_000_000, "duration_ms": 1_740},
     ": two pulses of 0.9 mL at 2 mL/s, each with 0.4 s of pause"),
    ("PROGRAM_COMMIT", {"program_crc": _PROGRAM.crc},
     {"program_crc": _PROGRAM.crc, "total_volume_nl": 1_800_000, "duration_ms": 1_740},
     f": 0x{_PROGRAM.crc:04x} over the 11 + 14 bytes of the two payloads before"),
    ("START", {"program_crc": _PROGRAM.crc, "lease_ms": 1_500},
     {"program_crc": _PROGRAM.crc, "lease_ms": 1_500, "device_time_ms": 5_300}, ": with a lease of 1.5 s"),
    ("KEEPALIVE", {"lease_ms": 1_500}, {"lease_ms": 1_500, "device_time_ms": 5_800}, ": half a second later"),
    ("PULSE_READ", {"index": 1}, {**_PULSE, "index": 1, "start_us": 870_030, "peak_pa": 83_208, "residual_pa": 95},
     ": the second pulse, whose event was lost"),
    ("STOP", {}, {
        "state": 1, "moving": 0, "driven_nl": 1_800_054, "delivered_nl": 1_799_900, "device_time_ms": 8_000,
    }, ": may be sent at any time; here nothing moves any more"),
)  # fmt: skip
_EVENTS: tuple[tuple[int, str, Values, str], ...] = (
    (1, "PHASE", {"phase_index": 0, "phase_kind": 2, "state": 2, "question": 0, "device_time_ms": 5_300}, ""),
    (1, "TELEMETRY", {
        "state": 2, "phase_index": 0, "pulse_index": 0, "flags": 0b10111111 & ~32, "device_time_ms": 5_350,
        "pressure_pa": 61_200, "flow_nl_per_s": 1_998_000, "driven_nl": 79_900, "delivered_nl": 31_000,
        "remaining_ms": 1_690,
    }, ", and so on every 50 ms"),
    (2, "PULSE_RESULT", _PULSE, " of the first pulse"),
    (2, "PROGRAM_END", {
        "outcome": 1, "verdict": 1, "pulse_count": 2, "alarm_code": 0, "program_crc": _PROGRAM.crc,
        "duration_ms": 1_745, "peak_pa": 83_208, "intended_nl": 1_800_000, **_LEDGER, "aspirated_nl": 0,
        "device_time_ms": 7_045,
    }, ": two pulses were begun, but the second one's result has not come"),
)  # fmt: skip
