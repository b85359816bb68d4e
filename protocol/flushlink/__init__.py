"""flushlink: message table, device-side frame codec and limits of the detector, one source for CPython and MicroPython.

Imports nothing beyond `array`, so that the board loads the very files that the host reads.
"""
