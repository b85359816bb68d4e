"""flushsim: clock, plant, faults, and runs of the firmware against the plant.

Rooms from the bottom up: faults, plant, fluids | firmware, rig, emulator, url, then scenario, campaign, plots and cli.
"""
