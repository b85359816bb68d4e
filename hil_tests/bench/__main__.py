"""The figures of the project: `python hil_tests/bench [SECTION ...]`, by default all of SECTIONS."""

import runpy
import sys
from pathlib import Path

# What the black-box tests share is used here too.
sys.path.append(str(Path(__file__).parents[1]))

import chip
import delivery
import detection
import flushing
import link_soak
import speed
import trips

FIRMWARE_TESTS = Path(__file__).parents[2] / "firmware" / "tests"


def step() -> None:
    """What a control step costs, in bytecodes and in time of the MicroPython VM."""
    runpy.run_path(str(FIRMWARE_TESTS / "step_cost.py"), run_name="__main__")


def registers() -> None:
    """The step generator on the emulated chip's registers: highest rate, jitter, slices."""
    runpy.run_path(str(FIRMWARE_TESTS / "registers" / "rg_figures.py"), run_name="__main__")


SECTIONS = {
    "delivery": delivery.main,
    "trips": trips.main,
    "flushing": flushing.main,
    "detection": detection.main,
    "speed": speed.main,
    "link": link_soak.main,
    "step": step,
    "registers": registers,
    "chip": chip.main,
}


def main() -> int:
    names = sys.argv[1:] or list(SECTIONS)
    unknown = [name for name in names if name not in SECTIONS]
    if unknown:
        print(f"bench: there is no section '{unknown[0]}'; known are {', '.join(SECTIONS)}", file=sys.stderr)
        return 2
    for name in names:
        SECTIONS[name]()
    return 0


sys.exit(main())
