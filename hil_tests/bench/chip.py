"""Figures of the firmware on the emulated chip at 125 MHz, in the chip's own time; one line where there is no image.

The board is started twice, once to time whole control steps and once to time their parts; everything after a start is
done in a fork of it. Takes some twenty minutes of a machine.
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

from figures import figure, heading
from flushhil import emulator_hooks
from flushhil.dut import DeviceUnderTest, pulses, steady
from flushhil.emulator_hooks import PART_PINS, Stopwatch, heap_of
from flushhil.ground_truth import in_pulse, stop_by, stop_by_bytes
from flushhil.raw_client import RawClient
from flushhil.target_comparison import course, table
from flushsim.emulator import files, image
from flushsim.emulator.board import EmulatedBoard
from flushsim.emulator.chip import Chip

TURN_BUDGET_MS, TURN_GOAL_MS = 2.5, 1.5
STOP_BUDGET_MS, STOP_GOAL_MS = 10, 5
HEAP_BUDGET = 100_000
ONSETS = 4
NS_PER_CYCLE = 8


def main() -> None:
    try:
        uf2 = image.find()
    except image.NoImageError as problem:
        print(f"\nThe emulated chip has no figures: {problem}")
        return
    heading(f"The board on the emulated chip, {image.banner(uf2)}, 125 MHz")
    board = emulator_hooks.hooked_board()
    began_us = board.chip.now_us
    board.start()
    figure("reset to the control loop's first turn", (board.chip.now_us - began_us) / 1e6, "s")
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
    """Control steps without a session, with one, and in pulses."""
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
        figure(f"control step {name}, mean of {len(times.us)}", times.mean_ms, "ms")
        figure(f"control step {name}, worst", times.worst_ms, "ms", TURN_BUDGET_MS, TURN_GOAL_MS)


def parts(board: EmulatedBoard) -> None:
    """What the ports take of a step in pulses; each call's wrapper included, some 30 us."""
    board.start()
    watches = {name: Stopwatch(board.chip, pin) for name, pin in PART_PINS.items()}
    dut = DeviceUnderTest("emulator", board=board)
    dut.start(pulses(1, 1_800_000), lease_ms=1500)
    dut.simulate_until(in_pulse(dut, 100))
    for name, watch in watches.items():
        with watch.running() as times:
            dut.wait(0.1)
        figure(f"  {name} while it moves, mean of {len(times.us)}", times.mean_ms * 1000, "us")
        figure(f"  {name} while it moves, worst", times.worst_ms * 1000, "us")


def memory(board: EmulatedBoard) -> None:
    dut = DeviceUnderTest("emulator", board=board)
    before = heap_of(dut.rig)
    figure("heap free after the start, a session open", before.free, "bytes", HEAP_BUDGET, at_least=True)
    figure("its largest free block", before.largest, "bytes")
    dut.run(pulses(1, 300_000))
    figure("heap that a run leaves behind", before.free - heap_of(dut.rig).free, "bytes")


def stops(board: EmulatedBoard) -> None:
    """Onsets that are spread over a turn of the loop, one fork each."""
    for name, stop in (("stop button", _by_button), ("STOP from the host", _by_host), ("hard limit", _by_pressure)):
        worst_ms = max(_in_a_fork(lambda onset, stop=stop: stop(board, onset), onset) for onset in range(ONSETS))
        figure(f"{name} to last step, worst of {ONSETS}", worst_ms, "ms", STOP_BUDGET_MS, STOP_GOAL_MS)


def _in_a_fork(measure: Callable[[int], float], onset: int) -> float:
    """The measure, done in a fork. Raises RuntimeError where it fails: NaN would hide behind the worst of others."""
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
    seen_us: list[int] = []

    def at_the_limit() -> int:
        seen_us.append(dut.rig.now_us)
        return int(plant.sensor.counts(190.0 + len(seen_us) % 5 / 10))

    plant.read_sensor = at_the_limit
    dut.simulate(0.1)
    # The steps of the relief come after.
    last_ticks = [burst.last_ticks for burst in plant.bursts if burst.direction > 0][-1]
    return float((last_ticks / plant.ticks_per_us - seen_us[0]) / 1000)


def round_trip(board: EmulatedBoard) -> None:
    dut = DeviceUnderTest("emulator", board=board)
    times_us = []
    for _ in range(20):
        asked_us = dut.rig.now_us
        dut.pump.status()
        times_us.append(dut.rig.now_us - asked_us)
        dut.simulate(0.005)
    figure("STATUS, round trip, mean of 20 (the host looks every 5 ms)", sum(times_us) / len(times_us) / 1000, "ms")
    figure("STATUS, round trip, worst", max(times_us) / 1000, "ms")


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
    figure("steps in an even stretch", 1e9 / NS_PER_CYCLE / common, "1/s")
    figure("a period's distance from the commonest one, worst", worst, "cycles of 8 ns")


def drift(board: EmulatedBoard) -> None:
    """Ten seconds; half an hour takes the emulator a day, and is run on the simulator."""
    dut = DeviceUnderTest("emulator", board=board)
    heap = heap_of(dut.rig)
    told_ms, true_us = dut.pump.status().device_time_ms, dut.rig.now_us
    for _ in range(5):
        dut.wait(2.0)
    passed_ms = dut.pump.status().device_time_ms - told_ms
    figure("device's clock against the chip's over 10 s", passed_ms - (dut.rig.now_us - true_us) / 1000, "ms")
    figure("heap lost over 10 s of a session", heap.free - heap_of(dut.rig).free, "bytes")


def flashing(uf2: Path) -> None:
    contents = files.contents_of("rpi_pico")
    heading("Flashing with mpremote")
    figure("files", len(contents), "")
    figure("their size", sum(map(len, contents.values())) / 1000, "kB")
    with TemporaryDirectory() as folder:
        for name, content in contents.items():
            file = Path(folder) / "files" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        chip = Chip(uf2, Path(folder) / "pico.flash")
        chip.start()
        began_us, began_s = chip.now_us, time.monotonic()
        files.mpremote(chip, "fs", "cp", "-r", *sorted(map(str, (Path(folder) / "files").iterdir())), ":")
        figure("time to copy them, the chip's", (chip.now_us - began_us) / 1e6, "s")
        figure("time to copy them, this machine's", time.monotonic() - began_s, "s")
        chip.write(b"\r\x03import os; s = os.statvfs('/'); print((s[2] - s[3]) * s[0])\r")
        said = chip.wait_for(b"\r\n>>> ").split()
        used = next((int(word) for word in reversed(said) if word.isdigit()), 0)
        figure("flash used by them, directories included", used / 1000, "kB")
