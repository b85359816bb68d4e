"""What is repaired in rp2040py: an idle host NAKs, PIO follows the clock to the cycle, inputs see outputs."""

from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import pytest
from flushsim.emulator.chip import Chip

Run = Callable[[Chip, str], str]
STEP, WATCHED = 2, 3

# Each half of a pulse takes the loop's count + 2 or + 3 ticks.
TRAIN = """
import rp2, machine, time
from rp2 import PIO
@rp2.asm_pio(sideset_init=PIO.OUT_LOW)
def train():
    pull(block).side(0)
    mov(y, osr).side(0)
    pull(block).side(0)
    label("pulse")
    mov(x, osr).side(1)
    label("high")
    jmp(x_dec, "high").side(1)
    mov(x, osr).side(0)
    label("low")
    jmp(x_dec, "low").side(0)
    jmp(y_dec, "pulse").side(0)

"""
LOOP = """
import time
def turns():
    start_us = time.ticks_us()
    for i in range(20000):
        pass
    print(time.ticks_diff(time.ticks_us(), start_us))

turns()
"""
START = "machine_0 = rp2.StateMachine(0, train, sideset_base=machine.Pin(2))\nmachine_0.active(1)\n"


def _rises(chip: Chip) -> list[int]:
    rises: list[int] = []
    chip.watch(STEP, lambda ns, level: rises.append(ns) if level else None)
    return rises


def _periods(rises: list[int]) -> Counter[int]:
    return Counter(after - before for before, after in pairwise(rises))


def test_the_usb_host_takes_no_time_from_a_python_loop(chip: Chip, run: Run) -> None:
    us = int(run(chip, LOOP).split()[-1])
    assert 50_000 < us < 100_000


def test_what_waits_when_the_port_is_opened_is_sent_after_16_ms(chip: Chip) -> None:
    opened_us = chip.now_us
    assert chip.wait_for(b">>> ").startswith(b"MicroPython")
    assert chip.now_us - opened_us < 20_000


def test_an_idle_board_sleeps(chip: Chip) -> None:
    chip.wait_for(b">>> ")
    busy_us = chip.busy_us
    chip.run(1_000_000)
    assert chip.busy_us - busy_us < 10_000


def test_2000_pulses_of_50_us_take_100_ms_while_the_processor_sleeps(chip: Chip, run: Run) -> None:
    run(chip, TRAIN + START)
    rises = _rises(chip)
    run(chip, "machine_0.put(1999); machine_0.put(3122)")
    chip.run(110_000)
    # Two loops of 3122 + 1 turns, a tick to load each, and one for the jump back, of 8 ns.
    assert _periods(rises) == {(2 * 3123 + 3) * 8: 1999}


def test_pulses_keep_their_time_while_the_processor_works(chip: Chip, run: Run) -> None:
    run(chip, TRAIN + START)
    rises = _rises(chip)
    run(chip, "machine_0.put(999); machine_0.put(622)\nfor i in range(10000): pass\n\n")
    chip.run(5_000)
    assert len(rises) == 1000
    assert len(_periods(rises)) == 1


def test_a_divided_clock_and_delays_keep_their_time(chip: Chip, run: Run) -> None:
    rises = _rises(chip)
    run(
        chip,
        """
import rp2, machine
from rp2 import PIO
@rp2.asm_pio(set_init=PIO.OUT_LOW)
def slow():
    set(x, 9)
    set(pins, 1)
    label("high")
    jmp(x_dec, "high")[3]
    set(pins, 0)[5]

rp2.StateMachine(0, slow, freq=12_500_000, set_base=machine.Pin(2)).active(1)
""",
    )
    rises.clear()
    chip.run(10_000)
    # 1 + 1 + 10 * 4 + 6 ticks of a clock of 12.5 MHz.
    assert set(_periods(rises)) == {48 * 80}


def test_a_count_that_is_read_in_the_middle_of_its_loop_is_right(chip: Chip, run: Run) -> None:
    run(chip, TRAIN + START)
    output = run(
        chip,
        """
machine_0.put(0)
machine_0.put(30_000_000)
counts = []
times_us = []
for wait_us in (100, 1000, 2000):
    time.sleep_us(wait_us)
    times_us.append(time.ticks_us())
    # in(x, 32), push(block)
    machine_0.exec(0x4020)
    machine_0.exec(0x8020)
    counts.append(machine_0.get())

print(*counts, *times_us)
""",
    )
    first, second, third, first_us, second_us, third_us = (int(word) for word in output.split())
    assert first - second == pytest.approx(125 * (second_us - first_us), abs=500)
    assert second - third == pytest.approx(125 * (third_us - second_us), abs=500)


def test_a_machine_of_the_other_block_counts_the_pulses(chip: Chip, run: Run) -> None:
    run(chip, TRAIN + START)
    output = run(
        chip,
        """
@rp2.asm_pio()
def count():
    label("next")
    wait(0, pin, 0)
    wait(1, pin, 0)
    jmp(x_dec, "next")

machine_4 = rp2.StateMachine(4, count, in_base=machine.Pin(2))
machine_4.exec("set(x, 0)")
_ = machine_4.active(1)
machine_0.put(499)
machine_0.put(100)
time.sleep_ms(10)
machine_4.exec("in_(x, 32)")
machine_4.exec("push()")
print(-machine_4.get() & 0xFFFFFFFF)
""",
    )
    assert output == "500"


def test_a_reset_stops_the_machines(chip: Chip, run: Run) -> None:
    run(chip, TRAIN + START + "machine_0.put(0xFFFFFF); machine_0.put(12500)")
    rises = _rises(chip)
    chip.run(10_000)
    assert rises
    chip.reset()
    rises.clear()
    chip.run(1_000_000)
    assert not rises
