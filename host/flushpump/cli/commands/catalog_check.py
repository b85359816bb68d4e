"""`flushpump catalog check`: every file of a configuration folder, with OK or its mistakes."""

from pathlib import Path as FilePath

import click

from flushpump import user_config
from flushpump.access.catalog import shipped
from flushpump.access.catalog_files import read_own
from flushpump.access.parts import Catalog
from flushpump.cli.output import one_line, print_json
from flushpump.errors import FlushPumpError, UsageError
from flushpump.exit_status import ExitStatus
from flushpump.planning.sequence import SUFFIX, built_in_names, load_sequence
from flushpump.toml_reader import parse_toml, read_text

_Faults = dict[FilePath, list[str]]


def check_folder(folder: FilePath | None, as_json: bool) -> ExitStatus:
    """Prints each file with its mistakes, and gives the exit status."""
    folder = user_config.folder() if folder is None else folder
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}", "create it, or name another")
    catalog, entries = read_own(folder / "catalog", shipped())
    faults: _Faults = {file: [str(problem) for problem in problems] for file, problems in entries.items()}
    faults |= _sequences(folder / "sequences")
    faults |= _config(folder / user_config.FILE, catalog)
    wrong = any(faults.values())
    if as_json:
        print_json({"folder": str(folder), "files": {str(file): found for file, found in faults.items()}})
    else:
        for file, found in faults.items():
            click.echo("\n".join(map(one_line, found)) if found else f"{file}: OK")
        if not faults:
            click.echo(f"{folder} has no {user_config.FILE}, catalog/*{SUFFIX} or sequences/*{SUFFIX}")
    return ExitStatus.USAGE if wrong else ExitStatus.DONE


def _sequences(folder: FilePath) -> _Faults:
    found: _Faults = {}
    try:
        files = sorted(file for file in folder.iterdir() if file.suffix == SUFFIX) if folder.exists() else []
    except OSError as problem:
        return {folder: [f"{folder} cannot be read: {problem.strerror}; make it a folder"]}
    for file in files:
        found[file] = []
        try:
            if file.stem in built_in_names():
                raise UsageError(f"{file} has the name of a built-in sequence", "rename the file")
            load_sequence(str(file))
        except FlushPumpError as problem:
            found[file].append(str(problem))
    return found


def _config(file: FilePath, catalog: Catalog) -> _Faults:
    if not file.exists():
        return {}
    found: list[str] = []
    try:
        config = user_config.parse_config(parse_toml(read_text(file, "configuration", ""), str(file)), str(file))
    except UsageError as problem:
        return {file: [str(problem)]}
    for key in ("line", "needle", "syringe", "extension"):
        name = getattr(config, key)
        if name is not None:
            try:
                getattr(catalog, key)(name)
            except UsageError as problem:
                found.append(f"{file}, {key}: {problem}")
    return {file: found}
