"""`flushpump run`: runs a sequence after confirmation, shows it live, and always reports and records the result."""

import sys

import click
from rich.console import Console

from flushpump.access.access_path import AccessPath
from flushpump.cli.commands.catalog import fluid_named, plan_lines
from flushpump.cli.completion import sequence_names
from flushpump.cli.configured import ConfiguredOption
from flushpump.cli.confirm import confirm, refuse_without_answers
from flushpump.cli.live_view import display_for
from flushpump.cli.output import console_for, echo_error, echo_lines, print_json, try_write
from flushpump.cli.params import (
    LABEL,
    OPERATOR,
    VOLUME,
    fluid_option,
    json_option,
    path_options,
    port_option,
    yes_option,
)
from flushpump.cli.prompts import TerminalPrompter, YesPrompter
from flushpump.device.pump import Pump
from flushpump.errors import FlushPumpError
from flushpump.exit_status import ExitStatus
from flushpump.link.ports import find_pump
from flushpump.link.url_handlers import target_of, with_path
from flushpump.planning.plan import Plan
from flushpump.planning.prior_visit import last_visit
from flushpump.planning.sequence import load_sequence
from flushpump.records.store import Record, Records
from flushpump.runs.ports import Prompter
from flushpump.runs.report import RunReport
from flushpump.runs.run import Run, current_user, describe_pump
from flushpump.signals import StopSignals
from flushpump.times import now_text


@click.command("run", short_help="Runs a sequence, live, and writes its record.")
@click.argument("sequence", shell_complete=sequence_names)
@path_options
@click.option("--loaded", "loaded_ml", type=VOLUME, help="What the syringe holds, as in 10mL; default: what is needed.")
@fluid_option
@click.option(
    "--operator",
    cls=ConfiguredOption,
    config="operator",
    type=OPERATOR,
    envvar="FLUSHPUMP_OPERATOR",
    show_envvar=True,
    help="Who runs it, for the record.",
)
@click.option("--label", type=LABEL, help="Your own name of this very line, for records due; no person's name.")
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
    label: str | None,
    url: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Runs SEQUENCE (a name, or a TOML file) after confirmation, shows it live, and writes its record."""
    path = AccessPath.of(line, needle, syringe, extension, heparin_intolerant=heparin_intolerant)
    visit = last_visit(_past_runs(label), label or "", path)
    plan = Plan.of(load_sequence(sequence), path, loaded_ml=loaded_ml, fluid=fluid_named(fluid), visit=visit)
    refuse_without_answers(yes, as_json)
    url = with_path(url or find_pump(), path.names)
    console = console_for(as_json)
    prompter: Prompter = YesPrompter() if yes else TerminalPrompter(sys.stderr)
    report = RunReport(plan, target=target_of(url), operator=operator or current_user(), confirmed_by=prompter.by)
    report.label = label or ""
    with Pump.open(url) as pump:
        describe_pump(report, pump)
        confirm(console, plan_lines(plan), yes, "Are line, needle, brand and size of the syringe as shown?")
        report.started_at = now_text()
        with StopSignals() as signals:
            display = display_for(console, lambda: _on_output_lost(signals, as_json))
            Run(pump, plan, report, prompter, display, signals).perform()
            record_id = _record(report)
            written = _print_result(report, record_id, console, as_json)
            signals.ignore_from_now()
    ctx.exit(report.exit_status or (ExitStatus.DONE if written else ExitStatus.OUTCOME_UNKNOWN))


def _past_runs(label: str | None) -> list[Record]:
    """The records, if a label identifies the line. An unreadable file gives no hint here; it is reported later."""
    try:
        return Records().all() if label else []
    except FlushPumpError:
        return []


def _on_output_lost(signals: StopSignals, as_json: bool) -> None:
    """Stops the run when its live display cannot be written; with --json a program still waits for the result."""
    signals.stop_requested = signals.stop_requested or not as_json


def _print_result(report: RunReport, record_id: str | None, console: Console, as_json: bool) -> bool:
    """Prints the result; returns whether it could be written."""
    otherwise = f"the result is in flushpump records show {record_id}" if record_id else report.sentence()
    written = try_write(lambda: echo_lines(console, report.summary(record_id)), otherwise)
    if as_json:
        written = try_write(lambda: print_json({**report.to_json(), "record_id": record_id}), otherwise)
    if report.exit_status:
        echo_error(report.sentence())
    elif written:
        try_write(lambda: echo_lines(console, [report.sentence()]), otherwise)
    return written


def _record(report: RunReport) -> str | None:
    """Writes the record; if that fails, the result is printed all the same."""
    try:
        return Records().append(report.to_json(), now_text()).record_id
    except FlushPumpError as problem:
        echo_error(f"no record was written: {problem}")
        return None
