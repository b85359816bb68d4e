"""`flushpump catalog` and `flushpump plan`: what there is, and what a run would do. Nothing moves."""

import math
from dataclasses import asdict
from pathlib import Path as FilePath
from typing import Any

import click

from flushpump import user_config
from flushpump.access.access_path import AccessPath
from flushpump.access.catalog import load
from flushpump.access.parts import Extension, Line, Needle, Syringe, UnknownNameError
from flushpump.cli.completion import sequence_names
from flushpump.cli.output import console_for, echo_lines, echo_table, print_json, shown_table, terminal_width
from flushpump.cli.params import VOLUME, fluid_option, json_option, path_options
from flushpump.errors import UsageError
from flushpump.planning.plan import Plan
from flushpump.planning.sequence import FLUIDS, built_in_names, load_sequence, own_names
from flushpump.text_table import aligned
from flushpump.wire.messages import Fluid

_UNITS = {
    "bore_mm": "(mm)",
    "length_mm": "(mm)",
    "inner_diameter_mm": "(mm)",
    "volume_ml": "(mL)",
    "capacity_ml": "(mL)",
    "pressure_limit_kpa": "(kPa)",
    "flow_limit_ml_per_s": "(mL/s)",
}
_HEADINGS = {
    "bore_mm": "bore",
    "length_mm": "length",
    "inner_diameter_mm": "inner diameter",
    "volume_ml": "volume",
    "capacity_ml": "capacity",
    "pressure_limit_kpa": "limit",
    "flow_limit_ml_per_s": "flow",
}
_KINDS = ("lines", "needles", "syringes", "extensions", "sequences")


@click.command("catalog", short_help="Lists lines, needles, syringes, extension sets, sequences.")
@click.argument("kind", type=click.Choice((*_KINDS, "check")), required=False, metavar="[KIND | check]")
@click.argument("folder", required=False, type=click.Path(path_type=FilePath))
@json_option
@click.pass_context
def catalog_command(ctx: click.Context, kind: str | None, folder: FilePath | None, as_json: bool) -> None:
    """Lists what there is. KIND: lines, needles, syringes, extensions or sequences; --json adds all sources.

    `flushpump catalog check [FOLDER]` checks config.toml, catalog/*.toml and sequences/*.toml of your configuration
    folder, or of FOLDER: OK or one sentence for each mistake. It ends with status 2 if there is one.
    """
    if kind == "check":
        from flushpump.cli.commands.catalog_check import check_folder

        ctx.exit(check_folder(folder, as_json))
    if folder is not None:
        raise UsageError(f"{folder} is one argument too many", "a folder belongs to flushpump catalog check")
    user_config.load()
    kinds = (kind,) if kind else _KINDS
    if as_json:
        entries = {each: _entries(each) for each in kinds}
        print_json(entries[kind] if kind else entries)
        return
    for each in kinds:
        if not kind:
            click.echo(f"{each.upper()}")
        click.echo("\n".join([*_rows(each), ""]))
    click.echo("Sources and certainty of every value: flushpump catalog --json")


@click.command("plan", short_help="Shows what a run would do; nothing moves.")
@click.argument("sequence", shell_complete=sequence_names)
@path_options
@click.option("--loaded", "loaded_ml", type=VOLUME, help="What the syringe holds, as in 10mL; default: what is needed.")
@fluid_option
@json_option
def plan_command(
    sequence: str,
    line: str,
    needle: str,
    syringe: str,
    extension: str,
    heparin_intolerant: bool,
    loaded_ml: float | None,
    fluid: str | None,
    as_json: bool,
) -> None:
    """Shows volumes, time, predicted pressure and caps of SEQUENCE (a name, or a TOML file). Nothing moves."""
    path = AccessPath.of(line, needle, syringe, extension, heparin_intolerant=heparin_intolerant)
    plan = Plan.of(load_sequence(sequence), path, loaded_ml=loaded_ml, fluid=fluid_named(fluid))
    if as_json:
        print_json(plan.to_json())
        return
    echo_lines(console_for(False), plan_lines(plan))
    cells = [["phase", "volume mL", "flow mL/s", "pause s", "time s", "kPa", "wall shear Pa", "asks"]]
    for phase in plan.phases:
        cells.append(
            [
                phase.kind.name.lower(),
                f"{phase.count} x {phase.volume_ml:g}" if phase.count > 1 else f"{phase.volume_ml:g}",
                f"{phase.flow_ml_per_s:g}",
                f"{phase.pause_s:g}",
                f"{phase.duration_s:.2f}",
                f"{phase.predicted_kpa:.0f}" if phase.predicted_kpa else "",
                f"{phase.wall_shear_pa:.1f}" if phase.wall_shear_pa else "",
                phase.question.name.lower().replace("_", " ") if phase.question else "",
            ]
        )
    click.echo()
    echo_table(cells)


