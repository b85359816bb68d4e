"""What starting costs: `--version` and `stop` load only what they need, and the simulator is a plug-in."""

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path as FilePath

import flushpump
import pytest

# Each takes as long to load as all of `flushpump stop --help`, or belongs to other commands.
HEAVY = {
    "rich", "construct", "crcmod", "serial", "sqlite3", "platformdirs", "tomllib", "importlib.metadata", "flushsim",
    "flushpump.access", "flushpump.device", "flushpump.planning", "flushpump.records", "flushpump.flash",
    "flushpump.runs", "dataclasses", "email", "urllib", "pathlib", "difflib",
}  # fmt: skip


def modules_of(*arguments: str) -> set[str]:
    code = "import sys\nfrom flushpump.cli.main import main\ntry:\n    main()\nfinally:\n    print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, *arguments], capture_output=True, text=True, timeout=300, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("arguments", [["--version"], ["stop", "--help"]])
def test_starting_loads_no_heavy_module(arguments: list[str]):
    plain = subprocess.run(
        [sys.executable, "-I", "-c", "import sys, click; print(*sys.modules)"],
        capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    loaded = modules_of(*arguments) - set(plain.stdout.split())
    assert not HEAVY & loaded
    assert not {name for name in loaded if name.startswith("flushpump.cli.commands.")} - {"flushpump.cli.commands.stop"}


def test_stopping_a_serial_port_loads_neither_console_nor_records_nor_simulator():
    code = "import sys\nfrom flushpump.cli.main import main\ntry:\n    main()\nfinally:\n    print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, "stop", "--port", "/dev/ttyNOPE"],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    loaded = set(done.stdout.splitlines()[-1].split())
    heavy = {"rich", "sqlite3", "platformdirs", "flushsim", "flushpump.records", "flushpump.runs", "flushpump.access"}
    assert not heavy & loaded


def test_python_m_flushpump_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "flushpump", "--version"], capture_output=True, text=True, timeout=300, check=False
    )
    assert (done.returncode, done.stdout) == (0, f"flushpump, version {flushpump.__version__}\n")


def test_the_simulator_registers_its_commands_and_its_ports_by_entry_points():
    assert [entry.value for entry in entry_points(group="flushpump.commands")] == ["flushsim.cli.main:sim_group"]
    handlers = entry_points(group="flushpump.serial_urls")
    assert [(entry.name, entry.value) for entry in handlers] == [("flushsim", "flushsim.url.serial_urls")]


def test_the_host_imports_and_names_no_module_of_the_simulator():
    for file in FilePath(flushpump.__file__).parent.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert "flushsim" not in text.replace("flushsim://", ""), file
