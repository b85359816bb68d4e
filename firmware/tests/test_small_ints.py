"""While the pump moves no integer leaves the 31 bits of a small one, and no float is made: whole programs, checked.

See support/guard.py for how. `make test` runs a selection; `make test-long` runs every line with every needle.
"""

import random
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from flushpump.access import access_path as paths
from flushpump.access import catalog
from flushpump.device.pump import Pump
from flushpump.errors import FlushPumpError, RefusedError
from flushpump.wire.messages import LineFlag, Phase, PhaseKind, Question
from flushsim.firmware.native import _separate_modules
from flushsim.plant.parameters import PlantPath
from flushsim.rig.lockstep import Rig
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware.tests.support.guard import rewritten, write_guarded
from firmware.tests.support.run import MAINTENANCE, RigPort, perform, wire_path

pytestmark = pytest.mark.slow

KNOWN = catalog.load()
# The clock goes round 1.2 s after power-on: in the aspirate check or the first pulses.
NEAR_WRAP_US = 2**30 - 1_200_000
FAULTS = (
    "occlusion@1s", "partial:5@1s", "growing:10@1s", "leak:0.9@1s", "disconnect@1s", "bubble:2@1s", "sensor-stuck@2s",
    "sensor-silent@2s", "sensor-fault@2s", "sensor-drift:50@1s", "step-loss:0.05@2s", "stall@2s", "stop-button@3s",
    "link-loss@3s", "link-drop:0.2@0s", "link-duplicate:0.2@0s", "link-corrupt:0.2@0s", "link-delay:30ms@0s",
)  # fmt: skip


def guarded(root: Path, wire, phases=MAINTENANCE, **rig):
    """A program on the guarded firmware, whatever comes of it; FirmwareError is not caught."""
    with Rig("native", firmware_root=root, device_clock_us=NEAR_WRAP_US, **rig) as one:
        try:
            return perform(one, wire, phases)
        except FlushPumpError as problem:
            return problem


def test_the_guard_sees_what_a_board_could_not_hold():
    names: dict = {}
    source = "def add(a, b):\n    a += b\n    return a\ndef half(a):\n    return a / 2\ndef minus(a):\n    return -a\n"
    text = rewritten(source).replace("from pump.small import Strict, small as _small", "")
    from firmware.tests.support.guard import _CHECK

    exec(_CHECK + "\n_small = small\n" + text, names)
    assert names["add"](2**30, 1) == 2**30 + 1
    names["Strict"].on = True
    assert names["add"](2**30 - 2, 1) == 2**30 - 1
    assert names["minus"](2**30 - 1) == 1 - 2**30
    for call in (lambda: names["add"](2**30 - 1, 1), lambda: names["half"](4), lambda: names["add"](b"a", b"b")):
        with pytest.raises(ArithmeticError):
            call()


@pytest.mark.parametrize("line", KNOWN.lines)
def test_port_maintenance_on_every_line(guarded_firmware: Path, line: str):
    maintain(guarded_firmware, line, ["huber-20g" if KNOWN.lines[line].needle_required else "none"])


@pytest.mark.long
@pytest.mark.parametrize("line", KNOWN.lines)
def test_port_maintenance_on_every_line_with_every_needle(guarded_firmware: Path, line: str):
    maintain(guarded_firmware, line, KNOWN.needles)


def maintain(guarded_firmware: Path, line: str, needles: Iterable[str]) -> None:
    for needle in needles:
        try:
            path = paths.AccessPath.of(line, needle, "bd-10")
        except RefusedError:
            continue
        reported = guarded(guarded_firmware, wire_path(path), line=line, needle=needle, syringe="bd-10")
        assert reported.end.outcome.name == "COMPLETED"
        assert len(reported.pulses) == 10


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("syringe", ["bd-10", "terumo-60"])
def test_faults_with_a_small_and_a_big_syringe(guarded_firmware: Path, fault: str, syringe: str):
    path = paths.AccessPath.of("smartport-ct-8f", "huber-20g", syringe)
    guarded(guarded_firmware, wire_path(path), syringe=syringe, faults=[fault])


@pytest.mark.parametrize("syringe", ["bd-1", "bd-3", "hsw-1", "terumo-60", "bd-60", "monoject-60"])
def test_syringes_of_every_width(guarded_firmware: Path, syringe: str):
    barrel = KNOWN.syringes[syringe]
    path = paths.AccessPath.of("smartport-ct-8f", "huber-20g", "bd-10")
    wire = replace(
        wire_path(path, barrel.size_ml), line_flags=LineFlag.NONE, syringe_capacity_nl=round(barrel.capacity_ml * 1e6),
        barrel_diameter_um=round(barrel.inner_diameter_mm * 1000), syringe_loaded_nl=round(barrel.size_ml * 1e6),
    )  # fmt: skip
    volume = round(barrel.size_ml * 1e5) // 3
    phases = (Phase(PhaseKind.PULSES, volume, 2_000_000, count=10, pause_ms=0), Phase(PhaseKind.STEADY, volume, 50_000))
    plant = PlantPath.from_catalog(
        KNOWN.line("smartport-ct-8f"), KNOWN.needle("huber-20g"), barrel, KNOWN.extension("extension-20cm")
    )
    assert guarded(guarded_firmware, wire, phases, path=plant).end.driven_nl > 0


