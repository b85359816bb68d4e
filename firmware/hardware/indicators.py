"""Light, sound and switches of the pump, updated once per tick of 5 ms.

Light and sound keep the clock's time, because a tick that writes to the flash takes longer. Flashes and bursts keep the
times of IEC 60601-1-8: high priority flashes red at 2 Hz and sounds 3 + 2 pulses twice; medium flashes yellow at 0.5 Hz
and sounds 3; low shines cyan and sounds 2.
"""

import time
from array import array

from machine import PWM, Pin, mem32
from micropython import const

_GPIO_IN = const(0xD0000004)
_RED = const(1)
_GREEN = const(2)
_BLUE = const(4)
# Of the lights 0 to 4: colour, and ticks of a flash's half period, 0 for a steady light.
_COLOURS = bytes((0, _RED, _RED | _GREEN, _GREEN | _BLUE, _GREEN))
_HALF_TICKS = bytes((0, 50, 200, 0, 0))

# Ticks of pulse and gap, alternating; the last gap is the one between bursts.
_X = const(16)
_Y = const(40)
_HIGH = (20, _X, 20, _X, 20, 2 * _X + 20, 20, _X, 20)
_BURSTS = (
    array("H", (0,)),
    # Low: pulses of 200 ms, 20 s between bursts (more than 15 s).
    array("H", (40, _Y, 40, 4000)),
    # Medium: pulses of 200 ms, 200 ms apart, 5 s between bursts (2.5 to 30 s).
    array("H", (40, _Y, 40, _Y, 40, 1000)),
    # High: pulses of 100 ms, 80 ms apart, 0.7 s between the halves, 3 s between bursts (2.5 to 15 s).
    array("H", _HIGH + (140,) + _HIGH + (600,)),  # noqa: RUF005 - MicroPython has no starred tuples
)
_HALF_VOLUME = const(32768)
_TICK_US = const(5_000)

# In the order of their bits; what a board without the switch reports.
_SWITCHES = (
    ("stop_button", 0),
    ("syringe_switch", 1),
    ("home_switch", 0),
    ("end_switch", 0),
    ("clutch_switch", 1),
    ("service_strap", 0),
)
# Stop button, home and end act when first read; only their release must last.
_AT_ONCE = const(1 | 4 | 8)
# Contacts bounce for a few milliseconds.
_STEADY_TICKS = const(4)


class Indicators:
    """The port `indicators` of the controller; `pins` and `data` are the board's tables [pins] and [indicators]."""

    def __init__(self, pins, data):
        self._red = Pin(pins["led_red"], Pin.OUT, value=0)
        self._green = Pin(pins["led_green"], Pin.OUT, value=0)
        self._blue = Pin(pins["led_blue"], Pin.OUT, value=0)
        self._buzzer = PWM(Pin(pins["buzzer"]), freq=data["buzzer_hz"], duty_u16=0)
        self._light = 0
        self._phase = 0
        self._shown = 0
        self._sound = 0
        # Whether light and sound stay as they are by themselves.
        self._steady = True
        self._at = 0
        self._left = 0
        self._sounding = False
        # Up to when light and sound have been advanced.
        self._shown_us = time.ticks_us()
        self._set_up_switches(pins, data["active_low"])

    def _set_up_switches(self, pins, active_low):
        count = len(_SWITCHES)
        self._masks = array("I", [0] * count)
        self._changed_ticks = bytearray(count)
        self._state = 0
        self._inverted = 0
        for index, (name, without) in enumerate(_SWITCHES):
            pin = pins.get(name, -1)
            if pin < 0:
                self._state |= without << index
                continue
            # All contacts close to ground.
            Pin(pin, Pin.IN, Pin.PULL_UP)
            self._masks[index] = 1 << pin
            if name in active_low:
                self._inverted |= 1 << pin
        self._used = 0
        for mask in self._masks:
            self._used |= mask
        levels = self._levels = (mem32[_GPIO_IN] ^ self._inverted) & self._used
        # Whether a change waits until it has lasted.
        self._waiting = False
        for index in range(count):
            if levels & self._masks[index]:
                self._state |= 1 << index

    def show(self, light, sound):
        """Once per tick: light 0 off, 1 red, 2 yellow, 3 cyan, 4 green; sound 0 none, 1 low to 3 high."""
        if self._steady and light == self._light and sound == self._sound:
            return
        now_us = time.ticks_us()
        if self._steady:
            self._shown_us = now_us
        ticks = (time.ticks_diff(now_us, self._shown_us) + _TICK_US // 2) // _TICK_US
        self._shown_us = time.ticks_add(self._shown_us, ticks * _TICK_US)
        self._advance_light(light, ticks)
        self._advance_sound(sound, ticks)
        self._steady = sound == 0 and _HALF_TICKS[light] == 0

    def _advance_light(self, light, ticks):
        half = _HALF_TICKS[light]
        phase = self._phase
        if light != self._light:
            self._light = light
            phase = 0
        elif half:
            phase = (phase + ticks) % (2 * half)
        self._phase = phase
        colour = _COLOURS[light] if phase < half or half == 0 else 0
        if colour != self._shown:
            self._shown = colour
            self._red.value(colour & _RED)
            self._green.value(colour >> 1 & 1)
            self._blue.value(colour >> 2)

    def _advance_sound(self, sound, ticks):
        burst = _BURSTS[sound]
        at = self._at
        if sound != self._sound:
            self._sound = sound
            at = 0
            self._left = burst[0]
        elif sound:
            left = self._left - ticks
            while left <= 0:
                at += 1
                if at == len(burst):
                    at = 0
                left += burst[at]
            self._left = left
        self._at = at
        sounding = sound > 0 and at & 1 == 0
        if sounding != self._sounding:
            self._sounding = sounding
            self._buzzer.duty_u16(_HALF_VOLUME if sounding else 0)

    def inputs(self):
        """Bits of the switches, debounced over four calls; stop button, home and end in the first call."""
        levels = (mem32[_GPIO_IN] ^ self._inverted) & self._used
        if levels == self._levels and not self._waiting:
            return self._state
        self._levels = levels
        state = self._state
        ticks = self._changed_ticks
        masks = self._masks
        waiting = False
        bit = 1
        for index in range(len(ticks)):
            mask = masks[index]
            if mask == 0 or (levels & mask != 0) == (state & bit != 0):
                ticks[index] = 0
            elif bit & _AT_ONCE and not state & bit:
                state |= bit
            elif ticks[index] == _STEADY_TICKS - 1:
                ticks[index] = 0
                state ^= bit
            else:
                ticks[index] += 1
                waiting = True
            bit <<= 1
        self._waiting = waiting
        self._state = state
        return state
