"""Writes README.md: what the boards are and how they are wired, from their data. `python -m tools.make_wiring`."""

import tomllib
from pathlib import Path
from typing import Any

from flushpump.flash.pins import FORCE_LIMITS, STRAPS, check, wiring

BOARDS = Path(__file__).resolve().parents[1] / "boards"
_INTRODUCTION = """\
# Boards

Data only: drive geometry, driver, sensor, pins and limits of each board; checked when loaded. Written by
`python -m tools.make_wiring` from the files; change those.

Keep STEP, DIR and ENABLE away from the sensor's wires. ENABLE needs a resistor to the driver's logic supply, so that
the motor is off while the chip is in reset. Stop, home and end switches open when they act: a broken wire stops the
pump. A board file leaves out the switches that a pump does not have; the stop button it must have.
"""


def document() -> str:
    """The text of README.md. Raises ValueError with one sentence when a board's data make no sense."""
    parts = [_INTRODUCTION]
    for file in sorted(BOARDS.glob("*.toml")):
        data = tomllib.loads(file.read_text(encoding="utf-8"))
        check(data)
        drive, driver = data["drive"], data["driver"]
        locks = "may move without current" if drive["back_drives"] else "locks itself"
        parts.append(
            f"\n## {data['name']}\n\n{data['title']}. {drive['steps_per_mm']} steps/mm, at most "
            f"{drive['step_rate_max_per_s']} steps/s; the drive {locks}. Its force is limited to "
            f"{drive['force_limit_n']} N by {FORCE_LIMITS[drive['force_limit_by']]}. "
            f"Driver: STEP high {driver['step_high_ns']} ns, low {driver['step_low_ns']} ns, DIR "
            f"{driver['dir_setup_ns']} ns before it{_over_uart(driver)}.\n\n{wiring(data)}"
        )
    return "".join(parts)


def _over_uart(driver: dict[str, Any]) -> str:
    uart = driver.get("uart")
    if uart is None:
        return ""
    ms1, ms2 = STRAPS[uart["microsteps"]]
    return (
        f"; over its UART 1/{uart['microsteps']} step, {uart['run_current_ma']} mA RMS, {uart['hold_current_ma']} mA "
        f"at rest, with MS1 to {ms1} and MS2 to {ms2} for the same steps without it"
    )


if __name__ == "__main__":
    (BOARDS / "README.md").write_text(document(), encoding="utf-8")
