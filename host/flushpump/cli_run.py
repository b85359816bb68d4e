"""`flushpump run` and `flushpump prime`: the commands that move the plunger."""

import getpass
import math
import sys
from datetime import UTC, datetime

import click
from rich.console import Console

from flushpump.asking import Asker, TerminalAsker, YesAsker
from flushpump.cli_base import (
    FLOW,
    VOLUME,
    complain,
    console_for,
    json_option,
    path_options,
    port_option,
    print_json,
    simulated_with,
    target_of,
    yes_option,
)
from flushpump.cli_catalog import fluid_named, plan_lines
from flushpump.display import display_for
from flushpump.errors import FlushPumpError, Interrupted, Refused, StoppedByAlarm
from flushpump.events import alarm_happened, alarm_remedy
from flushpump.following import going_on, patient_status
from flushpump.insisting import patiently, surely
from flushpump.interrupts import Interrupts
from flushpump.path import Path
from flushpump.plan import Plan, path_settings
from flushpump.ports import find_pump
from flushpump.pump import Pump
from flushpump.records import Records
from flushpump.report import RunReport
from flushpump.running import Run
from flushpump.sequence import load_sequence
from flushpump.simulated import fill_syringe, line_taken_off
from flushpump.types import Fluid


@click.command("run")
@click.argument("sequence")
@path_options
@click.option("--loaded", "loaded_ml", type=VOLUME, help="What the syringe holds, as in 10mL; default: what is needed.")
@click.option("--fluid", help="Instead of the sequence's fluid: saline, heparin_10, heparin_100.")
@click.option("--operator", envvar="FLUSHPUMP_OPERATOR", show_envvar=True, help="Who runs it, for the record.")
@port_option
@yes_option
@json_option
@click.pass_context
def run_command(
    ctx: click.Context,
    sequence: str,
    line: str,
    needle: str,
    syringe: str,
    extension: str,
    heparin_intolerant: bool,
    loaded_ml: float | None,
    fluid: str | None,
    operator: str | None,
    url: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Runs SEQUENCE (a name, or a TOML file) after confirmation, shows it live, and writes its record."""
    path = Path.of(line, needle, syringe, extension, heparin_intolerant=heparin_intolerant)
    plan = Plan.of(load_sequence(sequence), path, loaded_ml=loaded_ml, fluid=fluid_named(fluid))
    refuse_without_answers(yes, as_json)
    url = simulated_with(url or find_pump(), path) or ""
    console = console_for(as_json)
    asker: Asker = YesAsker() if yes else TerminalAsker(sys.stderr)
    report = RunReport(plan, target=target_of(url), operator=operator or _user(), confirmed_by=asker.by)
    with Pump.open(url) as pump:
        _describe(report, pump)
        confirm(console, plan_lines(plan), yes, "Are line, needle, brand and size of the syringe as shown?")
        report.started_at = datetime.now(UTC).isoformat(timespec="seconds")
        display = display_for(console)
        with Interrupts() as interrupts:
            Run(pump, plan, report, asker, display, interrupts).perform()
            record_id = _record(report)
    if as_json:
        print_json({**report.to_json(), "record_id": record_id})
    elif record_id:
        console.print(f"record {record_id}", markup=False)
    if report.exit_status:
        complain(report.sentence())
    else:
        console.print(report.sentence(), markup=False, soft_wrap=True)
    ctx.exit(report.exit_status)


@click.command("prime")
@path_options
@click.option("--volume", "volume_ml", type=VOLUME, help="As in 0.5mL; default: extension and needle, and 20 % more.")
@click.option("--flow", "flow_ml_per_s", type=FLOW, default="0.2mL/s", show_default=True, help="As in 0.2mL/s.")
@click.option("--loaded", "loaded_ml", type=VOLUME, help="What the syringe holds; default: its size.")
@port_option
@yes_option
@json_option
def prime_command(
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
    path = Path.of(line, needle, syringe, extension, heparin_intolerant=heparin_intolerant)
    volume = volume_ml or max(0.1, math.ceil(12 * path.extension.volume_ml) / 10)
    loaded = loaded_ml or path.syringe.size_ml
    if flow_ml_per_s > path.flow_cap_ml_per_s:
        raise Refused(
            f"{flow_ml_per_s:g} mL/s is above this path's {path.flow_cap_ml_per_s:g} mL/s", "prime more slowly"
        )
    if volume > loaded or loaded > path.syringe.capacity_ml:
        raise Refused(f"{volume:g} mL do not come out of {loaded:g} mL in {path.syringe.name}", "check --loaded")
    refuse_without_answers(yes, as_json)
    console = console_for(as_json)
    with Pump.open(simulated_with(url or find_pump(), path)) as pump:
        text = f"prime {volume:g} mL at {flow_ml_per_s:g} mL/s from {path.syringe.title}, {loaded:g} mL in it"
        confirm(console, [text], yes, "Is the line NOT connected, and the syringe as shown?")
        with Interrupts() as interrupts:
            fill_syringe(pump, loaded)
            patiently(pump, lambda: pump.set_path(path_settings(path, Fluid.SALINE, loaded)))
            before = patient_status(pump)
            with line_taken_off(pump):
                _prime(pump, volume, flow_ml_per_s, interrupts)
            status = patient_status(pump)
    primed_ml = max(0, before.syringe_remaining_nl - status.syringe_remaining_nl) / 1e6
    result = {"primed_ml": primed_ml, "intended_ml": volume, "interrupted": interrupts.wanted}
    if as_json:
        print_json(result)
    else:
        console.print(f"{primed_ml:.2f} mL primed", markup=False)
    if interrupts.wanted and primed_ml < volume - 0.005:
        raise Interrupted(f"stopped by the user, nothing moves: {primed_ml:.2f} mL primed")
    if status.alarm_code and primed_ml < volume - 0.005:
        raise StoppedByAlarm(
            f"{alarm_happened(status.alarm_code)}, {primed_ml:.2f} mL primed", alarm_remedy(status.alarm_code)
        )


def refuse_without_answers(yes: bool, as_json: bool) -> None:
    """Refused where a question will be asked and nobody can answer it."""
    if not yes and (as_json or not sys.stdin.isatty()):
        why = "--json leaves nobody to ask" if as_json else "there is no terminal to ask on"
        raise Refused(f"this needs a confirmation and {why}", "add --yes if everything has been checked")


def confirm(console: Console, lines: list[str], yes: bool, question: str) -> None:
    """Shows what will be done and asks; Refused on a no (REQ-PATH-2)."""
    for text in lines:
        console.print(text, markup=False, soft_wrap=True)
    if yes:
        return
    click.echo(f"{question} [y/n] ", nl=False, err=True)
    # An end of input gives no answer, which is a no; Ctrl-C goes its own way.
    answer = sys.stdin.readline()
    if answer.strip().lower() not in ("y", "yes"):
        raise Refused("not confirmed", "nothing has moved")


def _prime(pump: Pump, volume_ml: float, flow_ml_per_s: float, interrupts: Interrupts) -> None:
    if interrupts.wanted:
        raise Interrupted("stopped by the user", "nothing has moved")
    surely(pump, lambda: pump.prime(volume_ml, flow_ml_per_s))
    pump.keep_alive = True
    while going_on(patient_status(pump)):
        pump.poll(0.05)
        if interrupts.wanted:
            pump.stop()
            return


def _describe(report: RunReport, pump: Pump) -> None:
    info = patiently(pump, pump.info)
    report.unit = info.unit.hex()
    if pump.hello is not None:
        report.firmware = f"{pump.hello.version_text} {pump.hello.firmware_fingerprint.hex()}"
        report.settings_fingerprint = pump.hello.settings_fingerprint.hex()


def _record(report: RunReport) -> str | None:
    """Writes the record; a record that cannot be written does not take the result away."""
    try:
        return Records().append(report.to_json(), datetime.now(UTC).isoformat(timespec="seconds")).record_id
    except FlushPumpError as problem:
        complain(f"no record was written: {problem}")
        return None


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
