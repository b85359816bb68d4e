"""The commands of README.md and the pages work, and print what the pages show."""

from pathlib import Path

import pytest

from tools import doc_examples

PAGES = doc_examples.pages()
TUTORIALS = sorted((doc_examples.ROOT / "docs" / "tutorials").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(doc_examples.ROOT).as_posix())
def test_the_examples_of_the_page_run_and_print_what_it_shows(page: Path) -> None:
    doc_examples.run_page(page)


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_a_tutorial_has_examples_that_are_run(page: Path) -> None:
    assert [block for block in doc_examples.blocks(page) if block.runs]


def test_the_readme_has_at_most_130_lines() -> None:
    assert len((doc_examples.ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 130


def test_an_example_with_another_exit_status_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doc_examples, "ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text("```sh\nexit 3\n```\n", encoding="utf-8")
    with pytest.raises(doc_examples.ExampleError, match=r"page\.md:1: exit status 3 instead of 0"):
        doc_examples.run_page(page)
    page.write_text("```sh exit=3\nexit 3\n```\n", encoding="utf-8")
    assert doc_examples.run_page(page) == 1


def test_an_example_that_prints_another_text_fails_until_it_is_renewed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doc_examples, "ROOT", tmp_path)
    page = tmp_path / "page.md"
    example = "```sh\nprintf 'one\\ntwo\\nthree\\n'\n```\n\n"
    page.write_text(example + "```text output\none\n...\nfour\n```\n", encoding="utf-8")
    with pytest.raises(doc_examples.ExampleError, match="prints another text"):
        doc_examples.run_page(page)
    doc_examples.run_page(page, update=True)
    assert "```text output\none\n...\n```" in page.read_text(encoding="utf-8")
    assert doc_examples.run_page(page) == 1


def test_an_example_that_is_not_run_gives_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doc_examples, "ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text("```sh not-run:\nfalse\n```\n", encoding="utf-8")
    with pytest.raises(doc_examples.ExampleError, match="is not known"):
        doc_examples.blocks(page)
    page.write_text("```sh not-run: needs a board\nfalse\n```\n", encoding="utf-8")
    assert doc_examples.run_page(page) == 0
    assert len(doc_examples.not_run(page)) == 1


@pytest.mark.parametrize(
    ("printed", "agrees"),
    [
        ("peak 84.1 kPa, patent", True),
        ("peak  84.0 kPa, patent", True),
        ("peak 60.0 kPa, patent", False),
        ("peak 84.1 kPa, partial", False),
    ],
)
def test_measured_values_may_differ_a_little_and_words_may_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: str, agrees: bool
) -> None:
    monkeypatch.setattr(doc_examples, "ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text(f"```sh\necho '{printed}'\n```\n\n```text output\npeak 84.1 kPa, patent\n```\n", encoding="utf-8")
    if agrees:
        assert doc_examples.run_page(page) == 1
    else:
        with pytest.raises(doc_examples.ExampleError):
            doc_examples.run_page(page)
