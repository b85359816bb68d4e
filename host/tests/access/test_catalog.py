"""The catalog: its entries, the source of each value, and the nearest name for a typing error."""

import math

import pytest
from flushpump.access.catalog import load
from flushpump.access.parts import CHAMBER_SHAPES, MARKS, UnknownNameError

LINES = [
    "smartport-ct-6.6f", "smartport-ct-8f", "smartport-ct-9.6f",
    "smartport-plus-5f", "smartport-plus-6f", "smartport-plus-8f",
    "power-port-8f", "standard-port-6f", "standard-port-8f", "arm-port-5f",
    "picc-3f", "picc-4f", "picc-5f", "picc-5f-dual", "picc-6f-dual", "tunneled-6.6f", "tunneled-9.6f",
]  # fmt: skip
# Inner diameters in mm as in the pump tables, by brand and printed size.
BARRELS = {
    "bd": {1: 4.699, 3: 8.585, 5: 11.99, 10: 14.43, 20: 19.05, 30: 21.59, 60: 26.59},
    "terumo": {1: 4.70, 3: 8.95, 5: 13.00, 10: 15.80, 20: 20.15, 30: 23.10, 60: 29.70},
    "monoject": {1: 5.74, 3: 8.94, 6: 12.70, 12: 15.72, 20: 20.12, 35: 23.52, 60: 26.64},
    "hsw": {1: 4.69, 3: 9.65, 5: 12.45, 10: 15.90, 20: 20.05, 30: 22.90, 50: 29.20},
    "braun": {3: 9.7, 5: 12.5, 10: 15.9, 20: 20.1, 30: 22.9, 50: 28.5},
}


def test_the_catalog_has_every_line_and_needle_of_the_specification():
    catalog = load()
    assert sorted(catalog.lines) == sorted(LINES)
    assert sorted(catalog.needles) == ["huber-19g", "huber-20g", "huber-22g", "none"]
    assert sorted(catalog.extensions) == ["extension-20cm", "none"]


def test_the_catalog_has_the_inner_diameter_of_every_brand_and_size():
    found = {name: syringe.inner_diameter_mm for name, syringe in load().syringes.items()}
    assert found == {f"{brand}-{size}": mm for brand, sizes in BARRELS.items() for size, mm in sizes.items()}


def test_every_value_has_a_known_mark_and_a_source():
    catalog = load()
    elements = [*catalog.lines.values(), *catalog.needles.values(), *catalog.syringes.values()]
    elements += catalog.extensions.values()
    for element in elements:
        if element.name == "none":
            continue
        assert element.sources, element.name
        for key, source in element.sources.items():
            assert source.mark in MARKS, (element.name, key)
            assert source.text, (element.name, key)
            value = getattr(element, key)
            assert value in CHAMBER_SHAPES if isinstance(value, str) else math.isfinite(value), (element.name, key)


def test_only_ports_need_a_needle_and_every_line_is_central():
    for line in load().lines.values():
        assert line.needle_required == (line.kind == "port")
        assert line.central


@pytest.mark.requirement("REQ-PATH-1")
def test_no_barrel_narrower_than_that_of_a_10_ml_syringe_is_allowed_on_a_central_line():
    for syringe in load().syringes.values():
        assert syringe.central_allowed == (syringe.inner_diameter_mm >= 14.43), syringe.name


def test_every_chamber_has_a_shape_and_a_line_without_a_chamber_has_none():
    for line in load().lines.values():
        assert (line.chamber_shape in CHAMBER_SHAPES) == (line.chamber_ml > 0), line.name


def test_the_volume_of_a_line_is_its_lumen_and_its_chamber():
    line = load().line("smartport-ct-8f")
    assert line.volume_ml == pytest.approx(0.75**2 * math.pi * 250 / 1000 + 0.5)


@pytest.mark.parametrize(
    ("kind", "wrong", "meant"),
    [
        ("line", "smartport-ct-8", "smartport-ct-8f"),
        ("line", "PICC-4F", "picc-4f"),
        ("needle", "huber20g", "huber-20g"),
        ("syringe", "terumo10", "terumo-10"),
        ("extension", "extension-20", "extension-20cm"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_one(kind: str, wrong: str, meant: str):
    with pytest.raises(UnknownNameError) as caught:
        getattr(load(), kind)(wrong)
    assert wrong in str(caught.value)
    assert f"did you mean {meant}?" in str(caught.value)
    assert caught.value.exit_status == 2


def test_a_name_like_no_other_is_refused_with_all_that_are_known():
    with pytest.raises(UnknownNameError, match="huber-19g, huber-20g, huber-22g, none"):
        load().needle("xyz")
