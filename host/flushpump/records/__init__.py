"""The records of runs: their hash chain, their text, what is due, exports. Imports access only."""
