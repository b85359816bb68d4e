"""SPECIFICATION.md: its generated parts are up to date, and its worked bytes are right."""

import hashlib
import hmac
import re
from pathlib import Path

from flushlink import frames, messages

from tools import make_specification

PROTOCOL = Path(__file__).parents[1]
TEXT = (PROTOCOL / "SPECIFICATION.md").read_text(encoding="utf-8")


def part(name: str) -> str:
    return TEXT.split(f"<!-- generated: {name} -->")[1].split("<!-- end -->")[0]


def plain_frames(text: str) -> list[tuple[bytes, int]]:
    """Each hex line of an exchange, decoded by the device's codec: the plain frame and its payload's length."""
    found = []
    for line in re.findall(r"^  ([0-9a-f ]+)$", text, re.MULTILINE):
        on_wire = bytearray.fromhex(line)
        assert on_wire[-1] == 0
        length = frames.unseal(on_wire, len(on_wire) - 1)
        assert length >= 0, line
        found.append((bytes(on_wire), length))
    return found


def test_the_generated_parts_are_up_to_date() -> None:
    assert make_specification.renewed(TEXT) == TEXT, "run python -m tools.make_specification"
    assert set(re.findall(r"<!-- generated: (\w+) -->", TEXT)) == set(make_specification.PARTS)


def test_every_message_event_status_alarm_and_setting_is_in_it() -> None:
    rows = (*messages.MESSAGES, *messages.EVENTS)
    for row in rows:
        assert f"### 0x{row[0]:02x} {row[1]}\n" in TEXT
    for row in (*messages.STATUSES, *messages.ALARMS, *messages.SETTINGS, *messages.STATES, *messages.LOG_CODES):
        assert f"| `{row[1]}` |" in TEXT


def test_its_links_lead_somewhere() -> None:
    heads = {
        re.sub(r"[^a-z0-9 _-]", "", head.lower()).replace(" ", "-") for head in re.findall(r"^#+ (.+)$", TEXT, re.M)
    }
    links = re.findall(r"\]\(#([^)]+)\)", TEXT)
    assert len(links) > 30
    assert set(links) <= heads


def test_the_worked_exchange_is_a_right_one() -> None:
    found = plain_frames(part("exchange"))
    kinds = [plain[frames.AT_KIND] for plain, _ in found]
    assert [kinds.count(kind) for kind in (1, 2, 3)] == [10, 10, 4]
    names = {row[0]: row for row in messages.MESSAGES}
    sequence = 0
    crc = 0xFFFF
    for plain, length in found:
        row = names.get(plain[frames.AT_MESSAGE])
        if row is None or plain[frames.AT_KIND] != messages.KIND_REQUEST:
            continue
        if row[2] != messages.OPEN:
            sequence += 1
            assert frames.get_u16(plain, frames.AT_SEQUENCE) == sequence
        end = messages.HEADER_SIZE + length
        if row[1] in ("PROGRAM_BEGIN", "PROGRAM_PHASE"):
            crc = frames.crc16(plain, messages.HEADER_SIZE, end, crc)
        if row[1] == "PROGRAM_COMMIT":
            assert frames.get_u16(plain, messages.HEADER_SIZE) == crc
    assert sequence == 8


def test_the_worked_proof_is_that_of_the_exchange() -> None:
    names = ("pairing key", "host nonce", "device nonce", "proof")
    found = [re.search(rf"^{name} +((?:[0-9a-f]{{2}} ?)+)", part("authentication"), re.MULTILINE) for name in names]
    key, host, device, proof = (bytes.fromhex(match[1]) for match in found if match)
    assert hmac.new(key, host + device + b"\x34\x12", hashlib.sha256).digest()[:16] == proof
    hello, hello_reply, authenticate = (plain for plain, _ in plain_frames(part("exchange"))[:3])
    at = messages.HEADER_SIZE
    assert hello[at : at + 8] == host
    assert hello_reply[at : at + 8] == device
    assert frames.get_u16(hello_reply, frames.AT_SESSION) == 0x1234
    assert authenticate[at : at + 16] == proof
