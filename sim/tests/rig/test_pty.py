"""The simulated pump on a pseudo-terminal, with pyserial as the client."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial  # type: ignore[import-untyped]
from flushsim.rig.lockstep import HOST_BUFFER, Rig
from flushsim.rig.pty import PseudoTerminal, linked, serve


@pytest.fixture
def path(stand_in: Path) -> Iterator[str]:
    ended = threading.Event()
    terminal = PseudoTerminal()
    with Rig("sim", firmware_root=stand_in) as rig:
        thread = threading.Thread(target=serve, args=(rig, terminal, 1.0, lambda: not ended.is_set()))
        thread.start()
        yield terminal.path
        ended.set()
        thread.join()
    terminal.close()


def ask(port: serial.Serial) -> int:
    port.write(b"e")
    answer = port.read(32)
    assert len(answer) == 32
    return int.from_bytes(answer[:4], "little")


def test_a_client_on_the_terminal_finds_the_pump_in_real_time(path: str) -> None:
    with serial.Serial(path, 115200, timeout=2, exclusive=True) as port:
        began_us, began_s = ask(port), time.monotonic()
        time.sleep(0.5)
        passed_us = ask(port) - began_us
        assert passed_us == pytest.approx((time.monotonic() - began_s) * 1_000_000, abs=50_000)


def test_clients_come_and_go_and_the_pump_stays_the_same(path: str) -> None:
    last_us = 0
    for _ in range(4):
        with serial.Serial(path, 115200, timeout=2) as port:
            now_us = ask(port)
            assert now_us > last_us
            last_us = now_us


def test_all_bytes_pass_as_they_are(path: str) -> None:
    with serial.Serial(path, 115200, timeout=0.2) as port:
        port.write(b"\x03\x04\x11\x13\r\n\x1a")
        assert port.read(100) == b"", "no echo"
        assert ask(port) > 0, "no signal, no end, no stop of the flow"


def test_what_was_sent_to_nobody_is_not_kept(path: str) -> None:
    with serial.Serial(path, 115200, timeout=2) as port:
        port.write(b"eeee")
    time.sleep(0.2)
    with serial.Serial(path, 115200, timeout=0.2) as port:
        assert port.read(100) == b""


def test_a_client_that_does_not_read_blocks_nothing(path: str) -> None:
    with serial.Serial(path, 115200, timeout=1) as port:
        for _ in range(30):
            port.write(b"e" * 64)
            time.sleep(0.01)
        assert len(port.read(30 * 64 * 32)) >= HOST_BUFFER
        ask(port)


def test_the_link_is_made_and_taken_away(tmp_path: Path) -> None:
    link = tmp_path / "pump"
    link.symlink_to("/dev/nowhere")
    with linked("/dev/pts/99", link) as path:
        assert path == str(link)
        assert str(link.readlink()) == "/dev/pts/99"
    assert not link.is_symlink()


def test_a_file_in_the_links_place_is_not_touched(tmp_path: Path) -> None:
    link = tmp_path / "pump"
    link.write_text("precious")
    with pytest.raises(ValueError, match="is no symbolic link"), linked("/dev/pts/99", link):
        pass
    assert link.read_text() == "precious"
