"""`flushpump sim trace`: one run on the simulated pump, drawn."""

import json
from pathlib import Path

import click
from flushpump.access import catalog
from flushpump.cli.completion import catalog_names, sequence_names
from flushpump.cli.params import VOLUME
from flushpump.errors import NoDeviceError, UsageError, not_installed

from flushsim.faults.spec import FaultError
from flushsim.firmware.image import FirmwareError
from flushsim.plots.shared.saving import check_target
from flushsim.url.url import SimulatorUrl

_DEFAULT = SimulatorUrl()


@click.command("trace", short_help="Draws one run on the simulated pump.")
@click.argument("sequence", default="port-maintenance", shell_complete=sequence_names)
@click.option(
    "--line",
    shell_complete=catalog_names("lines"),
    default=_DEFAULT.line,
    show_default=True,
    help="Access device, see `flushpump catalog lines`.",
)
@click.option(
    "--needle",
    shell_complete=catalog_names("needles"),
    help=f"Needle of a port, or `none`; default: {_DEFAULT.needle} where the line needs one.",
)
@click.option(
    "--syringe",
    shell_complete=catalog_names("syringes"),
    default=_DEFAULT.syringe,
    show_default=True,
    help="Syringe in the pump.",
)
@click.option(
    "--extension",
    shell_complete=catalog_names("extensions"),
    default=_DEFAULT.extension,
    show_default=True,
    help="Extension set.",
)
@click.option("--loaded", "loaded_ml", type=VOLUME, help="What the syringe holds, as in 10mL; default: what is needed.")
@click.option("--fault", "faults", multiple=True, help="For instance occlusion@3s; may be repeated.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0), help="Same seed, same run.")
@click.option(
    "--output",
    "files",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Ends in .svg, .png or .html; may be repeated. An older file is replaced.",
)
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout: the result as of `flushpump run --json`.")
def trace_command(
    sequence: str,
    line: str,
    needle: str | None,
    syringe: str,
    extension: str,
    loaded_ml: float | None,
    faults: tuple[str, ...],
    seed: int,
    files: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Runs SEQUENCE on the simulated pump and draws what happened.

    Flow, pressure with its limits, volume and steps, verdicts with their evidence, faults and alarms, and what each
    segment of the line held: as a picture (.svg, .png), or as a page that can be zoomed and read (.html). Every
    question is answered with yes. A run that ends in an alarm is drawn like any other: the exit status is 0.
    """
    for file in files:
        check_target(file)
    try:
        from flushsim.plots.run.files import write_run
    except ModuleNotFoundError as problem:
        raise not_installed("a picture", (problem.name or "matplotlib").partition(".")[0]) from problem
    from flushsim.plots.run.build import timeline_of
    from flushsim.scenario import Scenario, run

    if needle is None:
        needle = _DEFAULT.needle if catalog.load().line(line).needle_required else "none"
    case = Scenario(sequence, line, needle, syringe, extension, loaded_ml, seed, faults)
    try:
        result = run(case, [], flows=True)
    except FaultError as problem:
        raise UsageError(str(problem)) from problem
    except FirmwareError as problem:
        raise NoDeviceError(str(problem)) from problem
    timeline = timeline_of(result)
    for file in files:
        write_run(timeline, file)
        click.echo(f"drawn in {file}", err=True)
    if as_json:
        click.echo(json.dumps(result.report().to_json(), indent=2))
    else:
        click.echo(timeline.reported_text)
        click.echo(timeline.ground_truth_text)
        for text in timeline.fluid_texts:
            click.echo(text)
