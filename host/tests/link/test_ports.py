"""Opening ports, over a real pseudo-terminal and real pyserial, and finding the one pump."""

import errno
import os
import select
import socket
import threading
import tty
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import serial
from flushpump.device.pump import Pump
from flushpump.errors import LinkLostError, NoDeviceError
from flushpump.link import ports

from host.tests.support.scripted_pump import ScriptedPump


class Terminal:
    """A scripted pump behind a pseudo-terminal, answering in real time until it is unplugged."""

    def __init__(self) -> None:
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)
        self.pump = ScriptedPump()
        self._pulled, self._pull = os.pipe()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def unplug(self) -> None:
        if self._thread.is_alive():
            os.write(self._pull, b"x")
            self._thread.join()

    def _serve(self) -> None:
        rest = b""
        while True:
            ready, _, _ = select.select([self._master, self._pulled], [], [])
            if self._pulled in ready:
                break
            *frames, rest = (rest + os.read(self._master, 4096)).split(b"\0")
            for frame in frames:
                os.write(self._master, self.pump.receive(frame))
        for descriptor in (self._slave, self._master, self._pulled, self._pull):
            os.close(descriptor)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    terminal = Terminal()
    yield terminal
    terminal.unplug()


def test_a_pump_on_a_real_terminal_is_opened_and_commanded(terminal: Terminal) -> None:
    with Pump.open(terminal.path) as pump:
        pump.prime(0.5, 1.0)
        assert pump.stop().moving == 0
    assert terminal.pump.names() == ["PRIME"]


def test_a_terminal_that_is_unplugged_is_a_link_lost(terminal: Terminal) -> None:
    pump = Pump.open(terminal.path)
    terminal.unplug()
    with pytest.raises(LinkLostError, match="has vanished") as caught:
        pump.info()
    assert "\n" not in str(caught.value)
    pump.close()


def test_a_port_in_use_is_refused_but_can_be_shared_for_a_stop(terminal: Terminal) -> None:
    with Pump.open(terminal.path):
        with pytest.raises(NoDeviceError, match="another program is using it"):
            Pump.open(terminal.path)
        terminal.pump.moving = True
        with Pump.observe(terminal.path, shared=True) as other:
            other.stop()
        assert not terminal.pump.moving


def test_where_a_port_has_one_owner_a_refused_stop_names_another_way_to_stop_the_pump(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(url: str, **options: object) -> object:
        raise serial.SerialException(errno.EBUSY, "Device or resource busy")

    monkeypatch.setattr(ports.serial, "serial_for_url", refuse)
    with pytest.raises(NoDeviceError, match="another program is using it; stop the pump there, or by its stop button"):
        Pump.observe("COM3", shared=True)


def test_observing_opens_no_session(terminal: Terminal) -> None:
    with Pump.observe(terminal.path) as pump:
        assert not pump.status().moving
    assert terminal.pump.session == 0


def test_a_port_that_does_not_exist_is_no_device() -> None:
    with pytest.raises(NoDeviceError, match="/dev/ttyNONE cannot be opened: there is no such port"):
        ports.open_port("/dev/ttyNONE")


@pytest.mark.parametrize("url", ["socket://127.0.0.1:{port}", "nonsense://x", "rfc2217://127.0.0.1:{port}"])
def test_an_address_where_nobody_listens_is_no_device(url: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = free.getsockname()[1]
    with pytest.raises(NoDeviceError, match="cannot be opened") as caught:
        ports.open_port(url.format(port=number))
    assert "\n" not in str(caught.value)


def plug_in(monkeypatch: pytest.MonkeyPatch, *devices: tuple[str, int | None, int | None]) -> None:
    found = [
        SimpleNamespace(device=name, description="a port", serial_number=None, vid=vid, pid=pid)
        for name, vid, pid in devices
    ]
    monkeypatch.setattr(ports.serial_list_ports, "comports", lambda: found)


def test_the_one_pump_is_found_among_other_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    plug_in(monkeypatch, ("/dev/ttyS0", None, None), ("/dev/ttyACM1", 0x2E8A, 5), ("/dev/ttyUSB0", 0x10C4, 0xEA60))
    assert ports.find_pump() == "/dev/ttyACM1"
    assert [entry.candidate for entry in ports.list_ports()] == [True, False, False]


def test_without_a_pump_nothing_is_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    plug_in(monkeypatch, ("/dev/ttyS0", None, None))
    with pytest.raises(NoDeviceError, match="no pump is plugged in"):
        Pump.open()


def test_among_several_pumps_nothing_is_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    plug_in(monkeypatch, ("/dev/ttyACM0", 0x2E8A, 5), ("/dev/ttyACM1", 0x2E8A, 5))
    with pytest.raises(NoDeviceError, match="several ports may be the pump: /dev/ttyACM0, /dev/ttyACM1"):
        Pump.open()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("/dev/null", "it is no serial port"),
        ("/tmp", "it is no serial port"),
        ("socket://127.0.0.1:1", "no program listens there"),
        ("socket://", "host or number is missing"),
    ],
)
def test_what_is_no_port_of_a_pump_is_reported_in_plain_words(url: str, words: str) -> None:
    with pytest.raises(NoDeviceError, match=words):
        ports.open_port(url)
