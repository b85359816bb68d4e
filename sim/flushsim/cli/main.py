"""`flushpump sim`: a simulated pump for any client, and the faults that it can have."""

import json
from pathlib import Path

import click
from flushpump.cli.completion import catalog_names
from flushpump.cli.output import console_for, echo_lines, echo_table
from flushpump.cli.params import FiniteRange
from flushpump.errors import NoDeviceError, UsageError

from flushsim.cli.campaign import campaign_command
from flushsim.cli.trace import trace_command
from flushsim.faults.spec import KINDS
from flushsim.firmware.image import FirmwareError
from flushsim.rig.pty import PseudoTerminal, linked, serve, until_signalled
from flushsim.url.url import ALL_TARGETS, SimulatorUrl

_DEFAULT = SimulatorUrl()


@click.group("sim", short_help="The simulator: a pump and its line.")
def sim_group() -> None:
    """The simulator: a pump and its line, run by the firmware of the board."""


sim_group.add_command(campaign_command)
sim_group.add_command(trace_command)


@sim_group.command("serve", short_help="Offers a simulated pump on a pseudo-terminal.")
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
    default=_DEFAULT.needle,
    show_default=True,
    help="Needle of a port, or `none`.",
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
@click.option("--fault", "faults", multiple=True, help="For instance occlusion@3s; may be repeated.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0), help="Same seed, same run.")
@click.option("--target", default=_DEFAULT.target, show_default=True, type=click.Choice(ALL_TARGETS))
@click.option(
    "--speed",
    default=1.0,
    show_default=True,
    # A client renews a lease of 2 s every 0.5 s of its own clock: beyond twice real time a busy client is too late.
    type=FiniteRange(0.01, 2),
    help="Times real time, 2 at most: above it clients renew their lease too late.",
)
@click.option("--link", type=click.Path(path_type=Path), help="Symbolic link to make to the terminal.")
def serve_command(
    line: str,
    needle: str,
    syringe: str,
    extension: str,
    faults: tuple[str, ...],
    seed: int,
    target: str,
    speed: float,
    link: Path | None,
) -> None:
    """Offers a simulated pump on a pseudo-terminal; its path is the one line on stdout."""
    wanted = SimulatorUrl(target, _DEFAULT.board, line, needle, syringe, extension, faults, seed, speed)
    terminal = PseudoTerminal()
    try:
        with wanted.rig() as rig, until_signalled() as goes_on, linked(terminal.path, link) as path:
            click.echo(path)
            pace = "in real time" if speed == 1 else f"at {speed:g} times real time"
            click.echo(f"a pump with {syringe} on {line} answers there, {pace}; Ctrl-C ends it", err=True)
            click.echo(f"next: flushpump status --port {path}", err=True)
            serve(rig, terminal, speed, goes_on)
    except ValueError as problem:
        raise UsageError(str(problem)) from problem
    except FirmwareError as problem:
        raise NoDeviceError(str(problem)) from problem
    finally:
        terminal.close()


@sim_group.command("faults", short_help="Lists the faults and how they are written.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def faults_command(as_json: bool) -> None:
    """Lists the faults of the simulator and how they are written."""
    if as_json:
        entries = [
            {"name": name, "where": kind.where, "meaning": kind.meaning, "severity": kind.default, "unit": kind.unit}
            for name, kind in KINDS.items()
        ]
        click.echo(json.dumps(entries, indent=2))
        return
    lines = [
        "name[:severity]@time[~duration], for instance occlusion@3s or leak:0.2@250ms~2s.",
        "Times count from the pump's first step; @0s of a link or rig fault is the simulation's start.",
        "A wrong syringe, and a sensor's offset and gain, are there from power-on, whatever time is written.",
        "",
    ]
    echo_lines(console_for(False), lines)
    rows = []
    for name, kind in KINDS.items():
        severity = "" if kind.default is None else f" [{kind.default:g} {kind.unit}]"
        rows.append([name, kind.where, f"{kind.meaning}{severity}"])
    echo_table(rows)
