"""The firmware on the emulated chip at 125 MHz, in the chip's own time; one line where there is no image.

The board is started twice, once to time whole ticks and once to time their parts; everything after a start is done in
a fork of it. Takes some twenty minutes of a machine.
"""

import os
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from flushhil import emulator_hooks
from flushhil.dut import DeviceUnderTest, pulses, steady
from flushhil.emulator_hooks import PART_PINS, Stopwatch, heap_of
from flushhil.ground_truth import in_pulse, stop_by, stop_by_bytes
from flushhil.raw_client import RawClient
from flushhil.target_comparison import course, table
from flushsim.emulator import files, image
from flushsim.emulator.board import EmulatedBoard
from flushsim.emulator.chip import Chip
from measurements import heading, report

TICK_BUDGET_MS, TICK_GOAL_MS = 2.5, 1.5
STOP_BUDGET_MS, STOP_GOAL_MS = 10, 5
HEAP_BUDGET = 100_000
ONSETS = 4
NS_PER_CYCLE = 8


def main() -> None:
    try:
        uf2 = image.find()
    except image.NoImageError as problem:
        print(f"\nThe emulated chip is not measured: {problem}")
        return
    heading(f"The board on the emulated chip, {image.banner(uf2)}, 125 MHz")
    board = emulator_hooks.hooked_board()
    began_us = board.chip.now_us
    board.start()
    report("reset to the control loop's first tick", (board.chip.now_us - began_us) / 1e6, "s")
    missing = [part.__name__ for part in (ticks, memory, stops, round_trip, trains, drift) if not _forked(part, board)]
    if not _forked(parts, emulator_hooks.hooked_board(parts=True)):
        missing.append(parts.__name__)
    heading("The same program on three targets: steps, and their times from the first step")
    plain = EmulatedBoard()
    plain.start()
    for line in table([course("native"), course("sim"), course("emulator", plain)]):
        print(line)
    flashing(uf2)
    if missing:
        sys.exit(f"not measured, see the errors above: {', '.join(missing)}")


def _forked(part: Callable[[EmulatedBoard], None], board: EmulatedBoard) -> bool:
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            part(board)
            sys.stdout.flush()
            status = 0
        except Exception:
            traceback.print_exc()
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1] == 0


def ticks(board: EmulatedBoard) -> None:
    """Ticks without a session, with one, and in pulses."""
    watch = Stopwatch(board.chip)
    dut = DeviceUnderTest("emulator", board=board, greet=False)
    dut.simulate(0.2)
    with watch.running() as idle:
        dut.simulate(0.3)
    dut.greet()
    with watch.running() as session:
        dut.wait(0.3)
    dut.start(pulses(2), lease_ms=1500)
    with watch.running() as moving:
        dut.follow()
    for name, times in (("idle", idle), ("in a session", session), ("in pulses", moving)):
        report(f"tick {name}, mean of {len(times.us)}", times.mean_ms, "ms")
        report(f"tick {name}, worst", times.worst_ms, "ms", TICK_BUDGET_MS, TICK_GOAL_MS)


def parts(board: EmulatedBoard) -> None:
    """Time that the ports take of a tick in pulses, with each call's wrapper of some 30 us."""
    board.start()
    watches = {name: Stopwatch(board.chip, pin) for name, pin in PART_PINS.items()}
    dut = DeviceUnderTest("emulator", board=board)
    dut.start(pulses(1, 1_800_000), lease_ms=1500)
    dut.simulate_until(in_pulse(dut, 100))
    for name, watch in watches.items():
        with watch.running() as times:
            dut.wait(0.1)
        report(f"  {name} while it moves, mean of {len(times.us)}", times.mean_ms * 1000, "us")
        report(f"  {name} while it moves, worst", times.worst_ms * 1000, "us")


def memory(board: EmulatedBoard) -> None:
    dut = DeviceUnderTest("emulator", board=board)
    before = heap_of(dut.rig)
    report("heap free after the start, a session open", before.free, "bytes", HEAP_BUDGET, at_least=True)
    report("its largest free block", before.largest, "bytes")
    dut.run(pulses(1, 300_000))
    report("heap that a run leaves behind", before.free - heap_of(dut.rig).free, "bytes")


def stops(board: EmulatedBoard) -> None:
    """Onsets spread over a tick, one fork each."""
    for name, stop in (("stop button", _by_button), ("STOP from the host", _by_host), ("hard limit", _by_pressure)):
        worst_ms = max(_in_a_fork(lambda onset, stop=stop: stop(board, onset), onset) for onset in range(ONSETS))
        report(f"{name} to last step, worst of {ONSETS}", worst_ms, "ms", STOP_BUDGET_MS, STOP_GOAL_MS)


