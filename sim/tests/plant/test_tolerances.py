"""Drawn paths: within what is known, different each time, the same for the same numbers; saline over temperature."""

from dataclasses import fields
from random import Random

import pytest
from flushpump.access.catalog import load
from flushpump.access.hydraulics import SALINE_20C, SALINE_37C
from flushsim.plant.plant import Plant, PlantPath
from flushsim.plant.saline import saline_at
from flushsim.plant.variation import drawn

from sim.tests.plant.support.plant_bench import BOARD, play, pulse

SAME = {
    "capacity_ml", "loaded_ml", "extension_length_mm", "chamber_ml", "chamber_shape", "opens_out_kpa", "opens_in_kpa",
    "back_drive_n", "inertia",
}  # fmt: skip


def test_the_same_numbers_draw_the_same_path_and_others_another() -> None:
    assert drawn(PlantPath(), Random(3)) == drawn(PlantPath(), Random(3))
    first, second = drawn(PlantPath(), Random(3)), drawn(PlantPath(), Random(4))
    differing = {field.name for field in fields(PlantPath) if getattr(first, field.name) != getattr(second, field.name)}
    assert {field.name for field in fields(PlantPath)} - differing == SAME


def test_what_is_drawn_stays_within_what_is_known() -> None:
    random = Random(1)
    paths = [drawn(PlantPath(), random) for _ in range(2000)]
    for name, least, most in (
        ("needle_bore_mm", 0.584, 0.622), ("needle_length_mm", 13.0, 38.0), ("catheter_length_mm", 180.0, 250.0),
        ("catheter_bore_mm", 1.455, 1.65), ("syringe_compliance_ul_per_kpa", 1.0, 4.0),
        ("friction_break_n", 3.0, 8.0), ("friction_glide_n", 2.0, 6.0), ("vein_kpa", 0.266, 1.067),
        ("extension_bore_mm", 1.128, 1.785), ("height_mm", -200.0, 300.0),
    ):  # fmt: skip
        values = [getattr(path, name) for path in paths]
        assert least <= min(values) < max(values) <= most, name
        # And the ends are reached, nearly.
        assert max(values) - min(values) > 0.85 * (most - least), name
    assert all(path.friction_glide_n <= path.friction_break_n for path in paths)
    assert all(path.inertia for path in paths)


def test_a_needleless_line_stays_without_a_needle() -> None:
    path = drawn(PlantPath(needle_length_mm=0.0, catheter_length_mm=450.0), Random(1))
    assert path.needle() == ()
    assert 400 <= path.catheter_length_mm <= 550


@pytest.mark.parametrize(("temperature_c", "fluid"), [(20.0, SALINE_20C), (37.0, SALINE_37C)])
def test_saline_meets_its_known_viscosity_and_density(temperature_c: float, fluid: object) -> None:
    assert isinstance(fluid, type(SALINE_20C))
    found = saline_at(temperature_c)
    assert found.viscosity_mpa_s == pytest.approx(fluid.viscosity_mpa_s, rel=0.012)
    assert found.density_g_per_ml == pytest.approx(fluid.density_g_per_ml, abs=1e-3)


def test_ice_and_fever_are_no_flush() -> None:
    with pytest.raises(ValueError, match="between 2 and 45 C, not 60"):
        saline_at(60.0)


def test_every_drawn_path_of_the_catalog_can_be_flushed_and_keeps_its_liquid() -> None:
    catalog = load()
    random = Random(7)
    for line in catalog.lines.values():
        needle = catalog.needles["huber-20g" if line.needle_required else "none"]
        path = PlantPath.from_catalog(line, needle, catalog.syringes["bd-10"], catalog.extensions["extension-20cm"])
        for _ in range(5):
            plant = Plant(drawn(path, random), BOARD)
            play(plant, pulse(plant, 0, 0.2, 0.5), 700_000)
            assert plant.delivered_ul > 50
            assert abs(plant.mass_error_ul) < 1e-6
