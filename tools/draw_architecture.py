"""Draws the pictures of docs/architecture.md: `python -m tools.draw_architecture` writes them to docs/pictures/.

The picture of the rooms is laid out here. The ways of a STOP and of a pressure sample are drawn from the page's own
tables (below `<!-- hops: NAME -->`), so that picture and table cannot differ.
"""

from __future__ import annotations

import re
from html import escape
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "architecture.md"
PICTURES = DOCS / "pictures"

_STYLE = (
    "text{font-family:system-ui,'DejaVu Sans',sans-serif;fill:#1b1f24}"
    ".title{font-size:16px;font-weight:600}.name{font-size:13px;font-weight:600}.note{font-size:12px;fill:#4a5360}"
    ".code{font-family:ui-monospace,'DejaVu Sans Mono',monospace;font-size:12.5px}"
    ".line{stroke:#4a5360;stroke-width:1.6;fill:none}"
)
_COLOURS = {"host": "#dbe9ff", "link": "#efe3fb", "board": "#ffe3cf", "firmware": "#d9f2dd", "plain": "#f3f4f6"}
_LANES = ("host", "link", "board", "firmware")


def text(x: float, y: float, words: str, kind: str, anchor: str = "start") -> str:
    return f'<text x="{x:g}" y="{y:g}" class="{kind}" text-anchor="{anchor}">{escape(words)}</text>'


