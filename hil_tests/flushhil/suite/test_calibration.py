"""Calibration over the wire: two known pressures make a wrong sensor right, or nothing is changed at all."""

from collections.abc import Callable

import pytest
from flushpump.device.calibration import GAIN, OFFSET, Calibration, apply, check_sensor, measure
from flushpump.errors import FlushPumpError, RefusedError

from flushhil.dut import DeviceUnderTest, steady
from flushhil.raw_client import requests_lost

OpenBench = Callable[..., DeviceUnderTest]
AS_MADE = Calibration(0, 1_000_000)


def in_force(bench: DeviceUnderTest) -> Calibration:
    return Calibration.in_force(bench.pump)


def calibrate(bench: DeviceUnderTest, known_kpa: float, gauge_kpa: float | None = None) -> Calibration:
    """Both steps at the plant's hands; the gauge may be wrong."""
    gauge_pa = (gauge_kpa or known_kpa) * 1000
    before = in_force(bench)
    bench.plant.hold(0.0)
    zero = measure(bench.pump)
    before.zeroed(zero)
    bench.plant.hold(known_kpa)
    bench.wait(0.1)
    wanted = before.through(zero, measure(bench.pump), gauge_pa)
    apply(bench.pump, before, wanted, gauge_pa)
    return wanted


@pytest.mark.simulated("a sensor with a known error, and known pressures")
@pytest.mark.requirement("REQ-CONF-1", "REQ-CONF-2")
@pytest.mark.parametrize(("offset_kpa", "gain"), [(0.0, 1.0), (4.0, 1.05), (-12.0, 0.95), (15.0, 0.93)])
def test_a_wrong_sensor_reads_right_over_its_range_when_it_is_calibrated(
    open_bench: OpenBench, record_measurement: Callable[..., None], offset_kpa: float, gain: float
) -> None:
    bench = open_bench(faults=[f"sensor-offset:{offset_kpa}@0s", f"sensor-gain:{gain}@0s"])
    applied = calibrate(bench, 100.0)
    assert in_force(bench) == applied, "what applies is read back"
    worst_kpa = 0.0
    for true_kpa in (-20.0, 0.0, 50.0, 100.0, 150.0):
        bench.plant.hold(true_kpa)
        bench.wait(0.1)
        worst_kpa = max(worst_kpa, abs(measure(bench.pump).mean_pa / 1000 - true_kpa))
    record_measurement("error of the pressure after calibration, -20 to 150 kPa", worst_kpa, "kPa", 0.3)


@pytest.mark.simulated("a sensor with a known error, and known pressures")
@pytest.mark.requirement("REQ-CONF-1")
def test_calibrating_again_changes_nothing_and_a_zero_keeps_the_gain(open_bench: OpenBench) -> None:
    bench = open_bench(faults=["sensor-offset:4@0s", "sensor-gain:1.05@0s"])
    first = calibrate(bench, 100.0)
    again = calibrate(bench, 100.0)
    assert again.offset_pa == pytest.approx(first.offset_pa, abs=150)
    assert again.gain_ppm == pytest.approx(first.gain_ppm, abs=1500)
    bench.plant.sensor.offset_kpa = 6.0
    bench.plant.hold(0.0)
    bench.wait(0.1)
    zeroed = again.zeroed(measure(bench.pump))
    assert abs(apply(bench.pump, again, zeroed, 0.0).mean_pa) < 100
    assert zeroed.gain_ppm == again.gain_ppm
    assert zeroed.offset_pa - again.offset_pa == pytest.approx(-2000 / 1.05, abs=150)


@pytest.mark.simulated("a sensor with a known error, and known pressures")
@pytest.mark.requirement("REQ-CONF-2")
@pytest.mark.parametrize(
    ("fault", "gauge_kpa", "said"),
    [("sensor-offset:25@0s", 100.0, "the offset would be"), ("sensor-gain:1.2@0s", 100.0, "the gain would be"),
     ("sensor-gain:0.8@0s", 100.0, "the gain would be"), ("sensor-offset:1@0s", 150.0, "the gain would be"),
     ("sensor-offset:1@0s", 300.0, "the reading went only from")],
)  # fmt: skip
def test_an_implausible_calibration_is_refused_whole(
    open_bench: OpenBench, fault: str, gauge_kpa: float, said: str
) -> None:
    bench = open_bench(faults=[fault])
    with pytest.raises(RefusedError, match=said):
        calibrate(bench, 100.0, gauge_kpa)
    assert in_force(bench) == AS_MADE


