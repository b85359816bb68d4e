"""Runs the examples of README.md and docs/ against the simulated pump, and keeps the shown output true.

    python -m tools.doc_examples            runs every example; status 1 where one fails or shows another output
    python -m tools.doc_examples --update   puts the real output into the pages
    python -m tools.doc_examples PAGE ...   only these pages

The first word behind the three back-ticks is the language, the rest is what happens to the block:

    sh                      run by bash; the block has to end with exit status 0
    sh exit=5               the same with exit status 5
    sh not-run: REASON      not run, for instance because it needs a board
    python                  run by Python; has to end without an exception
    toml file=NAME          written to that file, for the examples below it
    text output             what the example before it prints; `...` stands for lines that are left out

Each page has a folder, records and settings of its own. Blocks in other languages are only text.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
NOT_RUN = "not-run: "
# Differs from run to run or from version to version: ids of records, times, hashes, where the file is.
_VARYING = (
    (re.compile(r"\b\d+-[0-9a-f]{12}\b"), "12-0a1b2c3d4e5f"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(\+00:00|Z| UTC)?"), "2026-11-30T09:30:00+00:00"),
    (re.compile(r"\b(firmware\s+)\d+\.\d+\.\d+ [0-9a-f]{8}\b"), r"\g<1>0.2.0 01234567"),
    (re.compile(r"\b(settings\s+)[0-9a-f]{8}$"), r"\g<1>89abcdef"),
    (re.compile(r"/tmp/[\w./-]*?(?=[\w-]+\.(sqlite|toml|html|csv|json)\b)"), "/home/user/"),
)
_FENCE = re.compile(r"^(?P<ticks>`{3,})(?P<info>[^`\n]*)\n(?P<text>.*?)^(?P=ticks)[ ]*$", re.DOTALL | re.MULTILINE)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
# The client's random numbers shift a run by parts of a tick, so measured values differ a little from run to run.
_SHARE = 0.05
_TIMEOUT_S = 100


@dataclass(frozen=True)
class Block:
    """One fenced block. `info` are the words behind the back-ticks; `start` and `end` enclose its text."""

    page: Path
    line: int
    info: str
    text: str
    start: int
    end: int

    @property
    def language(self) -> str:
        return self.info.split(maxsplit=1)[0] if self.info else ""

    @property
    def option(self) -> str:
        return self.info[len(self.language) :].strip()

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def runs(self) -> bool:
        return self.language in ("sh", "python") and not self.option.startswith(NOT_RUN.strip())


class ExampleError(Exception):
    """An example that does not do what its page claims."""


def pages() -> list[Path]:
    """Every page with examples, README.md first."""
    found = (path for path in sorted((ROOT / "docs").rglob("*.md")) if "_build" not in path.parts)
    return [ROOT / "README.md", *(path for path in found if any(block.language for block in blocks(path)))]


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page in their order. ExampleError for an option that nobody knows."""
    text = page.read_text(encoding="utf-8")
    found = [
        Block(page, text.count("\n", 0, match.start()) + 1, match["info"].strip(), match["text"], *match.span("text"))
        for match in _FENCE.finditer(text)
    ]
    for block in found:
        _check(block)
    return found


def not_run(page: Path) -> list[Block]:
    """The examples of a page that are marked as not to be run."""
    return [block for block in blocks(page) if block.option.startswith(NOT_RUN.strip())]


def run_page(page: Path, *, update: bool = False) -> int:
    """Runs the examples of a page in order; how many. ExampleError names the first that fails."""
    text = page.read_text(encoding="utf-8")
    count = 0
    printed = ""
    changes: list[tuple[Block, str]] = []
    with tempfile.TemporaryDirectory() as folder:
        environment = _environment(folder)
        for block in blocks(page):
            if block.language == "toml" and block.option.startswith("file="):
                (Path(folder) / block.option.removeprefix("file=")).write_text(block.text, encoding="utf-8")
            elif block.runs:
                printed = _run(block, folder, environment)
                count += 1
            elif block.info == "text output" and not _shows(block.text, printed):
                if not update:
                    raise ExampleError(f"{block.place}: the example above it prints another text:\n{printed}")
                changes.append((block, _renewed(block.text, printed)))
    for block, renewed in reversed(changes):
        text = text[: block.start] + renewed + text[block.end :]
    if changes:
        page.write_text(text, encoding="utf-8")
    return count


