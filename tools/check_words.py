"""Counts words that the project has replaced by the field's terms: `python -m tools.check_words [WORD ...]`.

Without a WORD it prints how often each word is left, and in which files; with WORDs it prints their lines. It reads the
tracked Python, TOML, Markdown and make files. A word is also found as a part of an identifier, as in `told_us`.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
ENDINGS = (".py", ".toml", ".md", "Makefile")

# What was said, and the term for it.
WORDS = {
    "told tell tells telling": "report",
    "said say says saying": "report, name, print",
    "judge judges judged judging judgement": "detect, classify",
    "lesson lessons taught learnt": "baseline",
    "weigh weighs weighed weighing": "estimate",
    "tally": "add sample",
    "bends": "residual delta",
    "upkeep": "maintenance",
    "insist insists insisting patiently surely": "retry",
    "grief": "failure",
    "mind minds": "controller",
    "hears freshen": "poll for stop, refresh",
    "catalogue catalogues": "catalog",
    "labour": "executor",
    "asker": "prompter",
    "seen": "observed",
    "stands lies": "is",
    "mend mended mends": "repair, restore",
    "hand hands": "operator",
    "story stories": "timeline",
}
PHRASES = {
    "gives way|give way|gave way|giving way": "is compliant",
    "turns? of the loop|(?:each|one|a) turn": "tick",
    "not judged": "unclassified",
    "compiled in": "inline constants",
    "told and true": "reported and ground truth",
    "air bubbles?|(?:a|of|the) bubbles?": "air in line",
    "open_bench|OpenBench|OpenWire": "open_dut",
}
# Right uses: names that are fixed by the wire, JSON keys, columns of results, a campaign's name, and plain English.
ALLOWED = re.compile(
    r"seen_permille|SEEN_PERMILLE|NOT_JUDGED|not_judged|\"not judged\"|\btold_from\b|\"seen\"|`seen`"
    r"|\btold_(?:driven|delivered|uncertain|relieved|aspirated)_ml\b|\btold_peak_kpa\b|\bsaid_first\b|\[\"said\"\]|\"said\""
    r"|`said`|`told_`|\bsaid=|campaign catalogue|[\"`]catalogue[\"`]|catalogue, false-alarms, small"
    r"|[Bb]lood return (?:was )?(?:not )?seen|whether blood return was seen|seen\\\? \\\["
    r"|[Bb]y[ _]hand|BY_HAND|hand-written|hand pump|in your hand|by weighing|bends and (?:connectors|their)"
    r"|[Ss]tands for|(?:half|quarter) a turn|a turn of the screw"
)
# Files that quote replaced words on purpose.
QUOTING = {"tools/check_words.py", "tools/tests/test_check_words.py", "CHANGELOG.md"}

_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def files() -> list[Path]:
    """The tracked files that are searched."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = [name for name in listed.splitlines() if name.endswith(ENDINGS) and name not in QUOTING]
    return [ROOT / name for name in names if (ROOT / name).exists()]


def words_of(line: str) -> Iterator[str]:
    """The replaced words and phrases in a line, each as often as it occurs."""
    line = ALLOWED.sub("", line)
    for part in _PARTS.findall(line):
        if part.lower() in _SINGLE:
            yield part.lower()
    for phrase in PHRASES:
        for _ in re.finditer(rf"\b(?:{phrase})\b", line):
            yield phrase


_SINGLE = {word for words in WORDS for word in words.split()}
_TERMS = {word: term for words, term in WORDS.items() for word in words.split()} | PHRASES


def main() -> int:
    wanted = set(sys.argv[1:])
    unknown = wanted - set(_TERMS)
    if unknown:
        print(f"check_words: {min(unknown)!r} is no replaced word; known are {', '.join(_TERMS)}", file=sys.stderr)
        return 2
    counts: Counter[str] = Counter()
    places: dict[str, Counter[str]] = {}
    for file in files():
        name = file.relative_to(ROOT).as_posix()
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            for word in words_of(line):
                counts[word] += 1
                places.setdefault(word, Counter())["/".join(name.split("/")[:3])] += 1
                if word in wanted:
                    print(f"{name}:{number}: {line.strip()}")
    if wanted:
        return 0
    for word, count in counts.most_common():
        common = ", ".join(f"{name} {found}" for name, found in places[word].most_common(3))
        print(f"{count:>5}  {word:<28} -> {_TERMS[word]:<26} {common}")
    print(f"{counts.total():>5}  words left")
    return 0


if __name__ == "__main__":
    sys.exit(main())
