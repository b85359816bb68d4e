"""The board reports what really runs on it and why it started; its random bytes allocate nothing."""

import json
from binascii import crc32

import pytest

from firmware.tests.hardware.support.modules import CHIP_RESET, REASON, SCRATCH

COMPLETE = {
    "boot.py": "pass\n",
    "main.py": "import pump\n",
    "board.json": '{"name": "rpi_pico"}',
    "pump/a.mpy": "aaaa" * 400,
    "pump/b.py": "b = 1\n",
    "hardware/journal.mpy": "journal",
    "flushlink/frames.mpy": "frames",
}


@pytest.fixture
def identity(board):
    return board[1]("identity")


@pytest.fixture
def flashed(identity, tmp_path):
    """A folder as flashing leaves it."""
    for name, text in COMPLETE.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    write_manifest(identity, tmp_path)
    return tmp_path


def write_manifest(identity, root, version="0.1.0"):
    found = identity.fingerprint(str(root), version).hex()
    (root / "manifest.json").write_text(json.dumps({"version": version, "fingerprint": found}))


def test_a_completely_flashed_board_has_version_fingerprint_and_unit_and_no_complaint(identity, flashed):
    found = identity.Identity(str(flashed))
    assert found.complaint == ""
    assert found.firmware_version == (0, 1, 0)
    assert found.unit == b"\xe6\x61\x38\x52\x83\x12\x34\x56"
    crc = crc32(b"0.1.0")
    for name in sorted(COMPLETE):
        crc = crc32(COMPLETE[name].encode(), crc32(name.encode() + b"\0", crc))
    assert found.firmware_fingerprint == crc.to_bytes(4, "little")


@pytest.mark.parametrize("name", [*COMPLETE, "manifest.json"])
def test_any_flipped_byte_in_any_file_of_the_firmware_is_complained_of(identity, flashed, name):
    whole = (flashed / name).read_bytes()
    meant = json.loads((flashed / "manifest.json").read_text())
    for at in range(0, len(whole)):
        (flashed / name).write_bytes(whole[:at] + bytes([whole[at] ^ 0x01]) + whole[at + 1 :])
        try:
            same = json.loads((flashed / "manifest.json").read_text()) == meant
        except ValueError:
            same = False
        if name != "manifest.json" or not same:
            assert identity.Identity(str(flashed)).complaint, (name, at)


@pytest.mark.parametrize("name", [*COMPLETE, "manifest.json"])
def test_a_missing_file_is_complained_of(identity, flashed, name):
    (flashed / name).unlink()
    assert identity.Identity(str(flashed)).complaint.endswith("flash the board again")


def test_a_file_too_many_is_complained_of_and_the_journal_and_foreign_files_are_not(identity, flashed):
    (flashed / "journal").mkdir()
    (flashed / "journal" / "tail").write_text("log")
    (flashed / "notes.txt").write_text("mine")
    assert identity.Identity(str(flashed)).complaint == ""
    (flashed / "pump" / "old.mpy").write_text("of the last release")
    assert "not those of its manifest" in identity.Identity(str(flashed)).complaint


@pytest.mark.parametrize(
    "manifest",
    [b"", b"{", b"[]", b"7", b"{}", b'{"version": 3}', b'{"version": "0.1", "fingerprint": ""}', b"\xff"],
)
def test_a_manifest_that_reports_nothing_is_complained_of_in_one_sentence(identity, flashed, manifest):
    (flashed / "manifest.json").write_bytes(manifest)
    found = identity.Identity(str(flashed))
    assert found.firmware_version == (0, 0, 0)
    assert found.complaint.startswith("flashing was not completed")


def test_a_board_with_nothing_on_it_is_complained_of(identity, tmp_path):
    assert identity.Identity(str(tmp_path)).complaint
    assert identity.Identity(str(tmp_path / "nowhere")).complaint


@pytest.mark.parametrize(
    ("reason", "chip_reset", "marked", "cause"),
    [
        (0, 1 << 8, False, 1),
        (0, 1 << 16, False, 4),
        (1, 1 << 8, False, 2),
        (1, 1 << 16, False, 2),
        (2, 1 << 8, True, 3),
        (2, 1 << 8, False, 3),
        # From the prompt by Ctrl-D: the chip's registers still report of its last own reset.
        (1, 1 << 8, True, 3),
        (0, 1 << 8, True, 3),
    ],
)
def test_the_reset_cause_is_reported_from_the_chips_registers_and_the_mark_of_a_command(
    board, identity, flashed, reason, chip_reset, marked, cause
):
    registers = board[0].mem32
    if marked:
        identity.mark_command()
    registers[REASON] = reason
    registers[CHIP_RESET] = chip_reset
    assert identity.Identity(str(flashed)).reset_cause == cause


@pytest.mark.requirement("REQ-DOSE-4")
def test_the_mark_of_a_command_is_not_a_running_ledger_and_goes_when_the_ledger_recovers(board, identity, tmp_path):
    from pump.ledger import Ledger
    from pump.line_model import LineModel

    identity.mark_command()
    ledger = Ledger(LineModel(), board[1]("journal").Journal(str(tmp_path / "journal")))
    assert ledger.recover(250_000) == 0
    assert board[0].mem32[SCRATCH[0]] == 0
    assert identity.reset_cause() == 1


def test_random_bytes_differ_at_each_start_and_each_call(identity, flashed):
    nonces = set()
    for _ in range(20):
        found = identity.Identity(str(flashed))
        for _ in range(20):
            nonce = bytearray(8)
            found.entropy(nonce)
            nonces.add(bytes(nonce))
    assert len(nonces) == 400


def test_the_generator_of_random_bytes_is_rc4(identity):
    # The key of the known answer, repeated as RC4 repeats it, and one pass as RC4 makes it.
    state = list(range(256))
    key = b"Key"
    other = 0
    for index in range(256):
        other = (other + state[index] + key[index % 3]) & 255
        state[index], state[other] = state[other], state[index]
    generator = identity._Random(bytes(256))
    generator._state, generator._index, generator._other = bytearray(state), 0, 0
    stream = bytearray(9)
    generator.fill(stream)
    assert bytes(a ^ b for a, b in zip(stream, b"Plaintext", strict=True)).hex() == "bbf316e8d940af0ad3"
