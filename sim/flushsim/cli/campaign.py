"""`flushpump sim campaign`: many runs drawn from a file, kept as Parquet, and summed up in a table."""

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

_PROGRESS_LINES = 10
# A trace as text.
_TRACE_SUFFIXES = (".trace", ".txt", "")
EXTRA = ("pandas", "pyarrow", "pebble", "scipy", "matplotlib", "distributed")


@click.command("campaign", short_help="Runs many scenarios drawn from a file.")
@click.argument("file")
@click.option("--runs", type=click.IntRange(1), help="Number of runs, instead of the one in the file.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), help="Another seed: other cases.")
@click.option("--output", type=click.Path(path_type=Path), help="Folder of the results [default: campaign-NAME-SEED].")
@click.option("--jobs", type=click.IntRange(1, 1024), help="Processes [default: one for each core].")
@click.option("--scheduler", metavar="ADDRESS", help="Dask scheduler, as in tcp://10.0.0.1:8786, instead of processes.")
@click.option("--case", "case", type=click.IntRange(0), help="Run this case alone, and print its results.")
@click.option(
    "--trace",
    type=click.Path(path_type=Path),
    help="With --case: its trace [default: case-N.trace]; a name in .html, .svg or .png draws it.",
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
    """Runs a campaign: FILE is a TOML file, or the name of a shipped one: catalogue, false-alarms, small.

    Finished runs are kept in the output folder, and the same command continues with the rest. Every case is drawn from
    the seed and its number alone: --case N runs one of them again.
    """
    from flushsim.campaign.config import load

    config = load(file)
    if seed is not None:
        config = replace(config, seed=seed)
    if case is not None:
        _run_case(config, case, trace or Path(f"case-{case}.trace"), as_json)
        return
    if trace is not None:
        raise UsageError("--trace is for one case", "choose it with --case")
    with _needing_extra():
        _run_all(config, runs or config.runs, output, jobs, scheduler, as_json)


@contextmanager
def _needing_extra() -> Iterator[None]:
    """Checks before a campaign begins that its packages are installed; they are imported when they are needed."""
    try:
        missing = [name for name in EXTRA if find_spec(name) is None]
        if missing:
            raise not_installed("a campaign", *missing)
        yield
    except ModuleNotFoundError as problem:
        raise not_installed("a campaign", str(problem.name).partition(".")[0]) from problem


def _run_all(
    config: "CampaignConfig",
    runs: int,
    output: Path | None,
    jobs: int | None,
    scheduler: str | None,
    as_json: bool,
) -> None:
    from flushsim.campaign.executor import Executor, Processes, cores
    from flushsim.campaign.result_store import ResultStore
    from flushsim.campaign.runner import failed_runs_error, run_campaign

    if scheduler is not None:
        from flushsim.campaign.dask_executor import check_address

        check_address(scheduler)
    store = ResultStore(output or Path(f"campaign-{config.name}-{config.seed}"))
    store.open_for(config)

    def start_executor() -> Executor:
        if scheduler is not None:
            from flushsim.campaign.dask_executor import Cluster

            return Cluster(config, scheduler)
        return Processes(config, jobs or cores())

    with _progress(config, runs, len(store.done)) as progress:
        run_campaign(config, runs, store, start_executor, progress)
    _report(config, runs, store, as_json)
    if progress.failed:
        raise failed_runs_error(progress.failed, store, runs)


def _report(config: "CampaignConfig", runs: int, store: "ResultStore", as_json: bool) -> None:
    from flushsim.campaign.results import read
    from flushsim.campaign.statistics import statistics_of
    from flushsim.campaign.text_report import lines_of
    from flushsim.plots.campaign.index import draw

    results = read(store.files(), below=runs)
    statistics = statistics_of(results)
    if as_json:
        print_json({"campaign": config.name, "seed": config.seed, **statistics})
    else:
        click.echo("\n".join(lines_of(config.title, config.seed, statistics)))
    click.echo(f"\nevery run with its pulses: {store.folder}/part-*.parquet", err=True)
    try:
        page = draw(results, store.folder, f"{config.title}, seed {config.seed}")[0]
    except OSError as problem:
        raise FileProblem(
            f"the plots cannot be written to {store.folder}: {problem.strerror or problem}",
            "make room and give the same command again",
        ) from problem
    click.echo(f"the plots: {page}, and beside it as .svg and .png", err=True)


@contextmanager
def _progress(config: "CampaignConfig", runs: int, done: int) -> Iterator["Progress"]:
    """Shows the progress on stderr: as a bar on a terminal, else as ten lines in all."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    from flushsim.campaign.runner import Progress

    if done:
        click.echo(f"{min(done, runs)} of {runs} runs are already there", err=True)
    console = console_for(as_json=True)
    columns = (TextColumn(config.name), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("", total=runs, completed=done)

        def update_bar(now: int) -> None:
            bar.update(task, completed=now)
            if bar.disable and (now == runs or now * _PROGRESS_LINES // runs > (now - 1) * _PROGRESS_LINES // runs):
                click.echo(f"{now} of {runs} runs", err=True)

        yield Progress(on_problem=echo_error, on_run=update_bar)


def _run_case(config: "CampaignConfig", case: int, trace: Path, as_json: bool) -> None:
    from flushpump.runs.report import alarm_sentence

    from flushsim.campaign.rows import row_of_result, scenario_with_visit
    from flushsim.firmware.image import FirmwareError
    from flushsim.plots.shared.saving import SUFFIXES, check_target
    from flushsim.scenario import run

    group = config.group_of(case)
    picture = trace.suffix.lower() in SUFFIXES
    if not picture and trace.suffix.lower() not in _TRACE_SUFFIXES:
        raise UsageError(
            f"{trace} has the suffix {trace.suffix!r}, which names no kind of trace",
            f"end it in {', '.join((*SUFFIXES, *filter(None, _TRACE_SUFFIXES)))}",
        )
    if picture:
        check_target(trace)
    try:
        result = run(scenario_with_visit(config, case), trace=[] if picture else trace, flows=picture)
    except FirmwareError as problem:
        raise ProgramError(f"the firmware failed in case {case}: {problem}", f"see the trace {trace}") from problem
    if picture:
        with _needing_extra():
            from flushsim.plots.run.build import timeline_of
            from flushsim.plots.run.files import write_run

            write_run(timeline_of(result), trace)
    row = row_of_result(case, group, result)
    if as_json:
        print_json(row)
        return
    faults = ", ".join(row["faults"]) or "none"
    click.echo(f"case {case} of {config.name}, seed {config.seed}: {group.name}; faults: {faults}")
    pulses = row.pop("pulses")
    if pulses:
        cells = [[str(value) for value in pulse.values()] for pulse in pulses]
        echo_table([list(pulses[0]), *cells])
    for alarm in result.reported.alarms:
        click.echo(alarm_sentence(alarm))
    for name, value in row.items():
        click.echo(f"{name:<34}{value}")
    click.echo(f"trace: {trace}", err=True)
