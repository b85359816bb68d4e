"""The board's real files run on simulated ports, in CPython or in a MicroPython VM. Imports no plant and no rig."""
