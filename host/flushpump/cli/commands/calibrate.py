"""`flushpump calibrate`: the pressure sensor against the air and against a gauge, shown before it is stored."""

from typing import Any

import click
from rich.console import Console

from flushpump.cli.confirm import confirm, refuse_without_answers
from flushpump.cli.output import console_for, echo_lines, print_json, try_write
from flushpump.cli.params import PRESSURE, json_option, port_option, yes_option
from flushpump.device.bench_hooks import held_at
from flushpump.device.calibration import LEAST_KNOWN_PA, Calibration, Reading, apply, check_sensor, measure
from flushpump.device.pump import Pump
from flushpump.device.retry import retry_idempotent
from flushpump.errors import RefusedError, UsageError
from flushpump.exit_status import ExitStatus
from flushpump.signals import StopSignals

_UNCHANGED = "nothing was changed"
# Beyond this share of the sensor's range a reading may already be cut off.
_MOST_OF_RANGE = 0.95


@click.command("calibrate", short_help="Calibrates the pressure sensor with a gauge.")
@click.argument("part", type=click.Choice(["zero"]), required=False, metavar="[zero]")
@click.option("--at", "known_kpa", type=PRESSURE, help="The pressure your gauge will show, as in 100kPa or 15psi.")
@port_option
@yes_option
@json_option
@click.pass_context
def calibrate_command(
    ctx: click.Context, part: str | None, known_kpa: float | None, url: str | None, yes: bool, as_json: bool
) -> None:
    """Calibrates the pressure sensor; nobody may be connected to the pump.

    \b
    flushpump calibrate --at 100kPa   first at the air, then at a pressure that your gauge shows
    flushpump calibrate zero          only at the air; the gain stays as it is

    The pump does not move. For the second step close the line behind gauge and sensor, and press by hand. What would
    be implausible is refused whole; otherwise the result is shown, asked for, stored, read back and checked.
    """
    known_pa = _known_pa(part, known_kpa)
    refuse_without_answers(yes, as_json)
    console = console_for(as_json)
    with Pump.open(url) as pump:
        if known_pa is not None:
            most_pa = _MOST_OF_RANGE * retry_idempotent(pump, pump.info).sensor_max_pa
            if known_pa > most_pa:
                raise RefusedError(f"the sensor is good up to {most_pa / 1000:.0f} kPa", f"{_UNCHANGED}; press less")
        before = Calibration.in_force(pump)
        echo_lines(console, [f"in force  {before}"])
        with held_at(pump, 0.0):
            question = "Is nobody connected, the line open to the air, and nothing pressing on the plunger?"
            confirm(console, [], yes, question, _UNCHANGED)
            zero = _measured(pump, console, "at air")
            wanted = before.zeroed(zero)
            check_sensor(pump)
            if known_pa is None:
                known, checked = None, _apply(pump, console, yes, before, wanted, 0.0)
        if known_pa is not None:
            shown = f"{known_pa / 1000:g} kPa"
            with held_at(pump, known_pa / 1000):
                confirm(console, [], yes, f"Is the line closed, and does the gauge show {shown} steadily?", _UNCHANGED)
                known = _measured(pump, console, "at gauge")
                wanted = before.through(zero, known, known_pa)
                checked = _apply(pump, console, yes, before, wanted, known_pa)
    written = try_write(
        lambda: _print_result(console, as_json, before, wanted, zero, known, known_pa, checked), str(wanted)
    )
    ctx.exit(ExitStatus.DONE if written else ExitStatus.OUTCOME_UNKNOWN)


def _known_pa(part: str | None, known_kpa: float | None) -> float | None:
    if part is not None:
        if known_kpa is not None:
            raise UsageError("calibrate zero is done at the air and takes no --at", "leave it out")
        return None
    if known_kpa is None:
        raise UsageError("the gauge's pressure is missing", "write --at 100kPa, or flushpump calibrate zero")
    if known_kpa * 1000 < LEAST_KNOWN_PA:
        raise RefusedError(
            f"{known_kpa:g} kPa is too near to zero to calibrate with", f"take {LEAST_KNOWN_PA // 1000} kPa or more"
        )
    return known_kpa * 1000


def _measured(pump: Pump, console: Console, label: str) -> Reading:
    reading = measure(pump)
    echo_lines(console, [f"{label:8}  {reading.mean_pa / 1000:.2f} kPa, within {reading.spread_pa / 1000:.2f} kPa"])
    return reading


def _apply(
    pump: Pump, console: Console, yes: bool, before: Calibration, wanted: Calibration, known_pa: float
) -> Reading:
    kept = ", and is the pressure kept" if known_pa else ""
    confirm(console, [f"new       {wanted}"], yes, f"Shall this be stored{kept}?", _UNCHANGED)
    # Half a calibration is none: from here on Ctrl-C waits.
    with StopSignals():
        return apply(pump, before, wanted, known_pa)


def _print_result(
    console: Console, as_json: bool, before: Calibration, wanted: Calibration, zero: Reading, known: Reading | None,
    known_pa: float | None, checked: Reading,
) -> None:  # fmt: skip
    if as_json:
        result: dict[str, Any] = {
            "offset_pa": wanted.offset_pa,
            "gain_ppm": wanted.gain_ppm,
            "before": {"offset_pa": before.offset_pa, "gain_ppm": before.gain_ppm},
            "at_air_kpa": round(zero.mean_pa / 1000, 3),
            "gauge_kpa": None if known_pa is None else known_pa / 1000,
            "at_gauge_kpa": None if known is None else round(known.mean_pa / 1000, 3),
            "checked_kpa": round(checked.mean_pa / 1000, 3),
        }
        print_json(result)
    echo_lines(console, [f"stored, and the pump now reads {checked.mean_pa / 1000:.2f} kPa"])
