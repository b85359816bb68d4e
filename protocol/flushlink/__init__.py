"""flushlink: the message table and the device-side frame codec, one source for CPython and MicroPython.

Imports nothing beyond `array`, so that the board loads the very files that the host reads.
"""
