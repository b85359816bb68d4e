"""Writes docs/figures.md from docs/figures.json, which `make bench` renews: `python -m tools.make_figures`.

The JSON has a list `groups`. Each has `name`, `title`, `date`, `on` (what it was measured on), `source` (the command,
or where the values were copied from), `rows` and perhaps `notes`. A row has `what`, `measured`, perhaps `budget`, and
`missed` where the budget is not kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1] / "docs"
SOURCE = DOCS / "figures.json"
PAGE = DOCS / "figures.md"

_HEAD = """# Figures

Measured values with their budgets. This page is made from `docs/figures.json`; `make bench` measures and renews it.
Each table has its date and what it was measured on. A budget that is missed is in **bold**.

No value is from a real board, a real line or a patient.
"""


def document(groups: list[Mapping[str, Any]]) -> str:
    """The text of the page."""
    return "\n".join([_HEAD, *map(_group, groups)])


def _group(group: Mapping[str, Any]) -> str:
    lines = [
        f"## {group['title']}",
        "",
        f"Measured {group['date']}: {group['on']}. Source: {group['source']}.",
        "",
        "| what | measured | budget |",
        "| --- | --- | --- |",
        *(_row(row) for row in group["rows"]),
        "",
    ]
    return "\n".join(lines + [line for note in group.get("notes", []) for line in (note, "")])


def _row(row: Mapping[str, Any]) -> str:
    measured = f"**{row['measured']}**" if row.get("missed") else row["measured"]
    return f"| {row['what']} | {measured} | {row.get('budget', '')} |"


def main() -> None:
    groups = json.loads(SOURCE.read_text(encoding="utf-8"))["groups"]
    PAGE.write_text(document(groups), encoding="utf-8")


if __name__ == "__main__":
    main()
