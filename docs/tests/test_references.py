"""Files, functions and numbers that the pages name exist."""

import ast
import re
from pathlib import Path

import pytest
from flushpump.exit_status import MEANINGS

from tools.doc_examples import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"] + [
    path for path in sorted((ROOT / "docs").rglob("*.md")) if "_build" not in path.parts
]
_FOLDERS = "protocol|firmware|boards|host|sim|hil_tests|docs|tools"
_PATH = re.compile(rf"`((?:{_FOLDERS})/[\w./*-]*)`")
_HOP = re.compile(r"^\| *\d+ *\|")


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    # NAME stands for a name of the reader's choice, and what `make docs` builds need not be there.
    named = [path for path in _PATH.findall(page.read_text(encoding="utf-8")) if not re.search("NAME|_build", path)]
    missing = [path for path in named if not (list(ROOT.glob(path)) if "*" in path else (ROOT / path).exists())]
    assert not missing


def hops() -> list[tuple[str, str]]:
    """File and dotted name of every hop in the tables of the architecture page."""
    found = []
    for line in (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").splitlines():
        if _HOP.match(line):
            _, file, functions, *_ = (cell.strip() for cell in line.strip("|").split("|"))
            found += [(file.strip("`"), function) for function in re.findall(r"`([\w.]+)`", functions)]
    return found


@pytest.mark.parametrize(("file", "function"), hops(), ids=lambda value: value)
def test_the_function_of_every_hop_is_defined_in_its_file(file: str, function: str) -> None:
    scope: list[ast.stmt] = ast.parse((ROOT / file).read_text(encoding="utf-8")).body
    for part in function.split("."):
        found = [node for node in scope if getattr(node, "name", None) == part]
        assert found, f"{file} defines no {function}"
        scope = getattr(found[0], "body", [])


def test_the_architecture_page_has_hops_to_check() -> None:
    assert len(hops()) > 20


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_of_a_page_to_a_file_of_the_project_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[\w.-]+)?\)", page.read_text(encoding="utf-8"))
    assert not [link for link in links if not (page.parent / link).exists()]


def test_the_page_of_exit_statuses_has_those_of_the_code() -> None:
    page = (ROOT / "docs" / "reference" / "exit-statuses.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (\d+) \| ([^|]+) \|", page, re.MULTILINE))
    assert {int(status): meaning for status, meaning in rows.items()} == MEANINGS


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and MyST make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_to_a_heading_leads_to_one(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#\s]*\.md)?#([\w.-]+)\)", page.read_text(encoding="utf-8"))
    targets = [((page.parent / file) if file else page, anchor) for file, anchor in links]
    # The page of the protocol includes the specification.
    included = {ROOT / "docs" / "protocol.md": ROOT / "protocol" / "SPECIFICATION.md"}
    missing = [
        anchor for file, anchor in targets if anchor not in anchors(included.get(file.resolve(), file.resolve()))
    ]
    assert not missing


def test_two_clicks_lead_from_the_readme_to_the_way_of_a_stop_and_the_reason_of_a_verdict() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "docs/architecture.md#the-way-of-a-stop" in readme
    assert "docs/architecture.md#the-way-of-a-pressure-sample" in readme