def _check(block: Block) -> None:
    known = {
        "sh": r"|exit=\d+|not-run: \S.*",
        "python": r"|not-run: \S.*",
        "toml": r"|file=[\w.-]+",
        "text": r"|output",
    }.get(block.language)
    if known is not None and not re.fullmatch(known, block.option):
        raise ExampleError(f"{block.place}: the option {block.option!r} of this block is not known")


def _environment(folder: str) -> dict[str, str]:
    """Nothing of the user's: neither records nor settings, and no port but the one that the example names."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FLUSHPUMP_", "COV_"))}
    return kept | {
        "HOME": folder,
        "XDG_CONFIG_HOME": f"{folder}/.config",
        "XDG_DATA_HOME": f"{folder}/.data",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "COLUMNS": "120",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }


def _run(block: Block, folder: str, environment: dict[str, str]) -> str:
    """What the block prints, stdout and stderr as they come; ExampleError for an unexpected exit status."""
    python = block.language == "python"
    command = [sys.executable] if python else ["bash", "-e", "-o", "pipefail"]
    done = subprocess.run(
        [*command, "-c", block.text], cwd=folder, env=environment, timeout=_TIMEOUT_S, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    expected = int(block.option.removeprefix("exit=") or 0)
    if done.returncode != expected:
        raise ExampleError(f"{block.place}: exit status {done.returncode} instead of {expected}:\n{done.stdout}")
    return done.stdout


def _steady(line: str) -> str:
    for pattern, instead in _VARYING:
        line = pattern.sub(instead, line)
    return line.rstrip()


def _alike(shown: str, printed: str) -> bool:
    """Whether two lines have the same words and, within a twentieth or the last digit, the same numbers."""
    words = [" ".join(_NUMBER.sub("#", line).split()) for line in (shown, printed)]
    if words[0] != words[1]:
        return False
    pairs = zip(_NUMBER.findall(shown), _NUMBER.findall(printed), strict=True)
    return all(abs(float(a) - float(b)) <= max(_SHARE * float(b), 1.001 * _last_digit(b)) for a, b in pairs)


def _last_digit(number: str) -> float:
    return 10.0 ** -len(number.partition(".")[2])


def _shows(shown: str, printed: str) -> bool:
    """Whether the shown lines are the printed ones, in order, where `...` stands for any number of lines."""
    lines = [_steady(line) for line in printed.splitlines()]
    at = 0
    gap = False
    for line in shown.splitlines():
        if line.strip() == "...":
            gap = True
            continue
        wanted = _steady(line)
        if gap:
            while at < len(lines) and not _alike(wanted, lines[at]):
                at += 1
        if at >= len(lines) or not _alike(wanted, lines[at]):
            return False
        at += 1
        gap = False
    return gap or at == len(lines)


def _renewed(shown: str, printed: str) -> str:
    """The printed text; where the shown one left lines out, the lines nearest to those shown are kept."""
    lines = [_steady(line) for line in printed.splitlines()]
    if "..." not in shown:
        return "".join(f"{line}\n" for line in lines)
    kept: list[str] = []
    rest = list(lines)
    for line in shown.splitlines():
        if line.strip() == "...":
            kept.append("...")
            continue
        head = _steady(line)[:10]
        near = next((index for index, other in enumerate(rest) if other.startswith(head)), None)
        if near is not None:
            kept.append(rest[near])
            rest = rest[near + 1 :]
    return "".join(f"{line}\n" for line in kept)


def _wanted(names: list[str]) -> Iterator[Path]:
    yield from (Path(name).resolve() for name in names) if names else pages()


def main() -> int:
    update = "--update" in sys.argv
    failed = 0
    run = left = 0
    for page in _wanted([name for name in sys.argv[1:] if not name.startswith("--")]):
        try:
            run += run_page(page, update=update)
            left += len(not_run(page))
        except ExampleError as problem:
            failed += 1
            print(problem, file=sys.stderr)
    print(f"{run} examples run, {left} marked as not to be run, {failed} pages failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
