"""Faults as text, and when each of them is on. Imports nothing of the simulator; every room may import it."""
