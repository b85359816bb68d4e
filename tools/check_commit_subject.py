"""Checks the subject of a commit: `python tools/check_commit_subject.py FILE`, as Git's hook commit-msg calls it.

A subject is "area: imperative", for example "cli: refuse a fifo as sequence file", in at most 72 characters.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

LONGEST = 72
# Git writes these itself, and fixup! is gone after the rebase.
_BY_GIT = re.compile(r"(Merge|Revert|fixup!|squash!|amend!) ?")
_AREA = re.compile(r"[a-z0-9_.-]+(/[a-z0-9_.-]+)*: \S")
_VERSION = re.compile(r"version \d+\.\d+\.\d+")


def problem_of(message: str) -> str:
    """One sentence on what is wrong with a commit message, "" when nothing is."""
    lines = [line for line in message.splitlines() if not line.startswith("#")]
    subject = lines[0] if lines else ""
    if _BY_GIT.match(subject) or _VERSION.fullmatch(subject):
        return ""
    if len(subject) > LONGEST:
        return f"the subject has {len(subject)} characters, at most {LONGEST} are allowed: put the reason into the body"
    if not _AREA.match(subject):
        return 'the subject has no area: write "area: imperative", as in "cli: refuse a fifo as sequence file"'
    if subject.endswith("."):
        return "the subject ends with a full stop: leave it out"
    if len(lines) > 1 and lines[1].strip():
        return "the second line is not empty: leave a line between subject and body"
    return ""


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: python tools/check_commit_subject.py FILE", file=sys.stderr)
        return 2
    problem = problem_of(Path(sys.argv[1]).read_text(encoding="utf-8"))
    if problem:
        print(f"commit refused: {problem}", file=sys.stderr)
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main())
