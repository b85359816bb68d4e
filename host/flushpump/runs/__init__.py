"""One run, without a terminal. Imports device, access, planning and records; never cli."""
