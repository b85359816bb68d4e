"""`flushpump sim campaign`: many runs drawn from a file, kept as Parquet, and told in a table."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click
from flushpump.cli.output import console_for, echo_error, echo_table, print_json
from flushpump.cli.params import json_option
from flushpump.errors import FileProblem, ProgramError, UsageError, not_installed

if TYPE_CHECKING:
    from flushsim.campaign.config import CampaignConfig
    from flushsim.campaign.result_store import ResultStore
    from flushsim.campaign.runner import Progress

_SHARES_TOLD = 10
# A trace as text.
_TRACE_SUFFIXES = (".trace", ".txt", "")
EXTRA = ("pandas", "pyarrow", "pebble", "scipy", "matplotlib", "distributed")


@click.command("campaign", short_help="Runs many cases drawn from a file.")
@click.argument("file")
@click.option("--runs", type=click.IntRange(1), help="How many runs, instead of what the file says.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), help="Another seed: other cases.")
@click.option("--output", type=click.Path(path_type=Path), help="Folder of the results [default: campaign-NAME-SEED].")
@click.option("--jobs", type=click.IntRange(1, 1024), help="Processes [default: one for each core].")
@click.option("--scheduler", metavar="ADDRESS", help="Dask scheduler, as in tcp://10.0.0.1:8786, instead of processes.")
@click.option("--case", "case", type=click.IntRange(0), help="Run this case alone, and tell of it.")
@click.option(
    "--trace",
    type=click.Path(path_type=Path),
    help="With --case: its trace [default: case-N.trace]; a name in .html, .svg or .png has it drawn.",
)
@json_option
def campaign_command(
    file: str,
    runs: int | None,
    seed: int | None,
    output: Path | None,
    jobs: int | None,
    scheduler: str | None,
    case: int | None,
    trace: Path | None,
    as_json: bool,
) -> None:
    """Runs a campaign: FILE is a TOML file, or a name that is shipped: catalogue, false-alarms, small.

    What is finished is kept in the output folder, and the same command goes on with it. Every case is drawn from the
    seed and its number alone: --case N runs one of them again.
    """
    from flushsim.campaign.config import load

    description = load(file)
    if seed is not None:
        description = replace(description, seed=seed)
    if case is not None:
        _one(description, case, trace or Path(f"case-{case}.trace"), as_json)
        return
    if trace is not None:
        raise UsageError("--trace is for one case", "name it with --case")
    with _needed():
        _all(description, runs or description.runs, output, jobs, scheduler, as_json)


@contextmanager
def _needed() -> Iterator[None]:
    """What a campaign needs is looked for before it begins, and loaded when its turn comes."""
    try:
        missing = [name for name in EXTRA if find_spec(name) is None]
        if missing:
            raise not_installed("a campaign", *missing)
        yield
    except ModuleNotFoundError as problem:
        raise not_installed("a campaign", str(problem.name).partition(".")[0]) from problem


def _all(
    description: "CampaignConfig",
    runs: int,
    output: Path | None,
    jobs: int | None,
    scheduler: str | None,
    as_json: bool,
) -> None:
    from flushsim.campaign.executor import Executor, Processes, cores
    from flushsim.campaign.result_store import ResultStore
    from flushsim.campaign.runner import perform, problem_of_failed

    if scheduler is not None:
        from flushsim.campaign.dask_executor import check_address

        check_address(scheduler)
    parts = ResultStore(output or Path(f"campaign-{description.name}-{description.seed}"))
    parts.begin(description)

    def labour() -> Executor:
        if scheduler is not None:
            from flushsim.campaign.dask_executor import Cluster

            return Cluster(description, scheduler)
        return Processes(description, jobs or cores())

    with _progress(description, runs, len(parts.done)) as progress:
        perform(description, runs, parts, labour, progress)
    _tell(description, runs, parts, as_json)
    if progress.failed:
        raise problem_of_failed(progress.failed, parts, runs)


def _tell(description: "CampaignConfig", runs: int, parts: "ResultStore", as_json: bool) -> None:
    from flushsim.campaign.results import read
    from flushsim.campaign.statistics import figures_of
    from flushsim.campaign.text_report import lines_of
    from flushsim.plots.campaign.index import draw

    results = read(parts.files(), below=runs)
    figures = figures_of(results)
    if as_json:
        print_json({"campaign": description.name, "seed": description.seed, **figures})
    else:
        click.echo("\n".join(lines_of(description.title, description.seed, figures)))
    click.echo(f"\nevery run, and every pulse of it: {parts.folder}/part-*.parquet", err=True)
    try:
        page = draw(results, parts.folder, f"{description.title}, seed {description.seed}")[0]
    except OSError as problem:
        raise FileProblem(
            f"the pictures cannot be written to {parts.folder}: {problem.strerror or problem}",
            "make room and give the same command again",
        ) from problem
    click.echo(f"all of it in pictures: {page}, and beside it as .svg and .png", err=True)


@contextmanager
def _progress(description: "CampaignConfig", runs: int, done: int) -> Iterator["Progress"]:
    """Tells on stderr how far it is, on a terminal all the time, else ten times in all."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    from flushsim.campaign.runner import Progress

    if done:
        click.echo(f"{min(done, runs)} of {runs} runs are there already", err=True)
    console = console_for(as_json=True)
    columns = (TextColumn(description.name), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("", total=runs, completed=done)

        def step(now: int) -> None:
            bar.update(task, completed=now)
            if bar.disable and (now == runs or now * _SHARES_TOLD // runs > (now - 1) * _SHARES_TOLD // runs):
                click.echo(f"{now} of {runs} runs", err=True)

        yield Progress(tell=echo_error, step=step)


def _one(description: "CampaignConfig", case: int, trace: Path, as_json: bool) -> None:
    from flushpump.runs.report import alarm_sentence

    from flushsim.campaign.rows import prepared, reported_and_ground_truth
    from flushsim.firmware.image import FirmwareError
    from flushsim.plots.shared.saving import SUFFIXES, check_target
    from flushsim.scenario import run

    group = description.group_of(case)
    picture = trace.suffix.lower() in SUFFIXES
    if not picture and trace.suffix.lower() not in _TRACE_SUFFIXES:
        raise UsageError(
            f"{trace} has the suffix {trace.suffix!r}, which names no kind of trace",
            f"end it in {', '.join((*SUFFIXES, *filter(None, _TRACE_SUFFIXES)))}",
        )
    if picture:
        check_target(trace)
    try:
        result = run(prepared(description, case), trace=[] if picture else trace, flows=picture)
    except FirmwareError as problem:
        raise ProgramError(f"the firmware failed in case {case}: {problem}", f"see the trace {trace}") from problem
    if picture:
        with _needed():
            from flushsim.plots.run.build import timeline_of
            from flushsim.plots.run.files import write_run

            write_run(timeline_of(result), trace)
    row = reported_and_ground_truth(case, group, result)
    if as_json:
        print_json(row)
        return
    faults = ", ".join(row["faults"]) or "none"
    click.echo(f"case {case} of {description.name}, seed {description.seed}: {group.name}; faults: {faults}")
    pulses = row.pop("pulses")
    if pulses:
        told = [[str(value) for value in pulse.values()] for pulse in pulses]
        echo_table([list(pulses[0]), *told])
    for alarm in result.told.alarms:
        click.echo(alarm_sentence(alarm))
    for name, value in row.items():
        click.echo(f"{name:<34}{value}")
    click.echo(f"its trace is {trace}", err=True)
