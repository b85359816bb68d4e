"""The pressure sensors: one reading a tick, faults reported as such, a held bus freed without stalling the loop."""

import sys
import types
from itertools import pairwise

import pytest

PINS = {"i2c_sda": 20, "i2c_scl": 21, "adc": 26}
NONE_NEW, FAULT = -1, -2


@pytest.fixture
def abp2(bench):
    return bench.load("pressure_abp2").Abp2(PINS, {"i2c_address": 0x28})


def test_each_tick_reads_the_conversion_that_the_tick_before_started(bench, abp2):
    assert abp2.read() == NONE_NEW
    for counts in (1, 0x123456, 0xFFFFFF):
        bench.sensor.counts = counts
        assert abp2.read() == counts
    assert bench.sensor.commands == [b"\xaa\x00\x00"] * 4


def test_a_conversion_that_is_not_done_is_read_in_the_next_tick_and_not_started_again(bench, abp2):
    abp2.read()
    bench.sensor.busy = 1
    assert abp2.read() == NONE_NEW
    assert len(bench.sensor.commands) == 1
    assert abp2.read() == 0x800000


@pytest.mark.requirement("REQ-PRES-3")
def test_a_sensor_that_stays_busy_is_a_fault_and_is_started_again(bench, abp2):
    abp2.read()
    bench.sensor.busy = 3
    assert [abp2.read() for _ in range(4)] == [NONE_NEW, NONE_NEW, FAULT, 0x800000]
    assert len(bench.sensor.commands) == 3


@pytest.mark.requirement("REQ-PRES-3")
@pytest.mark.parametrize("status", [0x00, 0x44, 0x41, 0x45, 0x04], ids=hex)
def test_a_status_without_power_damaged_or_saturated_is_a_fault_for_as_long_as_it_lasts(bench, abp2, status):
    abp2.read()
    bench.sensor.status = status
    assert [abp2.read(), abp2.read()] == [FAULT, FAULT]
    bench.sensor.status = 0x40
    assert abp2.read() == 0x800000


@pytest.mark.requirement("REQ-PRES-3")
def test_an_absent_sensor_is_a_fault_asked_for_every_fourth_tick_and_found_when_it_is_back(bench, abp2):
    bench.sensor.absent = True
    assert [abp2.read() for _ in range(8)] == [FAULT] * 8
    assert bench.bus_made == 1 + 2
    bench.sensor.absent = False
    assert [abp2.read() for _ in range(2)] == [NONE_NEW, 0x800000]


@pytest.mark.requirement("REQ-PRES-3")
def test_a_sensor_that_does_not_take_the_command_is_a_fault_in_the_next_tick(bench, abp2):
    abp2.read()
    converted = bench.sensor.reply

    def last_reply(address, buffer):
        converted(address, buffer)
        bench.sensor.absent = True

    bench.sensor.reply = last_reply
    assert [abp2.read() for _ in range(5)] == [0x800000, FAULT, FAULT, FAULT, FAULT]


@pytest.mark.requirement("REQ-PRES-3")
@pytest.mark.parametrize("held", [1, 5, 9])
def test_a_sensor_that_holds_the_bus_is_clocked_free_in_the_tick_after_the_one_that_finds_it(bench, abp2, held):
    abp2.read()
    bench.sensor.holds = held
    before = bench.clocks
    assert abp2.read() == FAULT
    assert bench.clocks == before
    assert abp2.read() == FAULT
    assert bench.sensor.holds == 0
    assert bench.clocks <= before + 10
    assert [abp2.read() for _ in range(4)] == [FAULT, FAULT, NONE_NEW, 0x800000]


@pytest.mark.requirement("REQ-PRES-3")
def test_a_bus_that_is_held_for_good_is_a_fault_for_as_long_as_it_lasts_and_no_tick_waits_for_it(bench, abp2):
    abp2.read()
    bench.sensor.holds = 10_000
    clocks = []
    for _ in range(40):
        assert abp2.read() == FAULT
        clocks.append(bench.clocks)
    assert max(after - before for before, after in pairwise(clocks)) <= 10


