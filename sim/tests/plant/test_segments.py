"""Each segment alone on the plant, against drops that were computed by other means, in saline at 20 C."""

import pytest
from flushpump.access.hydraulics import drop_kpa
from flushsim.plant.plant import Plant, PlantPath

from sim.tests.plant.support.plant_bench import BOARD, play, pulse

# Segment, bore and length in mm, kPa at 0.5, 1 and 2 mL/s.
TABLE = [
    ("needle 19G", 0.686, 25, (3.6, 9.9, 41)),
    ("needle 20G", 0.603, 25, (6.3, 17, 79)),
    ("catheter 8F", 1.5, 250, (1.1, 2.3, 5.0)),
    ("catheter 6F", 1.2, 250, (2.6, 5.5, 12)),
    ("catheter 5F", 1.0, 250, (5.4, 11, 29)),
    ("PICC 5F", 1.07, 450, (7.2, 15, 34)),
]


@pytest.mark.parametrize("inertia", [True, False])
@pytest.mark.parametrize(("bore_mm", "length_mm", "kpa"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_a_segment_alone_needs_the_pressure_of_the_table(
    bore_mm: float, length_mm: float, kpa: tuple[float, float, float], inertia: bool
) -> None:
    for flow, expected_kpa in zip((0.5, 1.0, 2.0), kpa, strict=True):
        path = PlantPath(
            extension_length_mm=0.0, needle_length_mm=0.0, catheter_bore_mm=bore_mm, catheter_length_mm=length_mm,
            syringe_compliance_ul_per_kpa=1.0, vein_kpa=0.0, inertia=inertia,
        )  # fmt: skip
        plant = Plant(path, BOARD)
        play(plant, pulse(plant, 0, 1.5 * flow, flow), 1_300_000)
        found_kpa = plant.line.p1
        # The table has two digits, and its own rounding inside.
        assert found_kpa == pytest.approx(expected_kpa, rel=0.06)
        assert found_kpa == pytest.approx(drop_kpa(flow, bore_mm, length_mm), rel=1e-3)
