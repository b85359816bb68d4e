"""Names that the shell completes: of the catalog, of sequences, of records, of settings and boards.

A name is looked up when the user presses TAB; what cannot be read then completes to nothing.
"""

from collections.abc import Callable, Iterable

import click
from click.shell_completion import CompletionItem

from flushpump.errors import FlushPumpError

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]
# A name and what the shell shows beside it.
_Names = Iterable[tuple[str, str]]


def _completing(names: Callable[[], _Names], *, files: bool = False) -> Complete:
    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        try:
            found = [CompletionItem(name, help=text) for name, text in names() if name.startswith(incomplete)]
        except (FlushPumpError, OSError):
            return []
        if not found and files:
            return [CompletionItem(incomplete, type="file")]
        return found

    return complete


def catalog_names(kind: str) -> Complete:
    """Names of `lines`, `needles`, `syringes` or `extensions`."""

    def names() -> _Names:
        from flushpump.access.catalog import load

        return [(name, element.title) for name, element in getattr(load(), kind).items()]

    return _completing(names)


def _sequences() -> _Names:
    from flushpump.planning.sequence import built_in_names, load_sequence, own_names

    return [(name, load_sequence(name).title) for name in (*built_in_names(), *own_names())]


def _records() -> _Names:
    from flushpump.records.store import Records
    from flushpump.times import shown_time

    return [
        (record.record_id, f"{shown_time(record.written_at)} {record.body.get('sequence', '')}")
        for record in reversed(Records().all())
    ]


def _settings() -> _Names:
    from flushpump.device.settings import all_settings

    return [(setting.name, setting.meaning) for setting in all_settings()]


def _fluids() -> _Names:
    from flushpump.wire.codes import Fluid

    return [(fluid.name.lower(), "") for fluid in Fluid]


def _boards() -> _Names:
    from flushpump.flash.image import boards_root

    return [(file.stem, "") for file in sorted(boards_root().glob("*.toml"))]


sequence_names = _completing(_sequences, files=True)
record_names = _completing(_records)
setting_names = _completing(_settings)
fluid_names = _completing(_fluids)
board_names = _completing(_boards)
