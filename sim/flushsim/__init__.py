"""flushsim: clock, plant, faults, and runs of the firmware against the plant."""
