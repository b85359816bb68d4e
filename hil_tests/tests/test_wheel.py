"""The wheel, unpacked far from the clone: what is in it, and that a rig needs nothing else."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# One wheel for all tests of this file.
pytestmark = pytest.mark.xdist_group("wheel")
SUITE = ("-m", "pytest", "--pyargs", "flushhil.suite")
FLUSHPUMP = ("-c", "from flushpump.cli.main import main; main()")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel of this clone."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return zipfile.ZipFile(next(folder.glob("*.whl")))


@pytest.fixture(scope="module")
def site(wheel: zipfile.ZipFile, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages with only the wheel's files."""
    folder = tmp_path_factory.mktemp("site")
    wheel.extractall(folder)
    return folder


def run(site: Path, cwd: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Runs Python with the unpacked wheel before everything else, and with a home of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "FLUSHPUMP_", "XDG_"))}
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=kept | {"PYTHONPATH": str(site), "HOME": str(cwd)}, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip


def test_the_wheel_has_no_tests_but_the_suite(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    folders = {name.split("/")[0] for name in names}
    assert {folder for folder in folders if ".dist-info" not in folder} == {
        "flushpump", "flushlink", "flushsim", "flushhil",
    }  # fmt: skip
    tests = [name for name in names if "/tests/" in name or Path(name).name.startswith(("test_", "conftest"))]
    assert [name for name in tests if not name.startswith("flushhil/suite/")] == []
    assert tests


def test_the_wheel_carries_firmware_boards_and_the_lists_of_the_suite(wheel: zipfile.ZipFile) -> None:
    assert {
        "flushpump/_firmware/main.py", "flushpump/_firmware/pump/controller.py", "flushpump/_boards/rpi_pico.toml",
        "flushhil/requirements.toml", "flushhil/targets.toml",
    } <= set(wheel.namelist())  # fmt: skip


def test_a_rig_runs_the_suite_in_an_empty_folder_without_a_clone(site: Path, tmp_path: Path) -> None:
    done = run(
        site, tmp_path, *SUITE, "-p", "no:cacheprovider", "--target", "native",
        "-k", "test_stop_button or test_settings", "--evidence", "evidence.json",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert f"rootdir: {tmp_path}" in done.stdout
    assert "REQ-STOP-2   shown: " in done.stdout
    assert str(ROOT) not in (tmp_path / "evidence.json").read_text(encoding="utf-8")


def test_an_unpacked_wheel_flushes_on_the_simulated_pump(site: Path, tmp_path: Path) -> None:
    done = run(
        site, tmp_path, *FLUSHPUMP, "run", "port-maintenance", "--line", "smartport-ct-8f", "--needle", "huber-20g",
        "--syringe", "bd-10", "--port", "flushsim://?target=native", "--yes",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_an_unknown_target_is_one_sentence(site: Path, tmp_path: Path) -> None:
    done = run(site, tmp_path, *SUITE, "--target", "serial:")
    assert done.returncode == 4
    assert done.stdout.strip() == (
        "ERROR: there is no target 'serial:': write --target sim, native, mixed, emulator or serial:DEVICE"
    )


OTHER = """
import pytest

@pytest.fixture
def open_dut():
    return 1

@pytest.mark.requirement("ABC-1")
@pytest.mark.simulated
def test_of_somebody_else(open_dut):
    assert open_dut
"""


def test_tests_of_others_are_left_alone(site: Path, tmp_path: Path) -> None:
    (tmp_path / "test_other.py").write_text(OTHER, encoding="utf-8")
    done = run(site, tmp_path, "-m", "pytest", "-v")
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
    assert "REQ-" not in done.stdout
