"""`flushpump prime`: extension and needle are filled before they are connected; what goes out is no dose."""

import math

import click

from flushpump.access.access_path import AccessPath
from flushpump.cli.commands.motion import check_syringe, perform, report_result
from flushpump.cli.confirm import confirm, refuse_without_answers
from flushpump.cli.output import console_for
from flushpump.cli.params import FLOW, VOLUME, json_option, path_options, port_option, yes_option
from flushpump.device.bench_hooks import fill_syringe, line_taken_off
from flushpump.device.pump import Pump
from flushpump.device.retry import retry_idempotent
from flushpump.device.single_motion import SingleMotion
from flushpump.errors import RefusedError
from flushpump.link.ports import find_pump
from flushpump.link.url_handlers import with_path
from flushpump.planning.plan import path_settings
from flushpump.signals import StopSignals
from flushpump.wire.messages import Fluid


@click.command("prime", short_help="Fills extension and needle; no dose.")
@path_options
@click.option("--volume", "volume_ml", type=VOLUME, help="As in 0.5mL; default: extension and needle, and 20 % more.")
@click.option("--flow", "flow_ml_per_s", type=FLOW, default="0.2mL/s", show_default=True, help="With its unit.")
@click.option("--loaded", "loaded_ml", type=VOLUME, help="What the syringe holds, as in 10mL; default: its size.")
@port_option
@yes_option
@json_option
@click.pass_context
def prime_command(
    ctx: click.Context,
    line: str,
    needle: str,
    syringe: str,
    extension: str,
    heparin_intolerant: bool,
    volume_ml: float | None,
    flow_ml_per_s: float,
    loaded_ml: float | None,
    url: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Fills extension and needle before they are connected; booked as prime, not as dose."""
    path = AccessPath.of(line, needle, syringe, extension, heparin_intolerant=heparin_intolerant)
    volume = volume_ml or max(0.1, math.ceil(12 * path.extension.volume_ml) / 10)
    loaded = loaded_ml or path.syringe.size_ml
    if flow_ml_per_s > path.flow_cap_ml_per_s:
        raise RefusedError(
            f"{flow_ml_per_s:g} mL/s is above this path's {path.flow_cap_ml_per_s:g} mL/s", "prime more slowly"
        )
    check_syringe(path, loaded)
    if volume > loaded:
        raise RefusedError(f"{volume:g} mL do not come out of a syringe that holds {loaded:g} mL", "check --volume")
    refuse_without_answers(yes, as_json)
    console = console_for(as_json)
    with Pump.open(with_path(url or find_pump(), path.names)) as pump:
        text = f"prime {volume:g} mL at {flow_ml_per_s:g} mL/s from {path.syringe.title}, {loaded:g} mL in it"
        confirm(console, [text], yes, "Is the line NOT connected, and the syringe as shown?")
        with StopSignals() as signals, line_taken_off(pump):
            fill_syringe(pump, loaded)
            retry_idempotent(pump, lambda: pump.set_path(path_settings(path, Fluid.SALINE, loaded)))
            motion = SingleMotion(pump, volume, flow_ml_per_s)
            perform(motion, signals, console)
            primed_ml = motion.moved_ml
            sentence = f"completed: {primed_ml:.2f} mL primed"
            status = report_result(motion, as_json, sentence, {"primed_ml": primed_ml})
            signals.ignore_from_now()
    ctx.exit(status)
