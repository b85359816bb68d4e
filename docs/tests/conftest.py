"""Prints at the end how many examples of the pages are not run, and why."""

from collections import Counter

import pytest

from tools import doc_examples


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    left = [block for page in doc_examples.pages() for block in doc_examples.not_run(page)]
    reasons = Counter(block.option.removeprefix(doc_examples.NOT_RUN) for block in left)
    listed = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
    terminalreporter.write_line(f"examples of the pages that are not run: {len(left)} ({listed})")
