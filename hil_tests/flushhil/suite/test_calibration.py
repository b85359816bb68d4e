"""Calibration over the link: two known pressures correct a sensor, or nothing is changed at all."""

from collections.abc import Callable

import pytest
from flushpump.device.calibration import GAIN, OFFSET, Calibration, apply, check_sensor, measure
from flushpump.errors import FlushPumpError, RefusedError

from flushhil.dut import DeviceUnderTest, steady
from flushhil.raw_client import requests_lost

OpenDut = Callable[..., DeviceUnderTest]
AS_MADE = Calibration(0, 1_000_000)


def in_force(dut: DeviceUnderTest) -> Calibration:
    return Calibration.in_force(dut.pump)


def calibrate(dut: DeviceUnderTest, known_kpa: float, gauge_kpa: float | None = None) -> Calibration:
    """Zero and span at pressures that the plant holds; the gauge may be wrong."""
    gauge_pa = (gauge_kpa or known_kpa) * 1000
    before = in_force(dut)
    dut.plant.hold(0.0)
    zero = measure(dut.pump)
    before.zeroed(zero)
    dut.plant.hold(known_kpa)
    dut.wait(0.1)
    wanted = before.through(zero, measure(dut.pump), gauge_pa)
    apply(dut.pump, before, wanted, gauge_pa)
    return wanted


@pytest.mark.simulated("a sensor with a known error, and known pressures")
@pytest.mark.requirement("REQ-CONF-1", "REQ-CONF-2")
@pytest.mark.passes_without_faults("a sensor without an error must be read right too")
@pytest.mark.parametrize(("offset_kpa", "gain"), [(0.0, 1.0), (4.0, 1.05), (-12.0, 0.95), (15.0, 0.93)])
def test_a_calibrated_sensor_reads_the_true_pressure_over_its_range(
    open_dut: OpenDut, record_measurement: Callable[..., None], offset_kpa: float, gain: float
) -> None:
    dut = open_dut(faults=[f"sensor-offset:{offset_kpa}@0s", f"sensor-gain:{gain}@0s"])
    applied = calibrate(dut, 100.0)
    assert in_force(dut) == applied, "what applies is read back"
    worst_kpa = 0.0
    for true_kpa in (-20.0, 0.0, 50.0, 100.0, 150.0):
        dut.plant.hold(true_kpa)
        dut.wait(0.1)
        worst_kpa = max(worst_kpa, abs(measure(dut.pump).mean_pa / 1000 - true_kpa))
    record_measurement("error of the pressure after calibration, -20 to 150 kPa", worst_kpa, "kPa", 0.3)


@pytest.mark.simulated("a sensor with a known error, and known pressures")
@pytest.mark.requirement("REQ-CONF-1")
def test_calibrating_again_changes_nothing_and_a_zero_keeps_the_gain(open_dut: OpenDut) -> None:
    dut = open_dut(faults=["sensor-offset:4@0s", "sensor-gain:1.05@0s"])
    first = calibrate(dut, 100.0)
    again = calibrate(dut, 100.0)
    assert again.offset_pa == pytest.approx(first.offset_pa, abs=150)
    assert again.gain_ppm == pytest.approx(first.gain_ppm, abs=1500)
    dut.plant.sensor.offset_kpa = 6.0
    dut.plant.hold(0.0)
    dut.wait(0.1)
    zeroed = again.zeroed(measure(dut.pump))
    assert abs(apply(dut.pump, again, zeroed, 0.0).mean_pa) < 100
    assert zeroed.gain_ppm == again.gain_ppm
    assert zeroed.offset_pa - again.offset_pa == pytest.approx(-2000 / 1.05, abs=150)


@pytest.mark.simulated("a sensor with a known error, and known pressures")
@pytest.mark.requirement("REQ-CONF-2")
@pytest.mark.passes_without_faults("two of its cases are a gauge that is read wrong at a sensor that is right")
@pytest.mark.parametrize(
    ("fault", "gauge_kpa", "message"),
    [("sensor-offset:25@0s", 100.0, "the offset would be"), ("sensor-gain:1.2@0s", 100.0, "the gain would be"),
     ("sensor-gain:0.8@0s", 100.0, "the gain would be"), ("sensor-offset:1@0s", 150.0, "the gain would be"),
     ("sensor-offset:1@0s", 300.0, "the reading went only from")],
)  # fmt: skip
def test_an_implausible_calibration_is_refused_whole(
    open_dut: OpenDut, fault: str, gauge_kpa: float, message: str
) -> None:
    dut = open_dut(faults=[fault])
    with pytest.raises(RefusedError, match=message):
        calibrate(dut, 100.0, gauge_kpa)
    assert in_force(dut) == AS_MADE