def box(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6" fill="{colour}" stroke="#9aa4b2"/>'


def arrow(x1: float, y1: float, x2: float, y2: float, dashed: bool = False) -> str:
    dash = ' stroke-dasharray="5 4"' if dashed else ""
    return f'<path class="line" d="M{x1:g} {y1:g}L{x2:g} {y2:g}" marker-end="url(#head)"{dash}/>'


def svg(width: float, height: float, parts: list[str], what: str) -> str:
    head = (
        '<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="#4a5360"/></marker>'
    )
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" role="img">',
        f"<title>{escape(what)}</title><style>{_STYLE}</style><defs>{head}</defs>",
        f'<rect width="{width:g}" height="{height:g}" fill="#ffffff"/>',
        *parts,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def stack(x: float, y: float, width: float, colour: str, title: str, rows: list[tuple[str, str]]) -> list[str]:
    """A building with a title and its rooms below one another."""
    parts = [box(x, y, width, 40 + 44 * len(rows), _COLOURS["plain"]), text(x + 12, y + 25, title, "title")]
    for index, (name, note) in enumerate(rows):
        top = y + 36 + 44 * index
        parts += [
            box(x + 10, top, width - 20, 38, _COLOURS[colour]),
            text(x + 20, top + 16, name, "name"),
            text(x + 20, top + 31, note, "note"),
        ]
    return parts


def rooms() -> str:
    host = [
        ("cli", "commands, prompts, live view"),
        ("flash · runs", "the firmware to a board · one run, its report"),
        ("device · planning", "the pump as an object · sequences, plans, rules"),
        ("link · records", "a session over one port · the chain of records"),
        ("access · wire", "catalog, hydraulics · bytes to typed messages"),
    ]
    sim = [
        ("cli", "commands"),
        ("plots", "pictures of runs and campaigns"),
        ("campaign", "thousands of runs"),
        ("scenario", "one run of a campaign"),
        ("url", "flushsim:// for pyserial"),
        ("emulator", "a whole RP2040 with MicroPython"),
        ("rig", "the one clock, link faults, pseudo-terminal"),
        ("firmware · fluids", "runs the real files · which fluid is where"),
        ("plant", "stepper to vein, physics only"),
        ("faults", "what fails, and when"),
    ]
    firmware = [
        ("main.py", "calls the controller every 5 ms"),
        ("pump/controller.py", "the tick: the order of everything"),
        ("pump/link", "frames, sessions, commands, telemetry"),
        ("pump/runner.py · limiter.py", "program, flow under the limit"),
        ("pump/detection", "verdicts from pressure and steps"),
        ("pump/motion.py · ledger.py", "slices of steps, volume"),
        ("hardware", "PIO, DMA, sensor, USB, flash, watchdog"),
    ]
    parts = [
        box(20, 16, 1010, 44, _COLOURS["plain"]),
        text(32, 43, "hil_tests", "title"),
        text(130, 43, "black-box suite over the wire, the same on every target; benchmarks", "note"),
    ]
    parts += stack(20, 84, 320, "host", "host/flushpump", host)
    parts += stack(365, 84, 320, "link", "sim/flushsim", sim)
    parts += stack(710, 84, 320, "firmware", "firmware", firmware)
    heights = [84 + 40 + 44 * len(rows) for rows in (host, sim, firmware)]
    bottom = max(heights)
    parts += [
        box(20, bottom + 30, 1010, 44, _COLOURS["board"]),
        text(32, bottom + 57, "protocol/flushlink", "title"),
        text(215, bottom + 57, "the message table, frames, CRC: imported unchanged by CPython and MicroPython", "note"),
        arrow(180, heights[0], 180, bottom + 28),
        arrow(525, heights[1], 525, bottom + 28),
        arrow(870, heights[2], 870, bottom + 28),
        arrow(365, 300, 342, 300),
        arrow(685, 300, 708, 300),
        arrow(180, 60, 180, 82),
        arrow(525, 60, 525, 82),
        text(
            20, bottom + 96,
            "An arrow means: imports. host reaches sim only through a port's URL. "
            "In host and sim a room imports only rooms below it, none beside it.",
            "note",
        ),
    ]  # fmt: skip
    return svg(1050, bottom + 110, parts, "The rooms of the project and their imports")


def hops(page: str, name: str) -> list[tuple[int, str, str, str, str]]:
    """Number, file, functions, place and what happens of each row of a table of the page."""
    table = page.split(f"<!-- hops: {name} -->")[1]
    rows = []
    for line in table.splitlines()[1:]:
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 5 and cells[0].isdigit():
            rows.append((int(cells[0]), cells[1].strip("`"), cells[2].replace("`", ""), cells[3], cells[4]))
        elif rows and len(cells) != 5:
            break
    return rows


def way(page: str, name: str, what: str) -> str:
    rows = hops(page, name)
    pitch = 46
    lanes = {lane: 58 + 92 * index for index, lane in enumerate(_LANES)}
    height = 70 + pitch * len(rows)
    parts: list[str] = []
    for lane, x in lanes.items():
        parts += [
            f'<rect x="{x - 40}" y="12" width="80" height="{height - 24}" rx="8" fill="{_COLOURS[lane]}"/>',
            text(x, 34, lane, "name", "middle"),
        ]
    before: tuple[float, float] | None = None
    for index, (number, file, function, lane, happens) in enumerate(rows):
        x, y = lanes[lane], 66 + pitch * index
        if before is not None:
            x0, y0 = before
            parts.append(arrow(x0, y0 + 13, x, y - 14))
        before = (x, y)
        parts += [
            f'<circle cx="{x}" cy="{y}" r="13" fill="#ffffff" stroke="#4a5360" stroke-width="1.6"/>',
            text(x, y + 4.5, str(number), "name", "middle"),
            text(400, y - 3, f"{function}()", "code"),
            text(1030, y - 3, Path(file).name, "code", "end"),
            text(400, y + 14, re.sub(r"[`*]", "", happens), "note"),
        ]
    return svg(1050, height, parts, what)


def pictures() -> dict[str, str]:
    """Each picture by the name of its file."""
    page = PAGE.read_text(encoding="utf-8")
    return {
        "rooms.svg": rooms(),
        "stop.svg": way(page, "stop", "The way of a STOP"),
        "sample.svg": way(page, "sample", "The way of a pressure sample"),
    }


if __name__ == "__main__":
    for file_name, picture in pictures().items():
        (PICTURES / file_name).write_text(picture, encoding="utf-8")
