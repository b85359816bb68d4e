"""The colours as colour-blind people see them, on paper and on a dark page, and in grey."""

from itertools import combinations

import numpy as np
import pytest
from flushsim.plots.shared.colours import DARK, LIGHT
from numpy.typing import NDArray

Vector = NDArray[np.float64]

# Machado, Oliveira, Fernandes 2009 (10.1109/TVCG.2009.113), severity 1, on linear RGB (R-h).
SIGHTS = {
    "all colours": np.eye(3),
    "no red": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "no green": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "no blue": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
AREAS = (
    ("saline", "heparin", "drug", "blood", "antimicrobial", "air", "old"),
    ("patent", "attention", "stop", "unclassified"),
)
CURVES = (("plunger", "tip", "leaked"), ("pressure", "working", "hard"))
TEXTS = ("ink", "faint", "pressure", "plunger", "tip", "fault", "alarm")
PAGES = pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])


def linear(colour: str) -> Vector:
    """Linear RGB of #rrggbb."""
    value = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def lab(rgb: Vector) -> Vector:
    """CIE L*a*b* of linear RGB."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ np.clip(rgb, 0, 1) / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def luminance(colour: str) -> float:
    """Relative luminance as WCAG has it."""
    return float(np.array([0.2126, 0.7152, 0.0722]) @ linear(colour))


@PAGES
@pytest.mark.parametrize("sight", SIGHTS)
def test_areas_which_are_side_by_side_are_distinguished_by_every_sight(colours: dict[str, str], sight: str) -> None:
    for names in AREAS:
        perceived = {name: lab(SIGHTS[sight] @ linear(colours[name])) for name in names}
        apart = {
            pair: float(np.linalg.norm(perceived[pair[0]] - perceived[pair[1]])) for pair in combinations(names, 2)
        }
        # 2.3 is a difference that can just be perceived.
        assert min(apart.values()) > 6, apart


@PAGES
def test_areas_are_distinguished_in_grey(colours: dict[str, str]) -> None:
    for names in AREAS:
        lightness = sorted(lab(linear(colours[name]))[0] for name in names)
        assert np.diff(lightness).min() > 4


@PAGES
@pytest.mark.parametrize("sight", SIGHTS)
def test_curves_of_one_panel_are_distinguished_by_every_sight(colours: dict[str, str], sight: str) -> None:
    for names in CURVES:
        perceived = [lab(SIGHTS[sight] @ linear(colours[name])) for name in names]
        assert min(float(np.linalg.norm(one - other)) for one, other in combinations(perceived, 2)) > 12


@PAGES
def test_texts_have_the_contrast_that_wcag_asks_for(colours: dict[str, str]) -> None:
    def contrast(one: str, other: str) -> float:
        bright, dark = sorted((luminance(colours[one]), luminance(colours[other])), reverse=True)
        return (bright + 0.05) / (dark + 0.05)

    assert min(contrast(name, "paper") for name in TEXTS) >= 4.5
    assert min(contrast("ink", name) for name in ("patent", "attention", "stop", "unclassified", "phase")) >= 4.5
    # Lines ask for less than letters.
    assert min(contrast(name, "paper") for name in ("leaked", "working", "hard")) >= 3.0
