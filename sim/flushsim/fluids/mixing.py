"""Parts of a line through which labelled liquids pass and in which they mix: pool, tube and chamber.

Every part holds the volumes of some labels (saline, blood, ...) and is moved by a volume: the inflow has one
composition, the outflow is returned. Each conserves volume to rounding, because the outflow is the inflow less the
increase of the content. Units: mL, mm, s; a composition is an array of shares, one a label, that sum to 1.
"""

from dataclasses import dataclass
from math import exp, log, pi, sqrt

import numpy as np
from flushpump.access.hydraulics import BLASIUS, REYNOLDS_LAMINAR, REYNOLDS_TURBULENT, SALINE_20C, Fluid, reynolds
from numpy.typing import NDArray

Amounts = NDArray[np.float64]
"""mL of each label, or their shares."""

# Between 1.5e-9 m2/s of salt and about 1e-10 of heparin (R-m); one for all, because the liquids replace each other.
DIFFUSION_MM2_PER_S = 5e-4
# A laminar profile has come within 1 % of its final peak after 0.06 Re diameters (R-h).
ENTRY_DIAMETERS_PER_REYNOLDS = 0.06
ENTRY_DECADES = log(100)
# Mean eddy diffusivity of turbulent pipe flow over shear velocity and radius (R-m, 0.03-0.07 over the section).
EDDIES = 0.05
RINGS = 8


class Pool:
    """A well mixed volume that may grow and shrink. `spare` supplies what it is short of."""

    def __init__(self, amounts_ml: Amounts, spare: Amounts) -> None:
        self.amounts_ml = amounts_ml
        self.spared_ml = np.zeros_like(spare)
        self._spare = spare

    @property
    def volume_ml(self) -> float:
        return float(self.amounts_ml.sum())

    def add(self, amounts_ml: Amounts) -> None:
        self.amounts_ml = self.amounts_ml + amounts_ml

    def take_out(self, volume_ml: float) -> Amounts:
        """Takes out `volume_ml` of the mixture."""
        held_ml = self.volume_ml
        if volume_ml >= held_ml:
            missing_ml = (volume_ml - held_ml) * self._spare
            self.spared_ml = self.spared_ml + missing_ml
            taken, self.amounts_ml = self.amounts_ml + missing_ml, np.zeros_like(self.amounts_ml)
            return taken
        taken = self.amounts_ml * (volume_ml / held_ml)
        self.amounts_ml = self.amounts_ml - taken
        return taken


class Tube:
    """A round lumen as rings of equal section that slide past each other and mix by diffusion and eddies.

    A ring's speed is that of the mean flow and, as far as the profile has developed along the entry length, that of
    Poiseuille's parabola; a turbulent profile counts as flat. The start of a flow needs no term of its own: what the
    parabola lags behind at the start it catches up after the stop. Each step smears a front by less than a cell.
    `shares` has the axes label, ring from the axis outwards, cell from the syringe on.
    """

    def __init__(self, bore_mm: float, length_mm: float, cells: int, fill: Amounts, fluid: Fluid = SALINE_20C) -> None:
        self.volume_ml = pi / 4 * bore_mm**2 * length_mm / 1000
        self.shares = np.empty((fill.size, RINGS, cells))
        self.shares[:] = fill[:, None, None]
        self._cell_ml = self.volume_ml / (RINGS * cells)
        self._bore_mm, self._length_mm, self._fluid = bore_mm, length_mm, fluid
        # Mean of 2 (1 - r2 / R2) over a ring, less 1; sums to 0.
        self._parabola = 1 - (2 * np.arange(RINGS) + 1) / RINGS
        self._cell = np.arange(cells)
        self._ring = np.arange(RINGS)[:, None]
        # Two cells of what comes in, then the tube's own.
        self._filled = np.empty((fill.size, RINGS, 2 + cells))
        # Exchange between rings of equal section, in units of D / R2: 4 s at their border, s = r2 / R2.
        border = 4.0 * RINGS * np.arange(1, RINGS)
        exchange = np.diag(border, 1) + np.diag(border, -1)
        self._rates, self._modes = np.linalg.eigh(exchange - np.diag(exchange.sum(axis=0)))
        self._spread_mm2 = 0.0

    @property
    def amounts_ml(self) -> Amounts:
        """What it holds."""
        return _total(self.shares) * self._cell_ml

    def at_tip(self) -> Amounts:
        """The composition of the last cell, over the section."""
        return _total(self.shares[:, :, -1:]) / RINGS

    def move(self, volume_ml: float, entering: Amounts, flow_ml_per_s: float) -> Amounts:
        """Moves by `volume_ml`, negative towards the syringe, at this mean flow while moving; returns what comes out.

        `entering` is the composition of what goes in, at whichever end that is.
        """
        size_ml = abs(volume_ml)
        if size_ml == 0.0:
            return 0.0 * entering
        laminar, eddy_mm2_per_s = self._regime(abs(flow_ml_per_s))
        before = self.shares if volume_ml > 0 else self.shares[:, :, ::-1]
        travel = size_ml / (self._cell_ml * RINGS) * (1 + laminar * self._parabola)
        after = self._shifted(before, travel, entering)
        leaving = (_total(before) - _total(after)) * self._cell_ml + size_ml * entering
        self.shares = after if volume_ml > 0 else after[:, :, ::-1]
        if eddy_mm2_per_s:
            self._spread_mm2 += eddy_mm2_per_s * size_ml / abs(flow_ml_per_s)
        return leaving

    def rest(self, time_s: float) -> None:
        """Lets `time_s` go by, that of the moves included: rings mix. Along the lumen diffusion is too slow."""
        spread = (self._spread_mm2 + DIFFUSION_MM2_PER_S * time_s) * 4 / self._bore_mm**2
        self.shares = ((self._modes * np.exp(self._rates * spread)) @ self._modes.T) @ self.shares
        self._spread_mm2 = 0.0

    def _regime(self, flow_ml_per_s: float) -> tuple[float, float]:
        """How much of the parabola there is, from 0 to 1, and the diffusivity of eddies in mm2/s."""
        number = reynolds(flow_ml_per_s, self._bore_mm, self._fluid)
        entry_mm = ENTRY_DIAMETERS_PER_REYNOLDS * number * self._bore_mm / ENTRY_DECADES
        # Mean over the length of 1 - exp(-x / entry).
        developed = 1 - entry_mm / self._length_mm * (1 - exp(-self._length_mm / entry_mm)) if entry_mm else 1.0
        turbulent = min((number - REYNOLDS_LAMINAR) / (REYNOLDS_TURBULENT - REYNOLDS_LAMINAR), 1.0)
        if turbulent <= 0:
            return developed, 0.0
        speed_mm_per_s = flow_ml_per_s * 1000 / (pi / 4 * self._bore_mm**2)
        shear_mm_per_s = speed_mm_per_s * sqrt(BLASIUS / number**0.25 / 8)
        return developed * (1 - turbulent), turbulent * EDDIES * shear_mm_per_s * self._bore_mm / 2

    def _shifted(self, before: Amounts, travel: NDArray[np.float64], entering: Amounts) -> Amounts:
        """Cells moved by `travel` (in cells, per ring) towards the last one; a part of a cell takes a part of each."""
        whole = travel.astype(int)
        part = (travel - whole)[:, None]
        self._filled[:, :, :2] = entering[:, None, None]
        self._filled[:, :, 2:] = before
        left = np.maximum(self._cell - whole[:, None], -1) + 1
        behind, here = self._filled[:, self._ring, left], self._filled[:, self._ring, left + 1]
        shifted: Amounts = here + part * (behind - here)
        return shifted


