"""Settings: bounded by the device, kept over a power cut, and locked during a run."""

import pytest
from flushlink import messages
from flushpump.errors import UsageError

from flushhil.dut import DeviceUnderTest, refused_as, steady


@pytest.mark.requirement("REQ-CONF-1")
@pytest.mark.parametrize("row", messages.SETTINGS, ids=lambda row: row[1])
def test_a_setting_out_of_range_is_refused_and_keeps_its_value(
    dut: DeviceUnderTest, row: tuple[int, str, int, int, int, str]
) -> None:
    index, name, least, most, default, _ = row
    with pytest.raises(UsageError):
        dut.pump.set_setting(name, most + 1)
    for wrong in (least - 1, most + 1, -(2**30) + 1, 2**30 - 1):
        values = {"index": index, "value": wrong}
        assert refused_as(lambda values=values: dut.pump.link.command("SETTINGS_SET", values)) == "OUT_OF_RANGE"
    assert dut.pump.get_setting(name) == default
    for right in (least, most, default):
        assert dut.pump.set_setting(name, right) == dut.pump.get_setting(name) == right


@pytest.mark.requirement("REQ-CONF-1")
def test_an_unknown_setting_is_refused(dut: DeviceUnderTest) -> None:
    for index in (len(messages.SETTINGS), 255):
        values = {"index": index, "value": 1}
        assert refused_as(lambda values=values: dut.pump.link.command("SETTINGS_SET", values)) == "NO_ENTRY"


@pytest.mark.simulated("power cuts")
@pytest.mark.requirement("REQ-CONF-1")
def test_settings_survive_a_power_cut_and_change_the_fingerprint(dut: DeviceUnderTest) -> None:
    before = dut.pump.hello.settings_fingerprint if dut.pump.hello else b""
    dut.pump.set_setting("pressure_ceiling_pa", 150_000)
    dut.restart(dut.rig.power_cut)
    hello = dut.greet().hello
    assert dut.pump.get_setting("pressure_ceiling_pa") == 150_000
    assert hello is not None
    assert hello.settings_fingerprint != before


@pytest.mark.requirement("REQ-CONF-1")
def test_settings_cannot_be_changed_in_a_run(dut: DeviceUnderTest) -> None:
    dut.start(steady(1_000_000, 500_000))
    assert refused_as(lambda: dut.pump.set_setting("pressure_ceiling_pa", 150_000)) == "WRONG_STATE"
    dut.pump.stop()


@pytest.mark.requirement("REQ-CONF-2")
@pytest.mark.parametrize(
    ("name", "value"),
    [("pressure_offset_pa", 20_001), ("pressure_offset_pa", -20_001), ("pressure_gain_ppm", 1_100_001),
     ("pressure_gain_ppm", 899_999), ("pressure_gain_ppm", 0), ("pressure_gain_ppm", -1_000_000)],
)  # fmt: skip
def test_a_calibration_beyond_plausible_bounds_is_refused(dut: DeviceUnderTest, name: str, value: int) -> None:
    index = next(row[0] for row in messages.SETTINGS if row[1] == name)
    values = {"index": index, "value": value}
    assert refused_as(lambda: dut.pump.link.command("SETTINGS_SET", values)) == "OUT_OF_RANGE"
    assert dut.pump.get_setting(name) == (0 if "offset" in name else 1_000_000)


@pytest.mark.simulated("a pressure that is known")
@pytest.mark.requirement("REQ-CONF-2")
def test_a_calibration_within_bounds_is_applied_to_the_reading(dut: DeviceUnderTest) -> None:
    before_pa = dut.pump.status().pressure_pa
    dut.pump.set_setting("pressure_offset_pa", 15_000)
    dut.wait(0.1)
    assert dut.pump.status().pressure_pa - before_pa == pytest.approx(15_000, abs=1_000)