@pytest.mark.simulated("pressures that change")
@pytest.mark.requirement("REQ-CONF-2")
@pytest.mark.parametrize(("how", "said"), [("leaks", "drift by"), ("shaken", "is not steady"), ("stuck", "stays at")])
def test_a_pressure_that_is_not_steady_is_no_measurement(open_bench: OpenBench, how: str, said: str) -> None:
    bench = open_bench()
    plant = bench.plant
    began_us = bench.rig.now_us
    plant.hold(100.0)
    bench.wait(0.1)
    read = plant.read_sensor

    def disturbed() -> int:
        passed_s = (bench.rig.now_us - began_us) / 1e6
        plant.hold(100.0 - passed_s if how == "leaks" else 100.0 + (bench.rig.now_us // 100_000) % 2 * 3)
        return int(read())

    plant.read_sensor = (lambda: 9_000_000) if how == "stuck" else disturbed
    with pytest.raises(RefusedError, match=said):
        measure(bench.pump)


@pytest.mark.simulated("pressures that change")
@pytest.mark.requirement("REQ-CONF-2")
def test_a_pressure_let_go_too_early_brings_the_calibration_of_before_back(open_bench: OpenBench) -> None:
    bench = open_bench(faults=["sensor-offset:4@0s"])
    before = in_force(bench)
    bench.plant.hold(50.0)
    bench.wait(0.1)
    with pytest.raises(RefusedError, match="instead of 100 kPa") as refused:
        apply(bench.pump, before, Calibration(-4000, 1_000_000), 100_000)
    assert in_force(bench) == before
    assert refused.value.__notes__ == [f"the calibration of before is in force again: {before}"]


@pytest.mark.requirement("REQ-CONF-1")
def test_a_link_that_dies_between_offset_and_gain_is_told_as_not_known(bench: DeviceUnderTest) -> None:
    before = in_force(bench)
    write, count = bench.pump.set_setting, 0

    def dies_at_the_second(name: str, value: int) -> int:
        nonlocal count
        count += 1
        if count == 1:
            return write(name, value)
        with requests_lost(bench.port):
            return write(name, value)

    bench.pump.set_setting = dies_at_the_second  # type: ignore[method-assign]
    with pytest.raises(FlushPumpError) as lost:
        apply(bench.pump, before, Calibration(-400, 1_010_000), 0.0)
    assert lost.value.exit_status in (6, 7)
    assert lost.value.__notes__ == ["which calibration is in force is not known, see flushpump settings show"]
    bench.greet()
    bench.pump.set_setting(GAIN.name, 1_000_000)
    assert (in_force(bench).offset_pa, bench.pump.get_setting(OFFSET.name)) == (0, 0), "the offset was not changed"


@pytest.mark.requirement("REQ-CONF-1")
def test_a_calibration_waits_for_rest(bench: DeviceUnderTest) -> None:
    bench.start(steady(1_000_000, 500_000))
    with pytest.raises(RefusedError, match="the pump moves or runs a program"):
        measure(bench.pump)
    bench.pump.stop()


@pytest.mark.simulated("a corrupt flash")
@pytest.mark.requirement("REQ-CONF-1", "REQ-START-4")
def test_a_calibration_does_not_make_settings_good_that_nobody_has_looked_at(open_bench: OpenBench) -> None:
    bench = open_bench()
    bench.rig.journal.corrupt.add(0)
    bench.rig.power_cut()
    bench.turns(2.0)
    bench.greet()
    with pytest.raises(RefusedError, match="settings are missing or corrupt"):
        in_force(bench)


@pytest.mark.simulated("a broken sensor")
@pytest.mark.requirement("REQ-CONF-2", "REQ-START-2")
def test_a_sensor_that_fails_its_self_test_is_not_calibrated(bench: DeviceUnderTest) -> None:
    check_sensor(bench.pump)
    bench.plant.sensor.faulty = True
    bench.wait(0.1)
    with pytest.raises(RefusedError, match="pressure sensor fails the pump's self-test"):
        check_sensor(bench.pump)
