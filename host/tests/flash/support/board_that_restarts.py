"""A board for flashing from end to end: MicroPython's prompt in the VM, and after a reset the pump if it is whole.

One pseudo-terminal leads to whatever runs. The pump is the real firmware on the simulator, and reports the fingerprint
that the manifest on the board does.
"""

import json
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from flushpump.flash.image import MANIFEST
from flushsim.firmware import image as boot
from flushsim.rig.lockstep import Rig
from flushsim.rig.pty import PseudoTerminal, serve

from host.tests.flash.support.board_in_vm import BoardInVm, state_of

# Turns in which the answer to SERVICE gets out.
_LEAVING_TURNS = 20


class BoardThatRestarts:
    """`port` is its port; `halves` counts the starts at which its files were no whole firmware."""

    def __init__(self, image: Path, monkeypatch: pytest.MonkeyPatch, *, simulated: bool = False) -> None:
        self._image = image
        self._terminal = PseudoTerminal()
        self.port = self._terminal.path
        self.halves = 0
        self.received = 0
        self._at = -1
        self._happens: Callable[[], None] = lambda: None
        self._closed = threading.Event()
        self._fingerprint = bytes(4)
        self._problem: BaseException | None = None
        self._pretend(monkeypatch, simulated)
        self._thread = threading.Thread(target=self._live)

    def after_bytes(self, count: int, happens: Callable[[], None]) -> None:
        """Something happens once so many bytes have come from the host, from now on."""
        self._at = self.received + count
        self._happens = happens

    def unplug(self) -> None:
        """The port vanishes."""
        self._closed.set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()
        self._thread.join()
        if self._problem is not None:
            raise self._problem

    def _pretend(self, monkeypatch: pytest.MonkeyPatch, simulated: bool) -> None:
        load, boot_config = boot.load_firmware, boot.boot_config

        def loaded(*arguments: Any) -> boot.Firmware:
            return replace(load(*arguments), fingerprint=self._fingerprint)

        def described(*arguments: Any, **more: Any) -> dict[str, Any]:
            values = boot_config(*arguments, **more)
            return values if simulated else {**values, "unit": "ff" * 8}

        monkeypatch.setattr(boot, "load_firmware", loaded)
        monkeypatch.setattr(boot, "boot_config", described)

    def _live(self) -> None:
        try:
            while not self._closed.is_set():
                files, complaint = state_of(self._image)
                if MANIFEST in files and complaint == "":
                    self._fingerprint = bytes.fromhex(json.loads(files[MANIFEST])["fingerprint"])
                    self._pump()
                elif files:
                    self.halves += 1
                self._prompt()
        except BaseException as problem:
            self._problem = problem
        finally:
            self._terminal.close()

    def _pump(self) -> None:
        turns_left = [_LEAVING_TURNS]

        def goes_on() -> bool:
            turns_left[0] -= rig._serviced
            return not self._closed.is_set() and turns_left[0] > 0

        with Rig("native") as rig:
            serve(rig, self._terminal, 1.0, goes_on)

    def _prompt(self) -> None:
        with BoardInVm(self._image) as vm:
            os.set_blocking(vm.far_end, False)
            while vm.running and not self._closed.wait(0.0005):
                data, present = self._terminal.receive()
                if data:
                    self.received += len(data)
                    os.write(vm.far_end, data)
                    if 0 <= self._at <= self.received:
                        self._at = -1
                        self._happens()
                answer = read_available(vm.far_end)
                self._terminal.send(lambda answer=answer if present else b"": answer)  # type: ignore[misc]


def read_available(end: int) -> bytes:
    try:
        return os.read(end, 256)
    except BlockingIOError:
        return b""