@pytest.mark.requirement("REQ-PRES-3")
def test_a_bus_that_a_reset_left_in_the_middle_of_a_byte_is_free_after_the_start(bench):
    bench.sensor.holds = 7
    abp2 = bench.load("pressure_abp2").Abp2(PINS, {"i2c_address": 0x28})
    assert [abp2.read(), abp2.read()] == [NONE_NEW, 0x800000]


class Converter:
    """The ADC's registers and the DMA channel that fills the buffer, as pressure_adc uses them."""

    BUSY = 1 << 24

    def __init__(self, bench, patch):
        self.buffer = None
        self.configured = {}
        self.registers = bench.machine.mem32
        modules = {"uctypes": types.ModuleType("uctypes"), "rp2": types.ModuleType("rp2")}
        modules["uctypes"].addressof = self._address
        modules["rp2"].DMA = lambda: self
        for name, module in modules.items():
            patch.setitem(sys.modules, name, module)
        self.channel = 2

    def _address(self, buffer):
        self.buffer = buffer
        return 0x20004000

    def pack_ctrl(self, **fields):
        return fields

    def config(self, **values):
        self.configured = values

    @property
    def trigger(self):
        return self.registers.pop(0x5000_0080 + 0x1C, 0)

    def complete(self, codes):
        for index in range(len(self.buffer)):
            self.buffer[index] = codes[index % len(codes)]


@pytest.fixture
def adc(bench, monkeypatch):
    converter = Converter(bench, monkeypatch)
    file = bench.load("pressure_adc")
    file.ptr16 = lambda buffer: buffer
    return converter, file.AdcPressure(PINS)


def test_the_adcs_dma_writes_halfwords_from_its_fifo_at_its_pace_to_the_buffer(adc):
    converter, _ = adc
    assert (converter.configured["read"], converter.configured["count"]) == (0x4004C00C, 128)
    ctrl = converter.configured["ctrl"]
    assert (ctrl["size"], ctrl["inc_read"], ctrl["inc_write"], ctrl["treq_sel"]) == (1, False, True, 36)


def test_the_adc_reads_one_batch_a_tick_and_starts_the_next(adc):
    converter, sensor = adc
    assert converter.trigger == 128
    converter.registers[0x5000_0080 + 0x10] = Converter.BUSY
    assert sensor.read() == NONE_NEW
    assert converter.trigger == 0
    converter.registers[0x5000_0080 + 0x10] = 0
    converter.complete([100])
    assert sensor.read() == 100 * 16 * 128 // 129
    assert converter.trigger == 128
    assert converter.registers[0x4004C000] == 1 | 8


def converted(voltage):
    """Code of a converter that stays eight codes longer on each of four codes, for a voltage of 0 to 1."""
    place = voltage * (4096 + 4 * 8)
    for wide in (512, 1536, 2560, 3584):
        if place > wide:
            place = max(wide, place - 8)
    return min(int(place), 4095)


def test_the_converters_wide_codes_are_undone_to_two_parts_in_a_thousand(adc):
    """Half a wide code, 4 of 4096, is what cannot be known without noise; elsewhere it is one code."""
    converter, sensor = adc
    worst = elsewhere = 0
    last = -1
    for step in range(10, 4000):
        voltage = step / 4096
        converter.complete([converted(voltage)])
        counts = sensor.read()
        assert counts >= last
        last = counts
        error = abs(counts / 65536 - voltage)
        worst = max(worst, error)
        if not any(abs(step - wide) < 12 for wide in (512, 1536, 2560, 3584)):
            elsewhere = max(elsewhere, error)
    assert worst < 5 / 4096
    assert elsewhere < 1.1 / 4096


def test_the_adcs_highest_reading_stays_within_16_bits(adc):
    converter, sensor = adc
    converter.complete([4095])
    assert 65_000 < sensor.read() < 65_536
