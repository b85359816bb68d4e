"""The whole board on an emulated RP2040: MicroPython's own image in rp2040py, the plant on its pins.

`chip` boots the image and owns the clock, `patches` and `usb_host` correct rp2040py from outside, `files`
installs the firmware with mpremote, `board` connects driver, sensor, switches, LED and buzzer to the pins, and `rig`
connects it with the plant.
"""
