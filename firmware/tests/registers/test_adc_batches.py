"""Pressure by the chip's own converter and DMA: each tick gets the mean of one batch, whole and of that tick alone."""

from itertools import pairwise

import pytest

from firmware.tests.registers.support import modules
from firmware.tests.registers.support.chip import CYCLES_PER_US, NANOS_PER_CYCLE, Chip

SRAM = 0x2000_0000
PLACE = 0x8000
SAMPLES = 128
NONE_NEW = -1
TICK_US = 5_000
BATCH_US = 3_200


class Converter:
    """The port on a chip whose DMA really fills the buffer; `samples` counts and gives what the converter reads."""

    def __init__(self, channel=0):
        self.chip = Chip()
        modules.use(self.chip)
        with modules.installed() as load:
            file = load("pressure_adc")
        # The chip's DMA writes to the chip's memory.
        file._samples = memoryview(self.chip.rp.sram)[PLACE : PLACE + 2 * SAMPLES].cast("H")
        file.ptr16 = lambda buffer: buffer
        file.uctypes.addressof = lambda buffer: SRAM + PLACE
        self.straightened = file.straightened
        self.adc = self.chip.rp.adc
        self.code = 100
        self.samples = 0
        self.channels = set()
        convert = self.adc.on_adc_read

        def converts(which):
            self.samples += 1
            self.channels.add(which)
            self.adc.channel_values[which] = self.code
            convert(which)

        self.adc.on_adc_read = converts
        self.port = file.AdcPressure({"adc": 26 + channel})

    def run_us(self, us):
        # No PIO machine runs: time may jump.
        for _ in range(us):
            self.chip.cycle += CYCLES_PER_US
            self.chip.clock.tick(CYCLES_PER_US * NANOS_PER_CYCLE)

    def counts(self, code):
        return self.straightened(code * 16)


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_every_tick_has_one_reading_of_its_own_voltage_and_a_batch_takes_3_2_ms(channel):
    converter = Converter(channel)
    converter.run_us(BATCH_US - 100)
    assert converter.port.read() == NONE_NEW
    converter.run_us(100 + 50)
    codes = [100, 0, 4095, 1, 3000, 700, 2048]
    # A reading starts the next batch, so the voltage changes before it, and before the conversion that is under way.
    for code, following in pairwise(codes):
        converter.code = following
        converter.run_us(3)
        assert converter.port.read() == converter.counts(code)
        converter.run_us(TICK_US)
    assert converter.channels == {channel}


def test_a_reading_is_the_mean_of_the_first_3_2_ms_after_the_last_one_and_of_nothing_older():
    converter = Converter()
    converter.run_us(TICK_US)
    converter.code = 300
    converter.run_us(3)
    assert converter.port.read() == converter.counts(100)
    converter.run_us(BATCH_US // 2)
    converter.code = 500
    converter.run_us(BATCH_US // 2 + 50)
    # The rest of the tick belongs to no reading.
    converter.code = 4000
    converter.run_us(TICK_US - BATCH_US - 50)
    converter.code = 900
    converter.run_us(3)
    assert converter.port.read() == pytest.approx(converter.counts(400), rel=0.01)
    converter.run_us(TICK_US)
    assert converter.port.read() == converter.counts(900)


def test_a_tick_that_comes_too_early_gets_nothing_new_and_costs_the_batch_nothing():
    converter = Converter()
    readings = []
    for _ in range(20):
        converter.run_us(1_000)
        readings.append(converter.port.read())
    got = [index for index, reading in enumerate(readings) if reading != NONE_NEW]
    assert got == [3, 7, 11, 15, 19]
    assert {readings[index] for index in got} == {converter.counts(100)}


def test_a_converter_that_has_stopped_never_gives_a_reading():
    converter = Converter()
    converter.run_us(TICK_US)
    assert converter.port.read() != NONE_NEW
    converter.adc.on_adc_read = lambda which: None
    for _ in range(10):
        converter.run_us(TICK_US)
        assert converter.port.read() == NONE_NEW


def test_the_samples_come_at_40000_a_second(record_measurement):
    converter = Converter()
    converter.samples = 0
    converter.run_us(100_000)
    record_measurement("converter: samples a second", converter.samples * 10, "1/s", (39_900, 40_100))