def _in_a_fork(measure: Callable[[int], float], onset: int) -> float:
    """Measures in a fork. RuntimeError where that fails: NaN would be lost in the worst of the others."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, repr(measure(onset)).encode())
        except Exception:
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    if not text:
        raise RuntimeError(f"onset {onset} was not measured, see the error above")
    return float(text)


def _moving(board: EmulatedBoard, onset: int) -> DeviceUnderTest:
    dut = DeviceUnderTest("emulator", board=board)
    dut.start(steady(2_000_000, 2_000_000), lease_ms=2000)
    dut.simulate_until(in_pulse(dut, 1_000))
    rig = dut.rig
    rig._slice(rig.now_us + 100 + onset * 5_000 // ONSETS)
    return dut


def _by_button(board: EmulatedBoard, onset: int) -> float:
    dut = _moving(board, onset)
    return stop_by(dut, dut.rig.press_stop).last_step_ms


def _by_host(board: EmulatedBoard, onset: int) -> float:
    dut = _moving(board, onset)
    return stop_by_bytes(dut, RawClient(dut.port).frame("STOP")).last_step_ms


def _by_pressure(board: EmulatedBoard, onset: int) -> float:
    """The sensor's next conversion is at the hard limit; counted from its end."""
    dut = _moving(board, onset)
    plant = dut.plant
    observed_us: list[int] = []

    def at_the_limit() -> int:
        observed_us.append(dut.rig.now_us)
        return int(plant.sensor.counts(190.0 + len(observed_us) % 5 / 10))

    plant.read_sensor = at_the_limit
    dut.simulate(0.1)
    # The steps of the relief come after.
    last_ticks = [burst.last_ticks for burst in plant.bursts if burst.direction > 0][-1]
    return float((last_ticks / plant.ticks_per_us - observed_us[0]) / 1000)


def round_trip(board: EmulatedBoard) -> None:
    dut = DeviceUnderTest("emulator", board=board)
    times_us = []
    for _ in range(20):
        asked_us = dut.rig.now_us
        dut.pump.status()
        times_us.append(dut.rig.now_us - asked_us)
        dut.simulate(0.005)
    report("STATUS, round trip, mean of 20 (the host polls every 5 ms)", sum(times_us) / len(times_us) / 1000, "ms")
    report("STATUS, round trip, worst", max(times_us) / 1000, "ms")


def trains(board: EmulatedBoard) -> None:
    """Edges of STEP in an even stretch: slices of one flow differ by rounding, within one edges are exact."""
    dut = DeviceUnderTest("emulator", board=board)
    edges: list[int] = []
    dut.start(steady(500_000, 2_000_000), lease_ms=1500)
    dut.simulate_until(in_pulse(dut, 1_500))
    board.chip.watch(board.data["pins"]["step"], lambda ns, level: edges.append(ns) if level else None)
    dut.simulate(0.05)
    periods = Counter((after - before) // NS_PER_CYCLE for before, after in pairwise(edges))
    common = periods.most_common(1)[0][0]
    worst = max(abs(period - common) for period in periods)
    report("steps in an even stretch", 1e9 / NS_PER_CYCLE / common, "1/s")
    report("largest deviation of a period from the most common one", worst, "cycles of 8 ns")


def drift(board: EmulatedBoard) -> None:
    """Ten seconds; half an hour would take a day of emulation and runs on the simulator."""
    dut = DeviceUnderTest("emulator", board=board)
    heap = heap_of(dut.rig)
    reported_ms, true_us = dut.pump.status().device_time_ms, dut.rig.now_us
    for _ in range(5):
        dut.wait(2.0)
    passed_ms = dut.pump.status().device_time_ms - reported_ms
    report("device's clock against the chip's over 10 s", passed_ms - (dut.rig.now_us - true_us) / 1000, "ms")
    report("heap lost over 10 s of a session", heap.free - heap_of(dut.rig).free, "bytes")


def flashing(uf2: Path) -> None:
    contents = files.contents_of("rpi_pico")
    heading("Flashing with mpremote")
    report("files", len(contents), "")
    report("their size", sum(map(len, contents.values())) / 1000, "kB")
    with TemporaryDirectory() as folder:
        for name, content in contents.items():
            file = Path(folder) / "files" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        chip = Chip(uf2, Path(folder) / "pico.flash")
        chip.start()
        began_us, began_s = chip.now_us, time.monotonic()
        files.mpremote(chip, "fs", "cp", "-r", *sorted(map(str, (Path(folder) / "files").iterdir())), ":")
        report("time to copy them, the chip's", (chip.now_us - began_us) / 1e6, "s")
        report("time to copy them, this machine's", time.monotonic() - began_s, "s")
        chip.write(b"\r\x03import os; s = os.statvfs('/'); print((s[2] - s[3]) * s[0])\r")
        printed = chip.wait_for(b"\r\n>>> ").split()
        used = next((int(word) for word in reversed(printed) if word.isdigit()), 0)
        report("flash used by them, directories included", used / 1000, "kB")
