"""The emulated Pico does what a Pico does: prompt, files, restarts, watchdog, converter."""

from collections.abc import Callable
from pathlib import Path

from flushsim.emulator.chip import Chip

Run = Callable[[Chip, str], str]
POWER_ON, WATCHDOG = 1, 3


def test_micropython_boots_to_its_prompt(chip: Chip) -> None:
    output = chip.wait_for(b">>> ").decode()
    assert output.startswith("MicroPython v1.")
    assert "Raspberry Pi Pico with RP2040" in output


def test_a_line_at_the_prompt_is_computed(chip: Chip, run: Run) -> None:
    assert run(chip, "print(6 * 7)") == "42"


def test_a_long_paste_arrives_whole(chip: Chip, run: Run) -> None:
    assert run(chip, f"print(len('{'x' * 3000}'))") == "3000"


def test_time_passes_only_in_run(chip: Chip, run: Run) -> None:
    wait = "import time\nt = time.ticks_us()\ntime.sleep_ms(250)\nprint(time.ticks_diff(time.ticks_us(), t))"
    us = int(run(chip, wait))
    assert 250_000 <= us < 250_200
    now_us = chip.now_us
    chip.write(b"print(1)\r")
    assert (chip.now_us, chip.read()) == (now_us, b"")


def test_files_survive_a_restart_with_the_flash_kept_in_a_file(uf2: Path, tmp_path: Path, run: Run) -> None:
    flash = tmp_path / "pico.flash"
    chip = Chip(uf2, flash)
    chip.start()
    run(chip, "with open('kept.txt', 'w') as file:\n    file.write('here')\n\n")
    chip.save()
    again = Chip(uf2, flash)
    again.start()
    assert run(again, "print(open('kept.txt').read())") == "here"


def test_the_run_button_restarts_the_board_with_its_files(chip: Chip, run: Run) -> None:
    run(chip, "import os\nos.mkdir('kept')\nx = 1")
    chip.reset()
    chip.start()
    assert run(chip, "import os\nprint(os.listdir(), 'x' in globals())") == "['kept'] False"


def test_the_watchdog_resets_the_board_once_and_is_its_reset_cause(chip: Chip, run: Run) -> None:
    assert run(chip, "import machine\nprint(machine.reset_cause())") == str(POWER_ON)
    run(chip, "watchdog = machine.WDT(timeout=1000)")
    fed_us = chip.now_us
    chip.run_while(lambda: chip.resets == 0, 2_000_000, "no reset")
    assert 990_000 < chip.now_us - fed_us < 1_005_000
    chip.start()
    assert run(chip, "import machine\nprint(machine.reset_cause())") == str(WATCHDOG)
    chip.run(20_000_000)
    assert chip.resets == 1


def test_scratch_registers_survive_the_watchdog(chip: Chip, run: Run) -> None:
    run(chip, "import machine\nmachine.mem32[0x4005800c] = 12345\nmachine.WDT(timeout=100)")
    chip.run(200_000)
    chip.start()
    assert run(chip, "import machine\nprint(machine.mem32[0x4005800c])") == "12345"


def test_the_converter_reads_the_voltage_at_its_pin(chip: Chip, run: Run) -> None:
    chip.set_adc(0, 1234)
    assert run(chip, "import machine\nprint(machine.ADC(26).read_u16() >> 4)") == "1234"


def test_pins_are_read_and_driven(chip: Chip, run: Run) -> None:
    levels: list[tuple[int, bool | None]] = []
    chip.watch(5, lambda ns, level: levels.append((ns, level)))
    run(chip, "from machine import Pin\nback = Pin(6, Pin.IN, Pin.PULL_UP)\nPin(5, Pin.OUT, value=1).value(0)")
    assert [level for _, level in levels if level is not None] == [True, False]
    assert run(chip, "print(back.value())") == "1"
    chip.drive(6, False)
    assert run(chip, "print(back.value())") == "0"
    chip.drive(6, None)
    assert run(chip, "print(back.value())") == "1"


def test_a_pin_is_let_go_by_a_reset_and_whoever_watches_it_is_reported(chip: Chip, run: Run) -> None:
    levels: list[bool | None] = []
    run(chip, "from machine import Pin\npin = Pin(5, Pin.OUT, value=1)")
    chip.watch(5, lambda ns, level: levels.append(level))
    chip.power_cut(1_000)
    assert levels == [None]
    assert chip.level(5) is None
