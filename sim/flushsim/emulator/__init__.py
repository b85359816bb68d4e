"""The whole board on an emulated RP2040: MicroPython's own image in rp2040py, the plant on its pins.

`chip` boots the image and owns the clock, `patches` and `usb_host` mend what of rp2040py stands in the way, `files`
puts the firmware there with mpremote, `board` solders driver, sensor, switches, LED and buzzer to the pins, and `rig`
connects it with the plant.
"""
