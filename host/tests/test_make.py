"""What `make` prints, as far as a reader of README depends on it."""

import subprocess
from pathlib import Path as FilePath

ROOT = FilePath(__file__).resolve().parents[2]


def test_setup_prints_how_to_call_and_how_to_activate_flushpump():
    shown = subprocess.run(["make", "-n", "setup"], cwd=ROOT, capture_output=True, text=True, timeout=300, check=True)
    assert "call it as .venv/bin/flushpump, or first '. .venv/bin/activate' and then flushpump" in shown.stdout
