"""People see pressures and flows in their units; resistance and compliance stay."""

import pytest
from flushpump.units import DisplayUnits

OTHER = DisplayUnits("psi", "mL/min")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("peak 138 kPa, limit 172.5 kPa", "peak 20.0 psi, limit 25.02 psi"),
        ("at most 2.38 mL/s: more", "at most 142.8 mL/min: more"),
        ("lowest -30 kPa", "lowest -4.4 psi"),
        ("43.5 kPa s/mL, 2.2 uL/kPa, 0.5 mL", "43.5 kPa s/mL, 2.2 uL/kPa, 0.5 mL"),
        ("sensor 100kPa", "sensor 100kPa"),
    ],
)
def test_pressures_and_flows_in_a_sentence_are_converted(text: str, shown: str):
    assert OTHER.in_text(text) == shown
    assert DisplayUnits().in_text(text) == text


def test_columns_with_the_unit_in_their_heading_are_converted():
    rows = [["name", "flow", "peak kPa", "kPa s/mL", "uL/kPa"], ["", "(mL/s)", "", "", ""], ["a", "2", "100", "9", "2"]]
    shown = [
        ["name", "flow", "peak psi", "kPa s/mL", "uL/kPa"],
        ["", "(mL/min)", "", "", ""],
        ["a", "120", "14.5", "9", "2"],
    ]
    assert OTHER.in_table(rows) == shown
    assert DisplayUnits().in_table(rows) == rows


def test_a_pressure_in_mmhg_has_no_decimal_that_kpa_did_not_have():
    assert DisplayUnits("mmHg").in_text("5.5 kPa") == "41 mmHg"
