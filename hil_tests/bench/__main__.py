"""The figures of the project, printed: `python hil_tests/bench [delivery|trips|speed|link|step]`, by default all."""

import runpy
import sys
from pathlib import Path

import delivery
import link_soak
import speed
import trips

STEP_COST = Path(__file__).parents[2] / "firmware" / "tests" / "step_cost.py"


def step() -> None:
    """What a control step costs, in bytecodes and in time of the MicroPython VM."""
    runpy.run_path(str(STEP_COST), run_name="__main__")


SECTIONS = {
    "delivery": delivery.main,
    "trips": trips.main,
    "speed": speed.main,
    "link": link_soak.main,
    "step": step,
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