@pytest.mark.simulated("pressures that change")
@pytest.mark.requirement("REQ-CONF-2")
@pytest.mark.parametrize(
    ("how", "message"), [("leaks", "drift by"), ("shaken", "is not steady"), ("stuck", "stays at")]
)
def test_a_pressure_that_is_not_steady_is_refused(open_dut: OpenDut, how: str, message: str) -> None:
    dut = open_dut()
    plant = dut.plant
    began_us = dut.rig.now_us
    plant.hold(100.0)
    dut.wait(0.1)
    read = plant.read_sensor

    def disturbed() -> int:
        passed_s = (dut.rig.now_us - began_us) / 1e6
        plant.hold(100.0 - passed_s if how == "leaks" else 100.0 + (dut.rig.now_us // 100_000) % 2 * 3)
        return int(read())

    plant.read_sensor = (lambda: 9_000_000) if how == "stuck" else disturbed
    with pytest.raises(RefusedError, match=message):
        measure(dut.pump)


@pytest.mark.simulated("pressures that change")
@pytest.mark.requirement("REQ-CONF-2")
@pytest.mark.passes_without_faults("any sensor reads 50 kPa where 100 were announced")
def test_a_pressure_released_too_early_restores_the_previous_calibration(open_dut: OpenDut) -> None:
    dut = open_dut(faults=["sensor-offset:4@0s"])
    before = in_force(dut)
    dut.plant.hold(50.0)
    dut.wait(0.1)
    with pytest.raises(RefusedError, match="instead of 100 kPa") as refused:
        apply(dut.pump, before, Calibration(-4000, 1_000_000), 100_000)
    assert in_force(dut) == before
    assert refused.value.__notes__ == [f"the calibration of before is in force again: {before}"]


@pytest.mark.requirement("REQ-CONF-1")
def test_a_link_lost_between_offset_and_gain_leaves_the_calibration_unknown(dut: DeviceUnderTest) -> None:
    before = in_force(dut)
    write, count = dut.pump.set_setting, 0

    def fail_the_second(name: str, value: int) -> int:
        nonlocal count
        count += 1
        if count == 1:
            return write(name, value)
        with requests_lost(dut.port):
            return write(name, value)

    dut.pump.set_setting = fail_the_second  # type: ignore[method-assign]
    with pytest.raises(FlushPumpError) as lost:
        apply(dut.pump, before, Calibration(-400, 1_010_000), 0.0)
    assert lost.value.exit_status in (6, 7)
    assert lost.value.__notes__ == ["which calibration is in force is not known, see flushpump settings show"]
    dut.greet()
    dut.pump.set_setting(GAIN.name, 1_000_000)
    assert (in_force(dut).offset_pa, dut.pump.get_setting(OFFSET.name)) == (0, 0), "the offset was not changed"


@pytest.mark.requirement("REQ-CONF-1")
def test_a_calibration_is_refused_while_a_program_runs(dut: DeviceUnderTest) -> None:
    dut.start(steady(1_000_000, 500_000))
    with pytest.raises(RefusedError, match="the pump moves or runs a program"):
        measure(dut.pump)
    dut.pump.stop()


@pytest.mark.simulated("a corrupt flash")
@pytest.mark.requirement("REQ-CONF-1", "REQ-START-4")
def test_a_calibration_is_refused_while_settings_are_corrupt(open_dut: OpenDut) -> None:
    dut = open_dut()
    dut.rig.journal.corrupt.add(0)
    dut.rig.power_cut()
    dut.simulate(2.0)
    dut.greet()
    with pytest.raises(RefusedError, match="settings are missing or corrupt"):
        in_force(dut)


@pytest.mark.simulated("a broken sensor")
@pytest.mark.requirement("REQ-CONF-2", "REQ-START-2")
def test_a_sensor_that_fails_its_self_test_is_not_calibrated(dut: DeviceUnderTest) -> None:
    check_sensor(dut.pump)
    dut.plant.sensor.faulty = True
    dut.wait(0.1)
    with pytest.raises(RefusedError, match="pressure sensor fails the pump's self-test"):
        check_sensor(dut.pump)
