"""Pages and pictures that are generated are what their generators make now."""

import json

import pytest

from tools import draw_architecture, make_figures


def test_the_page_of_figures_is_made_from_its_json() -> None:
    groups = json.loads(make_figures.SOURCE.read_text(encoding="utf-8"))["groups"]
    expected = make_figures.document(groups)
    assert make_figures.PAGE.read_text(encoding="utf-8") == expected, "call python -m tools.make_figures"


@pytest.mark.parametrize("name", sorted(draw_architecture.pictures()))
def test_the_pictures_of_the_architecture_are_drawn_from_its_tables(name: str) -> None:
    drawn = (draw_architecture.PICTURES / name).read_text(encoding="utf-8")
    assert drawn == draw_architecture.pictures()[name], "call python -m tools.draw_architecture"
