"""`flushpump aspirate`: draws a bounded volume back outside of any sequence and reports volume and pressure."""

import click

from flushpump.access.access_path import AccessPath
from flushpump.cli.commands.motion import check_syringe, perform, report_result
from flushpump.cli.confirm import confirm, refuse_without_answers
from flushpump.cli.output import console_for
from flushpump.cli.params import FLOW, VOLUME, json_option, path_options, port_option, yes_option
from flushpump.device.bench_hooks import fill_syringe
from flushpump.device.pump import Pump
from flushpump.device.retry import retry_idempotent
from flushpump.device.single_motion import SingleMotion
from flushpump.errors import RefusedError
from flushpump.link.ports import find_pump
from flushpump.link.url_handlers import with_path
from flushpump.planning.plan import path_settings
from flushpump.signals import StopSignals
from flushpump.wire.messages import Fluid

# The pump itself draws back no more in one go.
MOST_ML = 5.0


@click.command("aspirate", short_help="Draws a small volume back; no sequence.")
@path_options
@click.option("--volume", "volume_ml", type=VOLUME, default="0.5mL", show_default=True, help="At most 5 mL.")
@click.option("--flow", "flow_ml_per_s", type=FLOW, help="As in 0.5mL/s, the default; slower where the line is narrow.")
@click.option("--loaded", "loaded_ml", type=VOLUME, help="What the syringe holds, as in 5mL; default: its size.")
@port_option
@yes_option
@json_option
@click.pass_context
def aspirate_command(
    ctx: click.Context,
    line: str,
    needle: str,
    syringe: str,
    extension: str,
    heparin_intolerant: bool,
    volume_ml: float,
    flow_ml_per_s: float | None,
    loaded_ml: float | None,
    url: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Draws a volume back into the syringe and reports volume and pressure. It detects no fault of the line.

    The check for blood return is part of the sequences, which ask for it and record the answer. Flush the line
    afterwards: what was drawn in is still in it.
    """
    path = AccessPath.of(line, needle, syringe, extension, heparin_intolerant=heparin_intolerant)
    loaded = loaded_ml or path.syringe.size_ml
    cap = path.aspirate_cap
    flow = flow_ml_per_s or min(0.5, cap.flow_ml_per_s)
    if flow > cap.flow_ml_per_s:
        raise RefusedError(
            f"{flow:g} mL/s is above this path's {cap.flow_ml_per_s:g} mL/s: {cap.reason}", "draw more slowly"
        )
    if volume_ml > MOST_ML:
        raise RefusedError(f"at most {MOST_ML:g} mL are drawn back in one go, not {volume_ml:g} mL", "check --volume")
    check_syringe(path, loaded)
    if loaded + volume_ml > path.syringe.capacity_ml:
        raise RefusedError(
            f"{path.syringe.name} ends at {path.syringe.capacity_ml:g} mL and has no room for {volume_ml:g} mL beside "
            f"the {loaded:g} mL in it",
            "check --volume and --loaded",
        )
    refuse_without_answers(yes, as_json)
    console = console_for(as_json)
    with Pump.open(with_path(url or find_pump(), path.names)) as pump:
        text = f"draw back {volume_ml:g} mL at {flow:g} mL/s into {path.syringe.title}, {loaded:g} mL in it"
        confirm(console, [text], yes, "Are line, needle, brand and size of the syringe as shown?")
        with StopSignals() as signals:
            fill_syringe(pump, loaded)
            retry_idempotent(pump, lambda: pump.set_path(path_settings(path, Fluid.SALINE, loaded)))
            motion = SingleMotion(pump, volume_ml, flow, draws_back=True)
            perform(motion, signals, console)
            status = report_result(motion, as_json, _sentence(motion), _figures(motion))
            signals.ignore_from_now()
    ctx.exit(status)


def _sentence(motion: SingleMotion) -> str:
    lowest = "" if motion.lowest_pa is None else f", lowest pressure {motion.lowest_pa / 1000:.0f} kPa"
    return f"completed: {motion.moved_ml:.2f} mL drawn back{lowest}; flush the line, what was drawn in is still in it"


def _figures(motion: SingleMotion) -> dict[str, float | None]:
    return {
        "aspirated_ml": motion.moved_ml,
        "lowest_kpa": None if motion.lowest_pa is None else motion.lowest_pa / 1000,
        "highest_kpa": None if motion.highest_pa is None else motion.highest_pa / 1000,
    }
