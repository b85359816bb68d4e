"""The command `flushpump flash` against the emulated Pico: real mpremote, real image, half a flash and a whole one."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from flushpump.device.pump import Pump
from flushpump.flash import image
from flushpump.link.ports import READ_WAIT_S
from flushpump.wire.messages import Flag
from flushsim.emulator.board import EmulatedBoard
from flushsim.emulator.chip import Chip
from flushsim.emulator.files import serve
from flushsim.emulator.rig import EmulatorRig
from flushsim.rig.pty import PseudoTerminal
from flushsim.url.serial_urls.protocol_flushsim import Serial

pytestmark = pytest.mark.timeout(3600)
# The real command; only that an emulated board starts more slowly than a real one.
COMMAND = """
from flushpump.cli.main import main
from flushpump.flash import verify
verify._TIMEOUT_S = 1800
main()
"""


class Cable(PseudoTerminal):
    """Counts the bytes on their way to the board."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = 0

    def receive(self) -> tuple[bytes, bool]:
        data, present = super().receive()
        self.sent += len(data)
        return data, present


class Bench:
    """A new board at MicroPython's prompt, and commands for it over a cable."""

    def __init__(self, uf2: Path, flash: Path) -> None:
        chip = Chip(uf2, flash)
        chip.start()
        chip.save()
        self.board = EmulatedBoard("rpi_pico", uf2, flash=flash)
        self.board.chip.start()

    def command(self, *arguments: str, interrupt_after: int | None = None) -> tuple[int, str, str]:
        """Runs it until it ends, or is sent SIGINT after so many bytes: exit status, stdout, stderr."""
        cable = Cable()
        command = [sys.executable, "-c", COMMAND, *arguments, "--port", cable.path]
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        interrupted = False

        def goes_on() -> bool:
            nonlocal interrupted
            if interrupt_after is not None and cable.sent > interrupt_after and not interrupted:
                interrupted = True
                process.send_signal(signal.SIGINT)
            return process.poll() is None

        try:
            serve(self.board.chip, cable, goes_on)
            out, err = process.communicate()
        finally:
            process.kill()
            cable.close()
        return process.returncode, out, err

    def flash(self) -> dict[str, Any]:
        status, out, err = self.command("flash", "--board", "rpi_pico", "--old-micropython", "--json")
        assert status == 0, err
        values: dict[str, Any] = json.loads(out)
        return values

    def pump(self) -> Pump:
        """A session in the chip's own time."""
        return Pump.over(Serial.over(EmulatorRig(on=self.board), timeout=READ_WAIT_S))

    def steps_enabled(self) -> bool:
        # Active low.
        return self.board.chip.level(int(self.board.data["pins"]["enable"])) is False


@pytest.mark.requirement("REQ-START-3")
def test_an_interrupted_flash_is_reported_and_moves_nothing_a_rerun_makes_a_pump_and_another_one_keeps_all_as_it_is(
    uf2: Path, tmp_path: Path, record_measurement: Any
) -> None:
    bench = Bench(uf2, tmp_path / "pico.flash")
    chip = bench.board.chip
    flash = ("flash", "--board", "rpi_pico", "--old-micropython")
    status, _, err = bench.command(*flash, interrupt_after=120_000)
    assert status == 130, err
    assert err.splitlines()[-1].endswith("flashing is incomplete and the pump does not start; run the command again")
    # The command has reset it.
    output = chip.wait_for(b">>> ")
    assert b"flushpump: the pump does not start: flashing was not completed; flash the board again" in output
    assert not bench.steps_enabled()

    began_us = chip.now_us
    first = bench.flash()
    record_measurement("flash the rest of the firmware, emulated chip's time", (chip.now_us - began_us) / 1e6, "s", 240)
    record_measurement("firmware on the board's flash", first["used_bytes"] / 1000, "kB", 700)
    assert first["files"]["kept"] > 5
    assert first["files"]["copied"] > 20
    pump = bench.pump()
    assert pump.info().board_name == "rpi_pico"
    assert Flag.SETTINGS_GOOD in pump.status().flags
    pump.set_setting("pressure_ceiling_pa", 150_000)

    began_us = chip.now_us
    second = bench.flash()
    record_measurement("flash when nothing has changed, emulated chip's time", (chip.now_us - began_us) / 1e6, "s", 60)
    assert second["files"] == {"copied": 0, "kept": len(image.stage(bench.board.data)) - 1, "removed": 0}
    assert second["fingerprint"] == first["fingerprint"]
    assert bench.pump().get_setting("pressure_ceiling_pa") == 150_000
