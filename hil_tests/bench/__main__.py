"""The figures of the project, printed: `python hil_tests/bench [delivery|trips|speed|link|step]`, by default all."""

import sys

import delivery
import link_soak
import speed
import trips

SECTIONS = {
    "delivery": delivery.main,
    "trips": trips.main,
    "speed": speed.main,
    "link": link_soak.main,
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