def extremes(number: int):
    """Fields of PATH_SET at and between the ends of their ranges; what the pump refuses is no case."""
    chance = random.Random(number)

    def pick(least: int, most: int) -> int:
        return chance.choice([least, most, chance.randrange(least, most)])

    hard_pa = pick(10_000, 2_000_000)
    diameter_um = pick(3_000, 40_000)
    travel_nl = int(3.14159 / 4 * (diameter_um / 1000) ** 2 * 110 * 1000)
    capacity_nl = min(max(travel_nl * 99 // 100, 500_000), 200_000_000)
    base = wire_path(paths.AccessPath.of("smartport-ct-8f", "huber-20g", "bd-10"))
    wire = replace(
        base, line_flags=LineFlag.NONE, barrel_diameter_um=diameter_um, syringe_capacity_nl=capacity_nl,
        syringe_loaded_nl=capacity_nl, hard_limit_pa=hard_pa, working_limit_pa=pick(5_000, hard_pa - 1),
        flow_cap_nl_per_s=pick(10_000, 10_000_000), resistance_pa_s_per_ml=pick(0, 100_000_000),
        turbulence_pa_s2_per_ml2=pick(0, 100_000_000), compliance_nl_per_kpa=pick(100, 60_000),
    )  # fmt: skip
    volume = min(capacity_nl // 14, 900_000)
    phases = (
        Phase(PhaseKind.PULSES, volume, chance.choice([2_000_000, 10_000_000]), count=5, pause_ms=pick(0, 700)),
        Phase(PhaseKind.STEADY, volume, chance.choice([200_000, 10_000_000]), pause_ms=100, question=Question.CONTINUE),
        Phase(PhaseKind.ASPIRATE, volume, 500_000),
    )
    fault = chance.choice(["occlusion@1s", "growing:10@1s", "disconnect@1s", "bubble:2@500ms", None])
    rig = {
        "line": chance.choice(sorted(KNOWN.lines)), "needle": chance.choice(sorted(KNOWN.needles)), "seed": number,
        "syringe": chance.choice(sorted(KNOWN.syringes)), "faults": [fault] if fault else [],
    }  # fmt: skip
    return wire, phases, rig


@pytest.mark.parametrize(
    "number", [*range(20), *(pytest.param(number, marks=pytest.mark.long) for number in range(20, 400))]
)
def test_paths_at_the_ends_of_every_field(guarded_firmware: Path, number: int):
    wire, phases, rig = extremes(number)
    with Rig("native", firmware_root=guarded_firmware, device_clock_us=NEAR_WRAP_US, **rig) as one:
        one.plant.change_syringe(KNOWN.syringes[rig["syringe"]].size_ml)
        try:
            perform(one, wire, phases, max_time_ms=12_000)
        except FlushPumpError:
            return


@pytest.mark.parametrize("name", ["prime", "aspirate"])
def test_prime_and_aspirate(guarded_firmware: Path, name: str):
    with Rig("native", firmware_root=guarded_firmware, device_clock_us=NEAR_WRAP_US) as rig:
        pump = Pump.over(RigPort(rig), "the rig", nonce=bytes)
        pump.set_path(wire_path(paths.AccessPath.of("smartport-ct-8f", "huber-20g", "bd-10")))
        getattr(pump, name)(1.0, 0.5)
        pump.keep_alive = True
        until_s = pump.now_s + 6
        while pump.now_s < until_s:
            pump.poll(0.1)
        assert abs(rig.plant.stepper.position) > 5_000


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory):
    """The guarded modules themselves, strict all the time."""
    root = write_guarded(tmp_path_factory.mktemp("parts"))
    with _separate_modules("pump"):
        sys.path.insert(0, str(root))
        try:
            from pump import limiter, line_model, small
            from pump.detection import detector
        finally:
            sys.path.remove(str(root))
    return small.Strict, line_model.LineModel, detector.Detector, limiter.Limiter


PRESSURES = st.one_of(st.integers(-60_000, 320_000), st.sampled_from([-206_000, 0, 320_000, 400_000]))
TICKS = st.lists(st.tuples(PRESSURES, st.integers(0, 64_000), st.integers(1, 40)), min_size=1, max_size=30)


@given(
    st.integers(353, 1_000_000), st.integers(0, 100_000_000), st.integers(0, 100_000_000), st.integers(100, 60_000),
    st.integers(-30_000, 30_000), TICKS, TICKS,
)  # fmt: skip
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_detector_model_and_limiter_for_any_pressure_and_any_path(
    parts, step_pl, laminar, turbulent, compliance, rest_pa, driving, pausing
):
    strict, hydraulics, detector_type, limiter_type = parts
    path = hydraulics()
    path.configure(step_pl, laminar, turbulent, compliance)
    limiter = limiter_type(path)
    detector = detector_type(path, limiter)
    limiter.working_pa = 137_600
    # No flow is above 10 mL/s.
    fastest = min(64_000, 10_000_000_000 // step_pl)
    strict.on = True
    try:
        detector.start_run(rest_pa)
        for _ in range(2):
            detector.start_pulse(rest_pa, 20)
            limiter.start_burst(fastest)
            last_pa = rest_pa
            for value_pa, rate, ticks in driving:
                for _ in range(ticks):
                    rate = min(rate, fastest)
                    allowed = limiter.allowed_rate(value_pa, value_pa - last_pa, rate)
                    assert 1 <= allowed <= fastest
                    detector.drive_tick(value_pa, rate)
                    path.stored_nl(value_pa - rest_pa)
                    last_pa = value_pa
            for value_pa, _, ticks in pausing:
                for _ in range(ticks):
                    detector.pause_tick(value_pa, 0)
            detector.verdict = 0
            assert 0 <= detector.classify_pulse() <= 6
            detector.update_baseline()
            assert 0 <= detector.compliance <= 65_535
            assert 0 <= detector.resistance < 2**30
    finally:
        strict.on = False
