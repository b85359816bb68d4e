"""Tables as text: rows whose columns are under each other."""

import itertools
import textwrap

_COMMON_WIDTH = 80
_CELL_LEAST = 4


def aligned(rows: list[list[str]], width: int | None = None) -> list[str]:
    """Rows as lines with columns under each other.

    What is too wide for 80 characters has its columns closer together. With `width`, that of a terminal, the widest
    cells go on below themselves, and a word is broken only where there is no other way; without it, as in a pipe, a row
    is one line that can be searched.
    """
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    gap = 2 if sum(widths) + 2 * (len(widths) - 1) <= _COMMON_WIDTH else 1
    room = None if width is None else max(width - gap * (len(widths) - 1), _CELL_LEAST * len(widths))
    words = [max(len(word) for row in rows for word in row[index].split() or [""]) for index in range(len(widths))]
    while room is not None and sum(widths) > room:
        unbroken = [each for each, word in zip(widths, words, strict=True) if each > word]
        index = next(
            index
            for index, (each, word) in enumerate(zip(widths, words, strict=True))
            if each == max(unbroken or widths) and (each > word or not unbroken)
        )
        widths[index] -= 1
    lines = []
    for row in rows:
        cells = [
            textwrap.wrap(text, each, break_on_hyphens=False) if len(text) > each else [text]
            for text, each in zip(row, widths, strict=True)
        ]
        for parts in itertools.zip_longest(*cells, fillvalue=""):
            lines.append((" " * gap).join(f"{text:{each}}" for text, each in zip(parts, widths, strict=True)).rstrip())
    return lines
