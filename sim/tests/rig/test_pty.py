"""The simulated pump on a pseudo-terminal, with pyserial as the client."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial  # type: ignore[import-untyped]
from flushsim.rig.base import TICK_US
from flushsim.rig.lockstep import HOST_BUFFER, Rig
from flushsim.rig.pty import PseudoTerminal, linked, serve

# A read that is answered never lasts so long: it only ends a test that hangs.
HANGS_S = 60


@pytest.fixture
def rig(stand_in: Path) -> Iterator[Rig]:
    with Rig("sim", firmware_root=stand_in) as rig:
        yield rig


@pytest.fixture
def path(rig: Rig) -> Iterator[str]:
    ended = threading.Event()
    terminal = PseudoTerminal()
    thread = threading.Thread(target=serve, args=(rig, terminal, 1.0, lambda: not ended.is_set()))
    thread.start()
    yield terminal.path
    ended.set()
    thread.join()
    terminal.close()


class WallClock:
    """A clock that `sleep` moves, and `away_s` before the step of that number: the machine has slept."""

    def __init__(self, rig: Rig, steps: int, away_s: dict[int, float]) -> None:
        self.now_s = 1000.0
        self.lags_us: list[float] = []
        self._rig = rig
        self._steps = steps
        self._away_s = away_s

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def goes_on(self) -> bool:
        """Notes by how much the pump is behind the clock."""
        self.lags_us.append((self.now_s - 1000.0) * 1_000_000 - self._rig.now_us)
        self.now_s += self._away_s.get(len(self.lags_us), 0.0)
        return len(self.lags_us) <= self._steps


def wait_for_steps(rig: Rig, count: int) -> None:
    until_us = rig.now_us + count * TICK_US
    while rig.now_us < until_us:
        time.sleep(0.005)


def ask(port: serial.Serial) -> int:
    port.write(b"e")
    answer = port.read(32)
    assert len(answer) == 32
    return int.from_bytes(answer[:4], "little")


def paced(rig: Rig, speed: float, steps: int, away_s: dict[int, float]) -> WallClock:
    clock = WallClock(rig, steps, away_s)
    terminal = PseudoTerminal()
    serve(rig, terminal, speed, clock.goes_on, clock.monotonic, clock.sleep)
    terminal.close()
    return clock


@pytest.mark.parametrize("speed", [1.0, 2.0, 0.5])
def test_the_pump_runs_at_the_speed_that_was_asked_for(rig: Rig, speed: float) -> None:
    clock = paced(rig, speed, 100, {})
    assert rig.now_us == 100 * TICK_US
    assert (clock.now_s - 1000.0) * speed == pytest.approx(rig.now_us / 1e6)


def test_the_pump_catches_up_with_a_machine_that_was_away_for_less_than_a_second(rig: Rig) -> None:
    clock = paced(rig, 1.0, 300, {100: 0.9})
    assert max(clock.lags_us) == pytest.approx(900_000, abs=2 * TICK_US)
    assert clock.lags_us[-1] == pytest.approx(0, abs=TICK_US)


def test_the_pump_does_not_make_up_for_a_longer_sleep_of_the_machine(rig: Rig) -> None:
    clock = paced(rig, 1.0, 300, {100: 5.0})
    assert clock.lags_us[-1] == pytest.approx(5_000_000, abs=2 * TICK_US)


def test_clients_come_and_go_and_the_pump_stays_the_same(path: str) -> None:
    last_us = 0
    for _ in range(4):
        with serial.Serial(path, 115200, timeout=HANGS_S) as port:
            now_us = ask(port)
            assert now_us > last_us
            last_us = now_us


def test_all_bytes_pass_as_they_are(path: str) -> None:
    with serial.Serial(path, 115200, timeout=0.2) as port:
        port.write(b"\x03\x04\x11\x13\r\n\x1a")
        assert port.read(100) == b"", "no echo"
        port.timeout = HANGS_S
        assert ask(port) > 0, "no signal, no end, no stop of the flow"


def test_what_was_sent_to_nobody_is_not_kept(rig: Rig, path: str) -> None:
    with serial.Serial(path, 115200, timeout=HANGS_S) as port:
        port.write(b"eeee")
    wait_for_steps(rig, 20)
    with serial.Serial(path, 115200, timeout=0.2) as port:
        assert port.read(100) == b""


def test_a_client_that_does_not_read_blocks_nothing(rig: Rig, path: str) -> None:
    with serial.Serial(path, 115200, timeout=HANGS_S) as port:
        for _ in range(30):
            port.write(b"e" * 64)
            wait_for_steps(rig, 2)
        assert len(port.read(HOST_BUFFER)) == HOST_BUFFER
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
    with pytest.raises(ValueError, match="is not a symbolic link"), linked("/dev/pts/99", link):
        pass
    assert link.read_text() == "precious"
