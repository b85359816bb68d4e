"""The parts in which liquids mix: tube, chamber and pool."""

from itertools import pairwise

import numpy as np
import pytest
from flushsim.fluids.mixing import DIFFUSION_MM2_PER_S, RINGS, SHAPES, Chamber, Pool, Shape, Tube
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

OLD, NEW = np.eye(2)


def filled(tube: Tube, flow_ml_per_s: float, volumes: float, steps: int = 50) -> tuple[float, float]:
    """Pushes NEW in, so many times the tube's volume; what of it came out (in volumes), and its share at the tip."""
    out = np.zeros(2)
    for _ in range(steps):
        out = out + tube.move(volumes * tube.volume_ml / steps, NEW, flow_ml_per_s)
        tube.rest(volumes * tube.volume_ml / steps / flow_ml_per_s)
    return out[1] / tube.volume_ml, tube.at_tip()[1]


def test_a_straight_tube_filled_with_its_own_volume_spills_a_quarter_and_has_half_at_its_tip():
    # Theory 25 %, measured 20 to 25 % (Polaschegg, Blood Purif. 26:255, 2008).
    spilled, at_tip = filled(Tube(1.5, 250, 40, OLD), 0.5, 1.0)
    assert 0.20 < spilled < 0.25
    assert at_tip == pytest.approx(0.5, abs=0.02)


def test_nothing_is_spilled_before_half_of_a_tubes_volume_has_gone_in():
    assert filled(Tube(1.5, 250, 40, OLD), 0.5, 0.45)[0] < 1e-3


def test_a_faster_flow_has_a_flatter_front():
    spilled = [filled(Tube(1.5, 250, 40, OLD), flow, 1.0)[0] for flow in (0.05, 0.5, 1.0, 2.0, 8.0)]
    assert all(slow > fast for slow, fast in pairwise(spilled))
    assert spilled[-1] < 0.06


def test_what_goes_in_and_comes_back_before_it_has_mixed_leaves_the_tube_as_it_was():
    tube = Tube(1.5, 250, 40, OLD)
    out = tube.move(0.4 * tube.volume_ml, NEW, 0.5)
    back = tube.move(-0.4 * tube.volume_ml, OLD, 0.5)
    assert out[1] < 1e-9
    assert back[1] > 0.95 * 0.4 * tube.volume_ml


def test_rest_evens_a_section_out_and_moves_nothing_along():
    tube = Tube(1.5, 250, 40, OLD)
    tube.move(0.3 * tube.volume_ml, NEW, 0.1)
    along = tube.shares.mean(axis=1)
    assert np.ptp(tube.shares[1], axis=0).max() > 0.9
    tube.rest(3600)
    assert np.ptp(tube.shares[1], axis=0).max() < 1e-3
    np.testing.assert_allclose(tube.shares.mean(axis=1), along, atol=1e-12)


def test_rings_take_as_long_to_even_out_as_diffusion_in_a_cylinder_does():
    # The slowest mode that is even around the axis decays with (3.8317 / R)^2 D.
    tube = Tube(1.0, 100, 4, OLD)
    tube.move(0.3 * tube.volume_ml, NEW, 0.01)
    tube.rest(500.0)
    spans = []
    for _ in range(2):
        tube.rest(100.0)
        spans.append(np.ptp(tube.shares[1, :, 0]))
    rate_per_s = np.log(spans[0] / spans[1]) / 100
    assert rate_per_s == pytest.approx((3.8317 / 0.5) ** 2 * 5e-4, rel=0.03)


def test_a_chamber_without_pockets_washes_out_like_a_stirred_tank():
    chamber = Chamber(0.5, Shape(0.0, 0.0), OLD)
    for _ in range(7):
        chamber.move(0.1, NEW, 1.0)
    assert chamber.amounts_ml[0] == pytest.approx(0.5 * np.exp(-0.7 / 0.5), rel=1e-12)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_chamber_follows_its_equations(shape: Shape):
    chamber = Chamber(0.5, shape, OLD)
    for _ in range(30):
        chamber.move(0.1, NEW, 2.0)
    pocket_ml, mixed_ml = 0.5 * shape.stagnant, 0.5 * (1 - shape.stagnant)

    def slope(_, old):
        mixed, pocket = old
        swap = shape.exchanged * (pocket - mixed)
        return [(-mixed + swap) / mixed_ml, -swap / pocket_ml]

    mixed, pocket = solve_ivp(slope, (0, 3.0), (1.0, 1.0), rtol=1e-10, atol=1e-14).y[:, -1]
    assert chamber.mixed[0] == pytest.approx(mixed, rel=1e-6)
    assert chamber.pocket[0] == pytest.approx(pocket, rel=1e-6)


