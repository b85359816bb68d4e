"""An engineer's whole way: mpremote puts the firmware on an empty Pico, the command line flushes a port with it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from flushsim.emulator.chip import Chip
from flushsim.emulator.files import contents_of, mpremote

SEQUENCE = """
title = "a short flush of a port"
for = ["port"]
fluid = "saline"
keep_in_syringe_ml = 0.5

[[phase]]
kind = "aspirate"
volume_ml = 0.2
flow_ml_per_s = 0.5
question = "blood_return"

[[phase]]
kind = "pulses"
count = 2
volume_ml = 0.5
flow_ml_per_s = 2
pause_s = 0.2
"""


def flashed(uf2: Path, place: Path) -> Path:
    """A board's flash after mpremote has copied every file, the manifest last."""
    flash = place / "pico.flash"
    chip = Chip(uf2, flash)
    chip.start()
    contents = contents_of("rpi_pico")
    for name, content in contents.items():
        file = place / "files" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    first = sorted({name.split("/")[0] for name in contents} - {"main.py", "manifest.json"})
    sources = [str(place / "files" / name) for name in (*first, "manifest.json", "main.py")]
    mpremote(chip, "fs", "cp", "-r", *sources, ":")
    chip.save()
    return flash


@pytest.mark.timeout(3_600)
def test_a_board_flashed_by_mpremote_flushes_a_port_over_its_usb_console_by_the_command_line(
    uf2: Path, tmp_path: Path
) -> None:
    flash = flashed(uf2, tmp_path)
    sequence = tmp_path / "short-flush.toml"
    sequence.write_text(SEQUENCE)
    command = [
        sys.executable, "-m", "flushpump.cli.main", "run", str(sequence), "--line", "smartport-ct-8f",
        "--needle", "huber-20g", "--syringe", "bd-10", "--yes", "--json",
        "--port", f"flushsim://?target=emulator&flash={flash}",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["outcome"] == "completed"
    assert report["verdict"] == "patent"
    assert report["delivered_ml"] == pytest.approx(1.0, rel=0.03)
    assert len(report["pulses"]) == 2