def _total(shares: Amounts) -> Amounts:
    total: Amounts = shares.sum(axis=(1, 2))
    return total


@dataclass(frozen=True)
class Shape:
    """What a chamber's shape does: the share of its volume in pockets, and the share of the flow through the
    chamber that passes through them.
    """

    stagnant: float
    exchanged: float


# FACTS: rounded walls clear more evenly, sharp angles leave stagnant pockets (S). The figures are assumptions: they put
# the model's order right, and a measured wash-out curve of a chamber should replace them.
SHAPES = {"rounded": Shape(0.05, 0.10), "angular": Shape(0.20, 0.04)}
# Pockets of about a millimetre exchange by diffusion in L2 / D (C from DIFFUSION_MM2_PER_S).
POCKET_DIFFUSION_S = 1.0 / DIFFUSION_MM2_PER_S


class Chamber:
    """A port's chamber: a well mixed part that the flow passes, and pockets that exchange with it."""

    def __init__(self, volume_ml: float, shape: Shape, fill: Amounts) -> None:
        self.volume_ml = volume_ml
        self._pocket_ml = volume_ml * shape.stagnant
        self._mixed_ml = volume_ml - self._pocket_ml
        self._exchanged = shape.exchanged
        self.mixed, self.pocket = fill.copy(), fill.copy()

    @property
    def amounts_ml(self) -> Amounts:
        """What it holds."""
        return self.mixed * self._mixed_ml + self.pocket * self._pocket_ml

    def move(self, volume_ml: float, entering: Amounts, flow_ml_per_s: float) -> Amounts:
        """Lets `volume_ml` (either direction, at any flow) of this composition in; returns the outflow.

        d mixed / dv = (entering - mixed + e (pocket - mixed)) / V_m,  d pocket / dv = e (mixed - pocket) / V_p,
        solved exactly over the volume.
        """
        size_ml = abs(volume_ml)
        before = self.amounts_ml
        swap = self._exchanged
        self._exchange(size_ml * (1 + swap) / self._mixed_ml, size_ml * swap, entering)
        out: Amounts = size_ml * entering + before - self.amounts_ml
        return out

    def rest(self, time_s: float) -> None:
        """Lets `time_s` go by: what diffuses between pockets and mixed part."""
        exchanged_ml = self._pocket_ml * time_s / POCKET_DIFFUSION_S
        self._exchange(exchanged_ml / self._mixed_ml, exchanged_ml, np.zeros_like(self.mixed))

    def _exchange(self, mixed_loss: float, exchanged_ml: float, level: Amounts) -> None:
        """Steps both parts, as differences from `level`, by the exponential of their two-by-two matrix."""
        a, b = -mixed_loss, exchanged_ml / self._mixed_ml
        if not self._pocket_ml:
            self.mixed = level + (self.mixed - level) * exp(a)
            return
        c = exchanged_ml / self._pocket_ml
        mean, half = (a - c) / 2, (a + c) / 2
        root = sqrt(half * half + b * c)
        fast, slow = exp(mean - root), exp(mean + root)
        even, odd = (slow + fast) / 2, (slow - fast) / (2 * root) if root else slow
        mixed, pocket = self.mixed - level, self.pocket - level
        self.mixed = level + (even + odd * half) * mixed + odd * b * pocket
        self.pocket = level + odd * c * mixed + (even - odd * half) * pocket
