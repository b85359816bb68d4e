"""The paths from a campaign's names of lines, needles, syringes and extension sets, each with its sequence."""

import difflib
from collections.abc import Mapping
from fnmatch import fnmatchcase

from flushpump.access import catalog
from flushpump.errors import FlushPumpError
from flushpump.toml_reader import TomlTable

from flushsim.scenario import Scenario

PATH_KEYS = ("sequence", "lines", "needles", "syringes", "extensions", "tolerances")
_SEQUENCES = {"port": "port-maintenance", "picc": "picc-flush", "tunneled": "tunneled-flush"}


def scenarios_of(table: TomlTable) -> tuple[Scenario, ...]:
    """Each sequence on each path of these names, without parts that do not fit together."""
    # Without the user's own entries, so that a campaign gives the same runs everywhere.
    known = catalog.shipped()
    lines = _names(table, "lines", known.lines, ("smartport-ct-8f",))
    needles = _names(table, "needles", known.needles, ("huber-20g",))
    syringes = _names(table, "syringes", known.syringes, ("bd-10",))
    extensions = _names(table, "extensions", known.extensions, ("extension-20cm",))
    scenarios = []
    refusal = None
    for line in lines:
        fitting = needles if known.line(line).needle_required else ("none",)
        sequence = _sequence(table, known.line(line).kind)
        for needle in fitting:
            if needle == "none" and known.line(line).needle_required:
                continue
            for syringe in syringes:
                for extension in extensions:
                    scenario = Scenario(sequence, line, needle, syringe, extension)
                    try:
                        scenario.plan()
                    except FlushPumpError as problem:
                        refusal = problem
                        continue
                    scenarios.append(scenario)
    if not scenarios:
        raise table.problem("lines", f"gives no path that can be run: {refusal}", "choose others")
    return tuple(scenarios)


def _sequence(table: TomlTable, kind: str) -> str:
    written = table.values.get("sequence", _SEQUENCES)
    if isinstance(written, dict):
        TomlTable(written, table.file_name, f"{table.place}sequence, ", tuple(_SEQUENCES))
        written = written.get(kind, _SEQUENCES[kind])
    if not isinstance(written, str):
        raise table.problem("sequence", f"is {written!r}", 'write a name, or { port = "port-maintenance" }')
    return written


def _names(table: TomlTable, key: str, known: Mapping[str, object], default: tuple[str, ...]) -> tuple[str, ...]:
    """The matching names of the catalog; `*` and `?` match any letters."""
    patterns = table.values.get(key, list(default))
    if not isinstance(patterns, list) or not patterns or not all(isinstance(one, str) for one in patterns):
        raise table.problem(key, f"is {patterns!r}", f'give a list of names, as in {key} = ["*"]')
    found: dict[str, None] = {}
    for pattern in patterns:
        matching = [name for name in known if fnmatchcase(name, pattern)]
        if not matching:
            near = difflib.get_close_matches(pattern, known, n=1)
            remedy = f"did you mean {near[0]}?" if near else f"see flushpump catalog {key}"
            raise table.problem(key, f"has {pattern!r}, which is not in the catalog", remedy)
        found.update(dict.fromkeys(matching))
    return tuple(found)
