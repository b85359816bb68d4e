"""`flushsim://` through pyserial itself: waiting advances the simulated clock, and nothing else does."""

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import flushsim.url.serial_urls
import pytest
import serial  # type: ignore[import-untyped]

assert flushsim.url.serial_urls.__name__ in serial.protocol_handler_packages

pytestmark = pytest.mark.usefixtures("stand_in_everywhere")


def open_port(query: str = "", timeout: float | None = 0.1) -> Any:
    return serial.serial_for_url(f"flushsim://?target=native{query}", timeout=timeout)


def test_read_advances_simulated_time_until_the_bytes_are_there() -> None:
    with open_port() as port:
        port.write(b"e")
        assert len(port.read(32)) == 32
        assert port.monotonic() == pytest.approx(0.010)


def test_read_lets_the_whole_timeout_pass_when_nothing_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    slept_s: list[float] = []
    with open_port(timeout=2.0) as port:
        monkeypatch.setattr("time.sleep", slept_s.append)
        assert port.read(1) == b""
        assert port.monotonic() == pytest.approx(2.0)
    assert slept_s == []


def test_read_returns_what_came_before_the_timeout() -> None:
    with open_port() as port:
        port.write(b"e")
        assert len(port.read(100)) == 32
        assert port.monotonic() == pytest.approx(0.1)


def test_asking_writing_and_a_timeout_of_zero_do_not_advance_the_clock() -> None:
    with open_port(timeout=0) as port:
        port.write(b"e")
        for _ in range(10):
            assert port.in_waiting == 0
            assert port.read(10) == b""
        assert port.monotonic() == 0
        port.rig.run_until(20_000)
        assert port.in_waiting == 32
        assert len(port.read(10)) == 10
        port.reset_input_buffer()
        assert port.in_waiting == 0


def test_options_reach_the_plant() -> None:
    with open_port("&line=picc-4f&needle=none&syringe=bd-20&fault=occlusion@3s&fault=link-delay:10ms@0s") as port:
        path = port.rig.plant.path
        assert path.catheter_bore_mm == 0.85
        assert path.needle_length_mm == 0
        assert path.barrel_mm == 19.05
        assert [fault.name for fault in port.rig.plant.faults] == ["occlusion"]
        port.write(b"e\0")
        assert len(port.read(1)) == 1
        assert port.monotonic() == pytest.approx(0.030), "10 ms more in each direction"


def test_a_number_draws_a_line_within_its_tolerances() -> None:
    bores = []
    for number in ("7", "7", "8"):
        with open_port(f"&line=picc-4f&needle=none&drawn={number}") as port:
            path = port.rig.plant.path
            assert path.breath_kpa > 0
            bores.append(path.catheter_bore_mm)
    assert bores[0] == bores[1] != bores[2]
    assert bores[0] == pytest.approx(0.85, rel=0.1)
    with pytest.raises(serial.SerialException, match="'drawn' in the simulator URL must be a whole number"):
        open_port("&drawn=1.5")


def test_the_clock_keeps_to_the_wall_clock_at_speed_1_and_goes_on_while_no_client_reads() -> None:
    with open_port("&speed=1", timeout=0.2) as port:
        began_s = time.monotonic()
        port.read(1)
        assert time.monotonic() - began_s >= 0.19
        time.sleep(0.3)
        assert port.in_waiting == 0
        assert 0.49 <= port.monotonic() <= time.monotonic() - began_s + 0.005


class Clock:
    """The wall clock of the port, moved by hand; `step_s` is what the simulator needs for one step."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, port: Any, step_s: float) -> None:
        self.now_s = 0.0
        step = port.rig.step

        def slow_step() -> None:
            step()
            self.now_s += step_s

        monkeypatch.setattr(port.rig, "step", slow_step)
        monkeypatch.setattr("flushsim.url.serial_urls.protocol_flushsim.time", self)
        port._returned_s = self.now_s

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.mark.parametrize(("speed", "away_s"), [(0.5, 0.2), (1, 0.4), (10, 0.4), (50, 0.4)])
def test_a_pause_of_the_host_passes_in_real_time_at_most_whatever_the_speed(
    speed: float, away_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_port(f"&speed={speed}") as port:
        clock = Clock(monkeypatch, port, step_s=0.0001)
        clock.sleep(0.4)
        assert port.in_waiting == 0
        assert port.monotonic() == pytest.approx(away_s, abs=0.006)


def test_waiting_in_a_read_passes_at_the_speed_that_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_port("&speed=10", timeout=2.0) as port:
        clock = Clock(monkeypatch, port, step_s=0.0001)
        port.read(1)
        assert port.monotonic() == pytest.approx(2.0)
        assert clock.now_s == pytest.approx(0.2)


def test_a_simulator_slower_than_its_speed_is_not_charged_to_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_port("&speed=50", timeout=1.0) as port:
        Clock(monkeypatch, port, step_s=0.001)
        for _ in range(3):
            port.read(1)
            assert port.in_waiting == 0
        assert port.monotonic() == pytest.approx(3.0)


def test_speed_does_not_change_the_trace(tmp_path: Path) -> None:
    traces = []
    for speed in ("0", "20"):
        with open_port(f"&speed={speed}&trace={tmp_path / speed}&fault=partial:3@500ms") as port:
            port.timeout = 2.0
            port.write(b"g")
            port.read(1)
        # The last turns may be more by what catching up with the wall adds.
        traces.append((tmp_path / speed).read_bytes().splitlines()[:400])
    assert len(traces[0]) == 400
    assert traces[0] == traces[1]


@pytest.mark.parametrize("target", ["native", "sim"])
def test_ctrl_c_in_a_read_leaves_firmware_and_plant_in_step(target: str) -> None:
    with serial.serial_for_url(f"flushsim://?target={target}", timeout=600) as port:
        for _ in range(5):
            threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
            with pytest.raises(KeyboardInterrupt):
                port.read(1)
            port.write(b"e")
            answer = port.read(32)
            assert int.from_bytes(answer[:4], "little") == port.rig.now_us - 5_000


def test_a_firmware_failure_is_a_serial_exception() -> None:
    with open_port() as port:
        port.write(b"x")
        with pytest.raises(serial.SerialException, match="the letter x"):
            port.read(1)


def test_a_closed_port_reports_it_and_can_be_opened_again() -> None:
    port = open_port()
    port.close()
    with pytest.raises(serial.PortNotOpenError):
        port.read(1)
    port.open()
    assert port.monotonic() == 0
    port.close()


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("&lime=picc-4f", "no option 'lime'; known are target"),
        ("&line=picc-44f", "picc-4f"),
        ("&fault=oclusion@3s", "occlusion"),
        ("&fault=occlusion", "occlusion@3s"),
        ("&speed=fast", "'speed' in the simulator URL must be a number from 0 on, not 'fast'"),
        ("&seed=-1", "'seed' in the simulator URL must be a number"),
        ("&seed=1.5", "whole number"),
        ("&seed=1&seed=2", "'seed' is twice"),
        ("&trace=/nowhere/at/all", "No such file"),
    ],
)
def test_an_invalid_url_is_a_serial_exception_of_one_sentence(query: str, sentence: str) -> None:
    with pytest.raises(serial.SerialException, match=sentence) as caught:
        open_port(query)
    assert "\n" not in str(caught.value)


def test_a_host_in_the_url_is_refused() -> None:
    with pytest.raises(serial.SerialException, match="is not a simulator URL"):
        serial.serial_for_url("flushsim://localhost:99?seed=1")
