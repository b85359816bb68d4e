"""Flashing with real MicroPython: files copied, kept, removed; interrupted at each step, and run again."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from flushpump.errors import LinkLostError
from flushpump.flash import image as board_files
from flushpump.flash.image import MANIFEST, SETTINGS
from flushpump.flash.plan import Plan
from flushpump.flash.raw_repl import PART, RawRepl

from host.tests.flash.support.board_in_vm import BoardInVm, complaint, files_on, put, state_of

OWN = {"notes.txt": b"mine", "pump/own.txt": b"mine too", "tools/own.py": b"x = 1"}
LOG = {"journal/log.0": b"sixteen bytes   ", SETTINGS[0]: b"what was set"}


def firmware(release: str, size: int = 700) -> dict[str, bytes]:
    """A small firmware, different in every file from that of another release."""
    names = ("boot.py", "main.py", "board.json", "flushlink/__init__.mpy", "pump/__init__.mpy", "pump/runner.mpy")
    contents = {name: f"{name} of {release} ".encode() * (size // 20) for name in names}
    contents["pump/of_" + release.replace(".", "_") + ".mpy"] = release.encode()
    manifest = {"version": release, "fingerprint": board_files.fingerprint(release, contents)}
    return contents | {MANIFEST: json.dumps(manifest).encode()}


OLD, NEW = firmware("1.0.0"), firmware("1.1.0")
DEFAULTS = {name: b"default settings" for name in SETTINGS}


class InterruptedRepl(RawRepl):
    """Calls `happens` at the n-th operation on the board; `steps` counts them."""

    def __init__(self, port: str, at: int = -1, happens: Callable[[], None] = lambda: None) -> None:
        self.steps = 0
        self._at = at
        self._happens = happens
        super().__init__(port)

    def _step(self) -> None:
        if self.steps == self._at:
            self._happens()
        self.steps += 1

    def make_folder(self, name: str) -> None:
        self._step()
        super().make_folder(name)

    def remove(self, name: str) -> None:
        self._step()
        super().remove(name)

    def write(self, name: str, data: bytes, progress: Callable[[int], None]) -> None:
        def stepping(written: int) -> None:
            self._step()
            progress(written)

        self._step()
        super().write(name, data, stepping)


def flash(repl: RawRepl, contents: dict[str, bytes] = NEW) -> Plan:
    plan = Plan.of(contents, DEFAULTS, repl.found())
    plan.carry_out(repl, lambda name, done: None)
    return plan


def flash_image(image: Path, contents: dict[str, bytes] = NEW) -> Plan:
    with BoardInVm(image) as board, RawRepl(board.port) as repl:
        return flash(repl, contents)


def expected(*parts: dict[str, bytes]) -> dict[str, bytes]:
    return {name: data for part in parts for name, data in part.items()}


def test_a_new_board_gets_every_file_and_default_settings_and_has_no_complaint(image: Path) -> None:
    plan = flash_image(image)
    assert files_on(image) == expected(NEW, DEFAULTS)
    assert complaint(image) == ""
    assert (len(plan.write), plan.kept, plan.remove) == (len(NEW) - 1 + len(DEFAULTS), (), ())


def test_flashing_again_changes_nothing(image: Path) -> None:
    flash_image(image)
    before = image.read_bytes()
    plan = flash_image(image)
    assert plan.done
    assert len(plan.kept) == len(NEW) - 1
    assert image.read_bytes() == before


def test_only_what_differs_is_copied_what_is_stale_goes_and_everything_else_stays(image: Path) -> None:
    flash_image(image, OLD)
    stale = {"pump/runner.py": b"shadows the compiled one", PART: b"half a file"}
    put(image, OWN | LOG | stale | {"main.py": NEW["main.py"]})
    plan = flash_image(image)
    assert files_on(image) == expected(NEW, DEFAULTS, OWN, LOG)
    assert plan.kept == ("main.py",)
    assert set(plan.remove) == {PART, "pump/of_1_0_0.mpy", "pump/runner.py"}
    assert complaint(image) == ""


def test_settings_that_a_power_cut_left_empty_are_written_again(image: Path) -> None:
    put(image, {name: b"" for name in SETTINGS})
    flash_image(image)
    assert files_on(image) == expected(NEW, DEFAULTS)


def press_stop_button() -> None:
    raise KeyboardInterrupt


def check_interrupted(image: Path, before: dict[str, bytes]) -> None:
    """A board in between reports an incomplete flashing; a second run completes it."""
    now, problem = state_of(image)
    for name, data in now.items():
        assert data in (before.get(name), NEW.get(name)) or name == PART, f"{name} is torn"
    if now != before:
        assert problem != ""
    assert {name: now.get(name) for name in (*OWN, *LOG)} == {**OWN, **LOG}
    flash_image(image)
    assert state_of(image) == (expected(NEW, {SETTINGS[1]: before[SETTINGS[1]]}, OWN, LOG), "")


@pytest.mark.parametrize("way", ["stopped by hand", "cable pulled"])
def test_an_interruption_at_any_step_is_reported_and_the_next_run_completes_the_flashing(image: Path, way: str) -> None:
    flash_image(image, OLD)
    put(image, OWN | LOG)
    before = files_on(image)
    at, finished = 0, False
    while not finished:
        trial = image.with_name("trial.img")
        shutil.copy(image, trial)
        with BoardInVm(trial) as board:
            happens = press_stop_button if way == "stopped by hand" else board.pull_cable
            with InterruptedRepl(board.port, at, happens) as repl:
                try:
                    flash(repl)
                    finished = True
                except KeyboardInterrupt:
                    repl.interrupt()
                    repl.restart()
                    board.ended_with()
                except LinkLostError:
                    pass
        if not finished:
            check_interrupted(trial, before)
        at += 1
    # Manifest and stale file, then each file and each half kilobyte of it.
    assert at > 2 + 2 * len(NEW)


def test_the_whole_firmware_is_what_its_own_identity_expects(image: Path) -> None:
    contents = board_files.stage(board_files.load_board("rpi_pico"))
    plan = flash_image(image, contents)
    assert complaint(image) == ""
    assert plan.bytes_to_write > 80_000
    assert files_on(image) == expected(contents, DEFAULTS)
