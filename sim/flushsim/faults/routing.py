"""Faults outside the plant: of the link, the firmware's loop, the power, and a pressed stop button.

`flushsim.faults.spec` reads their text; this module adds the kinds of the rig. Times count from the first step. Only
for these faults `@0s` means the start of the simulation, so that a link can be bad from the first HELLO on.
"""

from collections.abc import Iterable

from flushsim.faults.spec import KINDS, LINK, Fault, Kind, parse_faults

RIG = "rig"

KINDS.setdefault(
    "link-reorder",
    Kind(LINK, "share of frames delayed by 5 to 200 ms, so that later frames overtake them", 0.1, 0.0, 1.0, "share"),
)
KINDS.setdefault("stop-button", Kind(RIG, "the stop button is pressed, and held for the duration"))
KINDS.setdefault(
    "loop-stall", Kind(RIG, "the firmware's loop hangs, for the duration or until the watchdog resets the board")
)
KINDS.setdefault("power-cut", Kind(RIG, "the board has no power, for the duration or for 1 s"))


def split(texts: Iterable[str | Fault]) -> tuple[list[Fault], list[Fault], list[Fault]]:
    """Faults of the plant, the link and the rig. Raises FaultError with one sentence."""
    faults = parse_faults(texts)
    return (
        [fault for fault in faults if fault.where not in (LINK, RIG)],
        [fault for fault in faults if fault.where == LINK],
        [fault for fault in faults if fault.where == RIG],
    )


def has_begun(fault: Fault, now_us: int, motion_started_us: int | None) -> bool:
    """Whether a fault of link or rig has begun, ended or not."""
    return fault.at_us == 0 or (motion_started_us is not None and now_us - motion_started_us >= fault.at_us)


def is_active(fault: Fault, now_us: int, motion_started_us: int | None) -> bool:
    """Whether a fault of the link is active at `now_us`."""
    if fault.at_us == 0:
        return fault.duration_us is None or now_us < fault.duration_us
    return fault.is_active(None if motion_started_us is None else now_us - motion_started_us)
