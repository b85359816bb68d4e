"""Paths: the weakest part limits, and flow is capped by what the path would need."""

from dataclasses import replace

import pytest
from flushpump.access.access_path import LEAST_FLOW_ML_PER_S, PUMP_CEILING_KPA, AccessPath
from flushpump.access.catalog import load
from flushpump.access.parts import UnknownNameError
from flushpump.errors import RefusedError, UsageError
from hypothesis import given
from hypothesis import strategies as st

PORTS = [name for name, line in load().lines.items() if line.needle_required]
HUBS = [name for name, line in load().lines.items() if not line.needle_required]
CENTRAL = [name for name, syringe in load().syringes.items() if syringe.central_allowed]
PATHS = st.one_of(
    st.tuples(st.sampled_from(PORTS), st.sampled_from(["huber-19g", "huber-20g", "huber-22g"])),
    st.tuples(st.sampled_from(HUBS), st.just("none")),
)


@pytest.mark.requirement("REQ-PRES-4")
@given(PATHS, st.sampled_from(CENTRAL), st.sampled_from(sorted(load().extensions)))
def test_no_path_is_allowed_more_pressure_than_its_weakest_part(names: tuple[str, str], syringe: str, extension: str):
    path = AccessPath.of(*names, syringe, extension)
    parts = (path.line, path.needle, path.syringe, path.extension)
    assert path.hard_limit_kpa == min(PUMP_CEILING_KPA, *(part.pressure_limit_kpa for part in parts))
    assert path.working_limit_kpa <= min(0.8 * path.hard_limit_kpa, 137.9)


@pytest.mark.requirement("REQ-PRES-4")
@pytest.mark.parametrize("weak", ["line", "needle", "syringe", "extension"])
def test_a_part_weaker_than_the_pump_sets_the_hard_limit_whichever_it_is(weak: str):
    path = AccessPath.of("smartport-ct-8f", "huber-20g")
    parts = {name: getattr(path, name) for name in ("line", "needle", "syringe", "extension")}
    parts[weak] = replace(parts[weak], pressure_limit_kpa=100.0)
    weakened = AccessPath.made_of(**parts)
    assert weakened.hard_limit_kpa == 100.0
    assert weakened.hard_limit_part == parts[weak].name
    assert weakened.working_limit_kpa == 80.0


@given(PATHS)
def test_at_the_flow_cap_a_path_is_predicted_to_need_at_most_90_percent_of_its_working_limit(names: tuple[str, str]):
    path = AccessPath.of(*names)
    assert path.predict_kpa(path.flow_cap_ml_per_s) <= 0.9 * path.working_limit_kpa + 1e-9
    assert path.flow_cap_ml_per_s >= LEAST_FLOW_ML_PER_S


@pytest.mark.parametrize(("line", "needle"), [("smartport-ct-8f", "huber-22g"), ("picc-3f", "none")])
def test_2_ml_per_s_through_a_22g_needle_or_a_3f_picc_is_beyond_40_psi_and_capped(line: str, needle: str):
    path = AccessPath.of(line, needle)
    assert path.predict_kpa(2.0) > 276
    assert path.flow_cap_ml_per_s < 1.2
    assert "working limit" in path.flow_cap.reason


def test_2_ml_per_s_through_a_20g_needle_into_an_8f_port_is_not_capped():
    path = AccessPath.of("smartport-ct-8f", "huber-20g")
    assert path.flow_cap_ml_per_s > 2.0
    # Table of drops: needle 79, catheter 5.0 kPa; extension and vein come on top.
    assert 84 < path.predict_kpa(2.0) < 95


def test_a_rating_caps_flow_where_pressure_would_allow_more():
    path = AccessPath.of("smartport-ct-8f", "huber-19g")
    rated = AccessPath.made_of(path.line, replace(path.needle, flow_limit_ml_per_s=1.5), path.syringe, path.extension)
    assert rated.flow_cap_ml_per_s == 1.5
    assert rated.flow_cap.reason == "huber-19g is rated 1.5 mL/s"


@given(PATHS, st.floats(0.3, 1.0))
def test_what_the_device_knows_of_a_path_follows_the_prediction_within_20_percent(names: tuple[str, str], part: float):
    path = AccessPath.of(*names)
    flow = part * min(path.flow_cap_ml_per_s, 2.0)
    device_kpa = path.resistance_kpa_s_per_ml * flow + path.turbulence_kpa_s2_per_ml2 * flow**2
    drop_kpa = path.predict_kpa(flow) - path.predict_kpa(0.0)
    assert device_kpa == pytest.approx(drop_kpa, rel=0.2)


@pytest.mark.requirement("REQ-PATH-1")
@pytest.mark.parametrize("syringe", ["bd-5", "monoject-6", "hsw-3", "terumo-1"])
def test_a_barrel_below_10_ml_is_refused_on_a_central_line(syringe: str):
    with pytest.raises(RefusedError, match="narrower than a 10 mL syringe") as caught:
        AccessPath.of("picc-4f", "none", syringe)
    assert caught.value.exit_status == 4


def test_a_port_without_a_needle_and_a_hub_with_one_are_refused_with_what_to_use():
    with pytest.raises(UsageError, match="--needle huber-20g"):
        AccessPath.of("smartport-ct-8f")
    with pytest.raises(UsageError, match="--needle none"):
        AccessPath.of("picc-4f", "huber-20g")


def test_a_path_through_which_nothing_useful_flows_is_refused():
    path = AccessPath.of("picc-3f")
    with pytest.raises(RefusedError, match="use a wider needle or line"):
        AccessPath.made_of(replace(path.line, bore_mm=0.2), path.needle, path.syringe, path.extension)


def test_an_unknown_part_of_a_path_is_named():
    with pytest.raises(UnknownNameError, match="did you mean picc-4f"):
        AccessPath.of("picc-4")


@pytest.mark.parametrize(("line", "needle", "shear_pa"), [("smartport-ct-8f", "huber-20g", 6), ("picc-4f", "none", 50)])
def test_wall_shear_at_2_ml_per_s_is_that_of_the_table(line: str, needle: str, shear_pa: float):
    assert AccessPath.of(line, needle).wall_shear_pa(2.0) == pytest.approx(shear_pa, rel=0.05)
