"""One session over one port. Imports wire."""
