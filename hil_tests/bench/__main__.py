"""The benchmarks of the project: `python hil_tests/bench [SECTION ...]`, by default all of SECTIONS.

Each section is also written to docs/figures.json and with it to docs/figures.md.
"""

import io
import runpy
import sys
from contextlib import redirect_stdout
from pathlib import Path

# The benches of the firmware are packages below the repository's folder, and import the firmware's own `pump`.
sys.path.append(str(Path(__file__).parents[2]))
sys.path.append(str(Path(__file__).parents[2] / "firmware"))

import chip
import delivery
import detection
import flushing
import link_soak
import speed
import starting
import trips
from measurements import add_row, published

from tools import make_figures


def step() -> None:
    """Cost of a tick, in bytecodes and in time of the MicroPython VM."""
    # Its estimates are for comparing two versions of the code, not for the page of figures.
    runpy.run_module("firmware.tests.support.tick_cost", run_name="__main__")


def registers() -> None:
    """The step generator on the emulated chip's registers: highest rate, jitter, slices."""
    _printed("firmware.tests.registers.support.measurements")


def _printed(module: str) -> None:
    """Runs a module that prints its measurements, a line each, as `what: value`."""
    output = io.StringIO()
    with redirect_stdout(output):
        runpy.run_module(module, run_name="__main__")
    print(output.getvalue())
    for line in output.getvalue().splitlines():
        what, found, value = line.strip().partition(": ")
        if found:
            value, _, budget = value.partition(" (budget ")
            add_row(what, value, budget.rstrip(")"))


# What runs, and for the page of figures its title and what it is measured on.
SECTIONS = {
    "delivery": (delivery.main, "Delivery", "the simulator, target native, worst of 17 lines"),
    "trips": (trips.main, "Ends of motion", "the simulator, target native, worst of the onsets spread over a tick"),
    "flushing": (flushing.main, "Flushed volume", "the simulator's fluids, target native"),
    "detection": (detection.main, "Detection", f"campaign `{detection.name()}`, target native; 95 % intervals"),
    "speed": (speed.main, "Speed", "the wall clock of the machine named"),
    "starting": (starting.main, "Starting", "CPU time on the machine named"),
    "link": (link_soak.main, "Commands over a bad link", "the simulator, target native"),
    "step": (step, "Cost of a tick", "the MicroPython VM of the machine named, bytecodes counted"),
    "registers": (registers, "Step generator", "the emulated RP2040's registers, PIO and DMA at 125 MHz"),
    "chip": (
        chip.main,
        "The board",
        "the emulated RP2040 at 125 MHz; the emulator has no model of the flash's cache misses, so times are lower "
        "bounds",
    ),
}


def main() -> int:
    names = sys.argv[1:] or list(SECTIONS)
    unknown = [name for name in names if name not in SECTIONS]
    if unknown:
        print(f"bench: there is no section '{unknown[0]}'; known are {', '.join(SECTIONS)}", file=sys.stderr)
        return 2
    for name in names:
        run, title, on = SECTIONS[name]
        group = f"{name}-{detection.name()}" if name == "detection" else name
        with published(name, group, title, on):
            run()
        make_figures.main()
    return 0


sys.exit(main())
