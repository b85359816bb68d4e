"""Turns of all peripherals with the heap locked, in the MicroPython VM: the link on its real stdin and stdout.

Argument: the folder of `firmware`. Frames go to stdout; the result, one JSON object, to stderr.
"""

import gc
import json
import sys
import time

import machine
import micropython

sys.path.append(sys.argv[1])

from hardware.indicators import Indicators
from hardware.pressure_abp2 import Abp2
from hardware.pressure_adc import AdcPressure
from hardware.usb_link import UsbLink

FRAME, GPIO_IN, DATA_CMD = 0x50110048, 0xD0000004, 0x40044010
PINS = {
    "led_red": 10, "led_green": 11, "led_blue": 12, "buzzer": 13, "stop_button": 14, "syringe_switch": 15,
    "home_switch": 17, "i2c_sda": 20, "i2c_scl": 21, "adc": 26,
}  # fmt: skip
TICKS = 3000
registers = machine.mem32
for address in (FRAME, GPIO_IN, DATA_CMD, 0x50000080 + 0x10):
    registers[address] = 0
link = UsbLink()
indicators = Indicators(PINS, {"active_low": ["syringe_switch"], "buzzer_hz": 523})
abp2 = Abp2(PINS, {"i2c_address": 0x28})
adc = AdcPressure(PINS)
buffer = bytearray(64)
# Bytes read, frames written, frames refused, faults of the sensor, ticks with the bus held.
found = [0, 0, 0, 0, 0]
frame = bytearray(b"f" * 60 + b"\0")


def ticks():
    """Every path of a tick: sensor good, faulty, gone, holding the bus; host reading, not, asleep; lights, sounds."""
    for tick in range(TICKS):
        registers[GPIO_IN] = (tick >> 2 & 7) << 14
        # Awake for 200 ticks of 250; a packet is stuck for 100 of 400.
        if tick % 250 < 200:
            registers[FRAME] = tick & 0x7FF
        machine.mem16.stuck = tick % 400 > 300
        machine.bus.fails = tick % 100 > 90
        if tick % 100 == 50:
            machine.bus.held = tick // 100 % 12
        if machine.bus.held:
            found[4] += 1
        machine.bus.status = 0x60 if tick % 50 > 47 else 0x40
        count = link.readinto(buffer)
        while count:
            found[0] += count
            count = link.readinto(buffer)
        if link.write(frame, 61):
            found[1] += 1
        else:
            found[2] += 1
        if abp2.read() == -2:
            found[3] += 1
        adc.read()
        indicators.show(tick // 600 % 5, tick // 600 % 4)
        indicators.inputs()
        link.check_bus()
        while link.listen(time.ticks_us()):
            pass


link.open()
gc.collect()
held = gc.mem_alloc()
micropython.heap_lock()
try:
    ticks()
finally:
    micropython.heap_unlock()
grown = gc.mem_alloc() - held
link.close()
json.dump({"found": found, "grown": grown}, sys.stderr)
