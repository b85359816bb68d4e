"""Pages and pictures that are generated are what their generators make now."""

import json
import re
import tomllib

import pytest

from tools import draw_architecture, make_figures
from tools.doc_examples import ROOT


def test_the_page_of_figures_is_made_from_its_json() -> None:
    groups = json.loads(make_figures.SOURCE.read_text(encoding="utf-8"))["groups"]
    expected = make_figures.document(groups)
    assert make_figures.PAGE.read_text(encoding="utf-8") == expected, "call python -m tools.make_figures"


@pytest.mark.parametrize("name", sorted(draw_architecture.pictures()))
def test_the_pictures_of_the_architecture_are_drawn_from_its_tables(name: str) -> None:
    drawn = (draw_architecture.PICTURES / name).read_text(encoding="utf-8")
    assert drawn == draw_architecture.pictures()[name], "call python -m tools.draw_architecture"


def contract(package: str) -> list[set[str]]:
    """The layers of the package's rooms in the import contract, the highest first."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(one["layers"] for one in contracts if one.get("containers") == [package])
    return [set(layer.split(" | ")) for layer in layers]


def test_the_table_of_the_host_s_rooms_has_the_layers_of_the_import_contract() -> None:
    page = draw_architecture.PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d) \| `host/flushpump/(\w+)/`", page, re.MULTILINE)
    layers = contract("flushpump")
    shown = [{room for layer, room in rows if int(layer) == number} for number in range(len(layers), 0, -1)]
    assert shown == layers


@pytest.mark.parametrize("package", ["flushpump", "flushsim"])
def test_the_picture_of_the_rooms_has_the_layers_of_the_import_contract(package: str) -> None:
    drawn = [set(name.split(" · ")) for name in re.findall(r'class="name"[^>]*>([^<]+)<', draw_architecture.rooms())]
    layers = contract(package)
    first = drawn.index(layers[0]) if package == "flushpump" else drawn.index(layers[1]) - 1
    assert drawn[first : first + len(layers)] == layers