def test_an_angular_chamber_keeps_more_of_the_old_than_a_rounded_one_after_every_flush():
    rounded, angular = (Chamber(0.5, SHAPES[name], OLD) for name in ("rounded", "angular"))
    for _ in range(10):
        for chamber in (rounded, angular):
            chamber.move(0.9, NEW, 2.0)
        assert angular.amounts_ml[0] > 1.5 * rounded.amounts_ml[0]


def test_pockets_even_out_in_a_long_rest_of_any_length():
    chamber = Chamber(0.5, SHAPES["angular"], OLD)
    chamber.move(0.5, NEW, 2.0)
    held = chamber.amounts_ml
    chamber.rest(60 * 86_400.0)
    np.testing.assert_allclose(chamber.mixed, chamber.pocket, atol=1e-12)
    np.testing.assert_allclose(chamber.amounts_ml, held, atol=1e-12)


def test_a_pool_that_is_asked_for_more_than_it_has_reports_what_it_lacked():
    pool = Pool(0.1 * OLD, NEW)
    taken = pool.take_out(0.3)
    np.testing.assert_allclose(taken, [0.1, 0.2])
    np.testing.assert_allclose(pool.spared_ml, [0.0, 0.2])
    assert pool.volume_ml == 0.0


@settings(max_examples=settings().max_examples * 3 // 5)
@given(
    moves=st.lists(
        st.tuples(st.floats(-0.6, 0.6), st.floats(0.001, 6.0), st.floats(0.0, 1e4), st.floats(0.0, 1.0)), max_size=25
    )
)
def test_tube_and_chamber_keep_their_volume_and_every_label_whatever_is_moved(moves):
    for part in (Tube(1.0, 250, 12, OLD), Chamber(0.5, SHAPES["angular"], OLD)):
        inside = part.amounts_ml
        for volume_ml, flow_ml_per_s, rest_s, share in moves:
            entering = share * OLD + (1 - share) * NEW
            out = part.move(volume_ml, entering, flow_ml_per_s)
            part.rest(rest_s)
            inside = inside + abs(volume_ml) * entering - out
            assert out.min() > -1e-12
        np.testing.assert_allclose(part.amounts_ml, inside, atol=1e-11)
        assert part.amounts_ml.sum() == pytest.approx(part.volume_ml, abs=1e-11)


def test_the_middle_of_a_tube_moves_faster_than_its_wall_and_all_rings_together_by_what_went_in():
    tube = Tube(1.5, 250, 40, OLD)
    tube.move(0.25 * tube.volume_ml, NEW, 0.05)
    reached = tube.shares[1].sum(axis=1)
    assert reached.sum() == pytest.approx(0.25 * RINGS * 40, rel=1e-9)
    assert all(inner > outer for inner, outer in pairwise(reached))


def test_a_front_that_has_time_to_mix_across_the_lumen_spreads_as_taylor_found():
    # Variance 2 t R2 U2 / (48 D): a bore of 0.2 mm, 1 mm/s, 200 s, ten times as long as diffusion across takes.
    tube = Tube(0.2, 400, 800, OLD)
    flow_ml_per_s = np.pi * 0.1**2 / 1000
    for _ in range(200):
        tube.move(flow_ml_per_s, NEW, flow_ml_per_s)
        tube.rest(1.0)
    front = -np.diff(tube.shares[1].mean(axis=0))
    place_mm = np.arange(1, 800) * 0.5
    middle_mm = (front * place_mm).sum()
    variance_mm2 = (front * (place_mm - middle_mm) ** 2).sum()
    assert middle_mm == pytest.approx(200, abs=0.5)
    assert variance_mm2 == pytest.approx(2 * 200 * 0.1**2 / (48 * DIFFUSION_MM2_PER_S), rel=0.1)