def plan_lines(plan: Plan) -> list[str]:
    """A plan for a person, before it is confirmed: path, syringe, volumes, limits, and what to know."""
    path = plan.path
    fluids = ", ".join(dict.fromkeys(phase.fluid.name.lower().replace("_", " ") for phase in plan.phases))
    needle = "" if path.needle.length_mm == 0 else f", {path.needle.name}"
    peak = max(phase.predicted_kpa for phase in plan.phases)
    lines = [
        f"{plan.sequence.name}: {plan.sequence.title}",
        f"line      {path.line.name} ({path.line.title}){needle}, {path.extension.name}: {path.volume_ml:.2f} mL",
        f"syringe   {path.syringe.title} ({path.syringe.name}), {path.syringe.inner_diameter_mm:g} mm, filled with "
        f"{plan.loaded_ml:g} mL of {fluids}",
        f"volume    infuse {plan.dose_ml:.2f} mL, aspirate {plan.aspirated_ml:.2f} mL, in about "
        f"{plan.duration_s:.0f} s",
        f"pressure  about {peak:.0f} kPa expected, working limit {path.working_limit_kpa:.0f} kPa, hard limit "
        f"{path.hard_limit_kpa:.0f} kPa ({path.hard_limit_part})",
        f"flow      at most {path.flow_cap_ml_per_s:g} mL/s: {path.flow_cap.reason}",
    ]
    if plan.visit is not None:
        lines.append(f"known     {plan.visit.sentence()}")
    lines += [f"limits    {line}" for line in plan.limit_lines]
    return lines + [f"note      {note}" for note in plan.notes]


def fluid_named(name: str | None) -> Fluid | None:
    """The fluid of that name; UnknownNameError for one that is not in the catalog (REQ-PATH-5)."""
    if name is None:
        return None
    if name not in FLUIDS:
        raise UnknownNameError("fluid", name, FLUIDS)
    return FLUIDS[name]


def _entries(kind: str) -> list[dict[str, Any]]:
    if kind == "sequences":
        sequences = [load_sequence(name) for name in (*built_in_names(), *own_names())]
        own = own_names()
        return [
            {"name": each.name, "title": each.title, "for": list(each.line_kinds), "own": each.name in own}
            for each in sequences
        ]
    elements: dict[str, Line | Needle | Syringe | Extension] = getattr(load(), kind)
    return [_entry(element) for element in elements.values()]


def _entry(element: Line | Needle | Syringe | Extension) -> dict[str, Any]:
    values = {key: None if value == math.inf else value for key, value in asdict(element).items()}
    values["own"] = any(source.own for source in element.sources.values())
    if isinstance(element, Line | Extension):
        values["volume_ml"] = round(element.volume_ml, 3)
    return values


def _rows(kind: str) -> list[str]:
    """Aligned lines, one element each, so that they can be searched and cut to columns."""
    entries = _entries(kind)
    columns = {
        "lines": ("name", "title", "bore_mm", "length_mm", "volume_ml", "pressure_limit_kpa", "flow_limit_ml_per_s"),
        "needles": ("name", "title", "bore_mm", "length_mm", "flow_limit_ml_per_s"),
        "syringes": ("name", "title", "inner_diameter_mm", "capacity_ml", "central_allowed"),
        "extensions": ("name", "title", "volume_ml", "pressure_limit_kpa"),
        "sequences": ("name", "title", "for"),
    }[kind]
    cells = [[_heading(column) for column in columns]]
    units = [_UNITS.get(column, "") for column in columns]
    if any(units):
        cells.append(units)
    cells += [[_cell(entry[column]) for column in columns] for entry in entries]
    for row, entry in zip(cells[-len(entries) :], entries, strict=True):
        row[columns.index("title")] += " (own)" if entry["own"] else ""
    return aligned(shown_table(cells), terminal_width())


def _heading(column: str) -> str:
    return _HEADINGS.get(column, column.replace("_", " "))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return ", ".join(value) if isinstance(value, list) else str(value)
