"""The pump as an object: load, start, follow, stop, settings. Imports wire and link."""
