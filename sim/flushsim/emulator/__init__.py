"""The whole board on an emulated RP2040: MicroPython's own image in rp2040py, the plant on its pins.

`chip` boots the image and owns the clock, `patches` mends what of rp2040py stands in the way, `files` puts the firmware
there with mpremote, `board` connects STEP, DIR, ENABLE and the pressure sensor with the plant and is a rig.
"""
